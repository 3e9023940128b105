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
"""A judgement from fewer requests than these says more about chance than about the service."""

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
    return _whole_hours(objective.period)


def budget_span(objective: Objective, now: datetime) -> TimeSpan:
    """What `hourly` needs to have read for `budget`: the period, or the longest burn window when that is longer."""
    return TimeSpan(now - HOUR * max(period_hours(objective), *WINDOWS.values()), now)


def hourly(frame: pl.DataFrame, objective: Objective, span: TimeSpan) -> pl.DataFrame:
    """Columns start, valid, bad, valid_early, bad_early: a row an hour of the span, oldest first, quiet ones too.

    Hours are counted from the start of the span, not from the clock; `_early` is the part of a row before the full hour
    (UTC) inside it, so that clock hours can be told, too. Frames of adjoining spans can be concatenated.
    """
    valid, bad = pl.col("valid"), pl.col("valid") & ~pl.col("good")
    starts = pl.lit(span.start) + pl.duration(hours=pl.col("slot"))
    early = pl.col("timestamp").dt.truncate("1h") < starts
    sums = {"valid": valid, "bad": bad, "valid_early": valid & early, "bad_early": bad & early}
    found = (
        in_slots(good_and_valid(frame, objective), span, HOUR)
        .group_by("slot")
        .agg(weight_of(condition).alias(name) for name, condition in sums.items())
    )
    return (
        slots(span, HOUR).join(found, on="slot", how="left").sort("slot").select("start", pl.col(*sums).fill_null(0.0))
    )


def budget(hours: pl.DataFrame, objective: Objective, now: datetime) -> Budget:
    """The error budget at `now`, from `hourly` rows that end at `now`.

    `exhausted_since` is the clock hour (UTC) in which it began to be spent without a break; it reaches back as far as
    `hours` does beyond the period, so give twice the period when it may be long.
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
        if total_valid < MIN_VALID or total_bad < MIN_BAD:
            outlook = "low_traffic"
        else:
            outlook, since = "spent", _spent_since(hours, objective)
    else:
        back = lookback_hours(objective.period)
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


def lookback_hours(period: timedelta) -> int:
    """The hours the present pace is taken from: 6, or a thirtieth of the objective's period when that is longer."""
    return max(6, math.ceil(_whole_hours(period) / 30))


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


def _spent_since(hours: pl.DataFrame, objective: Objective) -> datetime:
    """The last full hour (UTC) at which the rolling budget was not yet spent.

    Only full hours are asked, each over its own whole period, so the answer does not move with the moment of asking.
    When all that can be asked were spent, the day (UTC) of the oldest of them: a bound that moves once a day.
    """
    count = period_hours(objective)
    first: datetime = hours["start"][0]
    full = first.replace(minute=0, second=0, microsecond=0)
    full += HOUR if full < first else timedelta(0)
    valid_to, bad_to = (
        [
            before + early
            for before, early in zip(accumulate(hours[name], initial=0.0), hours[f"{name}_early"], strict=False)
        ]
        for name in ("valid", "bad")
    )
    for at in range(hours.height - 1, count - 1, -1):
        if not _spent(valid_to[at] - valid_to[at - count], bad_to[at] - bad_to[at - count], objective):
            return full + HOUR * at
    return (full + HOUR * min(count, hours.height - 1)).replace(hour=0)


def _whole_hours(length: timedelta) -> int:
    return math.ceil(length / HOUR)
