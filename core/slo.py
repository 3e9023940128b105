"""Limits and objectives: what is good, and how good is good enough. Values only; the sums are in metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

FallbackCounts = Literal["good", "bad", "excluded"]


@dataclass(frozen=True, slots=True)
class Limits:
    """When a request is a timeout. Exactly `limit_ms` is still good; zones are shares of the limit."""

    limit_ms: float = 8000.0
    graph_limit_ms: float = 7000.0
    near: float = 0.75
    critical: float = 0.9

    @property
    def near_ms(self) -> float:
        """Where the near zone starts (6 s of 8 s)."""
        return self.limit_ms * self.near

    @property
    def critical_ms(self) -> float:
        """Where the critical zone starts (7.2 s of 8 s)."""
        return self.limit_ms * self.critical


@dataclass(frozen=True, slots=True)
class Objective:
    """A share `target` (0..1) of valid requests must be good over a rolling `period`."""

    name: str = "api"
    target: float = 0.99
    limit_ms: float = 8000.0
    period: timedelta = timedelta(days=30)
    fallback_counts_as: FallbackCounts = "good"

    @property
    def budget(self) -> float:
        """The share that may be bad, 1 - target: 0.01 for 0.99, not 0.010000000000000009."""
        return round(1 - self.target, 12)


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """Alert when both windows burn faster than `factor(period)`: `spend` of the budget inside `long`.

    Source: Google SRE Workbook, chapter 5, "Alerting on SLOs", recommendation 6.
    """

    severity: Literal["critical", "warning"]
    spend: float
    long: timedelta
    short: timedelta

    def factor(self, period: timedelta) -> float:
        """How many times the sustainable rate spends `spend` of the budget within `long`."""
        return self.spend * period / self.long


GOOGLE_30D = (
    BurnWindow("critical", 0.02, timedelta(hours=1), timedelta(minutes=5)),
    BurnWindow("critical", 0.05, timedelta(hours=6), timedelta(minutes=30)),
    BurnWindow("warning", 0.10, timedelta(hours=24), timedelta(hours=2)),
    BurnWindow("warning", 0.10, timedelta(hours=72), timedelta(hours=6)),
)
"""The workbook's pairs; the factors 14.4, 6, 3 and 1 are computed for the objective's period."""
