"""Spend as Vega-Lite: as one bar, and over time. What was charged and bought an answer, bought nothing, or was free."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from pages.shared import axes, theme
from pages.shared.text import t

if TYPE_CHECKING:
    from core.text import Language
    from pages.shared.axes import Spec
    from pages.shared.look import Look

PARTS = ("billed_ok", "wasted", "unbilled")
"""They sum to the total, in this order from the left and from below."""


def parts_bar(look: Look) -> Spec:
    """All of the money as one bar. Data: one row with PARTS in US dollars."""
    return {
        "data": {"name": axes.ROWS},
        "transform": _parts(look.language),
        "mark": {"type": "bar", "height": {"band": 0.9}, "clip": True},
        "encoding": {
            "x": {
                "field": "usd",
                "type": "quantitative",
                "stack": "zero",
                "title": "USD",
                "scale": {"nice": False},
                "axis": {"tickCount": 6, "grid": False},
            },
            **_shared(look.language),
        },
        "padding": {"bottom": 4},
        "config": theme.config(look.language, dark=look.dark),
    }


def over_time(look: Look, width: timedelta) -> Spec:
    """The same, slot by slot of `width`. Data: start (naive) and PARTS in US dollars."""
    language = look.language
    end = f"toNumber(datum.start) + {width // timedelta(milliseconds=1)}"
    return {
        "data": {"name": axes.ROWS},
        "transform": [
            *_parts(language),
            {"calculate": end, "as": "end"},
            {"stack": "usd", "groupby": ["start"], "sort": [{"field": "place"}], "as": ["from", "to"]},
        ],
        "mark": {"type": "rect", "xOffset": 0.5, "x2Offset": -0.5, "clip": True},
        "encoding": {
            "x": axes.clock(look, width) | {"scale": axes.slots(width)},
            "x2": {"field": "end"},
            "y": {"field": "to", "type": "quantitative", "title": "USD", "axis": {"tickCount": 5}},
            "y2": {"field": "from"},
            **_shared(language, {"field": "start", "type": "temporal", "format": axes.TIME_TIP}),
        },
        "padding": {"bottom": 4},
        "config": theme.config(language, dark=look.dark),
    }


def _parts(language: Language) -> list[Spec]:
    names = {part: t(f"cost_part_{part}", language) for part in PARTS}
    return [
        {"fold": list(PARTS), "as": ["part", "usd"]},
        {"calculate": f"{json.dumps(names)}[datum.part]", "as": "name"},
        {"calculate": f"indexof({json.dumps(PARTS)}, datum.part)", "as": "place"},
    ]


def _shared(language: Language, when: Spec | None = None) -> Spec:
    names = [t(f"cost_part_{part}", language) for part in PARTS]
    tips = [when | {"title": t("tip_time", language)}] if when else []
    return {
        "color": {
            "field": "name",
            "type": "nominal",
            "scale": {"domain": names, "range": list(theme.SPENT)},
            "legend": axes.legend(),
        },
        "order": {"field": "place"},
        "tooltip": [*tips, {"field": "name", "title": " "}, {"field": "usd", "format": ",.2f", "title": "USD"}],
    }
