"""A number that says how sure it is and how many rows it was seen in: one shape for every metric of the catalogue."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from metrics.classes import weight_of
from metrics.latency import latency
from metrics.rates import Z, rate

if TYPE_CHECKING:
    from metrics.values import Rate

Unit = Literal[
    "share", "ms", "requests", "1/s", "1/d", "tokens", "score", "points", "users", "USD", "index", "MB/h", "%/h", "%"
]


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit`, seen in `n` rows; `low` to `high` is its 95 % range, None where it has none.

    `at_least` marks a lower bound: the truth may be higher.
    """

    value: float
    unit: Unit
    n: int
    low: float | None = None
    high: float | None = None
    at_least: bool = False


def of_rate(rate: Rate | None) -> Figure | None:
    """A share as a figure."""
    return None if rate is None else Figure(rate.value, "share", rate.n, rate.low, rate.high)


def share_of(frame: pl.DataFrame, hits: pl.Expr, of: pl.Expr) -> Rate | None:
    """The requests for which `hits` holds, of those for which `of` does; None without any. Needs `weight`.

    A null is no: what does not say belongs to neither. A row is one request, as everywhere in this file.
    """
    inside = frame.select(of.alias("of"), hits.alias("hit"), "weight").filter("of")
    if not inside.height:
        return None
    hit = inside.select(weight_of(pl.col("hit").fill_null(value=False))).item()
    return rate(hit, float(inside["weight"].sum()), rows=inside.height, effective=effective(inside))


def effective(rows: pl.DataFrame) -> float:
    """Kish's effective sample size (sum w)^2 / sum w^2 of one row or more (`metrics.rates`)."""
    weight = pl.col("weight")
    return float(rows.select(weight.sum() ** 2 / (weight * weight).sum()).item())


def known(frame: pl.DataFrame, value: pl.Expr) -> pl.DataFrame:
    """Columns value, weight: the rows whose `value` is a finite number."""
    return frame.select(value.cast(pl.Float64).alias("value"), "weight").filter(pl.col("value").is_finite())


def mean(frame: pl.DataFrame, value: pl.Expr, unit: Unit) -> Figure | None:
    """The weighted mean of the rows that say; None when none does. Needs `weight`.

    The range is mean +- z s / sqrt(n), s the weighted standard deviation and n Kish's effective sample size; None for
    a single row.
    """
    rows = known(frame, value)
    if not rows.height:
        return None
    average = float(rows.select(_mean(pl.col("value"))).item())
    if rows.height < 2:
        return Figure(average, unit, 1)
    spread = rows.select(_mean((pl.col("value") - average) ** 2)).item()
    half = Z * math.sqrt(spread / max(effective(rows) - 1, 1e-9))
    return Figure(average, unit, rows.height, average - half, average + half)


def _mean(value: pl.Expr) -> pl.Expr:
    return (value * pl.col("weight")).sum() / pl.col("weight").sum()


def percentile(frame: pl.DataFrame, value: pl.Expr, percent: float, unit: Unit) -> Figure | None:
    """The percentile of `metrics.latency`, of any column; `cut` rows, where the frame has that column, are bounds.

    The range lies between the percentiles at p +- z sqrt(p (1 - p) / n): the order statistics a binomial count leaves
    open (W. J. Conover, "Practical Nonparametric Statistics", 1999, section 3.2).
    """
    cut = pl.col("cut") if "cut" in frame.columns else pl.lit(value=False)
    rows = frame.select(value.cast(pl.Float64).alias("latency_ms"), "weight", cut.alias("cut")).filter(
        pl.col("latency_ms").is_finite()
    )
    if not rows.height:
        return None
    half = 100 * Z * math.sqrt(percent / 100 * (1 - percent / 100) / effective(rows))
    name, low, high = (f"p{min(100.0, max(0.0, at)):.6g}" for at in (percent, percent - half, percent + half))
    found = latency(rows, None, tuple(dict.fromkeys((name, low, high)))).row(0, named=True)
    return Figure(found[name], unit, rows.height, found[low], found[high], bool(found[f"{name}_at_least"]))


def figure_json(figure: Figure | None) -> dict[str, Any] | None:
    """Plain JSON types; None stays None."""
    if figure is None:
        return None
    bound = {"at_least": True} if figure.at_least else {}
    return {"value": figure.value, "low": figure.low, "high": figure.high, "n": figure.n, "unit": figure.unit} | bound
