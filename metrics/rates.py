"""Shares that say how sure they are.

The range is Wilson's at 95 % (E. B. Wilson 1927; formula (4) of Brown, Cai, DasGupta, "Interval Estimation for a
Binomial Proportion", Statistical Science 16 (2001)). It stays inside 0..1 and keeps its width at 0 of n.

Sampled rows weigh more than one request. The share is then the weighted one, and its range is Wilson's for the
effective sample size (sum w)^2 / sum w^2 (L. Kish, "Survey Sampling", 1965): n when all weights are equal, less when a
few rows speak for many. As errors and timeouts are never sampled away, this range is rather too wide than too narrow.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from metrics.values import Interval, Rate

Z = 1.959964
"""The 97.5 % point of the normal distribution: a two-sided range of 95 %."""

TOO_FEW_ROWS = 20
TOO_WIDE = 0.2
SURELY_SOME = 0.05
"""A range wider than 20 percentage points that starts below 5 % does not tell a good hour from a bad one."""


def wilson(share: float, n: float) -> Interval:
    """The 95 % range of a share seen in `n` (effective) rows, n > 0."""
    low, high = _ends(share, n)
    return Interval(max(0.0, low) if share > 0 else 0.0, min(1.0, high) if share < 1 else 1.0)


def wilson_columns(share: pl.Expr, n: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The same for columns: `low` and `high`, null where the share is."""
    low, high = _ends(share, n)
    return (
        pl.when(share > 0).then(low.clip(0.0, 1.0)).when(share == 0).then(0.0).alias("low"),
        pl.when(share < 1).then(high.clip(0.0, 1.0)).when(share == 1).then(1.0).alias("high"),
    )


def _ends(share: Any, n: Any) -> tuple[Any, Any]:
    """Formula (4), for numbers and for columns."""
    square = Z * Z
    center = share + square / (2 * n)
    half = Z * (share * (1 - share) / n + square / (4 * n * n)) ** 0.5
    return (center - half) / (1 + square / n), (center + half) / (1 + square / n)


def rate(hits: float, total: float, *, rows: int | None = None, effective: float | None = None) -> Rate | None:
    """The share hits / total with its range, or None when there is nothing to take a share of.

    For weighted requests `rows` is how many rows they are and `effective` their effective number; left out, every row
    is one request.
    """
    if total <= 0:
        return None
    share = min(1.0, hits / total)
    found = wilson(share, total if effective is None else effective)
    return Rate(share, found.low, found.high, round(total) if rows is None else rows)


def rate_json(value: Rate | None) -> dict[str, Any] | None:
    """A rate in plain JSON types; absent is null."""
    return {"value": value.value, "low": value.low, "high": value.high, "n": value.n} if value else None


def squares_of(condition: pl.Expr) -> pl.Expr:
    """The sum of the squared weights of the requests `condition` holds for, in a classified frame."""
    weight = pl.col("weight")
    return (weight * weight / pl.col("rows")).filter(condition).sum()


def effective_rows(condition: pl.Expr) -> pl.Expr:
    """(sum w)^2 / sum w^2 over the rows of a classified frame for which `condition` holds; null when none does."""
    squares = squares_of(condition)
    return pl.when(squares > 0).then(pl.col("weight").filter(condition).sum() ** 2 / squares)


def too_few(rate: Rate) -> bool:
    """Whether a rate is "too few to judge": under 20 rows, or a range wider than 20 points that starts below 5 %."""
    return rate.n < TOO_FEW_ROWS or (rate.high - rate.low > TOO_WIDE and rate.low < SURELY_SOME)
