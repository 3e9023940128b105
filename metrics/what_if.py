"""What another limit would have meant for the same requests: counted up to the limit in force, bounded above it.

A lower limit cuts whatever took longer, and what was cut stays cut: a count. Under a higher limit, requests that were
cut before it may have finished in time, or not: nobody knows, so every number there is a range whose ends are all of
them and none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from metrics.classes import is_valid, rows_of, weight_of
from metrics.latency import timed
from metrics.rates import effective_rows, rate
from metrics.values import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.slo import Objective
    from metrics.values import Rate

COLUMNS = ("execution_time_ms", "status", "timeout_ms", "fallback_used", "sample_rate")
LIMITS_MS = tuple(1000.0 * seconds for seconds in range(3, 13))
"""The limits looked at when none is asked for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The same requests under `limit_ms`; without a range (`exact`) both ends of everything are equal.

    `consumed` is of the error budget these requests allow. `fallback` are the requests a fallback has to answer: those
    that would be cut, and those that used one. Rates are those of the low and of the high end, None without traffic.
    """

    limit_ms: float
    exact: bool
    timeouts: Interval
    timeout_rate: tuple[Rate, Rate] | None
    success_rate: tuple[Rate, Rate] | None
    consumed: Interval | None
    fallback: Interval


def what_if(frame: pl.DataFrame, limits_ms: Sequence[float], in_force_ms: float, objective: Objective) -> list[Outcome]:
    """The outcome of each limit, of requests that ran under `in_force_ms`; needs COLUMNS.

    The limit is that of the requests and of the objective. A request cut without a duration was cut at its
    `timeout_ms`, else at the limit in force.
    """
    rows = timed(frame, in_force_ms).filter(is_valid()).with_columns(
        pl.max_horizontal("latency_ms", pl.when("cut").then("timeout_ms")).alias("lasted"),
        pl.col("fallback_used").fill_null(value=False).alias("saved"),
    )  # fmt: skip
    sums = rows.select(
        rows_of(pl.lit(value=True)).alias("n"),
        effective_rows(pl.lit(value=True)).alias("effective"),
        *(
            weight_of(condition).alias(f"{place} {name}")
            for place, limit in enumerate(limits_ms)
            for name, condition in _conditions(limit, in_force_ms, objective).items()
        ),
    ).row(0, named=True)
    return [_outcome(limit, place, sums, in_force_ms, objective) for place, limit in enumerate(limits_ms)]


def _conditions(limit: float, in_force: float, objective: Objective) -> dict[str, pl.Expr]:
    """Which rows are what under a limit; `unknown` may be timeouts or successes."""
    lasted, cut, saved = pl.col("lasted"), pl.col("cut"), pl.col("saved")
    unknown = cut & (lasted < limit) if limit > in_force else pl.lit(value=False)
    over = (cut | (lasted > limit).fill_null(value=False)) & ~unknown
    success = (pl.col("status") == "success") & ~over
    counts = objective.fallback_counts_as
    return {
        "all": pl.lit(value=True),
        "over": over,
        "unknown": unknown,
        "success": success,
        "bad": ~success & ~unknown | (success & saved if counts == "bad" else pl.lit(value=False)),
        "left out": success & saved if counts == "excluded" else pl.lit(value=False),
        "fallback": over if limit > in_force else over | saved,
        "fallback unknown": (unknown | saved) & ~over if limit > in_force else pl.lit(value=False),
    }


def _outcome(limit: float, place: int, sums: dict[str, float], in_force: float, objective: Objective) -> Outcome:
    def of(name: str) -> float:
        return sums[f"{place} {name}"]

    def between(name: str, more: str) -> Interval:
        return Interval(of(name), of(name) + of(more))

    def share(found: Interval) -> tuple[Rate, Rate] | None:
        rows, effective = int(sums["n"]), sums["effective"]
        low, high = (rate(hits, of("all"), rows=rows, effective=effective) for hits in (found.low, found.high))
        return (low, high) if low and high else None

    timeouts, bad = between("over", "unknown"), between("bad", "unknown")
    allowed = (of("all") - of("left out")) * objective.budget
    return Outcome(
        limit,
        exact=limit <= in_force or not of("unknown") + of("fallback unknown"),
        timeouts=timeouts,
        timeout_rate=share(timeouts),
        success_rate=share(between("success", "unknown")),
        consumed=Interval(bad.low / allowed, bad.high / allowed) if allowed > 0 else None,
        fallback=between("fallback", "fallback unknown"),
    )
