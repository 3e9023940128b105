"""Budgets as Vega-Lite. A spec depends on settings and language only; the rows stand beside it (`reading`)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from pages.shared import axes, theme
from pages.shared.text import round_seconds, t

if TYPE_CHECKING:
    from pages.shared.axes import Spec
    from pages.shared.look import Look

DAY = timedelta(days=1)
CHOSEN = "chosen"
"""A column of rows: whether this is the limit the reader chose."""


def burn_down(look: Look) -> Spec:
    """The share left up to now, and from now on where 80 % of what may come lies. Data: `reading.Course.rows`."""
    clock = {**axes.clock(look, DAY), "scale": axes.slots()}
    below = f"min(0, {axes.extent('left')}[0] || 0)"
    above = f"max(1, {axes.extent('high')}[1] || 0)"
    share: Spec = {
        "type": "quantitative",
        "title": t("budget_axis_left", look.language),
        "scale": {"domain": [{"expr": below}, {"expr": above}]},
        "axis": {"format": ".0%", "tickCount": 5},
    }
    ink = theme.INK_ON_DARK if look.dark else theme.INK_ON_LIGHT
    now = _at("isValid(datum.left)", "max")
    gone = [
        *_at("isValid(datum.middle) && datum.middle <= 0 && !isValid(datum.left)", "min"),
        {"calculate": "0", "as": "left"},
    ]
    layers: list[Spec] = [
        {
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "area", "color": theme.LEFT, "opacity": 0.22, "clip": True},
            "encoding": {"y": {"field": "low", **share}, "y2": {"field": "high"}},
        },
        {
            "transform": [{"filter": "isValid(datum.middle)"}],
            "mark": {"type": "line", "color": theme.LEFT, "strokeWidth": 1.5, "strokeDash": [5, 3], "clip": True},
            "encoding": {"y": {"field": "middle", **share}},
        },
        {
            "transform": [{"filter": "isValid(datum.left)"}],
            "mark": {"type": "line", "color": theme.LEFT, "strokeWidth": 2, "strokeJoin": "round"},
            "encoding": {"y": {"field": "left", **share}},
        },
        {
            "transform": gone,
            "mark": {
                "type": "point",
                "shape": "diamond",
                "filled": True,
                "size": 90,
                "opacity": 1,
                "color": theme.OVER,
            },
            "encoding": {
                "y": {"field": "left", **share},
                "tooltip": [
                    {
                        "field": "start",
                        "type": "temporal",
                        "format": axes.TIME_TIP,
                        "title": t("budget_tip_ends", look.language),
                    }
                ],
            },
        },
        {"transform": now, "mark": {"type": "rule", "color": theme.QUIET, "strokeDash": [4, 3]}},
        {
            "transform": [*now, {"calculate": json.dumps(t("budget_now", look.language)), "as": "text"}],
            "mark": {"type": "text", "align": "left", "dx": 5, "y": 8, "fontSize": 12, "color": ink},
            "encoding": {"text": {"field": "text"}},
        },
        _pointer(look),
    ]
    zero: Spec = {
        "data": {"values": [{"at": 0}]},
        "mark": {"type": "rule", "color": theme.OVER, "strokeWidth": 1.5},
        "encoding": {"y": {"field": "at", **share}},
    }
    return {
        "layer": [{"data": {"name": axes.ROWS}, "encoding": {"x": clock}, "layer": layers}, zero],
        "padding": {"bottom": 4},
        "config": theme.config(look.language, dark=look.dark),
    }


def what_if(look: Look, in_force_ms: float) -> Spec:
    """The timeout rate under each limit: a line of what is surely so, a band of what may be. Data: `reading.Trial`."""
    seconds = in_force_ms / 1000
    ink = theme.INK_ON_DARK if look.dark else theme.INK_ON_LIGHT
    limit: Spec = {
        "field": "limit",
        "type": "quantitative",
        "title": t("budget_axis_limit", look.language),
        "scale": {"zero": False, "nice": False},
        "axis": {"grid": False, "tickCount": 10},
    }
    rate: Spec = {
        "type": "quantitative",
        "title": t("tile_timeout_rate", look.language),
        "scale": {"domain": [0, {"expr": f"{axes.extent('high')}[1] || 1"}], "nice": True},
        "axis": {"format": ".1%", "tickCount": 5},
    }
    tips = [
        {"field": "limit", "format": ".1f", "title": t("budget_axis_limit", look.language)},
        {"field": "low", "format": ".2%", "title": t("budget_tip_least", look.language)},
        {"field": "high", "format": ".2%", "title": t("budget_tip_most", look.language)},
    ]
    layers: list[Spec] = [
        {
            "mark": {"type": "area", "color": theme.OVER, "opacity": 0.22},
            "encoding": {"y": {"field": "low", **rate}, "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "line", "color": theme.OVER, "strokeWidth": 2},
            "encoding": {"y": {"field": "low", **rate}},
        },
        {
            "transform": [{"filter": f"datum.{CHOSEN}"}],
            "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1, "color": theme.OVER},
            "encoding": {"y": {"field": "low", **rate}},
        },
        {
            "params": [axes.nearest()],
            "mark": {"type": "rule", "color": theme.QUIET},
            "encoding": {"opacity": axes.only_under_pointer(), "tooltip": tips},
        },
    ]
    name = t("limit_at", look.language, limit=round_seconds(in_force_ms, look.language))
    rule: list[Spec] = [
        {"mark": {"type": "rule", "color": theme.QUIET, "strokeDash": [4, 3]}},
        {
            "mark": {"type": "text", "align": "left", "dx": 5, "y": 8, "fontSize": 12, "color": ink},
            "encoding": {"text": {"field": "name"}},
        },
    ]
    return {
        "layer": [
            {"data": {"name": axes.ROWS}, "encoding": {"x": limit}, "layer": layers},
            {"data": {"values": [{"limit": seconds, "name": name}]}, "encoding": {"x": limit}, "layer": rule},
        ],
        "padding": {"bottom": 4},
        "config": theme.config(look.language, dark=look.dark),
    }


def _at(which: str, op: str) -> list[Spec]:
    """Only the first or last row of those."""
    return [
        {"filter": which},
        {"joinaggregate": [{"op": op, "field": "start", "as": "edge"}]},
        {"filter": "toNumber(datum.start) == toNumber(datum.edge)"},
    ]


def _pointer(look: Look) -> Spec:
    """One line under the pointer that tells what was left then, or what may be."""
    shares = {name: f"isValid(datum.{name}) ? format(datum.{name}, '.1%') : '–'" for name in ("left", "low", "high")}
    return {
        "params": [axes.nearest()],
        "transform": [
            {"filter": "isValid(datum.left) || isValid(datum.low)"},
            *({"calculate": text, "as": f"{name}_text"} for name, text in shares.items()),
        ],
        "mark": {"type": "rule", "color": theme.QUIET},
        "encoding": {
            "opacity": axes.only_under_pointer(),
            "tooltip": [
                {"field": "start", "type": "temporal", "format": axes.TIME_TIP, "title": t("tip_time", look.language)},
                {"field": "left_text", "title": t("budget_tip_left", look.language)},
                {"field": "low_text", "title": t("budget_tip_low", look.language)},
                {"field": "high_text", "title": t("budget_tip_high", look.language)},
            ],
        },
    }
