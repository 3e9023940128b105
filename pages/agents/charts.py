"""Timeout rates side by side, each with its range. Names are log text: drawn, never parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from core.text import number, percent
from pages.shared import axes, theme
from pages.shared.text import t

if TYPE_CHECKING:
    from core.text import Language
    from pages.shared.axes import Spec
    from pages.shared.look import Look

TOP = 8
_ROW, _FRAME, _NAME, _DOWN = 36, 50, 40, 6
HEIGHT = _ROW * TOP + _FRAME


def rates_rows(groups: pl.DataFrame, allowed: float, language: Language) -> pl.DataFrame:
    """The first TOP groups: place, label, rate, low and high (percent), over (surely more than `allowed`), said."""
    judged = groups.filter(pl.col("timeout_rate").is_not_null())
    return pl.DataFrame(
        [
            {
                "place": place,
                "label": name_of(row["group"], language)[:_NAME],
                "name": name_of(row["group"], language),
                "rate": 100 * row["timeout_rate"],
                "low": 100 * row["low"],
                "high": 100 * row["high"],
                "over": row["low"] > allowed,
                "said": percent(row["timeout_rate"], language),
                "range": f"{percent(row['low'], language)} – {percent(row['high'], language)}",
                "n": number(row["n"], language),
            }
            for place, row in enumerate(judged.head(TOP).iter_rows(named=True))
        ]
    )


def name_of(group: str | None, language: Language) -> str:
    """A group as its log names it."""
    return t("agents_unnamed", language) if group is None else group


def rates(look: Look, allowed: float) -> Spec:
    """A point for the rate and a line for its 95 % range; dashed: what the objective allows. Red: surely more."""
    ink = theme.INK_ON_DARK if look.dark else theme.INK_ON_LIGHT
    x = {"type": "quantitative", "title": t("agents_axis", look.language), "scale": {"zero": True}}
    colour = {"condition": {"test": "datum.over", "value": theme.OVER}, "value": theme.QUIET}
    text = {"type": "text", "align": "left", "fontSize": 12, "color": ink}
    tips = [
        {"field": "name", "title": " "},
        {"field": "said", "title": t("col_rate", look.language)},
        {"field": "range", "title": t("col_range", look.language)},
        {"field": "n", "title": t("col_n", look.language)},
    ]
    place = {"field": "place", "type": "ordinal", "title": None, "axis": None}
    return {
        "data": {"name": axes.ROWS},
        "layer": [
            {
                "data": {"values": [{"at": 100 * allowed}]},
                "mark": {"type": "rule", "strokeDash": [4, 3], "color": theme.QUIET},
                "encoding": {"x": {"field": "at", "type": "quantitative"}},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.45, "yOffset": _DOWN},
                "encoding": {
                    "y": place,
                    "x": {**x, "field": "low", "axis": {"tickCount": 5}},
                    "x2": {"field": "high"},
                    "color": colour,
                    "tooltip": tips,
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1, "yOffset": _DOWN},
                "encoding": {
                    "y": place,
                    "x": {"field": "rate", "type": "quantitative"},
                    "color": colour,
                    "tooltip": tips,
                },
            },
            {
                "mark": {**text, "dy": -9},
                "encoding": {"y": place, "x": {"value": 0}, "text": {"field": "label"}},
            },
            {
                "mark": {**text, "dx": 8, "dy": _DOWN},
                "encoding": {
                    "y": place,
                    "x": {"field": "high", "type": "quantitative"},
                    "text": {"field": "said"},
                },
            },
        ],
        "padding": {"right": 60},
        "config": theme.config(look.language, dark=look.dark),
    }
