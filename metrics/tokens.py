"""Language-model tokens of requests. A request that does not say is unknown, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from metrics.figures import mean, share_of

if TYPE_CHECKING:
    from metrics.figures import Figure
    from metrics.values import Rate

_IN, _OUT = pl.col("tokens_input"), pl.col("tokens_output")
BOTH = _IN + _OUT
"""Null unless a request says both: half of a sum is no sum."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """`input` and `output` are sums over the requests that say; `said` is the share of requests that say both.

    `per_request` is the mean of input + output over those. `per_user` is their sum by the users they are of; in a
    sampled log some users are not seen, so it may be too high. All None where nothing says.
    """

    input: float | None
    output: float | None
    per_request: Figure | None
    per_user: float | None
    users: int
    said: Rate | None


def tokens(classified: pl.DataFrame) -> Tokens:
    """Tokens of requests of every class: a cut one has spent them, too. Needs tokens_input, tokens_output, user_id."""
    named = BOTH.is_not_null() & pl.col("user_id").is_not_null()
    input_, output, users, of_users = classified.select(
        _sum(_IN),
        _sum(_OUT),
        pl.col("user_id").filter(named).n_unique().alias("users"),
        _sum(pl.when(named).then(BOTH)).alias("of_users"),
    ).row(0)
    return Tokens(
        input_,
        output,
        mean(classified, BOTH, "tokens"),
        of_users / users if users else None,
        users,
        share_of(classified, BOTH.is_not_null(), pl.col("weight") > 0),
    )


def _sum(value: pl.Expr) -> pl.Expr:
    weighed = (value.cast(pl.Float64) * pl.col("weight")).filter(value.is_not_null())
    return pl.when(weighed.len() > 0).then(weighed.sum())
