"""What a rule would have done: its fires over stored history, beside the incidents people have judged.

The decisions are the checker's own (`alerting.replay`). Nothing is sent and no state changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alerting.decide import ACTIVE
from alerting.evaluate import evaluate
from alerting.grammar import parse_condition
from alerting.replay import replay
from alerting.screen import screened
from core.selection import Freshness

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from alerting.actions import Verdict
    from alerting.replay import Folded
    from alerting.rules import Rule
    from core.selection import RequestSource
    from core.settings import Settings
    from core.timespan import TimeSpan

WEEK = timedelta(days=7)
ENOUGH = 2 * WEEK
"""Less history than this says little about how often a rule fires: weekends and busy days are not all in it."""
UNKNOWN = ("not_evaluable", "no_baseline")
MOST_ASKED = 5000
"""Full evaluations of one rule that a reader can wait for; a rule that needs more is looked at less often."""

LADDERS = {
    "ratio": ("0.5%", "1%", "2%", "3%", "4%", "5%", "7%", "10%", "15%", "20%", "30%", "40%", "50%", "75%", "90%"),
    "duration": ("500ms", "1s", "2s", "3s", "4s", "5s", "6s", "6.5s", "7s", "7.5s", "8s", "10s", "15s", "20s", "30s"),
    "count": ("1", "2", "5", "10", "20", "50", "100", "200", "500", "1000"),
    "per_second": ("0.01/s", "0.02/s", "0.05/s", "0.1/s", "0.2/s", "0.5/s", "1/s", "2/s", "5/s", "10/s"),
    "factor": ("1x", "2x", "3x", "5x", "6x", "8x", "10x", "14.4x", "20x", "30x"),
}
"""Limits people would write, from the touchiest to the calmest of a rule for which more is worse."""
GOOD_RATIOS = ("99.9%", "99.5%", "99%", "98%", "97%", "95%", "90%", "85%", "80%", "70%", "50%")
"""The same where less is worse."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An incident somebody judged, from when it was first seen to its end."""

    id: str
    start: datetime
    end: datetime
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Fire:
    """One episode: fired, and over (None while it goes on)."""

    at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """A useful incident the rule saw, and how long after the incident was first seen (negative: before)."""

    id: str
    delay: timedelta


