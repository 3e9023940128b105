"""Rules over the past, tick by tick, as the checker would have decided: the same functions, the same interval.

What it cannot know is when a line arrived: every request counts as read the moment it began. Where a service writes
late (after `alerting.delay`), the checker may have seen less than the replay does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from alerting.decide import Instance, decide, gone
from alerting.evaluate import Known, evaluate, window_of
from alerting.incidents import FLAPS_WITHIN, steps, taken_up
from alerting.look import NEAR, Kept
from alerting.screen import judged, screen, screened
from core.selection import FILTER_COLUMNS, Freshness, Selection
from core.timespan import TimeSpan
from metrics.freshness import STALE_AFTER
from metrics.summary import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from alerting.decide import Outcome, Reason, State
    from alerting.evaluate import Observation
    from alerting.incidents import Incident
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
    families: dict[str, list[Rule]] = {}
    for rule in rules:
        families.setdefault(rule.family, []).append(rule)
    walks = [_Walk(members, settings, interval) for members in families.values()]
    ticks, asked = 0, 0
    for past in _chunks(source, rules, settings, span, interval):
        seen, full = past.outcomes()
        ticks, asked = ticks + len(past.ticks), asked + full
        for walk in walks:
            asked += walk.over(past, seen)
    transitions = sorted((each for walk in walks for each in walk.transitions), key=lambda each: each.at)
    incidents = sorted((each for walk in walks for each in walk.told()), key=lambda each: each.opened_at)
    return Replay(span, interval, ticks, asked, tuple(transitions), tuple(incidents))


def _chunks(
    source: RequestSource, rules: Sequence[Rule], settings: Settings, span: TimeSpan, interval: timedelta
) -> Iterator[_Past]:
    """The past piece by piece, each with the rows its windows look back to."""
    looks = [rule.window + settings.alerting.delay for rule in rules if screened(rule, settings) or _short(rule)]
    longest = max([STALE_AFTER, *looks])
    a_piece = max(1, max(CHUNK, longest) // interval)
    total = span.length // interval
    for first in range(0, total, a_piece):
        ticks = [span.start + interval * (number + 1) for number in range(first, min(first + a_piece, total))]
        reach = TimeSpan(ticks[0] - longest - timedelta(seconds=1), ticks[-1] + timedelta(seconds=1))
        yield _Past(source, source.requests(Selection(reach), READ), reach, rules, settings, ticks)


def _short(rule: Rule) -> bool:
    """Whether all it looks at is a short window of requests."""
    return rule.window <= NEAR and all(
        part.metric.needs == "requests" and not part.baseline for part in rule.condition.comparisons
    )


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

    def observe(self, rules: Sequence[Rule], number: int, known: Known) -> list[Observation]:
        """The full evaluation of one tick, as the checker's."""
        source = self if all(_short(rule) for rule in rules) else self.source
        return evaluate(source, rules, self.settings, self.ticks[number], self.freshness(number), known=known)

    def freshness(self, number: int) -> Freshness:
        """The newest request at that tick, as far as this stretch knows: an older one is stale anyway."""
        at = pl.Series([self.ticks[number]], dtype=pl.Datetime("us", "UTC"))
        place = int(self.rows["timestamp"].search_sorted(at, "right")[0])
        newest = self.rows["timestamp"][place - 1] if place else None
        return Freshness(newest, newest, 0)

    def outcomes(self) -> tuple[dict[str, list[Outcome]], int]:
        """What every rule that sums can settle saw at every tick, by key; and how many full evaluations it took."""
        at = pl.Series(self.ticks, dtype=pl.Datetime("us", "UTC"))
        newest = self.rows["timestamp"].search_sorted(at, "right").cast(pl.Int64) - 1
        known = self.rows["timestamp"].gather(newest.clip(0)) if self.rows.height else at.clear(len(at))
        fresh = (newest >= 0) & (at - known <= STALE_AFTER).fill_null(value=False)
        found: dict[str, list[Outcome]] = {}
        unsure: dict[int, list[Rule]] = {}
        rows: dict[Selection, pl.DataFrame] = {}
        for rule in (rule for rule in self.rules if screened(rule, self.settings)):
            window = window_of(rule, self.settings, self.ticks[0]).span
            shift = (window.end - self.ticks[0]) if window else timedelta(0)
            if rule.requests not in rows:
                rows[rule.requests] = judged(_filtered(self.rows, rule.requests), self.settings)
            sure = screen(rule, rows[rule.requests], self.settings, at + shift)
            seen = pl.select(pl.when(fresh).then(sure).otherwise(pl.lit("frozen"))).to_series().to_list()
            found[rule.key] = seen
            for number, outcome in enumerate(seen):
                if outcome is None:
                    unsure.setdefault(number, []).append(rule)
        for number, rules in unsure.items():
            for observation in self.observe(rules, number, Known()):
                found[observation.rule.key][number] = observation.outcome
        return found, sum(len(rules) for rules in unsure.values())


