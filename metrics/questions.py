"""Every question command and HTTP answer alike: `python -m metrics NAME` and `/api/v1/NAME`, same parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from metrics.answer import answer
from metrics.query import selection_from
from metrics.summary import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from core.selection import Freshness, Reader, Selection
    from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was put: which requests, at what moment, and what else was said (`extra`)."""

    selection: Selection
    extra: Mapping[str, str]
    settings: Settings
    now: datetime
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter only this question has, as `--name` of the command and `name=` of the URL."""

    metavar: str
    help: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `answer` returns plain JSON types; `usual` are the parameters of who names none."""

    help: str
    answer: Callable[[Reader, Asked], dict[str, Any]]
    examples: tuple[str, ...] = ()
    extra: Mapping[str, Parameter] = field(default_factory=dict)
    usual: Mapping[str, str] = field(default_factory=dict)

    def ask(self, reader: Reader, params: Mapping[str, str], settings: Settings, now: datetime) -> dict[str, Any]:
        """The answer; UsageError names what is allowed when the parameters make no question."""
        extra = {name: value for name, value in params.items() if name in self.extra}
        which = {name: value for name, value in params.items() if name not in self.extra}
        if not {"last_requests", "since", "day"} & which.keys():
            which |= self.usual
        selection = selection_from(which, now, settings.zone, tuple(self.extra))
        return self.answer(reader, Asked(selection, extra, settings, now, reader.freshness()))


def summary(reader: Reader, asked: Asked) -> dict[str, Any]:
    """The numbers of the first page."""
    return to_json(answer(reader, asked.selection, asked.settings, asked.now, asked.freshness))


QUESTIONS: Mapping[str, Question] = {
    "summary": Question(
        "How many requests timed out, how sure that is, and when the error budget ends.",
        summary,
        ("--last-requests 200 --agent planner", "--since 24h --environment production --json"),
    ),
}
