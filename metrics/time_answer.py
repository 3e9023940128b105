"""Where the time went, as a question: the newest cut and the newest slow requests of a selection."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.record import SPAN_KINDS
from core.text import number, percent, say
from core.timespan import TimeSpan
from metrics.baseline import baselines
from metrics.charges import spans_of
from metrics.many import FEW, counts_of
from metrics.sentence import TEXTS, printable
from metrics.time_spent import NEWEST, REQUEST_COLUMNS, SPAN_COLUMNS, by_speed, time_spent, traces, usual_times

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from core.selection import Reader
    from core.text import Language
    from metrics.questions import Asked
    from metrics.time_spent import Step, StepTime, Trace

USUAL = 1000
"""So many requests of each past window are looked at for what is usual, the newest."""

_STEP = "\0"


def time_answer(reader: Reader, asked: Asked) -> dict[str, Any]:
    """The answer as plain JSON types: for each group how many there are, and a row per step."""
    limits = asked.settings.limit_values
    requests, counted = _requests(reader, asked)
    found, counts = (by_speed(rows, limits.limit_ms, limits.near_ms) for rows in (requests, counted))
    kind, usual = _usual(reader, asked, requests)
    shown: dict[str, Any] = {}
    steps: dict[str, tuple[StepTime, ...]] = {}
    traced = {}
    for name in ("cut", "slow"):
        looked = found[name].tail(NEWEST)
        bad = _traced(reader, looked, limits.limit_ms)
        steps[name], traced[name] = time_spent(bad, usual), sum(trace.weight for trace in bad)
        shown[name] = {
            "requests": _weight(counts[name]),
            "looked_at": looked.height,
            "traced": len(bad),
            "mean_ms": sum(step.ms for step in steps[name]) if bad else None,
        }
        shown[f"{name}_steps"] = [_step(step) for step in steps[name]]
    said = _sentence(_weight(counts["cut"]) + _weight(counts["slow"]), steps, traced["cut"], asked.settings.language)
    return {"sentence": said, "usual": kind, **shown}


def _requests(reader: Reader, asked: Asked) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The newest requests, to look at, and what counts all of them: the same rows while they are few."""
    selection, limits = asked.selection, asked.settings.limit_values
    newest = reader.requests(replace(selection, last=min(selection.last or FEW, FEW)), REQUEST_COLUMNS)
    if newest.height < FEW:
        return newest, newest
    return newest, counts_of(reader, selection, REQUEST_COLUMNS, edges=(limits.near_ms, limits.limit_ms))


def _usual(
    reader: Reader, asked: Asked, requests: pl.DataFrame
) -> tuple[str | None, Mapping[tuple[str | None, str | None], Mapping[Step | None, float]]]:
    """What steps usually take, and where that is from: the best baseline that has traced ordinary requests.

    Of each of its windows the newest 1,000 requests are looked at.
    """
    limits, selection = asked.settings.limit_values, asked.selection
    if not requests.height:
        return None, {}
    oldest, newest = requests["timestamp"].min(), requests["timestamp"].max()
    assert isinstance(oldest, datetime) and isinstance(newest, datetime)  # noqa: S101, PT018 - there are rows
    inside = TimeSpan(oldest, newest + timedelta(microseconds=1))
    span = selection.span if selection.span is not None and selection.last is None else inside
    for baseline in baselines(span, reader.losses(span).since, asked.settings.zone):
        found: list[Trace] = []
        for past in baseline.spans:
            rows = reader.requests(replace(selection, span=past, last=USUAL), REQUEST_COLUMNS)
            found += _traced(reader, by_speed(rows, limits.limit_ms, limits.near_ms)["ordinary"], limits.limit_ms)
        if found:
            return baseline.kind, usual_times(found)
    return None, {}


def _traced(reader: Reader, requests: pl.DataFrame, limit_ms: float) -> list[Trace]:
    return list(traces(requests, spans_of(reader, requests, SPAN_KINDS, SPAN_COLUMNS), limit_ms))


def _weight(rows: pl.DataFrame) -> float:
    return float(rows["weight"].sum())


def _step(found: StepTime) -> dict[str, Any]:
    kind, operation = found.step or (None, None)
    return {
        "kind": kind or "unaccounted",
        "step": operation,
        "share": found.share,
        "ms": found.ms,
        "usual_ms": found.usual_ms,
        "open_at_cut": found.open_at_cut,
        "example": found.example,
    }


def _sentence(bad: float, steps: dict[str, tuple[StepTime, ...]], cut: float, language: Language) -> str:
    if not bad:
        return say(TEXTS, "time_none", language)
    said = []
    for name in ("cut", "slow"):
        if top := next((row for row in steps[name] if row.step is not None), None):
            values = {"share": percent(top.share, language), "open": number(top.open_at_cut, language)}
            text = say(TEXTS, f"time_{name}", language, step=_STEP, n=number(cut, language), **values)
            kind, operation = top.step or ("", None)
            said.append(text.replace(_STEP, f"`{printable(operation or kind)}`"))
    return " ".join(said) or say(TEXTS, "time_untraced", language, n=number(bad, language))
