"""A trace as bars on one clock: hue is what a step is, a red one is where the time ran out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from core.text import seconds
from pages.shared import axes, theme
from pages.shared.text import t

if TYPE_CHECKING:
    from core.text import Language
    from pages.shared.look import Look

_BAR, _FRAME, _LABELS = 26, 90, 130
"""Pixels of a step, of what is around them all, and of their names."""
_INDENT = "\N{NO-BREAK SPACE}" * 3
_CUT = "cut"
HUES = ("request", "llm", "tool", "retrieval", "step", _CUT)


def height(steps: int) -> int:
    """Pixels for so many steps."""
    return _BAR * steps + _FRAME


def rows(bars: pl.DataFrame, language: Language) -> pl.DataFrame:
    """The bars of `metrics.waterfall` with their words: place, label, hue, start, end (seconds) and took."""
    return pl.DataFrame(
        {
            "place": bar["place"],
            "label": _INDENT * bar["depth"] + bar["name"][:60],
            "hue": t(f"hue_{_CUT if bar['cut'] else bar['kind']}", language),
            "start": bar["start_ms"] / 1000,
            "end": (bar["start_ms"] if bar["end_ms"] is None else bar["end_ms"]) / 1000,
            "took": seconds(
                None if bar["end_ms"] is None else bar["end_ms"] - bar["start_ms"], language, at_least=bar["cut"]
            ),
            "status": t(f"status_of_{bar['status']}", language) if bar["status"] else "–",
        }
        for bar in bars.iter_rows(named=True)
    )


def waterfall(look: Look) -> dict[str, Any]:
    """One bar for each step, top to bottom; names are log text: drawn, never parsed. Data: `rows`."""
    labels = [t(f"hue_{hue}", look.language) for hue in HUES]
    ink = theme.INK_ON_DARK if look.dark else theme.INK_ON_LIGHT
    axis = {
        "labelExpr": f"pluck(data('{axes.ROWS}'), 'label')[datum.value]",
        "labelAlign": "left", "labelPadding": _LABELS, "labelLimit": _LABELS, "ticks": False, "domain": False,
    }  # fmt: skip
    seconds_axis = {"field": "start", "type": "quantitative", "title": t("axis_seconds", look.language)}
    return {
        "data": {"name": axes.ROWS},
        "encoding": {"y": {"field": "place", "type": "ordinal", "title": None, "axis": axis}},
        "layer": [
            {
                "mark": {"type": "bar", "height": 14, "cornerRadius": 2, "minBandSize": 2},
                "encoding": {
                    "x": seconds_axis,
                    "x2": {"field": "end"},
                    "color": {
                        "field": "hue",
                        "type": "nominal",
                        "scale": {"domain": labels, "range": list(theme.STEPS)},
                        "legend": {"orient": "top", "title": None, "columns": 6, "padding": 0, "offset": 6},
                    },
                    "tooltip": [
                        {"field": "label", "title": " "},
                        {"field": "took", "title": t("col_took", look.language)},
                        {"field": "status", "title": t("col_status", look.language)},
                    ],
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 12, "color": ink},
                "encoding": {"x": {"field": "end", "type": "quantitative"}, "text": {"field": "took"}},
            },
        ],
        "padding": {"right": 60},
        "config": theme.config(look.language, dark=look.dark),
    }
