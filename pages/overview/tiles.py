"""The six tiles in the order they are read in: words and directions for numbers that come ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.text import NARROW, number, percent, seconds
from metrics.rates import too_few
from metrics.values import Percentile
from pages.shared import theme
from pages.shared.text import plain, t

if TYPE_CHECKING:
    from core.slo import Objective
    from core.text import Language
    from metrics.values import Rate
    from pages.shared.data import Overview

Better = Literal["normal", "inverse"]
"""Streamlit's words: more is good, less is good."""


@dataclass(frozen=True, slots=True)
class Line:
    """A tile's sparkline: the column of `metrics.trend`, its colour, and the value not to cross."""

    field: str
    colour: str
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile. `delta` starts with an ASCII minus when it fell (Streamlit reads the sign); "" shows no arrow."""

    line: Line
    label: str
    value: str
    delta: str
    better: Better
    note: str
    help: str


def tiles(view: Overview, objective: Objective, limit_ms: float, language: Language) -> list[Tile]:
    """Success against the objective, timeouts, errors, P99, P95, average."""
    s, c, good, bad = view.summary, view.changes, objective.target, objective.budget
    missing = _missing(view)
    average = None if s.average_ms is None else Percentile(s.average_ms, s.average_at_least)
    return [
        _share(Line("success_rate", theme.QUIET, good), s.success_rate, c.success_rate, missing, language),
        _share(Line("timeout_rate", theme.OVER, bad), s.timeout_rate, c.timeout_rate, missing, language),
        _share(Line("error_rate", theme.QUIET, bad), s.error_rate, c.error_rate, missing, language),
        _time(Line("p99", theme.OVER, limit_ms), s.percentiles["p99"], c.p99, missing, language),
        _time(Line("p95", theme.NEAR, limit_ms), s.percentiles["p95"], c.p95, missing, language),
        _time(Line("average_ms", theme.QUIET, None), average, c.average_ms, missing, language),
    ]


def _share(line: Line, rate: Rate | None, change: float | None, missing: str, language: Language) -> Tile:
    shown, note, explained = points(change, language), t("note_none", language), t(f"help_{line.field}", language)
    if rate is not None:
        note = _note(change, shown, missing, language)
        low, high = percent(rate.low, language), percent(rate.high, language)
        explained += " " + t("help_range", language, n=number(rate.n, language), low=low, high=high)
    better: Better = "normal" if line.field == "success_rate" else "inverse"
    return _tile(line, percent(rate.value if rate else None, language), (shown, better, note), explained, language)


def _time(line: Line, value: Percentile | None, change: float | None, missing: str, language: Language) -> Tile:
    shown, note, explained = "", t("note_none", language), t(f"help_{line.field}", language)
    if value is not None:
        shown = length(change, value.value, language)
        cut = "note_cut" if value.at_least else "note_cut_before"
        note = _note(change, shown, missing or cut, language)
        explained += " " + t("help_cut", language) if value.at_least else ""
    text = seconds(value.value if value else None, language, at_least=bool(value and value.at_least))
    return _tile(line, text, (shown, "inverse", note), explained, language)


def _tile(line: Line, value: str, move: tuple[str, Better, str], explained: str, language: Language) -> Tile:
    delta, better, note = move
    return Tile(line, t(f"tile_{line.field}", language), value, delta, better, note, plain(explained))


def _missing(view: Overview) -> str:
    """Why there is nothing to compare, the same in all six tiles; "" when there is."""
    rate = view.summary.timeout_rate
    if rate is None or too_few(rate):
        return "note_few"
    return "note_few_before" if view.changes.timeout_rate is None else ""


def _note(change: float | None, shown: str, missing: str, language: Language) -> str:
    """What stands where no arrow does."""
    if change is None:
        return t(missing, language)
    return "" if shown else t("note_same", language)


def points(change: float | None, language: Language) -> str:
    """+1.6 pt for 0.016; "" when it would read 0.0."""
    if change is None or not (size := round(abs(change) * 100, 1)):
        return ""
    return _signed(change, number(size, language, 1) + NARROW + t("points", language))


def length(change: float | None, value: float | None, language: Language) -> str:
    """-0.9 s beside seconds, +180 ms beside milliseconds; "" when it would read 0."""
    if change is None or value is None:
        return ""
    size, digits, unit = (abs(change) / 1000, 1, "s") if value >= 1000 else (abs(change), 0, "ms")
    if not round(size, digits):
        return ""
    return _signed(change, number(size, language, digits) + NARROW + unit)


def _signed(change: float, text: str) -> str:
    return ("-" if change < 0 else "+") + text
