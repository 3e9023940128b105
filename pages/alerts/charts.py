"""Incidents over time as Vega-Lite."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from core.text import age
from pages.shared import axes, theme
from pages.shared.text import t

if TYPE_CHECKING:
    from alerting.archive import Archive
    from pages.alerts.reading import Trial
    from pages.shared.axes import Spec
    from pages.shared.frame import Frame
    from pages.shared.look import Look

SEVERITIES = ("critical", "warning", "info")
PICK = "incident"
LANE, AROUND, MOST_LANES = 34, 100, 20
"""Pixels of a lane and of axis and legend; with more lanes than that they are narrower."""
_SCHEMA: dict[str, Any] = {
    "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC"), "group": pl.String, "severity": pl.String,
    "id": pl.String, "lasted": pl.String,
}  # fmt: skip


def history_rows(found: Archive, frame: Frame, back: timedelta) -> pl.DataFrame:
    """Incidents as start, end (naive), group, severity, id, lasted; two rows without the rest hold the time open."""
    rows = [
        {
            "start": max(one.since, frame.now - back),
            "end": one.ended_at or frame.now,
            "group": one.group,
            "severity": one.severity,
            "id": one.id,
            "lasted": age((one.ended_at or frame.now) - one.since, frame.language),
        }
        for one in reversed(found.incidents)
    ]
    rows += [{"start": frame.now - back}, {"start": frame.now}]
    walled = axes.on_the_wall(pl.DataFrame(rows, schema=_SCHEMA), frame.settings.timezone)
    zone = frame.settings.timezone
    return walled.with_columns(pl.col("end").dt.convert_time_zone(zone).dt.replace_time_zone(None))


def pixels(found: Archive) -> int:
    """How high the chart is: a lane for each group, and the axis and legend."""
    return AROUND + LANE * min(MOST_LANES, max(2, len({one.group for one in found.incidents})))


def history(look: Look) -> Spec:
    """A lane for each group, a bar for each incident; at least a few pixels wide. Data: `history_rows`."""
    language = look.language
    names = {severity: t(f"alerts_severity_{severity}", language) for severity in SEVERITIES}
    lane: Spec = {
        "field": "group",
        "type": "nominal",
        "title": None,
        "axis": {"labelLimit": 150, "domain": False, "ticks": False, "grid": True, "labelExpr": "datum.label"},
    }
    colour: Spec = {
        "field": "name",
        "type": "nominal",
        "scale": {"domain": list(names.values()), "range": [theme.OVER, theme.NEAR, theme.QUIET]},
        "legend": axes.legend(),
    }
    tips = [
        {"field": "group", "title": t("alerts_group", language)},
        {"field": "name", "title": t("alerts_severity", language)},
        {"field": "start", "type": "temporal", "format": axes.TIME_TIP, "title": t("alerts_since", language)},
        {"field": "lasted", "title": t("alerts_lasted", language)},
    ]
    clock = axes.clock(look, timedelta(days=1)) | {"scale": axes.slots()}
    return {
        "data": {"name": axes.ROWS},
        "layer": [
            {"mark": {"type": "point", "opacity": 0}, "encoding": {"x": clock}},
            {
                "transform": [
                    {"filter": "isValid(datum.id)"},
                    {"calculate": f"{json.dumps(names)}[datum.severity]", "as": "name"},
                ],
                "mark": {
                    "type": "bar",
                    "height": {"band": 0.55},
                    "cornerRadius": 2,
                    "clip": True,
                    "strokeWidth": 3,
                    "cursor": "pointer",
                },
                "params": [{"name": PICK, "select": {"type": "point", "fields": ["id"]}}],
                "encoding": {
                    "x": clock,
                    "x2": {"field": "end"},
                    "y": lane,
                    "color": colour,
                    "stroke": {
                        "condition": [
                            {"test": "datum.severity == 'critical'", "value": theme.OVER},
                            {"test": "datum.severity == 'warning'", "value": theme.NEAR},
                        ],
                        "value": theme.QUIET,
                    },
                    "tooltip": tips,
                },
            },
        ],
        "padding": {"bottom": 4},
        "config": theme.config(language, dark=look.dark),
    }


def ladder_rows(found: Trial) -> pl.DataFrame:
    """Limits with their incidents a week, in order; `chosen` marks the one tried."""
    tried = found.suggestion.tried if found.suggestion else ()
    return pl.DataFrame(
        [
            {"place": place, "limit": limit, "week": week, "chosen": limit == found.limit}
            for place, (limit, week) in enumerate(tried)
        ],
        {"place": pl.Int64, "limit": pl.String, "week": pl.Float64, "chosen": pl.Boolean},
    )


def ladder(look: Look) -> Spec:
    """Incidents a week under each limit. Data: `ladder_rows`."""
    language = look.language
    return {
        "data": {"name": axes.ROWS},
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "x": {
                "field": "limit",
                "type": "ordinal",
                "sort": {"field": "place"},
                "title": t("alerts_limit", language),
                "axis": {"labelAngle": 0, "labelOverlap": True},
            },
            "y": {
                "field": "week",
                "type": "quantitative",
                "title": t("alerts_a_week", language),
                "axis": {"tickCount": 4},
                "scale": {"nice": True},
            },
            "color": {"condition": {"test": "datum.chosen", "value": theme.OVER}, "value": theme.QUICK},
            "tooltip": [
                {"field": "limit", "title": t("alerts_limit", language)},
                {"field": "week", "format": ",.1f", "title": t("alerts_a_week", language)},
            ],
        },
        "padding": {"bottom": 4},
        "config": theme.config(language, dark=look.dark),
    }
