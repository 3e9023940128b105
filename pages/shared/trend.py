"""Percentiles over time with the limit and the deploys: the one chart of them, on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.shared import axes, theme
from pages.shared.text import t

if TYPE_CHECKING:
    from datetime import timedelta

    from core.slo import Limits
    from pages.shared.axes import Spec
    from pages.shared.look import Look

PERCENTILES = ("p99", "p95", "p50")


def trend(look: Look, width: timedelta, limits: Limits) -> Spec:
    """P99, P95 and P50 over time, the limit, and where "near" begins; a triangle marks a bound: the truth is higher.

    Data: start (naive), requests, and p99, p95, p50 in ms (null without traffic), each with its *_at_least.
    Second data set, deploys: start (naive), label; never empty, a row without a label is not seen.
    """
    highest = f"max({limits.limit_ms}, {axes.extent('p99')}[1] || 0)"
    lines: Spec = {
        "data": {"name": axes.ROWS},
        "transform": [
            {"fold": list(PERCENTILES), "as": ["name", "ms"]},
            {"calculate": "upper(datum.name)", "as": "series"},
            {"calculate": "datum[datum.name + '_at_least']", "as": "bound"},
        ],
        "encoding": {
            "x": axes.clock(look, width),
            "y": {
                "field": "ms",
                "type": "quantitative",
                "title": t("axis_seconds", look.language),
                "scale": {"domain": [0, {"expr": highest}], "nice": True},
                "axis": {"labelExpr": "datum.value / 1000", "tickCount": 5},
            },
            "color": {
                "field": "series",
                "type": "nominal",
                "scale": {"domain": [name.upper() for name in PERCENTILES], "range": list(theme.PERCENTILES)},
                "legend": axes.lines_legend(),
            },
        },
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2, "strokeJoin": "round", "clip": True}},
            {
                "transform": axes.lone("ms", "series"),
                "mark": {"type": "point", "shape": "circle", "filled": True, "size": 16, "opacity": 1},
            },
            {
                "transform": [{"filter": "datum.bound"}],
                "mark": {"type": "point", "shape": "triangle-up", "filled": True, "size": 28, "opacity": 1},
            },
        ],
    }
    return {
        "layer": [axes.limit_rules(look, limits), axes.deploy_rules(look, width), lines, _pointer(look, width)],
        "resolve": {"axis": {"y": "independent"}},
        "padding": {"bottom": 4},
        "config": theme.config(look.language, dark=look.dark),
    }


def _pointer(look: Look, width: timedelta) -> Spec:
    """One line under the pointer that names all three percentiles of its moment."""
    return {
        "data": {"name": axes.ROWS},
        "params": [axes.nearest()],
        "transform": [{"calculate": axes.seconds_text(name), "as": f"{name}_text"} for name in PERCENTILES],
        "mark": {"type": "rule", "color": theme.QUIET},
        "encoding": {
            "x": axes.clock(look, width),
            "opacity": axes.only_under_pointer(),
            "tooltip": [
                {"field": "start", "type": "temporal", "format": axes.TIME_TIP, "title": t("tip_time", look.language)},
                *({"field": f"{name}_text", "title": name.upper()} for name in PERCENTILES),
                {"field": "requests", "format": ",.0f", "title": t("tip_requests", look.language)},
            ],
        },
    }
