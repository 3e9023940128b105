"""One objective's budget over time: as it was, as it is, how fast it burns, and what may become of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from core.timespan import TimeSpan
from metrics.answer import hours_of
from metrics.budget import HOUR, budget, budget_cuts, budget_span, hours_since
from metrics.burn import burn_cuts, burn_pairs
from metrics.rates import rate
from metrics.runway import band, foreseen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.selection import RequestSource, Selection
    from core.slo import Objective
    from metrics.burn import BurnPair
    from metrics.values import Budget, Rate


@dataclass(frozen=True, slots=True)
class BurnDown:
    """A budget with what it was made of.

    `sli` is good of valid over the period, with its range. `left` (start, left) is the share left at every clock hour
    of the period and at now, `band` (start, low, middle, high) what may be left after every coming hour; it is empty
    when there is nothing to forecast, or too little to do it from.
    """

    budget: Budget
    sli: Rate | None
    pairs: Sequence[BurnPair]
    left: pl.DataFrame
    band: pl.DataFrame


def burn_down(source: RequestSource, selection: Selection, objective: Objective, now: datetime) -> BurnDown:
    """The budget of the selection's filters over the objective's period, from one reading of it and the one before."""
    span = budget_span(objective, now)
    span = TimeSpan(min(span.start, *burn_cuts(objective, now), now), now)
    hours = hours_of(source, selection, objective, span, [*budget_cuts(objective, now), *burn_cuts(objective, now)])
    if not objective.calendar:
        earlier = TimeSpan(span.start - objective.period, span.start)
        hours = pl.concat([hours_of(source, selection, objective, earlier), hours])
    found = foreseen(budget(hours, objective, now), hours, objective, now)
    ahead = band(hours, objective, now) if found.runway else None
    return BurnDown(
        found,
        level(hours, objective, now),
        burn_pairs(hours, objective, now),
        history(hours, objective, now),
        _NOTHING_AHEAD if ahead is None else ahead,
    )


def level(hours: pl.DataFrame, objective: Objective, now: datetime) -> Rate | None:
    """Good of valid over the period so far, from `hourly` rows cut where it starts; None without traffic."""
    period = hours_since(hours, objective.starts(now))
    valid, bad, squares = (math.fsum(period[name]) for name in ("valid", "bad", "squares"))
    rows, effective = int(period["rows"].sum()), valid * valid / squares if squares > 0 else None
    return rate(valid - bad, valid, rows=rows, effective=effective)


def history(hours: pl.DataFrame, objective: Objective, now: datetime) -> pl.DataFrame:
    """The share of the budget left at every clock hour (UTC) of the period and at `now`: start, left.

    Of a rolling period, each moment has the budget of the whole period before it, which `hours` reach back to; the last
    is `budget(...).remaining`. A calendar period burns down from 1 by what its whole traffic is projected to allow; the
    last is 1 - `projected.consumed`. Null while nothing was counted yet.
    """
    starts: list[datetime] = [*hours["start"], now]
    valid, bad = (np.append(0.0, hours[name].cum_sum().to_numpy()) for name in ("valid", "bad"))
    places = [start.timestamp() for start in starts]
    begin = objective.starts(now)
    shown = [at for at in starts if begin <= at and (at == now or not (at.minute or at.second or at.microsecond))]
    ends = [at.timestamp() for at in shown]
    since_when = [begin.timestamp()] * len(ends) if objective.calendar else [at - _seconds(objective) for at in ends]
    counted, spent = (np.interp(ends, places, sums) - np.interp(since_when, places, sums) for sums in (valid, bad))
    allowed = counted * objective.budget
    if objective.calendar:
        projected = budget(hours, objective, now).projected
        allowed = np.where(counted > 0, projected.allowed if projected else 0.0, 0.0)
    left = [1 - bad / all_ if all_ > 0 else None for bad, all_ in zip(spent, allowed, strict=True)]
    return pl.DataFrame({"start": shown, "left": left}, {"start": pl.Datetime("us", "UTC"), "left": pl.Float64})


def _seconds(objective: Objective) -> float:
    return objective.period / HOUR * HOUR.total_seconds()


_NOTHING_AHEAD = pl.DataFrame(
    schema={"start": pl.Datetime("us", "UTC"), "low": pl.Float64, "middle": pl.Float64, "high": pl.Float64}
)
