"""Service level, error budget, burn rate, and when the budget ends.

Source of budget and burn rate: Google, "The Site Reliability Workbook", chapter 5. The forecast simulates the rolling
period hour by hour: requests keep coming at the present pace and the oldest hour drops out.
"""

from __future__ import annotations

import math
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

import polars as pl

from core.timespan import TimeSpan
from metrics.classes import classify, is_valid, weight_of
from metrics.slots import in_slots, slots
from metrics.values import Budget, Outlook, Sli

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.slo import Objective

HOUR = timedelta(hours=1)
WINDOWS = {"1h": 1, "6h": 6, "24h": 24, "72h": 72}
"""Windows burn rates are shown for, in hours."""

MIN_VALID = 50
MIN_BAD = 5
"""A forecast from fewer requests than these says more about chance than about the service."""

_TOLERANCE = 1e-9


def good_and_valid(frame: pl.DataFrame, objective: Objective) -> pl.DataFrame:
    """`frame` classified by the objective's limit, with `good` and `valid`.

    A success that used the fallback is good, bad or excluded as the objective says. Needs `fallback_used`, too.
    """
    success = pl.col("class") == "success"
    saved = success & pl.col("fallback_used").fill_null(value=False)
    counts = objective.fallback_counts_as
    return classify(frame, objective.limit_ms).with_columns(
        (success if counts == "good" else success & ~saved).alias("good"),
        (is_valid() & ~saved if counts == "excluded" else is_valid()).alias("valid"),
    )


def sli(frame: pl.DataFrame, objective: Objective) -> Sli:
    """Good of valid requests of `frame`."""
    sums = good_and_valid(frame, objective).select(
        weight_of(pl.col("good")).alias("good"), weight_of(pl.col("valid")).alias("valid")
    )
    good, valid = sums.row(0)
    value = min(1.0, good / valid) if valid > 0 else None
    return Sli(objective.name, objective.target, objective.limit_ms, value, good, valid)


def burn_rate(bad: float, valid: float, objective: Objective) -> float | None:
    """How many times faster than sustainable the budget is spent, (bad / valid) / (1 - target); None for no traffic."""
    return bad / valid / objective.budget if valid > 0 else None


def period_hours(objective: Objective) -> int:
    """The objective's period in whole hours, rounded up."""
    return math.ceil(objective.period / HOUR)


def budget_span(objective: Objective, now: datetime) -> TimeSpan:
    """What `hourly` needs to have read for `budget`: the period, or the longest burn window when that is longer."""
    return TimeSpan(now - HOUR * max(period_hours(objective), *WINDOWS.values()), now)


def hourly(frame: pl.DataFrame, objective: Objective, span: TimeSpan) -> pl.DataFrame:
    """Columns start, valid, bad: one row for every hour of the span, oldest first, hours without traffic included.

    Hours are counted from the start of the span, not from the clock. Frames of adjoining spans can be concatenated.
    """
    valid = pl.col("valid")
    found = (
        in_slots(good_and_valid(frame, objective), span, HOUR)
        .group_by("slot")
        .agg(weight_of(valid).alias("valid"), weight_of(valid & ~pl.col("good")).alias("bad"))
    )
    return (
        slots(span, HOUR)
        .join(found, on="slot", how="left")
        .sort("slot")
        .select("start", pl.col("valid", "bad").fill_null(0.0))
    )


def budget(hours: pl.DataFrame, objective: Objective, now: datetime) -> Budget:
    """The error budget at `now`, from `hourly` rows that end at `now`.

    `exhausted_since` is the first full hour before `now` from which on it was spent without a break; it reaches back as
    far as `hours` does beyond the period, so give twice the period when it may be long.
    """
    valid, bad = hours["valid"].to_list(), hours["bad"].to_list()
    count = period_hours(objective)
    total_valid, total_bad = math.fsum(valid[-count:]), math.fsum(bad[-count:])
    allowed = total_valid * objective.budget
    consumed = total_bad / allowed if total_valid > 0 else None
    burn = {name: burn_rate(math.fsum(bad[-n:]), math.fsum(valid[-n:]), objective) for name, n in WINDOWS.items()}
    ends = since = None
    outlook: Outlook
    if consumed is None:
        outlook = "no_traffic"
    elif _spent(total_valid, total_bad, objective):
        outlook, since = "spent", now - HOUR * _hours_spent(valid, bad, objective)
    else:
        back = lookback_hours(objective)
        pace = math.fsum(valid[-back:]), math.fsum(bad[-back:])
        left = exhaustion(valid[-count:], bad[-count:], (pace[0] / back, pace[1] / back), objective)
        if pace[0] < MIN_VALID or (left is not None and pace[1] < MIN_BAD):
            outlook = "low_traffic"
        elif left is None:
            outlook = "never"
        else:
            outlook, ends = "ends", now + HOUR * left
    return Budget(
        objective=objective.name,
        target=objective.target,
        period=objective.period,
        valid=total_valid,
        bad=total_bad,
        allowed=allowed,
        consumed=consumed,
        remaining=1.0 if consumed is None else 1 - consumed,
        burn=burn,
        exhausted_at=ends,
        exhausted_since=since,
        outlook=outlook,
    )


def is_spent(hours: pl.DataFrame, objective: Objective) -> bool:
    """Whether nothing is left of the budget over the period that ends with the last of `hours`."""
    period = hours.tail(period_hours(objective))
    return _spent(math.fsum(period["valid"]), math.fsum(period["bad"]), objective)


def lookback_hours(objective: Objective) -> int:
    """The hours the present pace is taken from: 6, or a thirtieth of the period when that is longer."""
    return max(6, math.ceil(period_hours(objective) / 30))


def exhaustion(
    valid: Sequence[float], bad: Sequence[float], pace: tuple[float, float], objective: Objective
) -> float | None:
    """Hours until bad reaches what is allowed, or None when it never does.

    `valid` and `bad` are the hours of the rolling period, oldest first; `pace` is (valid, bad) per hour from now on.
    Every step drops the oldest hour and adds one at that pace; after one whole period nothing changes any more. Inside
    the hour in which it happens the moment is interpolated.
    """
    left = math.fsum(valid) * objective.budget - math.fsum(bad)
    for step, (old_valid, old_bad) in enumerate(zip(valid, bad, strict=True)):
        change = (pace[0] - old_valid) * objective.budget - (pace[1] - old_bad)
        if pace[0] > 0 and left + change <= _TOLERANCE:
            return step + (min(1.0, left / -change) if change < 0 else 1.0)
        left += change
    return None


def _spent(valid: float, bad: float, objective: Objective) -> bool:
    return valid > 0 and bad >= valid * objective.budget - _TOLERANCE


def _hours_spent(valid: Sequence[float], bad: Sequence[float], objective: Objective) -> int:
    """For how many whole hours back, without a break, the rolling budget was spent."""
    count = period_hours(objective)
    valid_to, bad_to = list(accumulate(valid, initial=0.0)), list(accumulate(bad, initial=0.0))
    for back in range(1, len(valid)):
        end = len(valid) - back
        start = max(0, end - count)
        if not _spent(valid_to[end] - valid_to[start], bad_to[end] - bad_to[start], objective):
            return back - 1
    return max(0, len(valid) - 1)
