"""Words and numbers in the reader's language. Each room keeps its own catalogue of sentences as YAML."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta
    from pathlib import Path
    from zoneinfo import ZoneInfo

Language = Literal["en", "vi"]
LANGUAGES: tuple[Language, ...] = ("en", "vi")

_WEEKDAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "vi": ("T2", "T3", "T4", "T5", "T6", "T7", "CN"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NARROW = "\N{NO-BREAK SPACE}"
"""Between a number and its unit, so that they never part at the end of a line."""


@cache
def catalogue(path: Path) -> Mapping[str, Mapping[str, str]]:
    """Sentences of one room: key -> language -> text with {placeholders}."""
    tree: Mapping[str, Mapping[str, str]] = yaml.safe_load(path.read_text("utf-8"))
    return tree


def say(path: Path, key: str, language: Language, /, **values: object) -> str:
    """The sentence `key` in `language`, its placeholders filled. KeyError for a key nobody wrote."""
    return catalogue(path)[key][language].format(**values)


def number(value: float | None, language: Language, digits: int = 0) -> str:
    """1,234.5 in English, 1.234,5 in Vietnamese; an en dash when unknown."""
    if value is None:
        return "–"
    text = f"{value:,.{digits}f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "vi" else text


def percent(ratio: float | None, language: Language, digits: int = 1) -> str:
    """0.037 -> 3.7 %. A ratio that is not 0 (or 1) never reads 0 % (or 100 %): a digit is added, up to four."""
    if ratio is None:
        return "–"
    while digits < 4 and 0 < ratio < 1 and round(ratio * 100, digits) in (0.0, 100.0):
        digits += 1
    return number(ratio * 100, language, digits) + NARROW + "%"


def seconds(milliseconds: float | None, language: Language, *, at_least: bool = False) -> str:
    """6.4 s, 180 ms; "≥ 8.0 s" when the value is only a lower bound."""
    if milliseconds is None:
        return "–"
    small = round(abs(milliseconds)) < 1000
    text = (
        number(milliseconds, language) + NARROW + "ms"
        if small
        else number(milliseconds / 1000, language, 1) + NARROW + "s"
    )
    return f"≥{NARROW}{text}" if at_least else text


def money(dollars: float | None, language: Language) -> str:
    """US dollars to the cent, from 1,000 on without; below ten cents two digits that are not 0, at most six places."""
    if dollars is None:
        return "–"
    digits = 0 if abs(dollars) >= 1000 else 2
    while (
        digits < 6
        and dollars
        and abs(dollars) * 10**digits < 10
        and round(abs(dollars), 6) != round(abs(dollars), digits)
    ):
        digits += 1
    return number(dollars, language, digits) + NARROW + "USD"


def age(length: timedelta, language: Language) -> str:
    """2 s, 14 min, 3 h, 5 d: one unit, rounded down, for "how old"."""
    total = max(0, int(length.total_seconds()))
    for size, en, vi in ((86_400, "d", "ngày"), (3600, "h", "giờ"), (60, "min", "phút")):
        if total >= size:
            return f"{total // size}{NARROW}{en if language == 'en' else vi}"
    return f"{total}{NARROW}{'s' if language == 'en' else 'giây'}"


def moment(when: datetime, zone: ZoneInfo, language: Language, *, seconds_too: bool = False) -> str:
    """Thu 26 Nov, 14:20 in the reader's zone."""
    local = when.astimezone(zone)
    clock = f"{local:%H:%M:%S}" if seconds_too else f"{local:%H:%M}"
    if language == "vi":
        return f"{_WEEKDAYS['vi'][local.weekday()]} {local.day:02}/{local.month:02}, {clock}"
    return f"{_WEEKDAYS['en'][local.weekday()]} {local.day} {_MONTHS[local.month - 1]}, {clock}"


def missing_keys(tree: Mapping[str, Any]) -> list[str]:
    """Keys of a catalogue that lack a language; a test holds this to nothing."""
    return [f"{key}.{language}" for key, texts in tree.items() for language in LANGUAGES if not texts.get(language)]
