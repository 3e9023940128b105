"""A report as a document in one language."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from alerting.reports.chapters import parts, trend
from alerting.reports.document import Document, words
from alerting.reports.first_page import answer_of, budget, moved, numbers, tasks
from core.text import moment
from metrics.sentence import printable

if TYPE_CHECKING:
    from datetime import date

    from alerting.reports.figures import Report
    from core.settings import Settings
    from core.text import Language

_LABELS = ("ten_seconds", "budget", "moved", "todo", "print")


def document(report: Report, settings: Settings, language: Language) -> Document:
    """Everything the report says, as shown."""
    period, said = report.period, answer_of(report, settings, language)
    line, end, left = budget(report, settings, language)
    newest = report.summary.freshness.newest
    return Document(
        language,
        words(f"title_{period.kind}", language, name=period.name),
        words(
            "subtitle",
            language,
            first=_day(period.first, language),
            last=_day(period.end - timedelta(days=1), language),
            zone=settings.timezone,
        ),
        words("running", language, at=moment(report.as_of, settings.zone, language)) if not report.over else "",
        said.headline,
        "".join(printable(part.text) for part in said.reason),
        numbers(report, language),
        line,
        end,
        left,
        moved(report, language),
        tasks(report, settings, language),
        trend(report, settings, language),
        parts(report, settings, language),
        words("made", language, newest=moment(min(newest, report.as_of), settings.zone, language) if newest else "–"),
        {name: words(name, language) for name in _LABELS},
    )


def _day(day: date, language: Language) -> str:
    return f"{day:%d/%m/%Y}" if language == "vi" else f"{day.day} {day:%b %Y}"
