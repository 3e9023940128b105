"""The reads of one evaluation: every window once, every grouping once, whatever the number of rules."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

import polars as pl

from core.selection import FILTER_COLUMNS, RecordSource, Selection
from core.timespan import TimeSpan
from metrics.answer import hours_of
from metrics.budget import budget, budget_cuts, budget_span
from metrics.many import counts_of, requests_of
from metrics.summary import COLUMNS
from metrics.tally import PERCENTILES

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from datetime import datetime

    from alerting.catalogue import Needs
    from alerting.grammar import Comparison
    from alerting.rules import Rule
    from core.selection import RequestSource
    from core.settings import Settings

Kind = TypeVar("Kind")

NEAR = timedelta(hours=1)
"""Windows up to this are cut from one reading of the longest of them; longer ones are read one by one."""
MICROSECOND = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
GONE_AFTER = timedelta(days=1)
"""A group without a request for so long is gone: what it was is over."""

PAST_AT_ONCE = 200_000
"""Requests of past days the checker reads in one evaluation, so that the other rules do not wait."""
LEAST_READ = 5_000

PLAIN: tuple[Needs, ...] = ("fallback", "tokens")
"""What only single requests can tell."""
_MORE: dict[Needs, tuple[str, ...]] = {
    "fallback": ("fallback_ok", "fallback_ms", "operation", "request_id"),
    "tokens": ("tokens_input", "tokens_output", "user_id"),
}


class Kept:
    """Readings that stay true until their window moves on; what was not asked for in the last round is forgotten.

    A baseline is read bit by bit: `left` is how many requests of the past may still be read in this round.
    """

    def __init__(self, at_once: float = math.inf) -> None:
        self._at_once = at_once
        self._before: dict[Hashable, Any] = {}
        self._now: dict[Hashable, Any] = {}
        self.left = at_once

    def turn(self) -> None:
        """Begin a round."""
        self._before, self._now, self.left = self._now, {}, self._at_once

    def spend(self, rows: int) -> None:
        """So many requests of the past were read; a reading of few is work, too."""
        self.left -= max(rows, LEAST_READ)

    def has(self, key: Hashable) -> bool:
        """Whether it need not be made."""
        return key in self._now or key in self._before

    def get(self, key: Hashable, make: Callable[[], Kind]) -> Kind:
        """What `make` gave for this key when it was last asked for."""
        if key not in self._now:
            self._now[key] = self._before[key] if key in self._before else make()
        return cast("Kind", self._now[key])


def once(made: dict[Any, Any], key: Hashable, make: Callable[[], Kind]) -> Kind:
    """What `made` has for the key, made now when it has nothing. A fault is told each time, and not tried again."""
    if key not in made:
        try:
            made[key] = make()
        except Exception as error:  # noqa: BLE001 - raised below, to everybody who asks
            made[key] = error
    if isinstance(made[key], Exception):
        raise made[key]
    return cast("Kind", made[key])


@dataclass(frozen=True, slots=True)
class Question:
    """Which requests, over how long a window, told apart by what."""

    requests: Selection
    window: timedelta
    group_by: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The record fields behind `group_by`."""
        return tuple(FILTER_COLUMNS[name] for name in self.group_by)


@dataclass(slots=True)
class Asked:
    """What the rules ask of one question."""

    percentiles: set[str] = field(default_factory=set)
    beyond: set[float] = field(default_factory=set)
    times: bool = False
    needs: set[Needs] = field(default_factory=set)


