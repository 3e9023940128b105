"""What the page shows, read once for every visitor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from core.rows import Rows
from core.timespan import TimeSpan
from metrics.many import requests_of
from metrics.named_queries import HOURS, top_agents
from metrics.ranking import Standing, ranking, standing
from pages.agents.view import column
from pages.budget.reading import courses, spent_by
from pages.shared.kept import kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.selection import Selection
    from pages.shared.frame import Frame

NEWEST = 10
"""Failing requests of one agent that are shown."""
_MICROSECOND = timedelta(microseconds=1)
_COLUMNS = ("timestamp", "execution_time_ms", "status", "timeout_ms", "sample_rate")


@dataclass(frozen=True, slots=True)
class Ranked:
    """The groups of `metrics.ranking`, most timeouts first, and how many of them there are."""

    groups: pl.DataFrame
    standing: Standing


def ranked(by: str, frame: Frame) -> Ranked:
    """The chosen requests by agent, operation or model, beside the period they are compared with."""
    limits, choice, named = frame.settings.limit_values, frame.choice, column(by)

    def rows(selection: Selection) -> pl.DataFrame:
        edges = (limits.near_ms, limits.limit_ms)
        return requests_of(frame.reader, selection, (*_COLUMNS, named), by=(named,), edges=edges)

    def read() -> Ranked:
        selection = choice.selection(frame.now)
        found = ranking(rows(selection), rows(choice.earlier(selection, _span(selection, frame))), named, limits)
        return Ranked(found, standing(found, frame.objective.budget))

    return kept("ranking", (choice, by), frame.key, read)


def top_of_the_day(frame: Frame) -> pl.DataFrame:
    """`metrics.named_queries.top_agents` of the last 24 hours, whatever range was chosen; filters hold."""
    limit_ms = frame.settings.limit_values.limit_ms
    selection = frame.choice.selection(frame.now).over(TimeSpan.last(HOURS, frame.now))

    def read() -> pl.DataFrame:
        columns = (*_COLUMNS, "agent_id")
        return top_agents(requests_of(frame.reader, selection, columns, by=("agent_id",), edges=(limit_ms,)), limit_ms)

    return kept("top_agents", frame.choice, frame.key, read)


def spent(frame: Frame) -> Mapping[str, Any] | None:
    """The row of the chosen agent in the ledger of everybody's budget; None when it spent nothing."""
    everybody = replace(frame, choice=frame.choice.without_filters())
    found = spent_by(courses(everybody), everybody)[frame.objective.name].agents
    rows = found.filter(pl.col("agent_id") == frame.choice.agent)
    return rows.row(0, named=True) if rows.height else None


def failing(frame: Frame) -> pl.DataFrame:
    """The newest requests of the choice that timed out or failed."""
    limits = frame.settings.limit_values

    def read() -> pl.DataFrame:
        selection = frame.choice.selection(frame.now)
        pages = [frame.reader.page(selection, Rows(kind), limits, 0, NEWEST) for kind in ("timeout", "failed")]
        return pl.concat(pages).sort("timestamp", descending=True).head(NEWEST)

    return kept("failing", frame.choice, frame.key, read)


def _span(selection: Selection, frame: Frame) -> TimeSpan:
    """The time that was asked for or, of the last N, the time they are in."""
    if selection.span is not None and selection.last is None:
        return selection.span
    found = frame.reader.extent(selection)
    if found.oldest is None or found.newest is None:
        return TimeSpan(frame.now, frame.now)
    return TimeSpan(found.oldest, found.newest + _MICROSECOND)
