"""What a record cost: as it says itself, else its tokens by the price of its day, else unknown. Unknown is never 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.price import Price

SOURCES = ("record", "price", "unbilled", "unknown")
COLUMNS = ("timestamp", "model", "tokens_input", "tokens_output", "cost_usd", "billed")
"""What `priced` needs."""

_MILLION = 1e6


def priced(frame: pl.DataFrame, prices: Sequence[Price]) -> pl.DataFrame:
    """`frame`, in its order, with what each row cost.

    `list_usd` is the record's own `cost_usd`, else tokens times the price its model had at its time, else null.
    `cost_usd` becomes what was charged: `list_usd`, but 0 when the record says it was not billed. A call that does not
    say is taken as billed: providers charge for what they read of a call that was cut. `cost_source` is one of SOURCES
    ("unbilled" is a known 0), `price_version` the price that was used, null when none was.
    """
    own = pl.when(pl.col("cost_usd").is_finite() & (pl.col("cost_usd") >= 0)).then("cost_usd")
    by_price = _share("tokens_input", "input_per_million") + _share("tokens_output", "output_per_million")
    unbilled = ~pl.col("billed").fill_null(value=True)
    table = pl.DataFrame(
        [(p.model, p.starts, p.input_per_million, p.output_per_million, p.version) for p in prices],
        schema={
            "model": pl.String,
            "starts": pl.Datetime("us", "UTC"),
            "input_per_million": pl.Float64,
            "output_per_million": pl.Float64,
            "price_version": pl.String,
        },
        orient="row",
    )
    return (
        frame.with_row_index("_place")
        .sort("timestamp")
        .join_asof(
            table.sort("starts"),
            left_on="timestamp",
            right_on="starts",
            by="model",
            strategy="backward",
            check_sortedness=False,
        )
        .sort("_place")
        .with_columns(pl.coalesce(own, by_price).alias("list_usd"), own.is_not_null().alias("_own"))
        .with_columns(
            pl.when(unbilled).then(0.0).otherwise("list_usd").alias("cost_usd"),
            pl.when(unbilled)
            .then(pl.lit("unbilled"))
            .when("_own")
            .then(pl.lit("record"))
            .when(pl.col("list_usd").is_not_null())
            .then(pl.lit("price"))
            .otherwise(pl.lit("unknown"))
            .cast(pl.Enum(SOURCES))
            .alias("cost_source"),
            pl.when(~pl.col("_own") & pl.col("list_usd").is_not_null()).then("price_version").alias("price_version"),
        )
        .drop("_place", "_own", "starts", "input_per_million", "output_per_million")
    )


def _share(tokens: str, price: str) -> pl.Expr:
    """What one kind of tokens costs; tokens that cost nothing (an embedding has no output) need not be known."""
    return pl.when(pl.col(price) == 0).then(0.0).otherwise(pl.col(tokens) * pl.col(price) / _MILLION)
