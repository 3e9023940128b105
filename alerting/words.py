"""Numbers of alerts and digests as people read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.text import NARROW, age, catalogue, moment, number, percent, say, seconds
from metrics.sentence import budget_text

if TYPE_CHECKING:
    from datetime import timedelta

    from alerting.measure import Reading
    from core.settings import Settings
    from core.text import Language
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
    return number(value, language)


def limit_shown(reading: Reading, language: Language) -> str:
    """The limit as the rule has it: > 5 %."""
    part = reading.comparison
    return f"{part.op} {value_shown(part.metric.dimension, part.limit, language)}"


def reading_shown(reading: Reading, language: Language) -> str:
    """Timeout rate 7.2 % (limit > 5 %)."""
    metric = say(TEXTS, f"metric_{reading.comparison.metric.name}", language)
    return say(
        TEXTS,
        "value_of",
        language,
        metric=metric,
        value=shown(reading, language),
        limit=limit_shown(reading, language),
    )


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


def length(span: timedelta, language: Language) -> str:
    """5 min, 1 h, 90 s: a length as written in a rule, in the largest unit that says it exactly."""
    total = int(span.total_seconds())
    for size in (86_400, 3600, 60):
        if total and total % size == 0:
            return age(span, language)
    return f"{number(total, language)}{NARROW}{'s' if language == 'en' else 'giây'}"
