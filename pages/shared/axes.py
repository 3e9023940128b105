"""What charts over time have in common: the clock, the limit, deploys, the pointer. Specs never depend on the data."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from pages.shared import theme
from pages.shared.text import round_seconds, t

if TYPE_CHECKING:
    from core.slo import Limits
    from pages.shared.look import Look

Spec = dict[str, Any]

ROWS, DEPLOYS = "rows", "deploys"
"""Names of the data sets a chart draws; the page hands them over with the spec."""

TIME_TIP = "%a %d %b, %H:%M"


def on_the_wall(frame: pl.DataFrame, zone: str) -> pl.DataFrame:
    """`start` as the clock on the reader's wall showed it, naive; else the browser shifts it to its own zone."""
    return frame.with_columns(pl.col("start").dt.convert_time_zone(zone).dt.replace_time_zone(None))


def extent(field: str) -> str:
    """A Vega expression: [lowest, highest] of all rows. As a domain it is quiet where a scale warns of rows without."""
    return f"extent(pluck(data('{ROWS}'), '{field}'))"


def lone(field: str, *series: str) -> list[Spec]:
    """Only the slots with a value between two without one: a line through a single point is not seen."""
    beside = [{"op": op, "field": field, "as": op} for op in ("lag", "lead")]
    return [
        {"window": beside, "groupby": list(series), "sort": [{"field": "start"}]},
        {"filter": f"isValid(datum.{field}) && !isValid(datum.lag) && !isValid(datum.lead)"},
    ]


def legend(**more: object) -> Spec:
    """A legend above its chart; `more` adds to it."""
    return {"orient": "top", "title": None, "offset": 4, "padding": 0, **more}


def lines_legend(**more: object) -> Spec:
    """The same for lines."""
    return legend(symbolType="stroke", **more)


def slots(width: timedelta = timedelta(0)) -> Spec:
    """A time scale over every slot of the rows, also where nothing happened; `width` past the start of the last."""
    first, last = (f"toNumber({extent('start')}[{end}])" for end in (0, 1))
    after = f"{last} + {width // timedelta(milliseconds=1)}"
    return {"type": "time", "domain": [{"expr": first}, {"expr": after}], "nice": False}


def clock(look: Look, width: timedelta) -> Spec:
    """The x axis over slots of `width`: times of day, or days where the slots are long."""
    hours = "%H:%M" if width < timedelta(hours=1) else "%d.%m. %H:%M"
    axis = {
        "format": hours if width < timedelta(days=1) else "%d.%m.",
        "tickCount": 6,
        "labelFlush": True,
        "grid": False,
    }
    title = t("axis_zone", look.language, zone=look.zone)
    return {"field": "start", "type": "temporal", "title": title, "axis": axis, "scale": slots(width)}


def limit_rules(look: Look, limits: Limits) -> Spec:
    """The limit and the near line, named on the right-hand axis, where no line can cross the words."""
    at = [limits.limit_ms, limits.near_ms]
    names = {
        limits.limit_ms: t("limit_at", look.language, limit=round_seconds(limits.limit_ms, look.language)),
        limits.near_ms: t("near_at", look.language, limit=round_seconds(limits.near_ms, look.language)),
    }
    label = f"datum.value == {at[0]} ? '{names[at[0]]}' : '{names[at[1]]}'"
    return {
        "data": {"values": [{"at": at[0], "over": True}, {"at": at[1], "over": False}]},
        "mark": {"type": "rule", "strokeDash": [4, 3]},
        "encoding": {
            "y": {
                "field": "at",
                "type": "quantitative",
                "title": None,
                "axis": {"orient": "right", "values": at, "labelExpr": label, "grid": False, "labelPadding": 4},
            },
            "color": {"condition": {"test": "datum.over", "value": theme.OVER}, "value": theme.QUIET},
        },
    }


def deploy_rules(look: Look, width: timedelta) -> Spec:
    """A dotted line at every deploy. Data set DEPLOYS: start (naive), label; a row without a label is not seen."""
    return {
        "data": {"name": DEPLOYS},
        "mark": {"type": "rule", "strokeDash": [1, 2], "strokeWidth": 1.5, "color": theme.QUIET, "clip": True},
        "encoding": {
            "x": clock(look, width),
            "opacity": {"condition": {"test": "datum.label", "value": 1}, "value": 0},
            "tooltip": [
                {"field": "start", "type": "temporal", "format": TIME_TIP, "title": t("tip_deploy", look.language)},
                {"field": "label", "title": " "},
            ],
        },
    }


def nearest() -> Spec:
    """The row nearest to the pointer, by its time."""
    return {
        "name": "nearest",
        "select": {"type": "point", "nearest": True, "on": "pointermove", "clear": "pointerout", "encodings": ["x"]},
    }


def only_under_pointer() -> Spec:
    """The opacity of a mark that is seen at the pointer only."""
    return {"condition": {"param": "nearest", "empty": False, "value": 0.5}, "value": 0}


def seconds_text(field: str) -> str:
    """A Vega expression: milliseconds as the reader reads them, with the sign of a bound."""
    number = (
        f"(datum.{field} < 1000 ? format(datum.{field}, ',.0f') + ' ms' : format(datum.{field} / 1000, ',.1f') + ' s')"
    )
    return f"isValid(datum.{field}) ? (datum.{field}_at_least ? '≥ ' : '') + {number} : '–'"
