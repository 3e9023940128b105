"""The slides as one HTML file: opens anywhere, asks the network for nothing, runs nothing, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.text import LANGUAGES, moment
from metrics.sentence import printable
from pages.present import svg
from pages.present.slides import about, slides
from pages.shared import theme
from pages.shared.text import t

if TYPE_CHECKING:
    from core.text import Language
    from pages.present.slides import Shown
    from pages.shared.frame import Frame

Made = Callable[[], str]
"""Makes the file when somebody wants it."""

_TEMPLATES = Environment(
    loader=FileSystemLoader(__file__.rpartition("/")[0]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["printable"] = printable


def html(shown: Shown, frame: Frame) -> str:
    """The file. All text is escaped, what comes from logs without control characters, too."""
    return _TEMPLATES.get_template("report.html").render(
        languages={language: _words(shown, frame, language) for language in LANGUAGES},
        first=frame.language,
        colours=theme,
        trend=svg.line(shown.overview.spark["timeout_rate"].to_list()),
        budget=svg.bar(shown.overview.summary.budget.consumed),
    )


def _words(shown: Shown, frame: Frame, language: Language) -> dict[str, Any]:
    zone, newest = frame.settings.zone, frame.freshness.newest
    said = {"when": moment(frame.now, zone, language), "newest": moment(newest, zone, language) if newest else "–"}
    return {
        "slides": slides(shown, frame, language),
        "made": t("present_made", language, **said),
        "zone": frame.settings.timezone,
        "about": about(frame, language),
        "unnamed": t("unnamed", language),
        "owner": t("present_owner", language, owner="").strip(),
        "trend": t("present_trend", language),
    }
