"""Limits and objectives: what is good, and how good is good enough. Values only; the sums are in metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from core.timespan import Calendar, TimeSpan, local_period

if TYPE_CHECKING:
    from datetime import datetime

FallbackCounts = Literal["good", "bad", "excluded"]
CountedBy = Literal["requests", "minutes"]
CALENDAR_LENGTH: dict[Calendar, timedelta] = {
    "week": timedelta(days=7), "month": timedelta(days=30), "quarter": timedelta(days=90),
}  # fmt: skip
"""The usual length of a calendar period: what burn factors and the present pace are taken from."""


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

    def can_fire(self, period: timedelta, budget: float) -> bool:
        """Whether any share of bad requests burns that fast: with all of them bad the burn rate is 1 / `budget`."""
        return self.factor(period) * budget < 1


GOOGLE_30D = (
    BurnWindow("critical", 0.02, timedelta(hours=1), timedelta(minutes=5)),
    BurnWindow("critical", 0.05, timedelta(hours=6), timedelta(minutes=30)),
    BurnWindow("warning", 0.10, timedelta(hours=24), timedelta(hours=2)),
    BurnWindow("warning", 0.10, timedelta(hours=72), timedelta(hours=6)),
)
"""The workbook's pairs; the factors 14.4, 6, 3 and 1 are computed for the objective's period."""


@dataclass(frozen=True, slots=True)
class Objective:
    """A share `target` (0..1) of what counts must be good over a period; ValueError when that leaves no budget, or all.

    By requests, each valid one counts. By minutes, each minute with a valid request does, and it is good ("up") when at
    least `minute_up` of its valid requests are. The period is the `period` that ends now or, for a `calendar`
    objective, the local week, month or quarter of `zone` that now is in; `period` is then its usual length.
    """

    name: str = "api"
    target: float = 0.99
    limit_ms: float = 8000.0
    period: timedelta = timedelta(days=30)
    fallback_counts_as: FallbackCounts = "good"
    by: CountedBy = "requests"
    minute_up: float = 0.9
    calendar: Calendar | None = None
    zone: str = "UTC"
    burn: tuple[BurnWindow, ...] = GOOGLE_30D

    def __post_init__(self) -> None:
        if not 0 < self.budget < 1:
            left = "no request that must be good" if self.target <= 0 else "no error budget to spend"
            raise ValueError(f"a target lies between 0 % and 100 %; {self.target * 100:.6g} % leaves {left}")

    @property
    def budget(self) -> float:
        """The share that may be bad, 1 - target: 0.01 for 0.99, not 0.010000000000000009."""
        return round(1 - self.target, 12)

    def starts(self, now: datetime) -> datetime:
        """When the period that `now` is in began."""
        return self.calendar_span(now).start if self.calendar else now - self.period

    def calendar_span(self, now: datetime) -> TimeSpan:
        """The whole local week, month or quarter of a calendar objective."""
        return local_period(self.calendar or "month", now, ZoneInfo(self.zone))
