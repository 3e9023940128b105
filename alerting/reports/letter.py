"""A report as a message: its first page in words, the page and the PDF along with it where a channel takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerting import links
from alerting.message import MOST_BYTES, Fact, File, Message, Section
from alerting.picture import picture
from alerting.reports.chapters import trend_line
from alerting.reports.page import html
from alerting.reports.pdf import pdf
from alerting.reports.words import document
from alerting.words import TEXTS
from core.errors import UsageError
from core.selection import Selection
from core.text import LANGUAGES, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from alerting.reports.document import Document
    from alerting.reports.figures import Report
    from core.settings import Settings
    from core.text import Language


def letter(report: Report, settings: Settings, *, late_at: str = "") -> Message:
    """The message; `late_at` is the time at which it should have come, "" when it comes in time."""
    language = settings.language
    documents = {one: document(report, settings, one) for one in LANGUAGES}
    told = documents[language]
    facts = [
        Fact(one.label, " · ".join(part for part in (one.value, one.change, one.note) if part)) for one in told.numbers
    ]
    budget = Fact(told.labels["budget"], f"{told.budget} {told.budget_end}")
    tasks = tuple(f"{one.text} ({one.owner})" if one.owner else one.text for one in told.tasks)
    sections = [Section(told.labels["moved"], told.moved), Section(told.labels["todo"], tasks)]
    notes = [say(TEXTS, "late", language, at=late_at)] if late_at else []
    return Message(
        "report",
        f"report {report.period.name}",
        f"{told.title} ({told.subtitle})",
        " ".join(part for part in (told.headline, told.reason) if part),
        facts=(*facts, budget),
        sections=tuple(section for section in sections if section.lines),
        link=links.page(settings, "", Selection(report.span)),
        note=" ".join([*notes, told.note]).strip(),
        language=language,
        files=tuple(_fitting(_files(report, settings, documents))),
    )


def _files(report: Report, settings: Settings, documents: Mapping[Language, Document]) -> Iterator[File]:
    """The picture, the page and the PDF; what cannot be made here is left out."""
    language, name = settings.language, f"burnline-{report.period.name}"
    drawn = picture(trend_line(report, settings, language), settings.zone, language)
    if drawn is not None:
        yield drawn
    trees = {one: made.tree() for one, made in documents.items()}
    yield File(f"{name}.html", "text/html", html(trees, language).encode(), documents[language].title)
    try:
        yield File(f"{name}.pdf", "application/pdf", pdf(trees[language]), documents[language].title)
    except UsageError:
        return


def _fitting(files: Iterator[File]) -> Iterator[File]:
    room = MOST_BYTES
    for file in files:
        if len(file.content) <= room:
            room -= len(file.content)
            yield file
