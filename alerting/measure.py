"""The value of one comparison in one window, taken from the window's summary, and whether it is enough to judge by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from metrics.budget import burn_rate
from metrics.latency import timed
from metrics.uptime import MINUTE_UP, uptime

if TYPE_CHECKING:
    from alerting.grammar import Comparison
    from alerting.rules import Rule
    from core.slo import Objective
    from metrics.values import Rate, Summary


@dataclass(frozen=True, slots=True)
class Window:
    """The requests of one window and their numbers; `summary.budget` is filled only when a rule asks for it.

    `minute_up` is the share of good requests that makes a minute up.
    """

    rows: pl.DataFrame
    summary: Summary
    limit_ms: float
    objective: Objective
    minute_up: float = MINUTE_UP


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric as seen: `value` in its own unit, None without traffic.

    `rows` is what it was seen in and `bad` how many requests speak against it (None where that means nothing).
    `at_least` marks a bound; it is compared as if it were the value. `holds` is whether the comparison does, None
    without a value; `thin` that it would, on too little to judge.
    """

    comparison: Comparison
    value: float | None
    at_least: bool = False
    rows: int = 0
    bad: float | None = None
    rate: Rate | None = None
    holds: bool | None = None
    thin: bool = False


@dataclass(frozen=True, slots=True)
class _Value:
    value: float | None
    rows: int
    bad: float | None = None
    at_least: bool = False
    rate: Rate | None = None


def measure(comparison: Comparison, rule: Rule, window: Window) -> Reading:
    """Compare the metric with its limit.

    A breach seen in fewer than `min_samples` rows, or with fewer than `min_bad` bad ones, is none; counts and rates per
    second are their own evidence.
    """
    found = _value(comparison, rule, window)
    if found.value is None:
        return Reading(comparison, None, rows=found.rows)
    holds = comparison.holds(found.value)
    few = found.rows < rule.min_samples or (found.bad is not None and found.bad < rule.min_bad)
    thin = holds and few and comparison.metric.dimension not in ("count", "per_second")
    return Reading(
        comparison, found.value, found.at_least, found.rows, found.bad, found.rate, holds=holds and not thin, thin=thin
    )


def _value(comparison: Comparison, rule: Rule, window: Window) -> _Value:
    summary, counts, name = window.summary, window.summary.counts, comparison.metric.name
    rows = summary.timeout_rate.n if summary.timeout_rate else 0
    seconds = rule.window.total_seconds()
    if name == "budget_remaining":
        budget = summary.budget
        return _Value(None if budget.consumed is None else budget.remaining, round(budget.valid), budget.bad)
    if name in ("sli", "burn_rate"):
        sli = summary.sli
        bad = sli.valid - sli.good
        return _Value(sli.value if name == "sli" else burn_rate(bad, sli.valid, window.objective), rows, bad)
    if name == "uptime":
        up = uptime(window.rows, window.limit_ms, window.minute_up)
        return _Value(None, 0) if up is None else _Value(up.value, up.n, (1 - up.value) * up.n, rate=up)
    if name in summary.percentiles:
        found = summary.percentiles[name]
        at_least = found is not None and found.at_least
        return _Value(found.value if found else None, rows, _beyond(comparison, window), at_least)
    if name == "avg_latency":
        return _Value(summary.average_ms, rows, _beyond(comparison, window), summary.average_at_least)
    rates: dict[str, tuple[Rate | None, float]] = {
        "timeout_rate": (summary.timeout_rate, counts.timeout),
        "error_rate": (summary.error_rate, counts.failed),
        "success_rate": (summary.success_rate, counts.valid - counts.success),
        "fallback_rate": (summary.fallback_rate, summary.fallback_rate.value * counts.valid)
        if summary.fallback_rate
        else (None, 0.0),
    }
    if name in rates:
        share, bad = rates[name]
        return _Value(share.value if share else None, rows, bad, rate=share)
    plain = {
        "request_count": counts.requests,
        "timeout_count": counts.timeout,
        "requests_per_second": counts.requests / seconds,
        "timeouts_per_second": counts.timeout / seconds,
    }
    return _Value(plain[name], window.rows.height)


def _beyond(comparison: Comparison, window: Window) -> float | None:
    """How many requests are themselves beyond the limit of a duration: one slow request is no slow service."""
    if not comparison.upward:
        return None
    slow = timed(window.rows, window.limit_ms).filter(pl.col("latency_ms") > comparison.limit)
    return float(slow["weight"].sum())
