"""Words and signs for changes of shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.text import NARROW, number, percent
from pages.shared.figures import Figure
from pages.shared.text import t

if TYPE_CHECKING:
    from core.text import Language
    from metrics.values import Rate
    from metrics.why_answer import Why

SURE = 0.999

FINE = 0.001
"""Shares under a tenth of a point are told with a digit more."""


def points(change: float | None, language: Language) -> str:
    """+1.6 pt for 0.016, -0.03 pt for -0.0003; an en dash when unknown."""
    if change is None:
        return "–"
    digits = 2 if 0 < abs(change) < FINE else 1
    sign = "" if not round(abs(change) * 100, digits) else "-" if change < 0 else "+"
    return (
        sign.replace("-", "\N{MINUS SIGN}")
        + number(abs(change) * 100, language, digits)
        + NARROW
        + t("points", language)
    )


def rate_note(rate: Rate | None, language: Language) -> str:
    """2.7 % to 5.1 %, of 1,000."""
    if rate is None:
        return t("note_none", language)
    return t(
        "why_range",
        language,
        low=percent(rate.low, language),
        high=percent(rate.high, language),
        n=number(rate.n, language),
    )


def _sure(confidence: float | None, language: Language) -> str:
    """47 %; beyond 99.9 % nobody counts the nines."""
    if confidence is not None and confidence > SURE:
        return f">{NARROW}{percent(SURE, language)}"
    return percent(confidence, language, 0)


def figures_of(found: Why, past: str, language: Language) -> list[Figure]:
    """Now, before, the change, and how sure it is."""
    moved = found.answer
    judged = moved.verdict

    def share(name: str, rate: Rate | None, **values: str) -> Figure:
        value = percent(rate.value if rate else None, language)
        return Figure(
            name,
            t(f"why_{name}", language),
            value,
            rate_note(rate, language),
            t(f"why_{name}_help", language, **values),
        )

    between = t(
        "why_between", language, low=points(judged.low, language), high=points(judged.high, language)
    )  # fmt: skip
    unknown = t("note_few", language)
    return [
        share("now", moved.now),
        share("before", moved.before, past=past or "–"),
        Figure(
            "change",
            t("why_change", language),
            points(judged.points, language),
            between if judged.low is not None else unknown,
            t("why_change_help", language, before=percent(judged.before, language)),
        ),
        Figure(
            "sure",
            t("why_sure", language),
            _sure(judged.confidence, language),
            t("why_sure_note", language) if judged.confidence is not None else unknown,
            t("why_sure_help", language),
        ),
    ]
