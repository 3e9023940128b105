"""Frames of the Overview as Vega-Lite. A spec depends on settings and language only, never on the data.

So a live refresh replaces rows in a chart that stands, and nothing flickers. Times are naive and local: convert first.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from metrics.heatmap import bands
from pages.shared import axes, theme
from pages.shared.text import band_words, t

if TYPE_CHECKING:
    from pages.overview.tiles import Line
    from pages.shared.axes import Spec
    from pages.shared.look import Look

PERCENTILES = ("p99", "p95", "p50")
PICKED = "picked"
"""The cell of the heatmap that was clicked: its `at` and `band`."""


_GLOW_FROM = 0.02
"""A band's highest share below which it does not reach full strength: one slow request in a thousand is no blaze."""


def heatmap(look: Look, width: timedelta, limit_ms: float) -> Spec:
    """Requests by latency band over time: hue is the band, strength its share beside the band's own highest.

    So a handful of timeouts glows, and the quick band never looks like an alarm. A pale cell is none of this band, no
    cell is no traffic. A click picks a cell. Data: start (naive), band, requests, share, as `metrics.heatmap` gives
    them, and `at`, the start in milliseconds since 1970.
    """
    slow_first = [band.label for band in reversed(bands(limit_ms))]
    names = {label: band_words(label) for label in slow_first}
    end = f"toNumber(datum.start) + {width // timedelta(milliseconds=1)}"
    return {
        "data": {"name": axes.ROWS},
        "transform": [
            {"filter": "isValid(datum.share)"},
            {"calculate": end, "as": "end"},
            {"calculate": f"{json.dumps(names)}[datum.band]", "as": "name"},
            {"joinaggregate": [{"op": "max", "field": "share", "as": "highest"}], "groupby": ["band"]},
            {"calculate": f"datum.share / max(datum.highest, {_GLOW_FROM})", "as": "strength"},
        ],
        "params": [{"name": PICKED, "select": {"type": "point", "fields": ["at", "band"]}}],
        "mark": {"type": "rect", "xOffset": 0.5, "x2Offset": -0.5, "cursor": "pointer"},
        "encoding": {
            "x": axes.clock(look, width),
            "x2": {"field": "end"},
            "y": {
                "field": "name",
                "type": "nominal",
                "title": None,
                "scale": {"domain": list(names.values()), "paddingInner": 0.06},
                "axis": {"domain": False, "labelPadding": 6},
            },
            "color": {
                "field": "name",
                "type": "nominal",
                "scale": {"domain": list(names.values()), "range": list(theme.BANDS)},
                "legend": None,
            },
            "opacity": {
                "field": "strength",
                "type": "quantitative",
                "scale": {"domain": [0, 1], "range": [0.12, 1], "clamp": True},
                "legend": None,
            },
            "tooltip": [
                {"field": "start", "type": "temporal", "format": axes.TIME_TIP, "title": t("tip_time", look.language)},
                {"field": "name", "title": t("tip_band", look.language)},
                {"field": "requests", "format": ",.0f", "title": t("tip_requests", look.language)},
                {"field": "share", "format": ".1%", "title": t("tip_share", look.language)},
            ],
        },
        "padding": {"bottom": 4},
        "config": theme.config(look.language, dark=look.dark),
    }


def sparkline(look: Look, line: Line) -> Spec:
    """A tile's small line over the chosen range, from zero (a success rate: from the top) with its threshold dashed.

    Data: start (naive) and the line's field, null where there was no traffic.
    """
    field, share = line.field, line.field.endswith("_rate")
    if field == "success_rate":
        domain = [{"expr": f"1 - max({1 - (line.threshold or 1)}, 1 - {axes.extent(field)}[0] || 0)"}, 1]
    else:
        domain = [0, {"expr": f"max({line.threshold or 0}, {axes.extent(field)}[1] || 0)"}]
    value = {"field": field, "type": "quantitative", "axis": None, "scale": {"domain": domain}}
    shown = {"field": field, "format": ".1%"} if share else {"field": "text"}
    tips = [
        {"field": "start", "type": "temporal", "format": axes.TIME_TIP, "title": t("tip_time", look.language)},
        {**shown, "title": t(f"tile_{field}", look.language)},
    ]
    layers: list[Spec] = []
    if line.threshold is not None:
        layers.append(
            {
                "data": {"values": [{"threshold": line.threshold}]},
                "mark": {"type": "rule", "strokeDash": [3, 3], "color": theme.QUIET, "opacity": 0.8},
                "encoding": {"y": {**value, "field": "threshold"}},
            }
        )
    layers.append(
        {
            "data": {"name": axes.ROWS},
            "transform": [{"calculate": axes.seconds_text(field), "as": "text"}] if not share else [],
            "encoding": {"x": {"field": "start", "type": "temporal", "axis": None, "scale": axes.slots()}},
            "layer": [
                {
                    "mark": {"type": "line", "strokeWidth": 1.5, "strokeJoin": "round", "color": line.colour},
                    "encoding": {"y": value},
                },
                {
                    "transform": axes.lone(field),
                    "mark": {"type": "point", "filled": True, "size": 12, "opacity": 1, "color": line.colour},
                    "encoding": {"y": value},
                },
                {
                    "params": [axes.nearest()],
                    "mark": {"type": "rule", "color": theme.QUIET},
                    "encoding": {
                        "opacity": axes.only_under_pointer(),
                        "tooltip": tips,
                    },
                },
            ],
        }
    )
    return {
        "layer": layers,
        "padding": {"left": 0, "right": 0, "top": 3, "bottom": 3},
        "config": theme.config(look.language, dark=look.dark),
    }
