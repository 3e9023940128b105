"""What became of a number since another period, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerting.words import TEXTS
from core.text import number, percent, say

if TYPE_CHECKING:
    from core.text import Language


def growth(now: float | None, before: float | None, language: Language) -> str | None:
    """+4 %; None when there is nothing to compare with."""
    if not before or now is None:
        return None
    found = now / before - 1
    return ("+" if found >= 0 else "−") + percent(abs(found), language, 0)


def points(change: float | None, language: Language) -> str | None:
    """+0.30 points of a change of 0.003; None when it cannot be told."""
    if change is None:
        return None
    sign = "+" if change >= 0 else "−"
    return say(TEXTS, "points", language, sign=sign, points=number(abs(change) * 100, language, 2))