@dataclass(frozen=True, slots=True)
class Backtest:
    """What the rule would have done over `span`, looked at every `interval`.

    `as_live` says that this is the checker's own interval: then these are its decisions, tick by tick. `told` are the
    incidents people would have had messages of, with this rule alone. `false` of the `judged` fires fell into incidents
    labelled as noise; the others fell into useful ones. `missing` says why the rule cannot be evaluated, else "".
    """

    rule: Rule
    span: TimeSpan
    interval: timedelta
    as_live: bool
    fires: tuple[Fire, ...]
    told: tuple[Folded, ...]
    found: tuple[Found, ...]
    missed: tuple[str, ...]
    judged: int
    false: int
    missing: str = ""

    @property
    def days(self) -> float:
        """Days of history."""
        return self.span.length / timedelta(days=1)

    @property
    def per_day(self) -> float | None:
        """Fires a day; None without history."""
        return len(self.fires) / self.days if self.days else None

    @property
    def told_per_day(self) -> float | None:
        """Incidents a day; None without history."""
        return len(self.told) / self.days if self.days else None

    @property
    def false_share(self) -> float | None:
        """Noise among the judged fires; None when none was judged."""
        return self.false / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The touchiest limit with at most `most` incidents a week that people are told of; None when none is calm enough.

    `tried` is every limit with its incidents a week, from the touchiest on. `enough` is whether the history is as long
    as ENOUGH.
    """

    limit: str | None
    most: float
    tried: tuple[tuple[str, float], ...]
    span: TimeSpan
    enough: bool


def backtest(
    source: RequestSource, rule: Rule, settings: Settings, span: TimeSpan, labelled: Sequence[Labelled] = ()
) -> Backtest:
    """Replay one rule, alone, over `span`."""
    last = Freshness(span.end, span.end, 0)
    every = pace(rule, settings, span)
    played = replay(source, [rule], settings, span, every)
    fires: list[Fire] = []
    for each in played.transitions:
        if each.before not in ACTIVE and each.state in ACTIVE:
            fires.append(Fire(each.at, None))
        elif each.before in ACTIVE and each.state not in ACTIVE:
            fires[-1] = replace(fires[-1], ended_at=each.at)
    within = [one for one in labelled if one.start < span.end and span.start < one.end]
    useful = [one for one in within if one.verdict == "useful"]
    hits = {one.id: next((fire for fire in fires if _meet(fire, one, span)), None) for one in useful}
    found = tuple(Found(one.id, fire.at - one.start) for one in useful if (fire := hits[one.id]) is not None)
    judged = [{one.verdict for one in within if _meet(fire, one, span)} for fire in fires]
    return Backtest(
        rule,
        span,
        every,
        every == settings.alerting.interval,
        tuple(fires),
        played.incidents,
        found,
        tuple(one.id for one in useful if hits[one.id] is None),
        sum(bool(verdicts) for verdicts in judged),
        sum(verdicts == {"noise"} for verdicts in judged),
        "; ".join(
            one.detail for one in evaluate(source, [rule], settings, span.end, last) if one.seen == "not_evaluable"
        ),
    )


def _meet(fire: Fire, one: Labelled, span: TimeSpan) -> bool:
    return fire.at < one.end and one.start < (fire.ended_at or span.end)


def pace(rule: Rule, settings: Settings, span: TimeSpan) -> timedelta:
    """The time between looks: the checker's, or a multiple of it for a rule whose every look is a full evaluation."""
    interval = settings.alerting.interval
    return interval if screened(rule, settings) else interval * max(1, -(-(span.length // interval) // MOST_ASKED))


def at_limit(rule: Rule, limit: str) -> Rule:
    """The rule with the limit of its first comparison written otherwise."""
    first, *others = rule.condition.comparisons
    joiner = f" {rule.condition.joiner} "
    text = joiner.join([f"{first.metric.name} {first.op} {limit}", *(part.text for part in others)])
    return replace(rule, condition=parse_condition(text))


def ladder(rule: Rule) -> tuple[str, ...]:
    """Limits to try, from the touchiest to the calmest; () where the first comparison is no threshold."""
    first = rule.condition.comparisons[0]
    if first.baseline or first.op in ("==", "!="):
        return ()
    if not first.upward:
        return GOOD_RATIOS if first.metric.dimension == "ratio" else ()
    return LADDERS.get(first.metric.dimension, ())


def suggest(
    source: RequestSource, rule: Rule, settings: Settings, span: TimeSpan, most: float = 1.0
) -> Suggestion | None:
    """The limit for at most `most` incidents a week; None for a rule that has no ladder or cannot be tried quickly.

    Every limit calmer than the suggested one is calm enough, too.
    """
    limits = ladder(rule)
    if not limits or pace(rule, settings, span) != settings.alerting.interval or not span.length:
        return None
    variants = [
        replace(at_limit(rule, limit), name=f"at_{number}", family=limit) for number, limit in enumerate(limits)
    ]
    played = replay(source, variants, settings, span)
    weeks = span.length / WEEK
    told = dict.fromkeys((one.group for one in variants), 0)
    for one in played.incidents:
        told[one.group] += 1
    tried = tuple((limit, told[one.group] / weeks) for limit, one in zip(limits, variants, strict=True))
    calm = None
    for limit, a_week in reversed(tried):
        if round(a_week, 2) > most:
            break
        calm = limit
    return Suggestion(calm, most, tried, span, span.length >= ENOUGH)


def backtest_json(found: Backtest, suggestion: Suggestion | None) -> dict[str, Any]:
    """Plain JSON types: times ISO 8601, lengths in seconds, absent is null."""
    return {
        "rule": found.rule.name,
        "condition": str(found.rule.condition),
        "span": {"start": found.span.start.isoformat(), "end": found.span.end.isoformat()},
        "interval_s": found.interval.total_seconds(),
        "as_live": found.as_live,
        "not_evaluable": found.missing or None,
        "fires": len(found.fires),
        "fires_per_day": found.per_day,
        "incidents": len(found.told),
        "incidents_per_day": found.told_per_day,
        "first_fire": found.fires[0].at.isoformat() if found.fires else None,
        "last_fire": found.fires[-1].at.isoformat() if found.fires else None,
        "found": [{"incident": one.id, "delay_s": one.delay.total_seconds()} for one in found.found],
        "missed": list(found.missed),
        "judged_fires": found.judged,
        "false_share": found.false_share,
        "suggestion": suggestion
        and {
            "limit": suggestion.limit,
            "at_most_a_week": suggestion.most,
            "enough_history": suggestion.enough,
            "tried": [{"limit": limit, "incidents_per_week": a_week} for limit, a_week in suggestion.tried],
        },
    }
