"""What every rule sees: true, false, or nothing to see, with the reason and the numbers. Pure but for the source.

The numbers come from `metrics.summary.summarize`, so a rule and the page cannot disagree about a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import polars as pl

from alerting.grammar import Condition
from alerting.measure import Reading, Window, measure
from alerting.rules import Rule
from core.timespan import TimeSpan
from metrics.answer import standing_budget
from metrics.budget import budget
from metrics.freshness import data_age
from metrics.summary import COLUMNS, summarize
from metrics.uptime import minute_up_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerting.decide import Outcome
    from core.selection import Freshness, RequestSource, Selection
    from core.settings import Settings

Seen = Literal[
    "breached",  # the condition holds
    "within",  # it does not
    "low_traffic",  # it would, but on too few requests to judge
    "no_traffic",  # data is fresh, and no valid request is in the window
    "not_evaluable",  # requests do not carry what the rule asks for
    "stale",  # the newest request is too old: nothing is known about now
    "catching_up",  # the same, but older rows are just being read
    "empty",  # nothing was ever stored
    "error",  # the numbers could not be computed
]

INGEST = Rule(
    "ingest_stale",
    Condition((), "and"),
    hold=timedelta(minutes=1),
    severity="critical",
    family="ingest_stale",
)
"""The one built-in rule: data has stopped. It holds every other rule as it was instead of letting it resolve."""

CATCHING_UP = timedelta(minutes=2)
"""A row stored within this time means that reading goes on, however old the row is."""

_NO_HOURS = pl.DataFrame(schema={"start": pl.Datetime("us", "UTC"), "valid": pl.Float64, "bad": pl.Float64})
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one rule saw at one moment; `requests` are those of its window, of every class."""

    rule: Rule
    outcome: Outcome
    seen: Seen
    readings: tuple[Reading, ...] = ()
    requests: float = 0.0
    detail: str = ""


def window_of(rule: Rule, settings: Settings, now: datetime) -> Selection:
    """The requests `rule` looks at: (end - window, end], end = now - the delay that lets late lines arrive.

    Spans are closed on the left, so both ends are one microsecond, the resolution of a timestamp, later.
    """
    end = now - settings.alerting.delay + _MICROSECOND
    return rule.requests.over(TimeSpan(end - rule.window, end))


def evaluate(
    source: RequestSource, rules: Sequence[Rule], settings: Settings, now: datetime, freshness: Freshness
) -> list[Observation]:
    """One observation per rule, in the order of the rules. A fault of one window is the finding of its rules only."""
    if held := _held(freshness, now):
        return [Observation(rule, "frozen", held) for rule in rules]
    found: dict[tuple[Selection, bool], Window | str] = {}
    observations = []
    for rule in rules:
        if rule.missing:
            observations.append(Observation(rule, "frozen", "not_evaluable", detail=rule.missing))
            continue
        asks_budget = any(part.metric.name == "budget_remaining" for part in rule.condition.comparisons)
        selection = window_of(rule, settings, now)
        if (selection, asks_budget) not in found:
            looked = _look(source, selection, settings, now, freshness, asks_budget=asks_budget)
            found[selection, asks_budget] = looked
        window = found[selection, asks_budget]
        if isinstance(window, str):
            observations.append(Observation(rule, "frozen", "error", detail=window))
        else:
            observations.append(_observe(rule, window))
    return observations


def ingest(freshness: Freshness, now: datetime, *, was_fresh: bool) -> Observation:
    """Whether data has stopped. A store that never was fresh (old files being looked at) has nothing to stop."""
    held = _held(freshness, now)
    if held is None:
        return Observation(INGEST, "false", "within")
    return Observation(INGEST, "true" if held == "stale" and was_fresh else "frozen", held)


def _held(freshness: Freshness, now: datetime) -> Seen | None:
    state = data_age(freshness, now).state
    if state == "fresh":
        return None
    if state == "empty":
        return "empty"
    reading = freshness.read_at is not None and now - freshness.read_at <= CATCHING_UP
    return "catching_up" if reading else "stale"


def _look(
    source: RequestSource,
    selection: Selection,
    settings: Settings,
    now: datetime,
    freshness: Freshness,
    *,
    asks_budget: bool,
) -> Window | str:
    """The window's numbers, or what went wrong: a fault of the data is a finding, and the other rules go on."""
    objective, limits = settings.objective_values[0], settings.limit_values
    try:
        rows = source.requests(selection, COLUMNS)
        standing = (
            standing_budget(source, selection, objective, now) if asks_budget else budget(_NO_HOURS, objective, now)
        )
        summary = summarize(
            rows, standing, selection=selection, limits=limits, objective=objective, freshness=freshness, now=now
        )
    except Exception as error:  # noqa: BLE001 - told in the observation
        return f"{type(error).__name__}: {error}"
    return Window(rows, summary, limits.limit_ms, objective, minute_up_of(settings.objective_values))


def _observe(rule: Rule, window: Window) -> Observation:
    readings = tuple(measure(part, rule, window) for part in rule.condition.comparisons)
    requests = window.summary.counts.requests
    known = tuple(reading.holds for reading in readings if reading.holds is not None)
    settled = False in known if rule.condition.joiner == "and" else True in known
    if len(known) < len(readings) and not settled:
        return Observation(rule, "no_data", "no_traffic", readings, requests)
    if rule.condition.holds(known):
        return Observation(rule, "true", "breached", readings, requests)
    thin = any(reading.thin for reading in readings)
    return Observation(rule, "false", "low_traffic" if thin else "within", readings, requests)
