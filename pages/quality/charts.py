"""Quality over time as Vega-Lite, and how confident the answers were. Names of scores are log text: data only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.shared import axes, lines, theme
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
    return lines.over(look, width, [band, *lines.line(y | {"field": "rate"}, "rate")], tips, lines.of_target(target))


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
    colour = lines.series(160)
    tips = [
        {"field": "name", "title": t("quality_score", look.language)},
        {"field": "mean", "format": ".2f", "title": t("quality_mean", look.language)},
    ]
    return lines.over(look, width, lines.line(y, "mean", colour), tips, lines.of_target(target))


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
    return lines.over(look, width, lines.line(y, "mean"), tips, lines.of_target(target))


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
