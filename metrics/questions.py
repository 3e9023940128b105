"""Every question command and HTTP answer alike: `python -m metrics NAME` and `/api/v1/NAME`, same parameters."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from metrics.answer import answer
from metrics.budget_answer import budget_answer
from metrics.catalogue import catalogue_answer
from metrics.cost_answer import cost_answer
from metrics.coverage import coverage, coverage_json
from metrics.fallback_answer import fallback_answer
from metrics.freshness import data_age
from metrics.named_queries import query_answer
from metrics.query import BEGINNING, as_of, selection_from
from metrics.scorecard import scorecard_answer
from metrics.summary import to_json
from metrics.time_answer import time_answer
from metrics.what_if_answer import what_if_answer
from metrics.why_json import why_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from core.selection import Freshness, Reader, Selection
    from core.settings import Settings


TRIES = 3


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

    def read(
        self, params: Mapping[str, str], settings: Settings, clock: datetime
    ) -> tuple[Selection, dict[str, str], datetime]:
        """The selection, the question's own parameters and the moment; UsageError names what is allowed."""
        now = as_of(params["at"]) if "at" in params else clock
        extra = {name: value for name, value in params.items() if name in self.extra}
        which = {name: value for name, value in params.items() if name not in self.extra and name != "at"}
        if not {"last_requests", "since", "day", "start", "end"} & which.keys():
            which |= self.usual
        if "at" in params and not {"since", "day", "start", "end"} & which.keys():
            which["end"] = params["at"]  # the last N as they were then
        selection = selection_from(which, now, settings.zone, ("at", *self.extra))
        if "at" in params and "day" in which and selection.span:
            selection = replace(selection, span=selection.span.until(now))  # of a day that was not over then, its part
        return selection, extra, now

    def ask(self, reader: Reader, params: Mapping[str, str], settings: Settings, clock: datetime) -> dict[str, Any]:
        """The answer with its `coverage` and `receipt`, as of `at` when that is given, else now.

        The receipt's `parameters` ask the same question about the same requests again, whenever it is asked. All of the
        answer is of one version of the data: asked again while rows came in between, at most TRIES times.
        """
        selection, extra, now = self.read(params, settings, clock)
        for _ in range(TRIES):
            freshness = reader.freshness()
            shown = self._once(reader, Asked(selection, extra, settings, now, freshness), clock)
            if reader.freshness().version == freshness.version:
                break
        return shown

    def _once(self, reader: Reader, asked: Asked, clock: datetime) -> dict[str, Any]:
        selection, now, freshness = asked.selection, asked.now, asked.freshness
        found = reader.extent(selection)
        # The newest request may be ahead of the clock, and is one of them all the same.
        seen = max(now, found.newest + timedelta(microseconds=1)) if found.newest else now
        if selection.span and selection.span.end > seen:
            selection = selection.before(seen)  # a day that is not over ends now, and its receipt says so
        shown = self.answer(reader, replace(asked, selection=selection))
        judged = coverage(data_age(freshness, now), reader.losses(selection.span), selection, found)
        receipt = {
            "parameters": _exactly(selection, seen, now) | dict(asked.extra),
            "rows": found.rows,
            "version": freshness.version,
            "watermark": freshness.newest.isoformat() if freshness.newest else None,
            "computed_at": clock.isoformat(),
        }
        return shown | {"coverage": coverage_json(judged), "receipt": shown.get("receipt", {}) | receipt}


def _exactly(selection: Selection, seen: datetime, now: datetime) -> dict[str, str]:
    """Parameters that select the same requests at any later moment."""
    asked = dict(selection.filters)
    end = selection.span.end if selection.span else seen
    if selection.last is not None:
        asked["last_requests"] = str(selection.last)
    if selection.span and selection.span.start > BEGINNING:
        asked["start"] = selection.span.start.isoformat()
    return asked | {"end": end.isoformat(), "at": now.isoformat()}


def summary(reader: Reader, asked: Asked) -> dict[str, Any]:
    """The numbers of the first page."""
    return to_json(answer(reader, asked.selection, asked.settings, asked.now, asked.freshness))


QUESTIONS: Mapping[str, Question] = {
    "summary": Question(
        "How many requests timed out, how sure that is, and when the error budget ends.",
        summary,
        ("--last-requests 200 --agent planner", "--since 24h --environment production --json"),
    ),
    "budget": Question(
        "Every objective's error budget: what is left, when it ends, how fast it burns, who spent it.",
        budget_answer,
        ("--agent planner", "--objective availability --top 20 --json"),
        {
            "objective": Parameter("NAME", "Only this objective; all when left out."),
            "top": Parameter("N", "Rows of each breakdown of the spend (default 5)."),
        },
        {"since": "30d"},
    ),
    "what-if": Question(
        "What another limit would have meant: timeouts, success rate, error budget and fallback load at 3 to 12 s.",
        what_if_answer,
        ("--since 7d", "--since 24h --limit 6s --agent planner --json"),
        {"limit": Parameter("DURATION", "This limit beside the one in force: 6s; 3 s to 12 s when left out.")},
        {"since": "24h"},
    ),
    "query": Question(
        "Three questions every team asks: rate-by-hour and top-agents of 24 hours, daily of 7 local days.",
        query_answer,
        ("--name top-agents", "--name daily --day 2026-11-23 --json"),
        {"name": Parameter("NAME", "rate-by-hour, top-agents or daily; all three when left out.")},
        {"since": "24h"},
    ),
    "why": Question(
        "Whether it is getting worse, and what made the difference: agent, model, version, prompt size, traffic, ...",
        why_answer,
        ("--since 24h", "--since 6h --measure error --at 2026-11-24T09:00:00+00:00"),
        {"measure": Parameter("NAME", "timeout, error or near; the one that moved most when left out.")},
        {"since": "24h"},
    ),
    "cost": Question(
        "What the requests cost, what of it bought nothing, and whether the last day cost more than usual.",
        cost_answer,
        ("--since 7d", "--since 24h --agent planner --json"),
        usual={"since": "24h"},
    ),
    "fallback": Question(
        "Which timeouts a fallback saved, which users felt, and what saving one costs.",
        fallback_answer,
        ("--since 7d", "--since 24h --operation flag_risks --json"),
        usual={"since": "24h"},
    ),
    "catalogue": Question(
        "Every metric at once: traffic, latency, tokens, quality, drift, machines, users, traces.",
        catalogue_answer,
        ("--since 7d --agent planner --json",),
        usual={"since": "24h"},
    ),
    "scorecard": Question(
        "Each target beside its number: ok, warning, breached or unknown.",
        scorecard_answer,
        ("--since 7d", "--day 2026-11-23 --json"),
        usual={"since": "24h"},
    ),
    "time": Question(
        "Where the time of cut and of slow requests went, step by step, beside what the steps usually take.",
        time_answer,
        ("--since 24h", "--since 6h --agent planner --json"),
        usual={"since": "24h"},
    ),
}