def _filtered(rows: pl.DataFrame, selection: Selection) -> pl.DataFrame:
    for name, value in selection.filters.items():
        rows = rows.filter(pl.col(FILTER_COLUMNS[name]) == value)
    return rows


@dataclass(slots=True)
class _Walk:
    """The rules of one family on their way through time."""

    rules: list[Rule]
    settings: Settings
    interval: timedelta
    instances: dict[str, Instance] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    opened: dict[str, Incident] = field(default_factory=dict)
    closed: list[Folded] = field(default_factory=list)
    kept: Kept = field(default_factory=Kept)

    def told(self) -> list[Folded]:
        """The incidents, those still open last."""
        return [*self.closed, *(Folded(each.group, each.severity, each.opened_at) for each in self.opened.values())]

    def over(self, past: _Past, sure: dict[str, list[Outcome]]) -> int:
        """Decide at every tick; `sure` are the outcomes known beforehand, by key. Returns the full evaluations."""
        ticks, number, asked = past.ticks, 0, 0
        settled = [(rule, sure[rule.key]) for rule in self.rules if rule.key in sure]
        others = [rule for rule in self.rules if rule.key not in sure]
        changes = _same_until([outcomes for _, outcomes in settled], len(ticks))
        while number < len(ticks):
            before, now = self.instances, ticks[number]
            seen = [(rule, outcomes[number]) for rule, outcomes in settled]
            if others:
                found = past.observe(others, number, Known(before, self.opened, self.kept))
                seen += [(each.rule, each.outcome) for each in found]
                asked += len(others)
            self._take(seen, now)
            still = not others and all(_still(before.get(key), each) for key, each in self.instances.items())
            if still and all(each.quiet_since is None for each in self.opened.values()):
                number = changes[number]
                last = ticks[number - 1]
                self.instances = {key: replace(each, seen_at=last) for key, each in self.instances.items()}
            else:
                number += 1
        return asked

    def _take(self, seen: list[tuple[Rule, Outcome]], now: datetime) -> None:
        """One tick, as `alerting.round.run` has it."""
        before, settle = self.instances, self.settings.alerting.settle
        decisions = {
            rule.key: decide(before.get(rule.key), rule, outcome, now, self.interval) for rule, outcome in seen
        }
        lost = {key: gone(instance, now) for key, instance in before.items() if key not in decisions}
        self.instances = {key: decision.instance for key, decision in decisions.items()}
        decisions |= lost
        self.transitions += [
            Transition(now, key, each.before, each.instance.state, each.reason)
            for key, each in decisions.items()
            if each.changed
        ]
        seen_off = [before[key].since for key, each in decisions.items() if each.reason == "resolved" and key in before]
        ends = max((end for end in seen_off if end is not None), default=now)
        for step in steps(self.opened, [rule for rule, _ in seen], decisions, now, settle):
            if step.kind == "close" and step.incident:
                end = step.incident.quiet_since or ends
                self.closed.append(Folded(step.group, step.severity, step.incident.opened_at, now, end))
                del self.opened[step.group]
            else:
                self.opened[step.group] = taken_up(step, now, ends, frozenset(), self._openings(step.group, now))

    def _openings(self, group: str, now: datetime) -> int:
        return sum(each.group == group and each.opened_at > now - FLAPS_WITHIN for each in self.closed)


def _still(before: Instance | None, after: Instance) -> bool:
    """Nothing is being waited for and nothing moved: as long as the same is seen, the same is decided."""
    return before is not None and after.since is None and replace(after, seen_at=before.seen_at) == before


def _same_until(seen: list[list[Outcome]], length: int) -> list[int]:
    """For every tick the next one at which any rule sees something else."""
    until = [length] * length
    for number in range(length - 2, -1, -1):
        same = all(outcomes[number] == outcomes[number + 1] for outcomes in seen)
        until[number] = until[number + 1] if same else number + 1
    return until
