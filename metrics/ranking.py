"""Who needs attention first: groups by timeouts, beside themselves in the period before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from metrics.classes import classify, is_valid, weight_of
from metrics.groups import by_group
from metrics.rates import SURELY_SOME, TOO_FEW_ROWS, TOO_WIDE

if TYPE_CHECKING:
    from core.slo import Limits


@dataclass(frozen=True, slots=True)
class Standing:
    """How many groups there are, how many of them had timeouts, and how many surely more than the objective allows."""

    groups: int
    timed_out: int
    over: int


def ranking(now: pl.DataFrame, before: pl.DataFrame, column: str, limits: Limits) -> pl.DataFrame:
    """`metrics.groups.by_group` of `now` with near_rate (near / valid), before_rate and change.

    `change` is the timeout rate less that of the same group in `before`, null where either is too few to judge; groups
    that are only in `before` have no row.
    """
    near = (pl.col("class") == "success") & (pl.col("execution_time_ms") >= limits.near_ms)
    valid = weight_of(is_valid())
    close = (
        classify(now, limits.limit_ms)
        .group_by(pl.col(column).alias("group"))
        .agg((weight_of(near) / pl.when(valid > 0).then(valid)).alias("near_rate"))
    )
    earlier = by_group(before, column, limits.limit_ms).select(
        "group", pl.col("timeout_rate").alias("before_rate"), _judged().alias("judged_before")
    )
    return (
        by_group(now, column, limits.limit_ms)
        .join(close, on="group", how="left", nulls_equal=True)
        .join(earlier, on="group", how="left", nulls_equal=True, maintain_order="left")
        .with_columns(
            pl.when(_judged(), pl.col("judged_before"))
            .then(pl.col("timeout_rate") - pl.col("before_rate"))
            .alias("change")
        )
        .sort("timeouts", "requests", "group", descending=[True, True, False], nulls_last=True)
        .drop("judged_before")
    )


def standing(ranked: pl.DataFrame, allowed: float) -> Standing:
    """Count the rows of a ranking; `allowed` is the share of requests the objective lets be bad."""
    timeouts, over = pl.col("timeouts") > 0, pl.col("low") > allowed
    counts = ranked.select(pl.len(), timeouts.sum().alias("timed_out"), over.sum().alias("over")).row(0)
    return Standing(*counts)


def _judged() -> pl.Expr:
    """`metrics.rates.too_few`, the other way round, for the columns of a group."""
    wide = (pl.col("high") - pl.col("low") > TOO_WIDE) & (pl.col("low") < SURELY_SOME)
    return (pl.col("n") >= TOO_FEW_ROWS) & ~wide
