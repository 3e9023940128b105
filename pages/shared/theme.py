"""The palette and the chart defaults, in one place. Text, grid and background follow the reader's light or dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.colours import INK_ON_DARK, INK_ON_LIGHT, LEFT, NEAR, OVER, PAPER, QUICK, QUIET

if TYPE_CHECKING:
    from core.text import Language

__all__ = ["INK_ON_DARK", "INK_ON_LIGHT", "LEFT", "NEAR", "OVER", "PAPER", "QUICK", "QUIET"]
"""What reports and messages use, too."""

OVER_UNCUT = "#8F2F3F"
"""Over the limit, but not cut there."""
CRITICAL = "#A8521B"
"""Only just within the limit."""
SLOW = "#C9B458"
"""From 2 to 5 s."""

BANDS = (OVER, NEAR, SLOW, QUICK)
"""The bands from slow to quick: told apart by lightness, too, so that they survive every colour vision."""
PERCENTILES = (OVER, NEAR, QUICK)
"""P99, P95, P50: the hue of the band each is usually found in."""

STEPS = (QUIET, "#6C7BB5", "#A0759B", "#6FA3C7", "#AEB4B8", OVER)
"""What a step of a trace is: the request itself, a model, a tool, a retrieval, any other; and the one that was cut."""

SPENT = ("#4C7FC0", "#9A4F86", QUIET)
"""Money that bought an answer, that bought nothing, that was not charged."""

SPARK_HEIGHT = 44
JUDGED = ("#2F7E9E", "#8A6FB3", "#B07C3F", "#6E8B3D")
"""Scores of answers, one line each; the first is any single one."""

BAR_HEIGHT = 110
CHART_HEIGHT = 260
"""Pixels; two charts side by side are equally high."""

_LOCALE_VI: dict[str, Any] = {
    "number": {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["", " ₫"]},
    "time": {
        "dateTime": "%H:%M %d/%m/%Y",
        "date": "%d/%m/%Y",
        "time": "%H:%M:%S",
        "periods": ["SA", "CH"],
        "days": ["Chủ nhật", "Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy"],
        "shortDays": ["CN", "T2", "T3", "T4", "T5", "T6", "T7"],
        "months": [f"tháng {month}" for month in range(1, 13)],
        "shortMonths": [f"thg {month}" for month in range(1, 13)],
    },
}

CANVAS = {"embedOptions": {"renderer": "canvas"}}
"""Vega's `usermeta`: on a canvas a refresh repaints, where SVG would replace hundreds of nodes a second."""


def config(language: Language, *, dark: bool) -> dict[str, Any]:
    """The Vega-Lite config all our charts share: readable small print, numbers and days as the reader writes them."""
    ink = INK_ON_DARK if dark else INK_ON_LIGHT
    words = {"labelFontSize": 12, "labelColor": ink, "titleFontSize": 12, "titleColor": ink}
    base: dict[str, Any] = {"axis": {**words, "labelPadding": 6, "titlePadding": 8}, "legend": words}
    return {**base, "locale": _LOCALE_VI} if language == "vi" else base
