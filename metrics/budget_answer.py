"""The error budgets of all objectives: what is left, when it ends, how fast it burns, and who spent it."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from core.errors import UsageError
from core.text import say
from core.timespan import TimeSpan
from metrics.answer import MINUTE, hours_of, standing_budget
from metrics.budget import HOUR
from metrics.budget_ledger import COLUMNS, KEYS, cube, first, ledger
from metrics.burn import burn_cuts, burn_pairs, detected_after
from metrics.freshness import data_age
from metrics.many import compact_source
from metrics.sentence import TEXTS, budget_said
from metrics.summary import budget_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from core.selection import Reader, RequestSource, Selection
    from core.settings import Settings
    from core.slo import Objective
    from metrics.budget_ledger import Ledger
    from metrics.questions import Asked
    from metrics.values import Budget

SINGLY, COUNTED = timedelta(days=1), timedelta(days=7)
"""How much of a period is read at once: single requests, and counts of many."""
TOP = 5
"""Rows of each breakdown when none is asked for; the rest is one row more."""


def budget_answer(reader: Reader, asked: Asked) -> dict[str, Any]:
    """The answer as plain JSON types. The budgets are those of the filters at `now`, whatever span was selected."""
    settings, now, selection = asked.settings, asked.now, asked.selection
    objectives, top = _objectives(asked.extra, settings), _top(asked.extra)
    budgets = {objective.name: standing_budget(reader, selection, objective, now) for objective in objectives}
    age = data_age(asked.freshness, now)
    said = {name: budget_said(found, age, now, settings.language, settings.zone) for name, found in budgets.items()}
    allowed = {name: found.allowed for name, found in budgets.items()}
    spent_by = ledgers(reader, selection, objectives, allowed, now)
    return {
        "sentence": " ".join(
            text if len(said) == 1 else say(TEXTS, "budget_of", settings.language, objective=name, said=text)
            for name, text in said.items()
        ),
        "objectives": {o.name: _objective_json(o, budgets[o.name]) for o in objectives},
        "pairs": [row for o in objectives for row in _pairs(reader, selection, o, now)],
        **{
            name: [row for o in objectives for row in _rows(getattr(spent_by[o.name], name), o.name, top)]
            for name in ("incidents", "agents", "operations", "error_codes", "hours")
        },
    }


def _objectives(extra: Mapping[str, str], settings: Settings) -> Sequence[Objective]:
    known = settings.objective_values
    if "objective" not in extra:
        return known
    found = [objective for objective in known if objective.name == extra["objective"]]
    if not found:
        names = ", ".join(objective.name for objective in known)
        raise UsageError(f'no objective "{extra["objective"]}"; the settings have {names}')
    return found


def _top(extra: Mapping[str, str]) -> int:
    text = extra.get("top", str(TOP))
    if text.isascii() and text.isdigit() and 0 < int(text) <= 1000:
        return int(text)
    raise UsageError(f'top: "{text}" is not a number of rows; write a whole number from 1 to 1000')


def _objective_json(objective: Objective, found: Budget) -> dict[str, Any]:
    return {
        **budget_json(found),
        "by": objective.by,
        "calendar": objective.calendar,
        "limit_ms": objective.limit_ms,
        "sli": 1 - found.bad / found.valid if found.valid > 0 else None,
    }


def _pairs(reader: Reader, selection: Selection, objective: Objective, now: datetime) -> Iterator[dict[str, Any]]:
    span = TimeSpan.last(max((window.long for window in objective.burn), default=timedelta(0)), now)
    hours = hours_of(reader, selection, objective, span, burn_cuts(objective, now))
    for pair in burn_pairs(hours, objective, now):
        yield {
            "objective": objective.name,
            "severity": pair.window.severity,
            "factor": pair.factor,
            "bad_share": pair.bad_share,
            "long_s": pair.window.long.total_seconds(),
            "long": pair.long,
            "short_s": pair.window.short.total_seconds(),
            "short": pair.short,
            "state": pair.state,
            "outage_seen_after_min": detected_after(pair.window, objective, 1.0),
        }


def ledgers(
    source: RequestSource,
    selection: Selection,
    objectives: Sequence[Objective],
    allowed: Mapping[str, float],
    now: datetime,
) -> dict[str, Ledger]:
    """The ledger of each objective by name, beside what its budget allows.

    Read piece by piece: a month of rows need not be held at once. Of many requests only their counts are read.
    """
    cubes: dict[str, list[pl.DataFrame]] = {objective.name: [] for objective in objectives}
    starts = {objective.name: objective.starts(now) for objective in objectives}
    width = MINUTE if any(objective.by == "minutes" for objective in objectives) else HOUR
    limits = sorted({objective.limit_ms for objective in objectives})
    whole = TimeSpan(min(starts.values()), now)
    compact = compact_source(source, selection.over(whole))
    for span in _days(whole, SINGLY if compact is None else COUNTED):
        over = selection.over(span)
        if compact is None:
            frame = source.requests(over, COLUMNS)
        else:
            cuts = starts.values()
            frame = compact.compact(over, KEYS, width=width, cuts=cuts, edges=limits, durations=False)
        for objective in objectives:
            inside = frame.filter(pl.col("timestamp") >= starts[objective.name])
            cubes[objective.name].append(cube(inside, objective))
    return {o.name: ledger(cubes[o.name], o, allowed[o.name]) for o in objectives}


def _days(span: TimeSpan, length: timedelta) -> Iterator[TimeSpan]:
    """The span cut at its ends and at every `length`, counted from the midnight (UTC) before it."""
    start, edge = span.start, span.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while start < span.end:
        edge += length
        yield TimeSpan(start, min(edge, span.end))
        start = edge


def _rows(table: pl.DataFrame, objective: str, top: int) -> Iterator[dict[str, Any]]:
    shown = table.with_columns(pl.col(pl.Datetime("us", "UTC")).dt.strftime("%Y-%m-%dT%H:%M:%S+00:00"))
    for row in first(shown, top):
        yield {"objective": objective, **row}
