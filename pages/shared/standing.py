"""Numbers beside their targets: each with its status in a word, and what it is measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.text import NARROW, money, number, percent, seconds
from pages.shared.figures import Figure as Tile
from pages.shared.text import t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.targets import TargetSettings
    from core.text import Language
    from metrics.figures import Figure, Unit
    from metrics.scorecard import Standing

_SIGNS = {"higher": "≥", "lower": "≤", "within": "±"}


def judged(
    name: str, found: Figure | None, standing: Standing | None, notes: Sequence[str], language: Language, *, about: str
) -> Tile:
    """A figure beside its target, with this small print; `about` is the key of what it is."""
    status = standing.status if standing else None
    label, value = t(f"metric_short_{name}", language), figure_text(found, language)
    return Tile(name, label, value, help=t(about, language), status=status, more=tuple(notes))


def figure_text(figure: Figure | None, language: Language) -> str:
    """A figure in its unit; a lower bound is marked."""
    if figure is None:
        return "–"
    bound = f"≥{NARROW}" if figure.at_least else ""
    return bound + in_unit(figure.value, figure.unit, language)


def in_unit(value: float, unit: Unit, language: Language) -> str:
    """3.7 %, 6.4 s, 0.91, 12.00 USD."""
    if unit == "share":
        return percent(value, language)
    if unit == "ms":
        return seconds(value, language)
    if unit == "USD":
        return money(value, language)
    if unit == "%":
        return number(value, language, 0) + NARROW + "%"
    digits = {"score": 2, "index": 3, "1/s": 2, "1/d": 1}.get(unit, 0)
    return number(value, language, digits)


def range_note(figure: Figure | None, language: Language) -> str:
    """Its range and n: "0.90 – 0.92, n = 935"; "" for none."""
    if figure is None:
        return ""
    rows = f"n{NARROW}={NARROW}{number(figure.n, language)}"
    if figure.low is None or figure.high is None:
        return rows
    low, high = (in_unit(end, figure.unit, language) for end in (figure.low, figure.high))
    return f"{low} – {high}, {rows}"


def target_notes(target: TargetSettings | None, standing: Standing | None, unit: Unit, language: Language) -> list[str]:
    """What it is measured against, and whether chance alone could have put it on this side."""
    if target is None:
        return [t("standing_no_target", language)]
    said = {"sign": _SIGNS[target.direction], "target": in_unit(target.target, unit, language)}
    if target.threshold is None:
        notes = [t("standing_target", language, **said)]
    else:
        worst = in_unit(target.threshold, unit, language)
        notes = [t("standing_target_threshold", language, **said, threshold=worst)]
    if standing is not None and standing.certain is False:
        notes.append(t("standing_uncertain", language))
    return notes
