"""The answer as a chart. What it is called and holds comes from the question: data, never part of the spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pages.shared import axes, theme

if TYPE_CHECKING:
    from pages.ask.queries import Chart, Kind
    from pages.shared.axes import Spec
    from pages.shared.look import Look

MOST_DRAWN = 1000
"""Rows; more marks than that are no chart."""


def numbers(rows: pl.DataFrame) -> list[str]:
    """Columns that can be a height."""
    return [name for name, kind in rows.schema.items() if kind.is_numeric()]


def fitting(chart: Chart, rows: pl.DataFrame) -> tuple[str, str]:
    """The columns drawn: those wanted where the answer has them, else the first column and the first other number."""
    x = chart.x if chart.x in rows.columns else rows.columns[0]
    heights = numbers(rows)
    y = chart.y if chart.y in heights else next((name for name in heights if name != x), heights[0])
    return x, y


def drawn(rows: pl.DataFrame, x: str, y: str, kind: Kind) -> pl.DataFrame:
    """Columns x and y of the rows drawn; times are naive. Bars stand beside each other whatever they are of."""
    across = pl.col(x)
    if isinstance(rows.schema[x], pl.Datetime):
        across = across.dt.replace_time_zone(None)
        across = across.dt.strftime("%Y-%m-%d %H:%M") if kind == "bar" else across
    elif kind == "bar" or not (rows.schema[x].is_numeric() or rows.schema[x] == pl.Date):
        across = across.cast(pl.String)
    return rows.head(MOST_DRAWN).select(across.alias("x"), pl.col(y).alias("y"))


def scale(rows: pl.DataFrame) -> str:
    """Vega-Lite's type of the x axis for what `drawn` made."""
    kind = rows.schema["x"]
    return "temporal" if kind.is_temporal() else "quantitative" if kind.is_numeric() else "ordinal"


def chart(kind: Kind, across: str, look: Look) -> Spec:
    """One mark per row of the data set ROWS (x, y), x in the order of the rows where it is no number or time."""
    marks = {
        "line": {"type": "line", "point": {"size": 20}, "color": theme.QUICK},
        "bar": {"type": "bar", "color": theme.QUICK},
        "point": {"type": "point", "filled": True, "size": 36, "color": theme.QUICK, "opacity": 0.7},
    }
    axis = {"grid": False, "labelOverlap": True, "labelLimit": 120}
    return {
        "data": {"name": axes.ROWS},
        "mark": marks[kind],
        "encoding": {
            "x": {"field": "x", "type": across, "title": None, "axis": axis, "sort": None},
            "y": {"field": "y", "type": "quantitative", "title": None, "axis": {"tickCount": 5}},
            "tooltip": [
                {"field": "x", "type": across, "title": "x"}
                | ({"format": axes.TIME_TIP} if across == "temporal" else {}),
                {"field": "y", "type": "quantitative", "title": "y", "format": ",.4~f"},
            ],
        },
        "config": theme.config(look.language, dark=look.dark),
    }
