"""Exact percentiles that know which durations are only lower bounds.

A request that was cut (status timeout) would have taken longer: its duration is the least it can be. A percentile is
taken as if the cut durations were the true ones; it is the true percentile while no cut request stands at or below the
upper of the two requests it lies between, and a lower bound ("at least") from there on.

Percentiles interpolate linearly: with the n durations in order, percentile p lies at place (n - 1) * p (type 7 of
Hyndman and Fan, "Sample Quantiles in Statistical Packages", 1996; DuckDB's `quantile_cont`). Rows of different weight
stand at (weight before) / (weight of all others), the weighted percentile with C = 1 of
https://en.wikipedia.org/wiki/Percentile: 0 for the first, 1 for the last, and the plain percentile whenever all weights
are equal. It keeps the tail sharp where successes are sampled and timeouts are not.

A compact row (`metrics.classes`) is `rows` requests at one place after the other, all taken to last as long as the row
says. A cut one says the least of them and no other reaches below it unless it surely does, so a bound stays a bound.
"""

from __future__ import annotations

from fractions import Fraction

import polars as pl

from metrics.classes import MEASURED, classify, is_valid
from metrics.values import PERCENTILES

_EPSILON = 1e-12


def timed(frame: pl.DataFrame, limit_ms: float) -> pl.DataFrame:
    """`frame` classified, with `latency_ms` and `cut`.

    Timeouts and failures that have a duration count; excluded and unmeasured rows do not. A cut request without one
    has at least the limit it was cut at: its `timeout_ms`, or the limit in force. Needs `timeout_ms`, too.
    """
    cut = pl.col("status") == "timeout"
    duration = pl.when(MEASURED).then("execution_time_ms").when(cut).then(pl.coalesce("timeout_ms", pl.lit(limit_ms)))
    return classify(frame, limit_ms).with_columns(
        pl.when(is_valid()).then(duration).cast(pl.Float64).alias("latency_ms"),
        cut.fill_null(value=False).alias("cut"),
    )


def latency(timed: pl.DataFrame, by: str | None = None, names: tuple[str, ...] = PERCENTILES) -> pl.DataFrame:
    """Columns [by,] average_ms, average_at_least, then p50, p50_at_least, ... for every name: one row per group.

    Without `by`, one row. Milliseconds, null where no request has a duration. An average over a cut request is a lower
    bound, too.
    """
    key = pl.lit(0).alias("group") if by is None else pl.col(by)
    value, count = pl.col("latency_ms"), pl.col("rows") if "rows" in timed.columns else pl.lit(1)
    compact = "longest_ms" in timed.columns
    rows = timed.filter(value.is_not_null()).select(
        key,
        *("latency_ms", "cut", "weight"),
        (pl.col("weight") / count).alias("unit"),
        (pl.coalesce("longest_ms", value) if compact else value).alias("longest_ms"),
        (pl.coalesce("total_ms", value * count) if compact else value).alias("total_ms"),
    )
    if compact or rows["weight"].n_unique() > 1:
        rows, columns = _with_place(rows), [c for name in names for c in _weighted(name)]
    else:
        columns = [c for name in names for c in _plain(name)]
    average = ((pl.col("total_ms") * pl.col("unit")).sum() / pl.col("weight").sum()).alias("average_ms")
    cut = pl.col("cut").any().alias("average_at_least")
    if by is not None:
        return rows.group_by(by).agg(average, cut, *columns)
    return rows.select(average, cut, *columns) if rows.height else _nothing(names)


def _share(name: str) -> Fraction:
    """p99.9 -> 999/1000; exact, so that a place that is a whole number is found to be one."""
    return Fraction(name[1:]) / 100


def _plain(name: str) -> tuple[pl.Expr, pl.Expr]:
    value, share = pl.col("latency_ms"), _share(name)
    cut = pl.col("cut")
    upper = ((pl.len().cast(pl.Int64) - 1) * share.numerator + share.denominator - 1) // share.denominator
    before_the_first_cut = (~cut & (value <= value.filter(cut).min())).sum()
    return (
        value.quantile(float(share), "linear").alias(name),
        (cut.any() & (before_the_first_cut <= upper)).alias(f"{name}_at_least"),
    )


def _with_place(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows in order, each with the place from 0 to 1 in its group of its `first` and its `last` request.

    Of equal durations the lightest come first, so that the places do not depend on the order of the rows.
    """
    group, weight, unit = rows.columns[0], pl.col("weight"), pl.col("unit")
    others = weight.sum() - unit
    first, last = (pl.when(others > 0).then((weight.cum_sum() - own) / others).otherwise(0.0) for own in (weight, unit))
    return rows.sort(group, "latency_ms", "cut", "unit").with_columns(
        first.over(group).alias("first"), last.over(group).alias("last")
    )


def _weighted(name: str) -> tuple[pl.Expr, pl.Expr]:
    value, first, last, share = pl.col("latency_ms"), pl.col("first"), pl.col("last"), float(_share(name))
    below, above = first <= share + _EPSILON, last >= share - _EPSILON
    low, high = value.filter(below).max(), value.filter(above).min()
    start, end = last.filter(below).max(), first.filter(above).min()
    doubtful = pl.col("cut") | (pl.col("longest_ms") > value.filter("cut").min())
    surely_before = last.filter(first < first.filter(doubtful).min()).max()
    return (
        pl.when(end > start).then(low + (high - low) * (share - start) / (end - start)).otherwise(low).alias(name),
        (pl.col("cut").any() & (surely_before < share - _EPSILON).fill_null(value=True)).alias(f"{name}_at_least"),
    )


def _nothing(names: tuple[str, ...]) -> pl.DataFrame:
    columns = ["average_ms", "average_at_least", *(c for name in names for c in (name, f"{name}_at_least"))]
    schema = {name: pl.Boolean if name.endswith("_at_least") else pl.Float64 for name in columns}
    return pl.DataFrame({name: [None] for name in columns}, schema=schema)
