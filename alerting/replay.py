"""Rules over the past, tick by tick, as the checker would have decided: the same functions, the same interval.

What it cannot know is when a line arrived: every request counts as read the moment it began. Where a service writes
late (after `alerting.delay`), the checker may have seen less than the replay does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from alerting.decide import Instance, decide
from alerting.evaluate import evaluate, window_of
from alerting.incidents import Incident, incident_id, steps
from alerting.message import Message
from alerting.screen import screen
from core.selection import FILTER_COLUMNS, Freshness, Selection
from core.timespan import TimeSpan
from metrics.freshness import STALE_AFTER
from metrics.summary import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from alerting.decide import Decision, Outcome, Reason, State
    from alerting.rules import Rule, Severity
    from core.selection import RequestSource
    from core.settings import Settings

CHUNK = timedelta(days=1)
"""Read at a time, so that memory does not grow with the past that is asked for."""
READ = tuple(dict.fromkeys((*COLUMNS, *FILTER_COLUMNS.values())))


@dataclass(frozen=True, slots=True)
class Transition:
    """A rule's state became another one."""

    at: datetime
    key: str
    before: State
    state: State
    reason: Reason


@dataclass(frozen=True, slots=True)
class Folded:
    """What the fires of one group would have been to people: an incident, one first and one last message.

    `closed_at` is when its last message would have gone, `ended_at` the end it would have told of; None while open.
    """

    group: str
    severity: Severity
    opened_at: datetime
    closed_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """What was decided over `span` at `ticks` moments `interval` apart.

    `asked` of the (rule, moment) pairs needed the full evaluation.
    """

    span: TimeSpan
    interval: timedelta
    ticks: int
    asked: int
    transitions: tuple[Transition, ...]
    incidents: tuple[Folded, ...]


def replay(
    source: RequestSource, rules: Sequence[Rule], settings: Settings, span: TimeSpan, every: timedelta | None = None
) -> Replay:
    """Decide at span.start + interval, + 2 intervals, ... up to the end, from no state on.

    `every` is the time between ticks when it is not `alerting.interval`: then it is the decisions of a checker with
    that interval.
    """
    interval = every or settings.alerting.interval
    walks = [_Walk(members, settings, interval) for members in _by_group(rules)]
    ticks, asked = 0, 0
    for past in _chunks(source, rules, settings, span, interval):
        seen, full = past.outcomes()
        ticks, asked = ticks + len(past.ticks), asked + full
        for walk in walks:
            walk.over(past.ticks, [seen[rule.key] for rule in walk.rules])
    transitions = sorted((each for walk in walks for each in walk.transitions), key=lambda each: each.at)
    incidents = sorted((each for walk in walks for each in walk.told()), key=lambda each: each.opened_at)
    return Replay(span, interval, ticks, asked, tuple(transitions), tuple(incidents))


