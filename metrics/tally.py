"""What rules ask of a window, for every group at once: the numbers of `metrics.summary`, a row for each group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from metrics.budget import counted
from metrics.classes import CLASSES, is_valid, rows_of, weight_of
from metrics.latency import latency, timed
from metrics.rates import effective_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from core.slo import Limits, Objective

PERCENTILES = ("p50", "p95", "p99")


def group_numbers(rows: pl.DataFrame, by: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`rows` with `group`, the number of its combination of values of `by`, and the combinations: group, then `by`.

    A value nobody said (null) is a value like others here. Without `by` all are of group 0.
    """
    if not by:
        only = pl.DataFrame({"group": [0]}, {"group": pl.UInt32})
        return rows.with_columns(pl.lit(0, pl.UInt32).alias("group")), only
    known = rows.select(by).unique(maintain_order=True).with_row_index("group")
    return rows.join(known, on=list(by), how="left", nulls_equal=True, maintain_order="left"), known


def tally(
    rows: pl.DataFrame,
    limits: Limits,
    objective: Objective,
    *,
    names: Sequence[str] | None = PERCENTILES,
    beyond: Collection[float] = (),
) -> pl.DataFrame:
    """One row per `group` of `rows`, a plain or compact frame with `metrics.summary.COLUMNS`.

    Columns: group; the classes, weighted; valid; n and effective (`metrics.rates`) of the valid rows; fallback (valid
    ones that used it); good and counted, as the objective counts requests; average_ms and the percentiles `names`, each
    with _at_least, null where nothing has a duration (None leaves out all of these); and for each milliseconds of
    `beyond` how many took longer, as `beyond_0` and so on.
    """
    counts = counted(rows, objective).select("good", pl.col("valid").alias("counted"))
    of_all = timed(rows, limits.limit_ms).with_columns(counts)
    fell = pl.col("fallback_used").fill_null(value=False)
    sums = of_all.group_by("group").agg(
        *(weight_of(pl.col("class") == name).alias(name) for name in CLASSES),
        weight_of(is_valid()).alias("valid"),
        rows_of(is_valid()).alias("n"),
        effective_rows(is_valid()).alias("effective"),
        weight_of(is_valid() & fell).alias("fallback"),
        weight_of(pl.col("good")).alias("good"),
        weight_of(pl.col("counted")).alias("counted"),
        *(weight_of(pl.col("latency_ms") > limit).alias(f"beyond_{place}") for place, limit in enumerate(beyond)),
    )
    return sums if names is None else sums.join(latency(of_all, "group", tuple(names)), on="group", how="left")


def most_telling(rows: pl.DataFrame, limits: Limits) -> pl.Series:
    """The numbers of the groups, those with most requests gone bad first, then most requests, then in their order."""
    bad = ~pl.col("class").is_in(("success", "excluded"))
    return (
        timed(rows, limits.limit_ms)
        .group_by("group")
        .agg(weight_of(bad).alias("bad"), pl.col("weight").sum())
        .sort("bad", "weight", "group", descending=[True, True, False])["group"]
    )
