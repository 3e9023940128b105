"""Numbers of alerts and digests as people read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alerting.catalogue import SCORE
from alerting.rules import OTHERS
from core.text import NARROW, age, catalogue, moment, money, number, percent, say, seconds
from metrics.sentence import budget_text

if TYPE_CHECKING:
    from datetime import timedelta

    from alerting.evaluate import Observation
    from alerting.measure import Reading
    from alerting.rules import Rule
    from core.settings import Settings
    from core.text import Language
    from metrics.monthly_cost import Month
    from metrics.values import Budget

TEXTS = Path(__file__).with_name("texts.yaml")


def shown(reading: Reading, language: Language) -> str:
    """The value with its unit: 7.2 %, at least 8.0 s, 0.12/s."""
    return value_shown(reading.comparison.metric.dimension, reading.value, language, at_least=reading.at_least)


def value_shown(dimension: str, value: float | None, language: Language, *, at_least: bool = False) -> str:
    """A value of a dimension with its unit; an en dash when unknown."""
    if dimension == "duration":
        return seconds(value, language, at_least=at_least)
    if dimension == "ratio":
        return percent(value, language)
    if dimension == "per_second":
        return number(value, language, 3) + "/s"
    if dimension == "factor":
        return number(value, language, 1) + NARROW + "x"
    if dimension == "money":
        return money(value, language)
    return number(value, language)


def limit_shown(reading: Reading, language: Language) -> str:
    """The limit the value was compared with: > 5 %, > 15.00 USD (1.5 times the usual 10.00 USD)."""
    part, before = reading.comparison, reading.before
    limit = f"{part.op} {value_shown(part.metric.dimension, reading.limit, language)}"
    if before is None or before.value is None:
        return limit
    usual = value_shown(part.metric.dimension, before.value, language)
    return say(TEXTS, "times_usual", language, limit=limit, factor=number(part.limit, language, 2), usual=usual)


def reading_shown(reading: Reading, language: Language) -> str:
    """Timeout rate 7.2 % (limit > 5 %)."""
    metric = metric_shown(reading.comparison.metric.name, language)
    return say(
        TEXTS,
        "value_of",
        language,
        metric=metric,
        value=shown(reading, language),
        limit=limit_shown(reading, language),
    )


def metric_shown(name: str, language: Language) -> str:
    """A metric of the catalogue in words; a score is named as the logs name it."""
    if name.startswith(SCORE):
        return say(TEXTS, "metric_score", language, name=name.removeprefix(SCORE))
    return say(TEXTS, f"metric_{name}", language)


def unsaid_shown(reading: Reading, language: Language) -> str:
    """What the logs would have to carry for the metric to be had."""
    name = reading.comparison.metric.name
    score = name.removeprefix(SCORE) if name.startswith(SCORE) else ""
    what = say(TEXTS, "unsaid_score" if score else f"unsaid_{name}", language, name=score)
    return say(TEXTS, "unsaid", language, what=what)


def labels_shown(rule: Rule, language: Language, others: int = 0) -> list[tuple[str, str]]:
    """The name and value of what tells the requests of a rule or an instance from all others. Values are log text."""
    if rule.labels == OTHERS:
        names = ", ".join(rule.group_by)
        return [(names, say(TEXTS, "others", language, n=number(others, language)) if others else "…")]
    told = {**rule.requests.filters, **dict(rule.labels)}
    return [(name, say(TEXTS, "unnamed", language) if value is None else value) for name, value in sorted(told.items())]


def summary_shown(observation: Observation, settings: Settings) -> str:
    """The rule's own title, its fields filled; `alerting.faults` saw to it that there are no others."""
    language, rule = settings.language, observation.rule
    told = next((each for each in observation.readings if each.holds), observation.readings[0])
    named = dict(labels_shown(rule, language, observation.others)) if rule.labels != OTHERS else {}
    fields = {
        **{name: say(TEXTS, "others", language, n=number(observation.others, language)) for name in rule.group_by},
        **named,
        "rule": rule.name,
        "value": shown(told, language),
        "limit": limit_shown(told, language),
        "window": length(rule.window, language),
        "severity": say(TEXTS, rule.severity, language),
        "requests": number(told.rows, language),
        "bad": number(told.bad, language),
        "owner": rule.owner,
    }
    return rule.summary.format(**fields)


def seen_shown(seen: str, language: Language) -> str:
    """What a rule saw (`alerting.evaluate.Seen`) when it has no value to show."""
    key = f"seen_{seen}"
    return say(TEXTS, key if key in catalogue(TEXTS) else "seen_none", language)


def outlook(budget: Budget, settings: Settings) -> str:
    """When the error budget ends."""
    language, zone, runway = settings.language, settings.zone, budget.runway
    moments = {"when": budget.exhausted_at, "since": budget.exhausted_since}
    if runway is not None:
        moments |= {"low": runway.low, "high": runway.high, "until": runway.until}
    return say(
        TEXTS,
        budget_text(budget).replace("budget_", "outlook_"),
        language,
        **{name: moment(at, zone, language) if at else "" for name, at in moments.items()},
    )


def cost_shown(cost: Month, language: Language) -> str:
    """What was spent; a lower bound says so."""
    shown = money(cost.spent, language)
    return f"≥{NARROW}{shown}" if cost.spent is not None and cost.unknown else shown


def length(span: timedelta, language: Language) -> str:
    """5 min, 1 h, 90 s: a length as written in a rule, in the largest unit that says it exactly."""
    total = int(span.total_seconds())
    for size in (86_400, 3600, 60):
        if total and total % size == 0:
            return age(span, language)
    return f"{number(total, language)}{NARROW}{'s' if language == 'en' else 'giây'}"
