"""What every rule sees: true, false, or nothing to see, with the reason and the numbers. Pure but for the source.

The numbers come from the functions of the pages (`alerting.measure`), so a rule and a page cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from alerting.baseline import MIN_DAYS, NO_DAY, baselines
from alerting.grammar import Condition
from alerting.look import MICROSECOND, Kept, Look, questions_of
from alerting.measure import NOTHING, Reading, of_nobody, reading, values
from alerting.rules import OTHERS, Labels, Rule, labels_of
from alerting.window import Window
from alerting.words import TEXTS, unsaid_shown
from core.text import number as number_shown
from core.text import say
from core.timespan import TimeSpan
from metrics.freshness import data_age

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from alerting.decide import Instance, Outcome
    from alerting.look import Question
    from alerting.measure import Value
    from core.selection import Freshness, RequestSource, Selection
    from core.settings import Settings
    from core.text import Language

Seen = Literal[
    "breached",  # the condition holds
    "within",  # it does not
    "low_traffic",  # it would, but on too few requests to judge
    "no_traffic",  # data is fresh, and no valid request is in the window
    "grouped",  # the rule is judged by its groups, which are seen each by itself
    "not_evaluable",  # the logs do not carry what the rule asks for
    "no_baseline",  # too few days are known to compare with
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
"""A built-in rule: data has stopped. It holds every other rule as it was instead of letting it resolve."""

EVALUATION = Rule("evaluation_fails", Condition((), "and"), severity="critical", family="evaluation_fails")
"""The other built-in rule: numbers could not be computed three times in a row, so rules see nothing."""

CATCHING_UP = timedelta(minutes=2)
"""A row stored within this time means that reading goes on, however old the row is."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one rule saw at one moment, in so many `requests`; `others` is how many groups that of OTHERS stands for."""

    rule: Rule
    outcome: Outcome
    seen: Seen
    readings: tuple[Reading, ...] = ()
    requests: float = 0.0
    detail: str = ""
    others: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What is known from the evaluations before: `instances` by key, `opened` groups of open incidents, readings."""

    instances: Mapping[str, Instance] = field(default_factory=dict)
    opened: Collection[str] = ()
    kept: Kept = field(default_factory=Kept)

    def going_on(self, rules: Sequence[Rule]) -> dict[str, list[Labels]]:
        """The groups of each rule that must be seen again, whether or not there are requests of theirs."""
        named = {rule.name: rule for rule in rules}
        found: dict[str, list[Labels]] = {rule.name: [] for rule in rules}
        for key, instance in self.instances.items():
            name, labels = labels_of(key)
            rule = named.get(name)
            if rule is None or not labels or {label for label, _ in labels} - {*rule.group_by, "others"}:
                continue
            if instance.state != "ok" or rule.no_data == "alert" or rule.of_group(labels).group in self.opened:
                found[name].append(labels)
        return found


def window_of(rule: Rule, settings: Settings, now: datetime) -> Selection:
    """The requests `rule` looks at: (end - window, end], end = now - the delay that lets late lines arrive.

    Spans are closed on the left, so both ends are one microsecond, the resolution of a timestamp, later.
    """
    end = now - settings.alerting.delay + MICROSECOND
    return rule.requests.over(TimeSpan(end - rule.window, end))


def evaluate(
    source: RequestSource,
    rules: Sequence[Rule],
    settings: Settings,
    now: datetime,
    freshness: Freshness,
    *,
    known: Known | None = None,
) -> list[Observation]:
    """One observation per rule, in the order of the rules; one with `group_by` is followed by its groups'.

    Of groups only those are told that breach, have something going on as `known`, or whose absence would be told. A
    fault of one window is the finding of its rules only.
    """
    known = known or Known()
    going_on = known.going_on(rules)
    if held := _held(freshness, now):
        return [Observation(each, "frozen", held) for rule in rules for each in _with_groups(rule, going_on[rule.name])]
    known.kept.turn()
    look = Look(source, settings, now, rules, known.kept)
    stay: dict[Question, list[Labels]] = {}
    for rule in rules:
        stay.setdefault(questions_of(rule)[0], []).extend(going_on[rule.name])
    windows = {question: Window(look, question, look.end, labels) for question, labels in stay.items()}
    return [found for rule in rules for found in _seen(rule, windows[questions_of(rule)[0]], going_on[rule.name])]


def _with_groups(rule: Rule, going_on: Iterable[Labels]) -> list[Rule]:
    return [rule, *(rule.of_group(labels) for labels in going_on)]


def _seen(rule: Rule, window: Window, going_on: Sequence[Labels]) -> list[Observation]:
    """What a rule and, with `group_by`, its groups saw."""
    try:
        judged = _judged(rule, window, going_on)
    except Exception as error:  # noqa: BLE001 - told in the observation
        detail = f"{type(error).__name__}: {error}"
        return [Observation(each, "frozen", "error", detail=detail) for each in _with_groups(rule, going_on)]
    if not rule.group_by:
        return list(judged.values())
    told = [
        replace(found, rule=rule.of_group(labels))
        for labels, found in judged.items()
        if found.outcome == "true" or rule.no_data == "alert" or labels in going_on
    ]
    return [_overall(rule, list(judged.values()), window), *told]


def _judged(rule: Rule, window: Window, going_on: Sequence[Labels]) -> dict[Labels, Observation]:
    """What each group saw, as an observation of the rule itself."""
    parts, look = rule.condition.comparisons, window.look
    numbers: dict[Labels, int | None] = {**dict.fromkeys(going_on), **window.groups().numbers}
    found = [values(part, window) for part in parts]
    past = [baselines(part, window) if part.baseline else None for part in parts]
    short = Window(look, questions_of(rule)[1], look.end, like=window) if rule.short else None
    soon = [values(part, short) for part in parts] if short else []
    judged = {}
    for labels, number in numbers.items():
        readings = []
        for part, here, before in zip(parts, found, past, strict=True):
            value = None if number is None else here.get(number)
            usual = None if before is None else before.get(labels, NO_DAY)
            readings.append(reading(part, rule, value or of_nobody(part.metric), usual))
        observation = _observe(rule, labels, tuple(readings), window)
        if number is None and observation.outcome == "no_data" and _left(rule.of_group(labels), look):
            observation = replace(observation, outcome="false")
        elif soon and observation.outcome == "true" and not _holds_soon(rule, soon, number):
            observation = replace(observation, outcome="false", seen="within")
        judged[labels] = observation
    return judged


def _left(rule: Rule, look: Look) -> bool:
    """Whether a group is gone: an agent that was switched off must not be alerted of for ever."""
    return rule.labels == OTHERS or (rule.whole and not look.heard(rule.requests))


def _holds_soon(rule: Rule, soon: Sequence[Mapping[int, Value]], number: int | None) -> bool:
    """Whether the condition holds over the short window, too, on however little."""
    truths = []
    for part, found in zip(rule.condition.comparisons, soon, strict=True):
        value = found.get(number, NOTHING).value if number is not None else None
        truths.append(value is not None and part.holds(value))
    return rule.condition.holds(tuple(truths))


def _overall(rule: Rule, judged: Sequence[Observation], window: Window) -> Observation:
    """The rule itself beside its groups: it never fires, but it may have nothing to see."""
    requests = sum(each.requests for each in judged)
    if not judged:
        return Observation(rule, "no_data", "no_traffic")
    reasons = {each.seen for each in judged}
    if reasons <= {"not_evaluable", "no_baseline"}:
        return Observation(rule, "frozen", judged[0].seen, requests=requests, detail=judged[0].detail)
    breached = sum(each.outcome == "true" for each in judged)
    language, groups = window.look.settings.language, len(judged) - 1 + max(1, window.groups().others)
    detail = say(
        TEXTS, "of_groups", language, n=number_shown(breached, language), groups=number_shown(groups, language)
    )
    return Observation(rule, "false", "grouped", requests=requests, detail=detail)


def ingest(freshness: Freshness, now: datetime, *, was_fresh: bool) -> Observation:
    """Whether data has stopped. A store that never was fresh (old files being looked at) has nothing to stop."""
    held = _held(freshness, now)
    if held is None:
        return Observation(INGEST, "false", "within")
    return Observation(INGEST, "true" if held == "stale" and was_fresh else "frozen", held)


def evaluation(found: Sequence[Observation], settings: Settings) -> Observation:
    """Whether rules cannot be evaluated; `detail` names them. Fires with the third failure in a row."""
    rule = replace(EVALUATION, hold=2 * settings.alerting.interval)
    failed = [
        f"{observation.rule.name} ({observation.detail.partition(':')[0]})"
        for observation in found
        if observation.seen == "error" and not observation.rule.labels
    ]
    if failed:
        return Observation(rule, "true", "breached", detail=", ".join(failed))
    if found and all(observation.outcome == "frozen" for observation in found):
        return Observation(rule, "frozen", found[0].seen)
    return Observation(rule, "false", "within")


def _held(freshness: Freshness, now: datetime) -> Seen | None:
    state = data_age(freshness, now).state
    if state == "fresh":
        return None
    if state == "empty":
        return "empty"
    reading = freshness.read_at is not None and now - freshness.read_at <= CATCHING_UP
    return "catching_up" if reading else "stale"


def _observe(rule: Rule, labels: Labels, readings: tuple[Reading, ...], window: Window) -> Observation:
    requests = max((each.rows for each in readings), default=0)
    known = tuple(each.holds for each in readings if each.holds is not None)
    settled = False in known if rule.condition.joiner == "and" else True in known
    others = window.groups().others if labels == OTHERS else 0
    if len(known) < len(readings) and not settled:
        return _unknown(rule, readings, requests, window.look.settings.language)
    if rule.condition.holds(known):
        return Observation(rule, "true", "breached", readings, requests, others=others)
    thin = any(each.thin for each in readings)
    return Observation(rule, "false", "low_traffic" if thin else "within", readings, requests, others=others)


def _unknown(rule: Rule, readings: tuple[Reading, ...], requests: float, language: Language) -> Observation:
    """Why the condition cannot be told: the logs do not carry it, the past is too short, or nothing came."""
    for each in readings:
        if each.unsaid:
            return Observation(rule, "frozen", "not_evaluable", readings, requests, unsaid_shown(each, language))
        if each.value is not None and each.before is not None and each.before.value is None:
            why = "baseline_being_read" if each.before.being_read else "no_baseline"
            detail = say(TEXTS, why, language, days=each.before.days, least=MIN_DAYS)
            return Observation(rule, "frozen", "no_baseline", readings, requests, detail)
    return Observation(rule, "no_data", "no_traffic", readings, requests)
