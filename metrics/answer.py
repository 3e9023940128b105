"""The one path from a question to its numbers: page, API, command, digest and alert all come through here."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from core.timespan import TimeSpan
from metrics.budget import HOUR, budget, budget_cuts, budget_span, hourly, is_spent
from metrics.many import counts_of, is_exact, requests_of
from metrics.runway import foreseen
from metrics.summary import COLUMNS, summarize

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.selection import Freshness, RequestSource, Selection
    from core.settings import Settings
    from core.slo import Objective
    from metrics.values import Budget, Summary

MINUTE = timedelta(minutes=1)
HOUR_COLUMNS = ("timestamp", "execution_time_ms", "status", "fallback_used", "sample_rate")
"""What the error budget needs of every request of its period."""


def answer(
    source: RequestSource,
    selection: Selection,
    settings: Settings,
    now: datetime,
    freshness: Freshness,
    *,
    standing: Budget | None = None,
    selected: pl.DataFrame | None = None,
) -> Summary:
    """The numbers of `selection`, with the budget of the first objective as it stands at `now`.

    The budget is that of the same filters over the objective's own period. For another moment give that `now`; for the
    period before, a selection over the span before: the numbers do not depend on the clock. Reading the objective's
    whole period is most of the work; who asks every second may give the `standing_budget` of a moment ago, and who
    has read the `selected_requests`, those.
    """
    objective = settings.objective_values[0]
    chosen = selected_requests(source, selection, settings) if selected is None else selected
    unfiltered = None
    if not chosen.height and selection.filters:
        everything = replace(selection, last=None, **dict.fromkeys(selection.filters))
        found = counts_of(source, everything, ("timestamp",))
        unfiltered = found.height if is_exact(found) else int(found["rows"].sum())
    return summarize(
        chosen,
        standing_budget(source, selection, objective, now) if standing is None else standing,
        selection=selection,
        limits=settings.limit_values,
        objective=objective,
        freshness=freshness,
        now=now,
        unfiltered=unfiltered,
    )


def selected_requests(
    source: RequestSource, selection: Selection, settings: Settings, columns: Sequence[str] = COLUMNS
) -> pl.DataFrame:
    """What `answer` needs of the selected requests, with `columns`; many of them in a compact frame by agent."""
    limits, objective = settings.limit_values, settings.objective_values[0]
    edges = (limits.near_ms, limits.critical_ms, limits.limit_ms, objective.limit_ms)
    width = MINUTE if objective.by == "minutes" else None
    return requests_of(source, selection, columns, by=("agent_id",), width=width, edges=edges)


def standing_budget(source: RequestSource, selection: Selection, objective: Objective, now: datetime) -> Budget:
    """The error budget of the same filters over the objective's period, with its runway."""
    hours = budget_hours(source, selection, objective, now)
    return foreseen(budget(hours, objective, now), hours, objective, now)


def budget_hours(source: RequestSource, selection: Selection, objective: Objective, now: datetime) -> pl.DataFrame:
    """The hours `metrics.budget.budget` works on: the period, and the one before only when the budget is spent.

    Since when it is spent can be told only from a period before each of the hours in question.
    """
    span, cuts = budget_span(objective, now), budget_cuts(objective, now)
    hours = hours_of(source, selection, objective, span, cuts)
    if objective.calendar or not is_spent(hours, objective, now):
        return hours
    earlier = TimeSpan(span.start - objective.period, span.start)
    return pl.concat([hours_of(source, selection, objective, earlier), hours])


def hours_of(
    source: RequestSource, selection: Selection, objective: Objective, span: TimeSpan, cuts: Sequence[datetime] = ()
) -> pl.DataFrame:
    """`metrics.budget.hourly` of the span, for the filters of the selection."""
    width = MINUTE if objective.by == "minutes" else HOUR
    rows = counts_of(source, selection.over(span), HOUR_COLUMNS, width=width, cuts=cuts, edges=(objective.limit_ms,))
    return hourly(rows, objective, span, cuts)