class Look:
    """What one evaluation at `now` reads. Everything is read when it is first asked for, and only then."""

    def __init__(
        self, source: RequestSource, settings: Settings, now: datetime, rules: Iterable[Rule], kept: Kept
    ) -> None:
        self.source, self.settings, self.now, self.kept = source, settings, now, kept
        self.limits, self.objective = settings.limit_values, settings.objective_values[0]
        self.end = now - settings.alerting.delay + MICROSECOND
        self.asked: dict[Question, Asked] = {}
        for rule in rules:
            for question in questions_of(rule):
                for part in rule.condition.comparisons:
                    self._note(question, part)
        self._made: dict[Any, Any] = {}

    def _note(self, question: Question, part: Comparison) -> None:
        asked = self.asked.setdefault(question, Asked())
        asked.needs.add(part.metric.needs)
        asked.times |= part.metric.dimension == "duration"
        if part.metric.name in PERCENTILES:
            asked.percentiles.add(part.metric.name)
        if part.metric.dimension == "duration" and part.upward and not part.baseline:
            asked.beyond.add(part.limit)

    @property
    def recorded(self) -> RecordSource:
        """The source, of what was recorded beside requests; TypeError when it has requests alone."""
        if not isinstance(self.source, RecordSource):
            raise TypeError("this source has requests alone, and no evaluations, calls or hosts")
        return self.source

    def near(self, question: Question) -> pl.DataFrame:
        """The requests of a short window, cut from the one reading of the longest of them.

        When that fails, from a reading of its own: the rules of shorter windows go on.
        """
        columns = once(self._made, "near columns", self._near_columns)
        longest = max(asked.window for asked in self.asked if asked.window <= NEAR)
        span = TimeSpan(self.end - question.window, self.end)
        if longest == question.window and len({asked.requests for asked in self.asked}) == 1:
            return once(
                self._made,
                ("near", question.requests),
                lambda: self.source.requests(question.requests.over(span), columns),
            )
        try:
            everything = Selection(TimeSpan(self.end - longest, self.end))
            whole = once(self._made, "near", lambda: self.source.requests(everything, columns))
        except Exception:
            if question.window == longest:
                raise
            return self.source.requests(question.requests.over(span), columns)
        inside = pl.col("timestamp") >= span.start
        for name, value in question.requests.filters.items():
            inside &= (pl.col(FILTER_COLUMNS[name]) == value).fill_null(value=False)
        return whole.filter(inside)

    def _near_columns(self) -> tuple[str, ...]:
        """Only what some rule asks for: a column nobody needs is time."""
        wanted = dict.fromkeys(COLUMNS)
        for question, asked in self.asked.items():
            if question.window <= NEAR:
                filters = (FILTER_COLUMNS[name] for name in question.requests.filters)
                wanted |= dict.fromkeys((*question.columns, *filters, *plain_columns(asked)))
        return tuple(wanted)

    def read(self, question: Question, span: TimeSpan, *, plain: bool) -> pl.DataFrame:
        """The requests of a span as the question wants them: `plain` one by one, else compact when they are many."""
        asked = self.asked[question]
        selection = question.requests.over(span)
        read = requests_of if asked.times else counts_of
        columns = tuple(dict.fromkeys((*COLUMNS, *question.columns)))
        if plain:
            return self.source.requests(selection, tuple(dict.fromkeys((*columns, *plain_columns(asked)))))
        by_minutes = "minutes" in asked.needs or self.objective.by == "minutes"
        edges = {self.limits.limit_ms, self.objective.limit_ms, *asked.beyond}
        return read(
            self.source, selection, columns, by=question.columns, width=MINUTE if by_minutes else None, edges=edges
        )

    def heard(self, requests: Selection) -> bool:
        """Whether there was any such request in the last day, to the hour."""
        hour = self.end.replace(minute=0, second=0, microsecond=0)
        last = replace(requests.over(TimeSpan(hour - GONE_AFTER, self.end)), last=1)
        return self.kept.get(("heard", requests, hour), lambda: self.source.requests(last, ("timestamp",)).height > 0)

    def budget_left(self, requests: Selection) -> tuple[float | None, float, float]:
        """What is left of the objective's budget (None without traffic), and its valid and bad requests.

        As of the last full minute: reading a whole period is much work, and a minute of it is little.
        """
        minute = self.now.replace(second=0, microsecond=0)
        span, cuts = budget_span(self.objective, minute), budget_cuts(self.objective, minute)

        def read() -> tuple[float | None, float, float]:
            found = budget(hours_of(self.source, requests, self.objective, span, cuts), self.objective, minute)
            return None if found.consumed is None else found.remaining, found.valid, found.bad

        return self.kept.get(("budget", requests, minute), read)


def plain_columns(asked: Asked) -> tuple[str, ...]:
    """What only single requests can tell, of what is asked."""
    return tuple(name for needs in PLAIN if needs in asked.needs for name in _MORE[needs])


def questions_of(rule: Rule) -> list[Question]:
    """The rule's window and, where there is one, its short window."""
    windows = [rule.window, *([rule.short] if rule.short else [])]
    return [Question(rule.requests, window, rule.group_by) for window in windows]
