"""What is known beside a rule's own reading: numbers, causes, requests to open, and a picture.

An alert without evidence is better than none and better than a late one: a fault costs only the evidence, and what
takes too long is left out.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alerting.aside import Aside
from alerting.chart import Line
from alerting.evaluate import window_of
from alerting.picture import picture
from alerting.words import TEXTS, length, value_shown
from core.record import REQUEST_FRAME
from core.selection import Reader
from core.text import say
from core.timespan import TimeSpan
from metrics.answer import answer
from metrics.groups import by_group
from metrics.latency import timed
from metrics.trend import trend
from metrics.why_answer import why
from metrics.why_sentence import plain_text, why_sentence
from metrics.worst import worst

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from alerting.message import File
    from alerting.rules import Rule
    from core.selection import Freshness, RequestSource, Selection
    from core.settings import Settings
    from metrics.values import Summary
    from metrics.why import Measure
    from metrics.worst import Example, Way

log = logging.getLogger("burnline.alerting")

WHY_SECONDS, PICTURE_SECONDS = 2.0, 2.0
WINDOWS_SHOWN = 12
"""Windows before the one that fired, each a point of the picture."""

_DRAWN = frozenset({"timeout_rate", "error_rate", "success_rate", "p50", "p95", "p99"})
_WAYS: dict[str, Way] = {
    "error_rate": "failed", "success_rate": "bad", "sli": "bad",
    "p50": "slow", "p95": "slow", "p99": "slow", "avg_latency": "slow",
}  # fmt: skip
_ASIDE = Aside()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The window's summary, its agents (`metrics.groups.by_group`) and, where they could be had, the rest.

    `why` is a sentence with log text between backquotes, "" when nothing made a difference that can be told.
    """

    summary: Summary
    agents: pl.DataFrame
    examples: tuple[Example, ...] = ()
    why: str = ""
    picture: File | None = None


def evidence(
    rule: Rule, source: RequestSource, settings: Settings, now: datetime, freshness: Freshness
) -> Evidence | None:
    """The evidence of a rule that fires now; None when not even the numbers could be had.

    Nor of a group that no selection is of: numbers of other requests would mislead.
    """
    if not rule.condition.comparisons or not rule.whole:
        return None
    window, limit = window_of(rule, settings, now), settings.limit_values.limit_ms
    metric = rule.condition.comparisons[0].metric.name
    try:
        rows = source.requests(window, REQUEST_FRAME)
        found = Evidence(
            answer(source, window, settings, now, freshness),
            by_group(rows, "agent_id", limit),
            worst(timed(rows, limit), _WAYS.get(metric, "timeout")),
        )
    except Exception:
        log.exception('The evidence of rule "%s" could not be computed; the alert goes out without it', rule.name)
        return None
    said = _ASIDE.in_time(WHY_SECONDS, lambda: _why(source, window, settings, metric), f'causes for rule "{rule.name}"')
    drawn = _ASIDE.in_time(
        PICTURE_SECONDS, lambda: _picture(rule, source, window, settings), f'picture of rule "{rule.name}"'
    )
    return replace(found, why=said or "", picture=drawn)


def _why(source: RequestSource, window: Selection, settings: Settings, metric: str) -> str:
    """What moved in the window's requests against its baseline; "" when that cannot be told."""
    if not isinstance(source, Reader):
        return ""
    measure: Measure = "error" if metric == "error_rate" else "timeout"
    found = why(source, window, settings, measure)
    if found.baseline is None or found.answer.verdict.outcome == "too_few":
        return ""
    return plain_text(why_sentence(found, settings.language))


def _picture(rule: Rule, source: RequestSource, window: Selection, settings: Settings) -> File | None:
    """The rule's metric window by window; the last point is the one that fired."""
    part, span, language = rule.condition.comparisons[0], window.span, settings.language
    if span is None or part.metric.name not in _DRAWN:
        return None
    shown = TimeSpan(span.start - WINDOWS_SHOWN * span.length, span.end)
    rows = source.requests(window.over(shown), REQUEST_FRAME)
    points = trend(rows, shown, span.length, settings.limit_values.limit_ms)
    title = say(TEXTS, "picture_title", language, metric=say(TEXTS, f"metric_{part.metric.name}", language))

    def words(value: float) -> str:
        return value_shown(part.metric.dimension, value, language)

    line = Line(
        title + " " + length(rule.window, language),
        [start + span.length for start in points["start"]],
        points[part.metric.name].to_list(),
        words,
        None if part.baseline else part.limit,
        say(TEXTS, "picture_limit", language, limit=words(part.limit)),
    )
    return picture(line, settings.zone, language)
