"""The colours that mean the same on a page, in a report and in a picture of a message."""

from __future__ import annotations

OVER = "#D1495B"
"""Over the limit; P99."""
NEAR = "#E08E2B"
"""From 5 s to the limit; P95."""
QUICK = "#5B9AA0"
"""Under 2 s; P50."""
QUIET = "#848B90"
"""Lines that carry no state: averages, markers, thresholds."""
LEFT = "#4C7FC0"
"""What is left of a budget, and what may be."""

INK_ON_LIGHT = "#545B61"
INK_ON_DARK = "#B3BBBF"
"""Small print in charts: at least 4.5 : 1 on its paper."""

PAPER = {
    "light": {"paper": "#FCFBF9", "panel": "#F1EFE9", "text": "#1D2327", "line": "#DEDBD3", "accent": "#0B6E99"},
    "dark": {"paper": "#12181B", "panel": "#1C2428", "text": "#E6E8E6", "line": "#2C363B", "accent": "#58B4D9"},
}
"""What the pages stand on, for what is shown outside them; a test holds it to the configured theme."""
