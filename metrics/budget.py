"""Service level, error budget, burn rate, and when the budget ends.

Source of budget and burn rate: Google, "The Site Reliability Workbook", chapter 5. The forecast simulates the rolling
period hour by hour: requests keep coming at the present pace and the oldest hour drops out.
"""

from __future__ import annotations

import math
from datetime import UTC, timedelta
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import polars as pl

from core.timespan import TimeSpan
from metrics.classes import classify, is_valid, rows_of, weight_of
from metrics.rates import squares_of
from metrics.values import Budget, Outlook, Projection, Sli

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from core.slo import Objective

HOUR = timedelta(hours=1)
WINDOWS = {"1h": 1, "6h": 6, "24h": 24, "72h": 72}
"""Windows burn rates are shown for, in hours."""

MIN_VALID = 50
MIN_BAD = 5
"""A judgement from fewer requests than these says more about chance than about the service."""

_TOLERANCE = 1e-9


def counted(frame: pl.DataFrame, objective: Objective) -> pl.DataFrame:
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


def good_and_valid(frame: pl.DataFrame, objective: Objective) -> pl.DataFrame:
    """What the objective counts, in the order of time: timestamp, weight, rows, `good` and `valid`.

    By requests, those of `counted`. By minutes, a row of weight 1 for each minute (UTC) with a valid request, at the
    time of its first.
    """
    requests = counted(frame, objective)
    return requests if objective.by == "requests" else _minutes(requests, objective.minute_up)


def spending(frame: pl.DataFrame, objective: Objective) -> pl.DataFrame:
    """The requests that spend budget, with `spent`: by requests each bad one its weight.

    By minutes, the bad requests of a minute that was down share it among them, by weight.
    """
    requests = counted(frame, objective).filter(pl.col("valid"))
    if objective.by == "requests":
        return requests.filter(~pl.col("good")).with_columns(pl.col("weight").alias("spent"))
    minute = pl.col("timestamp").dt.truncate("1m")
    return (
        requests.filter(~_up(objective.minute_up).over(minute), ~pl.col("good"))
        .with_columns((pl.col("weight") / pl.col("weight").sum().over(minute)).alias("spent"))
    )  # fmt: skip


def _up(share: float) -> pl.Expr:
    """Whether at least that share of the valid requests of a minute is good."""
    return weight_of(pl.col("good")) >= pl.col("weight").sum() * share - _TOLERANCE


def _minutes(requests: pl.DataFrame, up: float) -> pl.DataFrame:
    return (
        requests.filter(pl.col("valid"))
        .group_by(pl.col("timestamp").dt.truncate("1m").alias("minute"))
        .agg(pl.min("timestamp"), _up(up).alias("good"))
        .sort("timestamp")
        .with_columns(pl.lit(value=True).alias("valid"), pl.lit(1.0).alias("weight"), pl.lit(1, pl.Int64).alias("rows"))
    )


def sli(frame: pl.DataFrame, objective: Objective) -> Sli:
    """Good of valid requests (or minutes) of `frame`."""
    sums = good_and_valid(frame, objective).select(
        weight_of(pl.col("good")).alias("good"), weight_of(pl.col("valid")).alias("valid")
    )
    good, valid = sums.row(0)
    value = min(1.0, good / valid) if valid > 0 else None
    return Sli(objective.name, objective.target, objective.limit_ms, value, good, valid)


def burn_rate(bad: float, valid: float, objective: Objective) -> float | None:
    """How many times faster than sustainable the budget is spent, (bad / valid) / (1 - target); None for no traffic."""
    return bad / valid / objective.budget if valid > 0 else None


def budget_span(objective: Objective, now: datetime) -> TimeSpan:
    """What `hourly` needs to have read for `budget`: the period, or the longest of its windows when that is longer."""
    return TimeSpan(min(budget_cuts(objective, now)), now)


def budget_cuts(objective: Objective, now: datetime) -> list[datetime]:
    """Where the windows of `budget` begin, oldest first: no piece of `hourly` may lie across one."""
    lengths = {objective.period, lookback(objective.period), *(HOUR * hours for hours in WINDOWS.values())}
    return sorted({objective.starts(now), *(now - length for length in lengths)})


