"""Latency as Vega-Lite. A spec depends on settings and language only, never on the data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from metrics.spread import KINDS
from pages.shared import axes, theme
from pages.shared.text import round_seconds, t

if TYPE_CHECKING:
    from datetime import timedelta

    from core.slo import Limits
    from pages.shared.axes import Spec
    from pages.shared.look import Look

COLOURS = {
    "good": theme.QUICK, "near": theme.NEAR, "failed": theme.QUIET, "over": theme.OVER_UNCUT, "cut": theme.OVER,
}  # fmt: skip
FACET_HEIGHT = 110


def spread(look: Look, limits: Limits) -> Spec:
    """Requests by duration on a logarithmic scale, the limit drawn; cut ones stand at their cut.

    Data: `metrics.spread.spread`.
    """
    names = {kind: t(f"latency_kind_{kind}", look.language) for kind in KINDS}
    ends = [f"pluck(data('{axes.ROWS}'), '{name}')" for name in ("start_ms", "end_ms")]
    clock: Spec = {
        "field": "start_ms",
        "type": "quantitative",
        "title": t("latency_axis_took", look.language),
        "scale": {"type": "log", "nice": False, "domain": [
            {"expr": f"extent({ends[0]})[0] || 100"},
            {"expr": f"max({limits.limit_ms * 1.2}, extent({ends[1]})[1] || 0)"},
        ]},
        "axis": {"grid": False, "labelOverlap": True, "values": _ticks(limits), "labelExpr": _SECONDS},
    }  # fmt: skip
    took = (
        f"(datum.kind == 'cut' ? '≥ ' : '') + {_text('datum.start_ms')} + (datum.kind == 'cut' ? '' : ' – ' + "
        f"{_text('datum.end_ms')})"
    )
    limit = t("limit_at", look.language, limit=round_seconds(limits.limit_ms, look.language))
    ink = theme.INK_ON_DARK if look.dark else theme.INK_ON_LIGHT
    return {
        "layer": [
            {
                "data": {"name": axes.ROWS},
                "transform": [
                    {"calculate": f"{json.dumps(names)}[datum.kind]", "as": "name"},
                    {"calculate": f"indexof({json.dumps(list(KINDS))}, datum.kind)", "as": "order"},
                    {"calculate": took, "as": "took"},
                    {"stack": "requests", "groupby": ["start_ms"], "sort": [{"field": "order"}], "as": ["from", "to"]},
                ],
                "mark": {"type": "rect", "xOffset": 0.5, "x2Offset": -0.5},
                "encoding": {
                    "x": clock,
                    "x2": {"field": "end_ms"},
                    "y": {
                        "field": "from",
                        "type": "quantitative",
                        "title": t("col_n", look.language),
                        "scale": {"zero": True},
                        "axis": {"tickCount": 5, "format": ",.0f"},
                    },
                    "y2": {"field": "to"},
                    "color": {
                        "field": "name",
                        "type": "nominal",
                        "scale": {"domain": list(names.values()), "range": [COLOURS[kind] for kind in names]},
                        "legend": {"orient": "top", "title": None, "offset": 4, "padding": 0, "columns": 3},
                    },
                    "tooltip": [
                        {"field": "took", "title": t("tip_band", look.language)},
                        {"field": "name", "title": " "},
                        {"field": "requests", "format": ",.0f", "title": t("tip_requests", look.language)},
                        {"field": "share", "format": ".2%", "title": t("tip_share", look.language)},
                    ],
                },
            },
            *(
                {
                    "data": {"values": [{"start_ms": limits.limit_ms, "name": limit}]},
                    "mark": mark,
                    "encoding": {"x": {"field": "start_ms", "type": "quantitative"}, **more},
                }
                for mark, more in (
                    ({"type": "rule", "color": theme.OVER, "strokeDash": [4, 3]}, {}),
                    (
                        {"type": "text", "align": "right", "dx": -5, "y": 8, "fontSize": 12, "color": ink},
                        {"text": {"field": "name"}},
                    ),
                )
            ),
        ],
        "padding": {"bottom": 4},
        "config": theme.config(look.language, dark=look.dark),
    }


def near(look: Look, width: timedelta) -> Spec:
    """The share near the limit over time, and of the critical ones within. Data: `metrics.spread.near_over_time`."""
    names = {name: t(f"latency_zone_{name}", look.language) for name in ("near", "critical")}
    share: Spec = {
        "field": "share",
        "type": "quantitative",
        "title": t("tip_share", look.language),
        "stack": None,
        "scale": {"domain": [0, {"expr": f"max(0.01, {axes.extent('near_rate')}[1] || 0)"}], "nice": True},
        "axis": {"format": ".1%", "tickCount": 5},
    }
    return {
        "layer": [
            axes.deploy_rules(look, width),
            {
                "data": {"name": axes.ROWS},
                "transform": [
                    {"fold": ["near_rate", "critical_rate"], "as": ["key", "share"]},
                    {"calculate": f"{json.dumps(names)}[replace(datum.key, '_rate', '')]", "as": "name"},
                ],
                "encoding": {
                    "x": axes.clock(look, width),
                    "y": share,
                    "color": {
                        "field": "name",
                        "type": "nominal",
                        "scale": {"domain": list(names.values()), "range": [theme.NEAR, theme.CRITICAL]},
                        "legend": axes.lines_legend(),
                    },
                },
                "layer": [
                    {"mark": {"type": "line", "strokeWidth": 2, "strokeJoin": "round"}},
                    {
                        "transform": axes.lone("share", "name"),
                        "mark": {"type": "point", "shape": "circle", "filled": True, "size": 16, "opacity": 1},
                    },
                ],
            },
            {
                "data": {"name": axes.ROWS},
                "params": [axes.nearest()],
                "mark": {"type": "rule", "color": theme.QUIET},
                "encoding": {
                    "x": axes.clock(look, width),
                    "opacity": axes.only_under_pointer(),
                    "tooltip": [
                        {
                            "field": "start",
                            "type": "temporal",
                            "format": axes.TIME_TIP,
                            "title": t("tip_time", look.language),
                        },
                        {"field": "near_rate", "format": ".2%", "title": names["near"]},
                        {"field": "critical_rate", "format": ".2%", "title": names["critical"]},
                        {"field": "valid", "format": ",.0f", "title": t("tip_requests", look.language)},
                    ],
                },
            },
        ],
        "padding": {"bottom": 4},
        "config": theme.config(look.language, dark=look.dark),
    }


def one_agent(look: Look, width: timedelta, limits: Limits) -> Spec:
    """P95 and P50 of one agent, the limit drawn; small, and on one scale with its neighbours.

    Data: `metrics.trend.trend` with `highest`, the top of the scale all agents share, in ms.
    """
    names = ("p95", "p50")
    value: Spec = {
        "type": "quantitative",
        "title": None,
        "scale": {"domain": [0, {"expr": f"max({limits.limit_ms}, {axes.extent('highest')}[1] || 0)"}]},
        "axis": {"labelExpr": "datum.value / 1000 + ' s'", "tickCount": 3},
    }
    clock = axes.clock(look, width)
    clock = {**clock, "title": None, "axis": {**clock["axis"], "tickCount": 3}}
    tips = [
        {"field": "start", "type": "temporal", "format": axes.TIME_TIP, "title": t("tip_time", look.language)},
        *({"field": f"{name}_text", "title": name.upper()} for name in names),
        {"field": "requests", "format": ",.0f", "title": t("tip_requests", look.language)},
    ]
    return {
        "layer": [
            {
                "data": {"values": [{"at": limits.limit_ms}]},
                "mark": {"type": "rule", "strokeDash": [4, 3], "color": theme.OVER},
                "encoding": {"y": {"field": "at", **value}},
            },
            {
                "data": {"name": axes.ROWS},
                "transform": [
                    {"fold": list(names), "as": ["name", "ms"]},
                    {"calculate": "datum[datum.name + '_at_least']", "as": "bound"},
                ],
                "encoding": {
                    "x": clock,
                    "y": {"field": "ms", **value},
                    "color": {
                        "field": "name",
                        "type": "nominal",
                        "legend": None,
                        "scale": {"domain": list(names), "range": [theme.NEAR, theme.QUICK]},
                    },
                },
                "layer": [
                    {"mark": {"type": "line", "strokeWidth": 1.5, "strokeJoin": "round", "clip": True}},
                    {
                        "transform": axes.lone("ms", "name"),
                        "mark": {"type": "point", "shape": "circle", "filled": True, "size": 14, "opacity": 1},
                    },
                    {
                        "transform": [{"filter": "datum.bound"}],
                        "mark": {"type": "point", "shape": "triangle-up", "filled": True, "size": 22, "opacity": 1},
                    },
                ],
            },
            {
                "data": {"name": axes.ROWS},
                "params": [axes.nearest()],
                "transform": [{"calculate": axes.seconds_text(name), "as": f"{name}_text"} for name in names],
                "mark": {"type": "rule", "color": theme.QUIET},
                "encoding": {"x": clock, "opacity": axes.only_under_pointer(), "tooltip": tips},
            },
        ],
        "padding": {"bottom": 2},
        "config": theme.config(look.language, dark=look.dark),
    }


def _ticks(limits: Limits) -> list[float]:
    """1, 2 and 5 times a power of ten, and the limit."""
    return sorted({factor * 10.0**power for power in range(7) for factor in (1, 2, 5)} | {limits.limit_ms})


def _text(ms: str) -> str:
    return f"({ms} < 1000 ? format({ms}, ',.0f') + ' ms' : format({ms} / 1000, ',.1f') + ' s')"


_SECONDS = "datum.value < 1000 ? format(datum.value, '.0f') + ' ms' : format(datum.value / 1000, '.3~g') + ' s'"
