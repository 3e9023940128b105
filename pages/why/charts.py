"""The change of a rate as steps on one scale, and where slow requests spent their time. Names are drawn only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from core.text import number, percent, seconds
from pages.request.charts import HUES
from pages.shared import axes, theme
from pages.shared.text import t
from pages.why.reading import STEPS
from pages.why.words import points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.text import Language
    from metrics.why_steps import Step
    from pages.shared.axes import Spec
    from pages.shared.look import Look

_ROW, _FRAME, _LEGEND = 41, 46, 46
"""Pixels of a bar with its name above it, of what is around all of them, and of a legend in two lines."""
_NAME = 40
"""Characters of a name above its bar; the rest is in the tip."""
TOP = 6
"""Steps of a request with a bar of their own."""
BRIDGE_HEIGHT = _ROW * (STEPS + 3) + _FRAME
TIME_HEIGHT = _ROW * (TOP + 1) + _FRAME + _LEGEND

TONES = ("whole", "up", "down")

_DOWN = 7
"""Pixels from the middle of a row down to that of its bar."""
_BAR: Spec = {"type": "bar", "height": 12, "cornerRadius": 2, "yOffset": _DOWN}


def bridge_rows(found: Sequence[Step], language: Language) -> pl.DataFrame:
    """Steps as bars: place, label, name (whole), tone, start and end in percent, right (where the words go), said."""
    return pl.DataFrame(
        {
            "place": place,
            "label": _label(step, language, _NAME),
            "name": _label(step, language, None),
            "tone": "whole" if step.kind in {"before", "now"} else "up" if step.points > 0 else "down",
            "start": 100 * step.start,
            "end": 100 * step.end,
            "right": 100 * max(step.start, step.end),
            "said": percent(step.end, language) if step.kind in {"before", "now"} else points(step.points, language),
        }
        for place, step in enumerate(found)
    )


def _label(step: Step, language: Language, most: int | None) -> str:
    if step.kind in {"before", "now", "rest"}:
        return t(f"why_step_{step.kind}", language)
    name = t("why_unsaid", language) if step.group is None else step.group
    short = name if most is None or len(name) <= most else name[: most - 1] + "…"
    return f"{short} · {t(f'why_step_{step.kind}', language)}"


def bridge(look: Look) -> Spec:
    """From the rate before, step by step, to the rate now: red raises, blue lowers, grey is a whole rate."""
    ink = theme.INK_ON_DARK if look.dark else theme.INK_ON_LIGHT
    tones = {"domain": list(TONES), "range": [theme.QUIET, theme.OVER, theme.QUICK]}
    x = {"type": "quantitative", "title": t("why_axis", look.language), "scale": {"zero": True, "nice": True}}
    return {
        "data": {"name": axes.ROWS},
        "encoding": {"y": _names()},
        "layer": [
            {
                "mark": _BAR,
                "encoding": {
                    "x": {**x, "field": "start", "axis": {"tickCount": 5, "grid": True}},
                    "x2": {"field": "end"},
                    "color": {"field": "tone", "type": "nominal", "scale": tones, "legend": None},
                    "tooltip": [
                        {"field": "name", "title": " "},
                        {"field": "said", "title": t("why_tip_points", look.language)},
                    ],
                },
            },
            *_words(ink),
        ],
        "padding": {"right": 66},
        "config": theme.config(look.language, dark=look.dark),
    }


def time_rows(steps: Sequence[Mapping[str, Any]], language: Language) -> pl.DataFrame:
    """Steps of `metrics.time_answer` as bars, the first TOP and all others as one: place, label, hue, ms, usual, ..."""
    shown = list(steps[:TOP])
    if rest := steps[TOP:]:
        usual = [step["usual_ms"] for step in rest if step["usual_ms"] is not None]
        shown.append(
            {
                "kind": "others",
                "step": None,
                "share": sum(step["share"] for step in rest),
                "ms": sum(step["ms"] for step in rest),
                "usual_ms": sum(usual) if usual else None,
                "open_at_cut": sum(step["open_at_cut"] for step in rest),
            }
        )
    return pl.DataFrame(
        [
            {
                "place": place,
                "label": step_name(step, language)[:_NAME],
                "name": step_name(step, language),
                "hue": t(f"hue_{step['kind']}", language) if step["kind"] in HUES else t("why_other_time", language),
                "ms": step["ms"] / 1000,
                "usual": None if step["usual_ms"] is None else step["usual_ms"] / 1000,
                "usual_said": seconds(step["usual_ms"], language),
                "said": f"{percent(step['share'], language, 0)} · {seconds(step['ms'], language)}",
                "right": max(step["ms"], step["usual_ms"] or 0.0) / 1000,
                "open": number(step["open_at_cut"], language),
            }
            for place, step in enumerate(shown)
        ],
        schema_overrides={"usual": pl.Float64},
    )


def step_name(step: Mapping[str, Any], language: Language) -> str:
    """A step as its log names it; else what kind of time it is."""
    if step["kind"] in {"unaccounted", "others"}:
        return t(f"why_{step['kind']}", language)
    return step["step"] or t(f"hue_{step['kind']}", language)


def time_chart(look: Look) -> Spec:
    """Seconds a request spent in each step, on average; the tick is what ordinary requests spend there."""
    ink = theme.INK_ON_DARK if look.dark else theme.INK_ON_LIGHT
    kinds = [*(t(f"hue_{hue}", look.language) for hue in HUES[1:-1]), t("why_other_time", look.language)]
    colours = {"domain": kinds, "range": [*theme.STEPS[1:-1], theme.QUIET]}
    scale = {"domain": [0, {"expr": f"{axes.extent('right')}[1] || 1"}]}  # quiet where no step has a usual time
    x = {"type": "quantitative", "title": t("axis_seconds", look.language), "scale": scale}
    return {
        "data": {"name": axes.ROWS},
        "encoding": {"y": _names()},
        "layer": [
            {
                "mark": _BAR,
                "encoding": {
                    "x": {**x, "field": "ms", "axis": {"tickCount": 5}},
                    "color": {
                        "field": "hue",
                        "type": "nominal",
                        "scale": colours,
                        "legend": {"orient": "top", "title": None, "columns": 3, "padding": 0, "offset": 6},
                    },
                    "tooltip": [
                        {"field": "name", "title": " "},
                        {"field": "said", "title": t("why_tip_time", look.language)},
                        {"field": "usual_said", "title": t("why_tip_usual", look.language)},
                        {"field": "open", "title": t("why_tip_open", look.language)},
                    ],
                },
            },
            {
                "transform": [{"filter": "isValid(datum.usual)"}],
                "mark": {"type": "tick", "thickness": 2, "size": 16, "color": ink, "yOffset": _DOWN},
                "encoding": {"x": {**x, "field": "usual"}},
            },
            *_words(ink),
        ],
        "padding": {"right": 84},
        "config": theme.config(look.language, dark=look.dark),
    }


def _names() -> Spec:
    """One row for each bar; the names stand in it, above the bars, so that a phone has all its width for these."""
    return {"field": "place", "type": "ordinal", "title": None, "axis": None}


def _words(ink: str) -> list[Spec]:
    """The name above the bar, and its numbers behind it."""
    text = {"type": "text", "align": "left", "fontSize": 12, "color": ink}
    return [
        {"mark": {**text, "dy": -11}, "encoding": {"x": {"value": 0}, "text": {"field": "label"}}},
        {
            "mark": {**text, "dx": 6, "dy": _DOWN},
            "encoding": {"x": {"field": "right", "type": "quantitative"}, "text": {"field": "said"}},
        },
    ]


def most_open(steps: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The step most requests were in when they were cut; None when none of them was."""
    named = [step for step in steps if step["kind"] != "unaccounted"]
    found = max(named, key=lambda step: step["open_at_cut"], default=None)
    return found if found and found["open_at_cut"] else None


def shown_by(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Requests that spent most of their time in the leading steps, one for each, at most three."""
    return list(dict.fromkeys(step["example"] for step in steps if step["example"]))[:3]