def _by_group(rules: Sequence[Rule]) -> list[list[Rule]]:
    groups: dict[str, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(rule.group, []).append(rule)
    return list(groups.values())


def _chunks(
    source: RequestSource, rules: Sequence[Rule], settings: Settings, span: TimeSpan, interval: timedelta
) -> Iterator[_Past]:
    """The past piece by piece, each with the rows its windows look back to."""
    longest = max([STALE_AFTER, *(rule.window + settings.alerting.delay for rule in rules)])
    a_piece = max(1, max(CHUNK, longest) // interval)
    total = span.length // interval
    for first in range(0, total, a_piece):
        ticks = [span.start + interval * (number + 1) for number in range(first, min(first + a_piece, total))]
        reach = TimeSpan(ticks[0] - longest - timedelta(seconds=1), ticks[-1] + timedelta(seconds=1))
        yield _Past(source, source.requests(Selection(reach), READ), reach, rules, settings, ticks)


@dataclass(frozen=True, slots=True)
class _Past:
    """A stretch of the past held in memory: a source that answers what lies within it at once."""

    source: RequestSource
    rows: pl.DataFrame
    reach: TimeSpan
    rules: Sequence[Rule]
    settings: Settings
    ticks: list[datetime]

    def requests(self, selection: Selection, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """As `RequestSource`."""
        span = selection.span
        within = span is not None and self.reach.start <= span.start and span.end <= self.reach.end
        if span is None or not within or selection.last is not None or columns is None or not set(columns) <= set(READ):
            return self.source.requests(selection, columns)
        ends = pl.Series([span.start, span.end], dtype=pl.Datetime("us", "UTC"))
        first, last = self.rows["timestamp"].search_sorted(ends, "left")
        return _filtered(self.rows.slice(first, last - first), selection).select(columns)

    def outcomes(self) -> tuple[dict[str, list[Outcome]], int]:
        """What every rule saw at every tick, by the rule's key, and how many of those needed the full evaluation."""
        at = pl.Series(self.ticks, dtype=pl.Datetime("us", "UTC"))
        newest = self.rows["timestamp"].search_sorted(at, "right").cast(pl.Int64) - 1
        known = self.rows["timestamp"].gather(newest.clip(0)) if self.rows.height else at.clear(len(at))
        age = at - known
        fresh = (newest >= 0) & (age <= STALE_AFTER).fill_null(value=False)
        found: dict[str, list[Outcome]] = {}
        unsure: dict[int, list[Rule]] = {}
        for rule in self.rules:
            if rule.missing:
                found[rule.key] = ["frozen"] * len(self.ticks)
                continue
            window = window_of(rule, self.settings, self.ticks[0]).span
            shift = (window.end - self.ticks[0]) if window else timedelta(0)
            screened = screen(rule, _filtered(self.rows, rule.requests), self.settings, at + shift)
            seen = pl.select(pl.when(fresh).then(screened).otherwise(pl.lit("frozen"))).to_series().to_list()
            found[rule.key] = seen
            for number, outcome in enumerate(seen):
                if outcome is None:
                    unsure.setdefault(number, []).append(rule)
        for number, rules in unsure.items():
            now = self.ticks[number]
            freshness = Freshness(known[number], known[number], 0)
            for observation in evaluate(self, rules, self.settings, now, freshness):
                found[observation.rule.key][number] = observation.outcome
        return found, sum(len(rules) for rules in unsure.values())


def _filtered(rows: pl.DataFrame, selection: Selection) -> pl.DataFrame:
    for name, value in selection.filters.items():
        rows = rows.filter(pl.col(FILTER_COLUMNS[name]) == value)
    return rows


@dataclass(slots=True)
class _Walk:
    """The rules of one group on their way through time."""

    rules: list[Rule]
    settings: Settings
    interval: timedelta
    instances: dict[str, Instance] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    closed: list[Folded] = field(default_factory=list)
    opened: Incident | None = None

    def told(self) -> list[Folded]:
        """The incidents, the one still open last."""
        still = [Folded(self.opened.group, self.opened.severity, self.opened.opened_at)] if self.opened else []
        return self.closed + still

    def over(self, ticks: list[datetime], seen: list[list[Outcome]]) -> None:
        """Decide at every tick; `seen` is each rule's outcomes."""
        changes = _same_until(seen)
        number = 0
        while number < len(ticks):
            before, now = dict(self.instances), ticks[number]
            decisions = {
                rule.key: decide(before.get(rule.key), rule, outcomes[number], now, self.interval)
                for rule, outcomes in zip(self.rules, seen, strict=True)
            }
            self._take(decisions, before, now)
            still = all(_still(before.get(key), decision.instance) for key, decision in decisions.items())
            if still and (self.opened is None or self.opened.quiet_since is None):
                number = changes[number]
                self.instances = {key: replace(each, seen_at=ticks[number - 1]) for key, each in self.instances.items()}
            else:
                number += 1

    def _take(self, decisions: dict[str, Decision], before: dict[str, Instance], now: datetime) -> None:
        self.instances = {key: decision.instance for key, decision in decisions.items()}
        self.transitions += [
            Transition(now, key, each.before, each.instance.state, each.reason)
            for key, each in decisions.items()
            if each.changed
        ]
        opened = {self.opened.group: self.opened} if self.opened else {}
        for step in steps(opened, self.rules, decisions, now, self.settings.alerting.settle):
            ends = [before[key].since for key, each in decisions.items() if each.reason == "resolved" and key in before]
            ended_at = max((end for end in ends if end is not None), default=now)
            if step.kind == "open":
                name = incident_id(step.group, now)
                self.opened = Incident(name, step.group, step.severity, now, Message("firing", name, "", ""))
            elif self.opened is None:
                continue
            elif step.kind == "close":
                end = self.opened.quiet_since or ended_at
                self.closed.append(Folded(step.group, self.opened.severity, self.opened.opened_at, now, end))
                self.opened = None
            elif step.kind == "escalate":
                self.opened = replace(self.opened, severity=step.severity, quiet_since=None)
            else:
                self.opened = replace(self.opened, quiet_since=ended_at if step.kind == "quieten" else None)


def _still(before: Instance | None, after: Instance) -> bool:
    """Nothing is being waited for and nothing moved: as long as the same is seen, the same is decided."""
    return before is not None and after.since is None and replace(after, seen_at=before.seen_at) == before


def _same_until(seen: list[list[Outcome]]) -> list[int]:
    """For every tick the next one at which any rule sees something else."""
    length = len(seen[0]) if seen else 0
    until = [length] * length
    for number in range(length - 2, -1, -1):
        same = all(outcomes[number] == outcomes[number + 1] for outcomes in seen)
        until[number] = until[number + 1] if same else number + 1
    return until