def pieces(span: TimeSpan, cuts: Iterable[datetime] = ()) -> pl.DataFrame:
    """Columns start (UTC) and hours: the clock hours (UTC) of a span, cut at its ends and at every cut inside it."""
    first = span.start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    full = (first + HOUR * n for n in range(1, math.ceil((span.end - first) / HOUR)))
    edges = sorted({span.start, span.end, *full, *(cut for cut in cuts if span.start < cut < span.end)})
    return pl.DataFrame(
        {"start": edges[:-1], "hours": [(end - start) / HOUR for start, end in pairwise(edges)]},
        schema={"start": pl.Datetime("us", "UTC"), "hours": pl.Float64},
    )


def hourly(frame: pl.DataFrame, objective: Objective, span: TimeSpan, cuts: Iterable[datetime] = ()) -> pl.DataFrame:
    """Columns start, hours, valid, bad, rows, squares: a row for each of `pieces`, oldest first, quiet ones too.

    `rows` and `squares` (of weights) are of the valid: how sure their share is.
    `frame` is in the order of its timestamps. Results of adjoining spans can be concatenated.
    """
    table = pieces(span, cuts)
    inside = frame.filter((pl.col("timestamp") >= span.start) & (pl.col("timestamp") < span.end))
    found = (
        good_and_valid(inside, objective)
        .with_columns(pl.col("timestamp").set_sorted())
        .join_asof(table.select("start"), left_on="timestamp", right_on="start", strategy="backward", coalesce=False)
        .group_by("start")
        .agg(
            weight_of(pl.col("valid")).alias("valid"),
            weight_of(pl.col("valid") & ~pl.col("good")).alias("bad"),
            rows_of(pl.col("valid")).alias("rows"),
            squares_of(pl.col("valid")).alias("squares"),
        )
    )
    sums = pl.col("valid", "bad", "rows", "squares").fill_null(0)
    return table.join(found, on="start", how="left").sort("start").with_columns(sums)


def budget(hours: pl.DataFrame, objective: Objective, now: datetime) -> Budget:
    """The error budget at `now`, from `hourly` rows that end at `now` and are cut at `budget_cuts`.

    `exhausted_since` is the clock hour (UTC) in which it began to be spent without a break; it reaches back as far as
    `hours` does beyond the period, so give twice the period when it may be long. The budget of a calendar period is
    spent, and ends, by what its whole traffic is projected to allow.
    """
    period = hours_since(hours, objective.starts(now))
    total_valid, total_bad = _sums(period)
    allowed = total_valid * objective.budget
    consumed = total_bad / allowed if total_valid > 0 else None
    windows = {name: sums_since(hours, now - HOUR * n) for name, n in WINDOWS.items()}
    burn = {name: burn_rate(bad, valid, objective) for name, (valid, bad) in windows.items()}
    projected = _projection(total_valid, total_bad, objective, now)
    ends = since = None
    outlook: Outlook
    if consumed is None:
        outlook = "no_traffic"
    elif _is_spent(period, objective, projected):
        if total_bad < MIN_BAD:
            outlook = "low_traffic"
        else:
            outlook = "spent"
            since = _first_spent(period, projected.allowed) if projected else _spent_since(hours, objective)
    else:
        back = lookback(objective.period)
        valid, bad = sums_since(hours, now - back)
        pace = valid / (back / HOUR), bad / (back / HOUR)
        left = _left(projected, total_bad, pace[1], now) if projected else exhaustion(period, pace, objective)
        if valid < MIN_VALID or (left is not None and bad < MIN_BAD):
            outlook = "low_traffic"
        elif left is None:
            outlook = "never"
        else:
            outlook, ends = "ends", now + left * HOUR
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
        projected=projected,
    )


def is_spent(hours: pl.DataFrame, objective: Objective, now: datetime) -> bool:
    """Whether nothing is left of the budget over the period that ends with the last of `hours`, at `now`."""
    period = hours_since(hours, objective.starts(now))
    return _is_spent(period, objective, _projection(*_sums(period), objective, now))


def lookback(period: timedelta) -> timedelta:
    """What the present pace is taken from: 6 hours, or a thirtieth of the objective's period when that is longer."""
    return max(6 * HOUR, period / 30)


