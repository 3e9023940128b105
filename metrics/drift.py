"""Whether a distribution is no longer what it was: the population stability index against a baseline.

PSI = sum over bins of (a - b) ln(a / b), a and b the shares of now and of the baseline, in bins of a tenth of the
baseline each. Source: N. Siddiqi, "Credit Risk Scorecards" (2006), with its reading: under 0.1 no change worth a look,
over 0.25 a large one. Without any change it is about (1/n + 1/m) times a chi-squared variable with bins - 1 degrees of
freedom (B. Yurdakul, "Statistical Properties of Population Stability Index", 2018): `chance` is the 95 % point of that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from metrics.figures import effective, known

BINS = 10
_EMPTY = 0.5
"""Added to every bin's count, so that an empty one has a logarithm."""


@dataclass(frozen=True, slots=True)
class Drift:
    """`psi` with the rows on both sides; `chance` is what it exceeds once in twenty when nothing has changed.

    A psi at or below `chance` is no evidence of drift; with few rows `chance` itself is large.
    """

    psi: float
    chance: float
    n: int
    baseline_n: int


def drift(now: pl.DataFrame, baseline: pl.DataFrame, value: pl.Expr) -> Drift | None:
    """How far the distribution of `value` moved; None when a side has no row that says. Needs `weight`.

    Values that repeat share a bin, so there may be fewer than ten; a single value in the baseline makes three: below
    it, that one, and above it.
    """
    here, past = known(now, value), known(baseline, value)
    if not here.height or not past.height:
        return None
    edges = _edges(past)
    (a, n), (b, m) = (_counts(side, edges) for side in (here, past))
    bins = len(edges) + 1
    shares = [
        ((x + _EMPTY) / (n + bins * _EMPTY), (y + _EMPTY) / (m + bins * _EMPTY)) for x, y in zip(a, b, strict=True)
    ]
    psi = math.fsum((x - y) * math.log(x / y) for x, y in shares)
    return Drift(psi, chi_squared_95(bins - 1) * (1 / n + 1 / m), here.height, past.height)


def _edges(past: pl.DataFrame) -> list[float]:
    """Upper edges of all bins but the last: where each tenth of the baseline ends, each edge once."""
    placed = (
        past.group_by("value")
        .agg(pl.col("weight").sum())
        .sort("value")
        .with_columns(pl.col("weight").cum_sum().alias("upto"))
    )
    total = placed["upto"][-1]
    below = [placed.filter(pl.col("upto") >= total * k / BINS - 1e-9)["value"][0] for k in range(1, BINS)]
    lowest = placed["value"][0]
    edges = sorted(set(below))
    return edges if edges[0] > lowest or len(edges) > 1 else [math.nextafter(lowest, -math.inf), lowest]


def _counts(side: pl.DataFrame, edges: list[float]) -> tuple[list[float], float]:
    """Effective rows in each bin, (previous edge, edge], and their sum."""
    total, count = side["weight"].sum(), effective(side)
    table = pl.DataFrame({"edge": edges, "bin": range(len(edges))}, schema={"edge": pl.Float64, "bin": pl.Int64})
    placed = (
        side.sort("value")
        .join_asof(table, left_on="value", right_on="edge", strategy="forward")
        .group_by(pl.col("bin").fill_null(len(edges)))
        .agg(pl.col("weight").sum())
    )
    found = dict(placed.rows())
    return [found.get(number, 0.0) / total * count for number in range(len(edges) + 1)], count


def chi_squared_95(freedom: int) -> float:
    """The 95 % point of chi-squared, by Wilson and Hilferty (1931); within 2 % from 1 degree of freedom on."""
    part = 2 / (9 * freedom)
    return freedom * (1 - part + 1.644854 * math.sqrt(part)) ** 3
