"""Records a writer had to leave out, by its own account: a gap in the log never looks like calm."""

from __future__ import annotations

import polars as pl

COLUMNS = ("service", "extra")


def dropped(records: pl.DataFrame) -> pl.DataFrame:
    """Columns service, reason, dropped: sums of `drops` records (COLUMNS), most first; both names are log text.

    `extra.dropped` is a whole number from 0 on; a record that has none says that something was left out, not how much,
    and adds nothing.
    """
    extra = pl.col("extra").cast(pl.String)
    return (
        records.select(
            "service",
            extra.str.json_path_match("$.reason").alias("reason"),
            extra.str.json_path_match("$.dropped").cast(pl.Int64, strict=False).alias("dropped"),
        )
        .with_columns(pl.when(pl.col("dropped") >= 0).then("dropped").otherwise(0).alias("dropped"))
        .group_by("service", "reason")
        .agg(pl.col("dropped").sum())
        .sort("dropped", "service", "reason", descending=[True, False, False], nulls_last=True)
    )
