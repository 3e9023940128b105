"""Traffic and machines over time as Vega-Lite."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from metrics.host import PRESSED
from pages.shared import axes, lines, theme
from pages.shared.text import t

if TYPE_CHECKING:
    from core.slo import Limits
    from core.targets import TargetSettings
    from pages.shared.axes import Spec
    from pages.shared.look import Look

CLASSES = ("good", "failed", "timeouts")
TIMES = ("p99", "p95", "average_ms")


def volume(look: Look, width: timedelta) -> Spec:
    """Requests in each slot by how they ended. Data: start (naive), good, failed, timeouts, as `metrics.trend`."""
    language = look.language
    names = {name: t(f"health_class_{name}", language) for name in CLASSES}
    end = f"toNumber(datum.start) + {width // timedelta(milliseconds=1)}"
    return {
        "data": {"name": axes.ROWS},
        "transform": [
            {"fold": list(CLASSES), "as": ["class", "requests_of"]},
            {"calculate": f"{json.dumps(names)}[datum.class]", "as": "name"},
            {"calculate": f"indexof({json.dumps(CLASSES)}, datum.class)", "as": "place"},
            {"calculate": end, "as": "end"},
            {"stack": "requests_of", "groupby": ["start"], "sort": [{"field": "place"}], "as": ["from", "to"]},
        ],
        "mark": {"type": "rect", "xOffset": 0.5, "x2Offset": -0.5, "clip": True},
        "encoding": {
            "x": axes.clock(look, width) | {"scale": axes.slots(width)},
            "x2": {"field": "end"},
            "y": {"field": "to", "type": "quantitative", "title": None, "axis": {"tickCount": 5}},
            "y2": {"field": "from"},
            "color": {
                "field": "name",
                "type": "nominal",
                "scale": {"domain": list(names.values()), "range": [theme.QUICK, theme.NEAR, theme.OVER]},
                "legend": axes.legend(),
            },
            "tooltip": [
                {"field": "start", "type": "temporal", "format": axes.TIME_TIP, "title": t("tip_time", language)},
                {"field": "name", "title": " "},
                {"field": "requests_of", "format": ",.0f", "title": t("tip_requests", language)},
            ],
        },
        "padding": {"bottom": 4},
        "config": theme.config(language, dark=look.dark),
    }


def latency(look: Look, width: timedelta, limits: Limits) -> Spec:
    """Average, P95 and P99. Data: start (naive), TIMES in ms (null without traffic), requests as n."""
    language = look.language
    names = {name: t(f"health_time_{name}", language) for name in TIMES}
    highest = f"max({limits.limit_ms}, {axes.extent('p99')}[1] || 0)"
    y: Spec = {
        "field": "ms",
        "type": "quantitative",
        "title": t("axis_seconds", language),
        "scale": {"domain": [0, {"expr": highest}], "nice": True},
        "axis": {"labelExpr": "datum.value / 1000", "tickCount": 5},
    }
    colour: Spec = {
        "field": "name",
        "type": "nominal",
        "scale": {"domain": list(names.values()), "range": [theme.OVER, theme.NEAR, theme.QUIET]},
        "legend": axes.lines_legend(),
    }
    drawn = lines.line(y, "ms", colour)
    tips = [
        {"field": "name", "title": " "},
        {"field": "text", "title": t("health_took", language)},
    ]
    spec = lines.over(look, width, drawn, tips, [(limits.limit_ms, True)])
    spec["layer"][-1]["transform"] = [
        {"fold": list(TIMES), "as": ["time", "ms"]},
        {"calculate": f"{json.dumps(names)}[datum.time]", "as": "name"},
        {
            "calculate": "datum[datum.time + '_at_least'] || datum.time == 'average_ms' && datum.average_at_least",
            "as": "ms_at_least",
        },
        {"calculate": axes.seconds_text("ms"), "as": "text"},
        {"calculate": "datum.requests", "as": "n"},
    ]
    return spec


def errors(look: Look, width: timedelta, target: TargetSettings | None) -> Spec:
    """The error rate. Data: start (naive), error_rate (null without traffic), valid as n."""
    top = max(target.threshold or 0, target.target) if target else 0.01
    highest = f"max({top * 1.2}, {axes.extent('error_rate')}[1] * 1.2 || 0)"
    y: Spec = {
        "field": "error_rate",
        "type": "quantitative",
        "title": None,
        "scale": {"domain": [0, {"expr": highest}]},
        "axis": {"format": ".1%", "tickCount": 5},
    }
    tips = [{"field": "error_rate", "format": ".2%", "title": t("metric_short_error_rate", look.language)}]
    spec = lines.over(look, width, lines.line(y, "error_rate"), tips, lines.of_target(target))
    spec["layer"][-1]["transform"] = [{"calculate": "datum.valid", "as": "n"}]
    return spec


def machines(look: Look, width: timedelta) -> Spec:
    """A gauge of each machine in percent. Data: start (naive), name (log text), mean, n."""
    y: Spec = {
        "field": "mean",
        "type": "quantitative",
        "title": "%",
        "scale": {"domain": [0, 100]},
        "axis": {"tickCount": 5},
    }
    colour = lines.series(140)
    tips = [
        {"field": "name", "title": t("health_host", look.language)},
        {"field": "mean", "format": ".1f", "title": "%"},
    ]
    return lines.over(look, width, lines.line(y, "mean", colour), tips, [(PRESSED, True)])
