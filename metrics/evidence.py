"""What was recorded about the selected requests beside the requests themselves: evaluations, feedback and spans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from core.record import SPAN_KINDS
from core.selection import FILTER_COLUMNS, Selection
from core.timespan import TimeSpan
from metrics.latency import timed
from metrics.quality import SAID, verdicts
from metrics.tracing import without_request
from metrics.traffic import seen_span

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.selection import Reader, RecordSource

COLUMNS = (
    "timestamp", "request_id", "execution_time_ms", "status", "agent_id", "timeout_ms", "fallback_used", "trace_id",
    "user_id", "tokens_input", "tokens_output", *SAID, "sources", "disclaimer", "sample_rate",
)  # fmt: skip
_OF_RECORDS = ("timestamp", "request_id", "sample_rate", *SAID, *FILTER_COLUMNS.values())
_OF_SPANS = ("timestamp", "request_id", "trace_id")


@dataclass(frozen=True, slots=True)
class Evidence:
    """`requests` of the selection with COLUMNS, timed; `said` about them (`quality.verdicts`); the time they are of.

    `span` is None when nothing is selected and no span says where to look.
    """

    requests: pl.DataFrame
    said: pl.DataFrame
    span: TimeSpan | None


def gather(
    reader: RecordSource, selection: Selection, limit_ms: float, now: datetime, *, more: Sequence[str] = ()
) -> Evidence:
    """Read the requests and what was said about them until `now`, however much later than the request.

    What was said without a request_id is of the selection by its own time and fields. Both frames have the columns
    `more`, some of `core.selection.FILTER_COLUMNS`, too.
    """
    columns = tuple(dict.fromkeys((*COLUMNS, *more)))
    requests = timed(reader.requests(selection, columns), limit_ms)
    span = seen_span(requests, selection, now)
    return Evidence(requests, verdicts(requests, _records(reader, selection, span, now), more), span)


def _records(reader: RecordSource, selection: Selection, span: TimeSpan | None, now: datetime) -> pl.DataFrame:
    if span is None:
        return reader.records(("eval", "feedback"), Selection(last=0), _OF_RECORDS)
    until = Selection(TimeSpan(span.start, max(span.end, now)))
    found = reader.records(("eval", "feedback"), until, _OF_RECORDS)
    mine = (pl.col("timestamp") >= span.start) & (pl.col("timestamp") < span.end)
    for name, value in selection.filters.items():
        mine &= (pl.col(FILTER_COLUMNS[name]) == value).fill_null(value=False)
    return found.filter(pl.col("request_id").is_not_null() | mine)


BEFORE = timedelta(hours=1)
"""A request that began this long before the span may have spans in it."""


def unrecorded(
    reader: Reader, selection: Selection, found: Evidence, begun: pl.DataFrame, now: datetime
) -> pl.DataFrame | None:
    """Requests of a span whose own line never came, though spans of theirs did: `tracing.without_request`.

    None when that cannot be told: no span was recorded, some requests were sampled away, or only some were asked for.
    """
    if found.span is None or selection.last is not None or selection.filters:
        return None
    named = begun.filter(pl.col("request_id").is_not_null() & (pl.col("timestamp") < found.span.end))
    if not named.height or bool((found.requests["sample_rate"] < 1).any()):
        return None
    missing = without_request(named, found.requests.select("request_id"))
    if not missing.height:
        return missing
    around = Selection(TimeSpan(found.span.start - BEFORE, max(found.span.end, now)))
    return without_request(named.join(missing, on="request_id", how="semi"), reader.requests(around, ("request_id",)))


def spans(reader: Reader, span: TimeSpan | None, now: datetime) -> pl.DataFrame:
    """Spans begun from the first request on: timestamp, request_id, trace_id. Filters do not apply to them."""
    where = Selection(last=0) if span is None else Selection(TimeSpan(span.start, max(span.end, now)))
    return reader.records(SPAN_KINDS, where, _OF_SPANS)
