"""Lines over time beside what is wanted of them. Specs never depend on the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.shared import axes, theme
from pages.shared.text import t

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from core.targets import TargetSettings
    from pages.shared.axes import Spec
    from pages.shared.look import Look


def of_target(target: TargetSettings | None) -> list[tuple[float, bool]]:
    """A target and its threshold, as `over` draws them."""
    if target is None:
        return []
    worst = [] if target.threshold is None else [(target.threshold, True)]
    return [(target.target, False), *worst]


def series(label_limit: int) -> Spec:
    """The colour of lines told apart by `name`, which may be log text; the legend cuts it at so many pixels."""
    return {
        "field": "name",
        "type": "nominal",
        "scale": {"range": list(theme.JUDGED)},
        "legend": axes.lines_legend(labelLimit=label_limit),
    }


def line(y: Spec, field: str, colour: Spec | None = None) -> list[Spec]:
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


def over(
    look: Look, width: timedelta, drawn: list[Spec], tips: list[Spec], wanted: Sequence[tuple[float, bool]] = ()
) -> Spec:
    """The lines over time, and dashed rules at what is `wanted`: a value, and whether it must not be crossed.

    Data: start (naive), what the lines draw, and n; the pointer shows `tips` and n.
    """
    pointer: Spec = {
        "mark": {"type": "point", "size": 80, "filled": True, "color": theme.QUIET},
        "params": [axes.nearest()],
        "encoding": {
            "y": drawn[-1]["encoding"]["y"],
            "opacity": axes.only_under_pointer(),
            "tooltip": [
                {"field": "start", "type": "temporal", "format": axes.TIME_TIP, "title": t("tip_time", look.language)},
                *tips,
                {"field": "n", "format": ",.0f", "title": "n"},
            ],
        },
    }
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
            {"data": {"name": axes.ROWS}, "encoding": {"x": axes.clock(look, width)}, "layer": [*drawn, pointer]},
        ],
        "padding": {"bottom": 4},
        "config": theme.config(look.language, dark=look.dark),
    }
