"""What metrics return: small frozen values, the same for page, alert, digest, API and command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from core.selection import Selection
    from core.timespan import TimeSpan

FreshnessState = Literal["fresh", "stale", "empty"]
Outlook = Literal["ends", "may_end", "spent", "never", "low_traffic", "no_traffic"]
Estimate = Literal["requests", "valid", "timeout", "near"]
PERCENTILES = ("p50", "p75", "p90", "p95", "p99", "p99.9")


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed range [low, high]."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its Wilson 95 % range and the number of rows it was seen in."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Percentile:
    """Milliseconds. `at_least` marks a bound: a request that was cut stands at or below it, the truth may be longer."""

    value: float
    at_least: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests by class, each weighted by 1/sample_rate. The five classes sum to `requests`."""

    requests: float
    success: float
    timeout: float
    failed: float
    excluded: float
    unmeasured: float

    @property
    def valid(self) -> float:
        """What rates are taken over: success + timeout + failed."""
        return self.success + self.timeout + self.failed


@dataclass(frozen=True, slots=True)
class Sli:
    """Good of valid requests against the objective; `value` is None without traffic."""

    objective: str
    target: float
    limit_ms: float
    value: float | None
    good: float
    valid: float


@dataclass(frozen=True, slots=True)
class Projection:
    """A calendar period and what it will have seen at its end, at the traffic since its start.

    `consumed` is the share of that allowance that is spent already, None without traffic.
    """

    start: datetime
    end: datetime
    valid: float
    allowed: float
    consumed: float | None


@dataclass(frozen=True, slots=True)
class Runway:
    """When the budget ends by simulation: `ends` in the middle, `low` to `high` meant to hold in 80 % of cases.

    `high` is None when it may as well outlast `until`, as far as was simulated; `chance` is that it ends before.
    "may_end" outlasts it more often than not and has no `ends`; "never" outlasts it in 80 % and has no range.
    """

    outlook: Literal["ends", "may_end", "never"]
    ends: datetime | None
    low: datetime | None
    high: datetime | None
    chance: float
    until: datetime


@dataclass(frozen=True, slots=True)
class Budget:
    """The objective's error budget over its period, in requests or minutes; shares are of the budget (1 = all of it).

    `consumed` is None without traffic; `remaining` may be negative. `burn` maps a window ("1h", "6h", "24h", "72h")
    to its burn rate, None without traffic. `exhausted_at` is the forecast end, None when it will not end at the
    present pace; `exhausted_since` is set when it is already spent. `outlook` says which of these it is, and why there
    is no date: "low_traffic" is too few requests to judge from, "no_traffic" none in the whole period. For a calendar
    objective the numbers are those so far, `projected` has those of the whole period, and "never" is: not in it.
    `runway` has the range of the forecast, which is then by simulation and not by the present pace alone; None when
    there was too little to simulate, or nothing to forecast.
    """

    objective: str
    target: float
    period: timedelta
    valid: float
    bad: float
    allowed: float
    consumed: float | None
    remaining: float
    burn: Mapping[str, float | None]
    exhausted_at: datetime | None
    exhausted_since: datetime | None
    outlook: Outlook = "no_traffic"
    projected: Projection | None = None
    runway: Runway | None = None


@dataclass(frozen=True, slots=True)
class DataAge:
    """Whether the data can be trusted to be about now."""

    state: FreshnessState
    newest: datetime | None
    age_s: float | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the numbers were computed from, so that they can be computed again.

    Percentiles of many requests come from roll-ups: then they are not `exact` but within 1 %.
    """

    selection: Selection
    rows: int
    version: int
    computed_at: datetime
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Leader:
    """The agent with the most timeouts of a selection. Its name is log text: show it as text only."""

    agent: str
    timeouts: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The answer: every number of the first page, of `metrics summary --json` and of `/api/v1/summary`.

    Rates and latencies are None when there is nothing to take them over. `span` is None when no request was selected.
    `near` and `critical` are good requests from 75 % and 90 % of the limit on (the critical are near, too).
    `average_at_least` marks an average over a cut request, `leader` is None without timeouts. `unfiltered` is set when
    filters let nothing through: how many requests there are without them. `estimates` names the counts that sampled
    rows, which stand for more than one request, have a part in.
    """

    counts: Counts
    timeout_rate: Rate | None
    error_rate: Rate | None
    success_rate: Rate | None
    average_ms: float | None
    percentiles: Mapping[str, Percentile | None]
    near: float
    critical: float
    fallback_rate: Rate | None
    sli: Sli
    budget: Budget
    span: TimeSpan | None
    freshness: DataAge
    receipt: Receipt
    average_at_least: bool = False
    leader: Leader | None = None
    unfiltered: int | None = None
    estimates: tuple[Estimate, ...] = ()
