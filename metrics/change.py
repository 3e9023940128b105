"""What became of a number since the period before: only where both can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrics.rates import too_few

if TYPE_CHECKING:
    from metrics.values import Percentile, Rate, Summary


@dataclass(frozen=True, slots=True)
class Changes:
    """Now minus before: rates in shares (0.016 is 1.6 points), latencies in ms; None when it cannot be told."""

    success_rate: float | None
    timeout_rate: float | None
    error_rate: float | None
    p99: float | None
    p95: float | None
    average_ms: float | None


def changes(now: Summary, before: Summary) -> Changes:
    """The changes of the six tiles from `before` to `now`.

    Periods of too few rows have no changes, and a percentile that is only a lower bound has none. Averages do, even
    over cut requests: they compare what was waited, and both periods were cut alike.
    """
    judged = _judged(now) and _judged(before)
    return Changes(
        _rate(now.success_rate, before.success_rate, judged=judged),
        _rate(now.timeout_rate, before.timeout_rate, judged=judged),
        _rate(now.error_rate, before.error_rate, judged=judged),
        _percentile(now.percentiles["p99"], before.percentiles["p99"], judged=judged),
        _percentile(now.percentiles["p95"], before.percentiles["p95"], judged=judged),
        now.average_ms - before.average_ms
        if judged and now.average_ms is not None and before.average_ms is not None
        else None,
    )


def _judged(summary: Summary) -> bool:
    return summary.timeout_rate is not None and not too_few(summary.timeout_rate)


def _rate(now: Rate | None, before: Rate | None, *, judged: bool) -> float | None:
    return now.value - before.value if judged and now and before else None


def _percentile(now: Percentile | None, before: Percentile | None, *, judged: bool) -> float | None:
    if not judged or now is None or before is None or now.at_least or before.at_least:
        return None
    return now.value - before.value
