"""The one path from a question to its numbers: page, API, command, digest and alert all come through here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from core.timespan import TimeSpan
from metrics.budget import budget_cuts, budget_span, hourly, is_spent
from metrics.summary import COLUMNS, summarize

if TYPE_CHECKING:
    from datetime import datetime

    from core.selection import Freshness, RequestSource, Selection
    from core.settings import Settings
    from core.slo import Objective
    from metrics.values import Summary

HOUR_COLUMNS = ("timestamp", "execution_time_ms", "status", "fallback_used", "sample_rate")
"""What the error budget needs of every request of its period."""


def answer(
    source: RequestSource,
    selection: Selection,
    settings: Settings,
    now: datetime,
    freshness: Freshness,
    *,
    hours: pl.DataFrame | None = None,
) -> Summary:
    """The numbers of `selection`, with the budget of the first objective as it stands at `now`.

    The budget is that of the same filters over the objective's own period. For another moment give that `now`; for the
    period before, a selection over the span before: the numbers do not depend on the clock. Reading the objective's
    whole period is most of the work; who asks every second may give the `budget_hours` it read a moment ago.
    """
    objective = settings.objective_values[0]
    selected = source.requests(selection, COLUMNS)
    unfiltered = None
    if not selected.height and selection.filters:
        everything = replace(selection, last=None, **dict.fromkeys(selection.filters))
        unfiltered = source.requests(everything, ("timestamp",)).height
    return summarize(
        selected,
        budget_hours(source, selection, objective, now) if hours is None else hours,
        selection=selection,
        limits=settings.limit_values,
        objective=objective,
        freshness=freshness,
        now=now,
        unfiltered=unfiltered,
    )


def budget_hours(source: RequestSource, selection: Selection, objective: Objective, now: datetime) -> pl.DataFrame:
    """The hours `metrics.budget.budget` works on: the period, and the one before only when the budget is spent.

    Since when it is spent can be told only from a period before each of the hours in question.
    """
    span, cuts = budget_span(objective, now), budget_cuts(objective, now)
    hours = hourly(source.requests(selection.over(span), HOUR_COLUMNS), objective, span, cuts)
    if objective.calendar or not is_spent(hours, objective, now):
        return hours
    earlier = TimeSpan(span.start - objective.period, span.start)
    before = hourly(source.requests(selection.over(earlier), HOUR_COLUMNS), objective, earlier)
    return pl.concat([before, hours])
