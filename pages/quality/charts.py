"""Quality over time as Vega-Lite, and how confident the answers were. Names of scores are log text: data only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.shared import axes, theme
from pages.shared.text import t

if TYPE_CHECKING:
    from datetime import timedelta

    from core.targets import TargetSettings
    from pages.shared.axes import Spec
    from pages.shared.look import Look


def hallucinations(look: Look, width: timedelta, target: TargetSettings | None) -> Spec:
    """The rate with its 95 % range. Data: start (naive), rate, low, high, n."""
    top = max(target.threshold or 0, target.target) if target else 0
    highest = f"max({top * 1.2}, {axes.extent('rate')}[1] * 1.2 || 0.01)"
    y: Spec = {
        "type": "quantitative",
        "title": None,
        "scale": {"domain": [0, {"expr": highest}], "clamp": True},
        "axis": {"format": ".0%", "tickCount": 5},
    }
    tips = [
        {"field": "rate", "format": ".1%", "title": t("metric_short_hallucination_rate", look.language)},
        {"field": "low", "format": ".1%", "title": t("quality_from", look.language)},
        {"field": "high", "format": ".1%", "title": t("quality_to", look.language)},
    ]
    band: Spec = {
        "mark": {"type": "area", "opacity": 0.2, "color": theme.JUDGED[0], "interpolate": "linear", "clip": True},
        "encoding": {"y": y | {"field": "low"}, "y2": {"field": "high"}},
    }
    return _over(look, width, [band, *_line(y | {"field": "rate"}, "rate")], tips, target)


def score_means(look: Look, width: timedelta, target: TargetSettings | None) -> Spec:
    """The mean of each score. Data: start (naive), name, mean, n."""
    lowest = target.target if target else 1
    y: Spec = {
        "field": "mean",
        "type": "quantitative",
        "title": None,
        "scale": {
            "domain": [{"expr": f"min({lowest}, {axes.extent('mean')}[0]) - 0.05"}, 1],
            "zero": False,
            "clamp": True,
        },
        "axis": {"tickCount": 5},
    }
    colour: Spec = {
        "field": "name",
        "type": "nominal",
        "scale": {"range": list(theme.JUDGED)},
        "legend": {
            "orient": "top",
            "title": None,
            "offset": 4,
            "symbolType": "stroke",
            "labelLimit": 160,
            "padding": 0,
        },
    }
    tips = [
        {"field": "name", "title": t("quality_score", look.language)},
        {"field": "mean", "format": ".2f", "title": t("quality_mean", look.language)},
    ]
    return _over(look, width, _line(y, "mean", colour), tips, target)


def thumb_means(look: Look, width: timedelta, target: TargetSettings | None) -> Spec:
    """Thumbs up less thumbs down, of 100. Data: start (naive), name, mean, n."""
    y: Spec = {
        "field": "mean",
        "type": "quantitative",
        "title": None,
        "scale": {"domain": [{"expr": f"min(0, {axes.extent('mean')}[0])"}, 100]},
        "axis": {"tickCount": 5},
    }
    tips = [{"field": "mean", "format": ".0f", "title": t("metric_short_nps", look.language)}]
    return _over(look, width, _line(y, "mean"), tips, target)


def confidence(look: Look) -> Spec:
    """Requests in each tenth of confidence. Data: from, to, requests."""
    language = look.language
    return {
        "data": {"name": axes.ROWS},
        "mark": {"type": "rect", "xOffset": 1, "x2Offset": -1, "color": theme.JUDGED[0]},
        "encoding": {
            "x": {
                "field": "from",
                "type": "quantitative",
                "title": t("quality_confidence", language),
                "scale": {"domain": [0, 1], "nice": False},
                "axis": {"grid": False, "tickCount": 10},
            },
            "x2": {"field": "to"},
            "y": {
                "field": "requests",
                "type": "quantitative",
                "title": t("tip_requests", language),
                "axis": {"tickCount": 5},
            },
            "y2": {"datum": 0},
            "tooltip": [
                {"field": "from", "format": ".1f", "title": t("quality_from", language)},
                {"field": "to", "format": ".1f", "title": t("quality_to", language)},
                {"field": "requests", "format": ",.0f", "title": t("tip_requests", language)},
            ],
        },
        "padding": {"bottom": 4},
        "config": theme.config(language, dark=look.dark),
    }


def _line(y: Spec, field: str, colour: Spec | None = None) -> list[Spec]:
    """A line, and a point where a value stands alone."""
    encoding: Spec = {"y": y} | ({"color": colour} if colour else {})
    paint = {} if colour else {"color": theme.JUDGED[0]}
    series = ("name",) if colour else ()
    return [
        {
            "mark": {"type": "line", "strokeWidth": 2, "strokeJoin": "round", "clip": True, **paint},
            "encoding": encoding,
        },
        {
            "transform": axes.lone(field, *series),
            "mark": {"type": "point", "filled": True, "size": 16, "opacity": 1, **paint},
            "encoding": encoding,
        },
    ]


def _over(look: Look, width: timedelta, lines: list[Spec], tips: list[Spec], target: TargetSettings | None) -> Spec:
    """The lines over time, the target and the threshold as dashed rules, and what stands under the pointer."""
    pointer: Spec = {
        "mark": {"type": "point", "size": 80, "filled": True, "color": theme.QUIET},
        "params": [axes.nearest()],
        "encoding": {
            "y": lines[-1]["encoding"]["y"],
            "opacity": axes.only_under_pointer(),
            "tooltip": [
                {"field": "start", "type": "temporal", "format": axes.TIME_TIP, "title": t("tip_time", look.language)},
                *tips,
                {"field": "n", "format": ",.0f", "title": "n"},
            ],
        },
    }
    wanted = [] if target is None else [(target.target, False)]
    if target is not None and target.threshold is not None:
        wanted.append((target.threshold, True))
    rules: list[Spec] = []
    if wanted:
        rules = [
            {
                "data": {"values": [{"at": at, "worst": worst} for at, worst in wanted]},
                "mark": {"type": "rule", "strokeDash": [4, 3]},
                "encoding": {
                    "y": {"field": "at", "type": "quantitative"},
                    "color": {"condition": {"test": "datum.worst", "value": theme.OVER}, "value": theme.QUIET},
                },
            }
        ]
    return {
        "layer": [
            *rules,
            {"data": {"name": axes.ROWS}, "encoding": {"x": axes.clock(look, width)}, "layer": [*lines, pointer]},
        ],
        "padding": {"bottom": 4},
        "config": theme.config(look.language, dark=look.dark),
    }