def exhaustion(past: pl.DataFrame, pace: tuple[float, float], objective: Objective) -> float | None:
    """Hours until bad reaches what is allowed, or None when it never does.

    `past` is the rolling period as `hourly` rows; `pace` is (valid, bad) per hour from now on. Every step drops the
    oldest row and adds its length at that pace; after one whole period nothing changes any more. Inside the row in
    which it happens the moment is interpolated.
    """
    valid, bad = _sums(past)
    left, passed = valid * objective.budget - bad, 0.0
    length: float
    for length, old_valid, old_bad in past.select("hours", "valid", "bad").iter_rows():
        change = (pace[0] * length - old_valid) * objective.budget - (pace[1] * length - old_bad)
        if pace[0] > 0 and left + change <= _TOLERANCE:
            return passed + length * (min(1.0, left / -change) if change < 0 else 1.0)
        left, passed = left + change, passed + length
    return None


def _projection(valid: float, bad: float, objective: Objective, now: datetime) -> Projection | None:
    """What a calendar period ends with when requests keep coming as they did since it began; None for a rolling one."""
    if objective.calendar is None:
        return None
    whole = objective.calendar_span(now)
    passed = now - whole.start
    total = valid * (whole.length / passed) if passed else 0.0
    allowed = total * objective.budget
    return Projection(whole.start, whole.end, total, allowed, bad / allowed if allowed else None)


def _left(projected: Projection, bad: float, pace: float, now: datetime) -> float | None:
    """Hours until a calendar period's budget ends at `pace` bad an hour, or None when the period ends before."""
    left = (projected.allowed - bad) / pace if pace > 0 else math.inf
    return left if left < (projected.end - now) / HOUR else None


def hours_since(hours: pl.DataFrame, start: datetime) -> pl.DataFrame:
    """The `hourly` rows from `start` on, a moment they are cut at."""
    return hours.filter(pl.col("start") >= start)


def sums_since(hours: pl.DataFrame, start: datetime) -> tuple[float, float]:
    """Valid and bad of the `hourly` rows from `start` on, a moment they are cut at."""
    return _sums(hours_since(hours, start))


def _sums(hours: pl.DataFrame) -> tuple[float, float]:
    return math.fsum(hours["valid"]), math.fsum(hours["bad"])


def _spent(valid: float, bad: float, objective: Objective) -> bool:
    return valid > 0 and bad >= valid * objective.budget - _TOLERANCE


def _is_spent(period: pl.DataFrame, objective: Objective, projected: Projection | None) -> bool:
    valid, bad = _sums(period)
    return _spent(valid, bad, objective) if projected is None else valid > 0 and bad >= projected.allowed - _TOLERANCE


def _first_spent(period: pl.DataFrame, allowed: float) -> datetime:
    """The clock hour (UTC) in which what went bad in a calendar period first reached what it allows."""
    spent = period.filter(pl.col("bad").cum_sum() >= allowed - _TOLERANCE)
    first: datetime = (spent if spent.height else period.tail(1))["start"][0]
    return first.replace(minute=0, second=0, microsecond=0)


def _spent_since(hours: pl.DataFrame, objective: Objective) -> datetime:
    """The last full hour (UTC) at which the rolling budget was not yet spent.

    Only full hours are asked, each over its own whole period, so the answer does not move with the moment of asking.
    When all that can be asked were spent, the day (UTC) of the oldest of them: a bound that moves once a day.
    """
    starts: list[datetime] = hours["start"].to_list()
    count = math.ceil(objective.period / HOUR)
    until = {
        start: (valid, bad)
        for start, valid, bad in zip(
            starts, accumulate(hours["valid"], initial=0.0), accumulate(hours["bad"], initial=0.0), strict=False
        )
        if not (start.minute or start.second or start.microsecond)
    }
    asked = [hour for hour in until if hour - HOUR * count in until]
    for hour in reversed(asked):
        (valid, bad), (valid_before, bad_before) = until[hour], until[hour - HOUR * count]
        if not _spent(valid - valid_before, bad - bad_before, objective):
            return hour
    return (asked[0] if asked else max(until, default=starts[-1])).replace(hour=0, minute=0, second=0, microsecond=0)
