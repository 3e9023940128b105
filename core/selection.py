"""Which requests a question is about: a span or the last N, for all or for one agent."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from core.timespan import TimeSpan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    import polars as pl

    from core.asked import Answered
    from core.record import Kind
    from core.rows import Rows
    from core.slo import Limits

FILTERS = ("agent", "operation", "model", "environment", "user")
"""Filter names as users write them in a URL, a command or a rule."""

FILTER_COLUMNS = {
    "agent": "agent_id",
    "operation": "operation",
    "model": "model",
    "environment": "environment",
    "user": "user_id",
}
"""The record field behind each filter."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The requests in `span` and, when `last` is set, only the newest `last` of those.

    `span` None is all time. A filter that is None lets everything through. Requests are ordered by their
    timestamp, then by their place in the files, so "the last 1,000" are always the same rows.
    """

    span: TimeSpan | None = None
    last: int | None = None
    agent: str | None = None
    operation: str | None = None
    model: str | None = None
    environment: str | None = None
    user: str | None = None

    def over(self, span: TimeSpan) -> Selection:
        """The same filters over another span, whatever `last` was."""
        return replace(self, span=span, last=None)

    def before(self, moment: datetime) -> Selection:
        """The same question as it stood at `moment`: nothing later is seen."""
        start = self.span.start if self.span else datetime.min.replace(tzinfo=moment.tzinfo)
        return replace(self, span=TimeSpan(min(start, moment), moment))

    @property
    def filters(self) -> dict[str, str]:
        """The filters in force, by the name users write."""
        return {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name in FILTERS and getattr(self, f.name) is not None
        }


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the data is. `newest` is the newest event time stored, `read_at` when a row was last stored."""

    newest: datetime | None
    read_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Extent:
    """How many requests a selection holds, and the first and last of their times."""

    rows: int
    oldest: datetime | None
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class Losses:
    """What may be missing from the records of a span.

    `refused` lines may belong to it (a line without a readable time cannot be placed: at most so many do), `dropped`
    records were left out by a writer that said so, `unread` files could not be read to their end. `since` is the
    oldest time stored at all.
    """

    refused: int = 0
    dropped: int = 0
    unread: int = 0
    since: datetime | None = None


class RequestSource(Protocol):
    """The one method rules, digests and pages read requests through."""

    def requests(self, selection: Selection, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """One row per request, oldest first; columns as in `core.record.REQUEST_FRAME`."""
        ...


@runtime_checkable
class CompactSource(RequestSource, Protocol):
    """A source that can give large selections in fewer rows than they have requests."""

    def size(self) -> int:
        """How many records there are at all, told at once: no selection has more."""
        ...

    def compact(
        self,
        selection: Selection,
        by: Sequence[str] = (),
        *,
        width: timedelta | None = None,
        cuts: Iterable[datetime] = (),
        edges: Iterable[float] = (),
        durations: bool = True,
    ) -> pl.DataFrame:
        """The requests of a span, each row standing for `rows` of them; oldest first.

        Columns: timestamp (where the slot begins that the requests are in), those of `by`, status, fallback_used,
        sample_rate, execution_time_ms, timeout_ms (null), rows, total_ms (a sum, null when unknown), longest_ms. The
        requests of a row have the first of these in common and durations within 2 % of each other (0.01 ms below 1 ms).
        `execution_time_ms` is within 1 % of each, and for cut requests the least of them.

        Slots are `width` long, counted from 1970, and begin anew at the start of the span and at every cut; without
        either the span is one. Numbers of tokens, as one of `by`, are rounded down to the thousand, but not from above
        0 to 0. No row holds requests on both sides of an edge, or at it and beside it. Without `durations` requests are
        told apart by the edges only, and total_ms is null.
        """
        ...


@runtime_checkable
class RecordSource(RequestSource, Protocol):
    """A source of what was recorded beside requests, too: what rules on cost and quality read through."""

    def records(self, kinds: Sequence[Kind], selection: Selection, columns: Sequence[str]) -> pl.DataFrame:
        """One row per record of these kinds, oldest first: spans, evaluations, feedback, hosts."""
        ...


@runtime_checkable
class Reader(RecordSource, Protocol):
    """What pages and routes may ask of the store."""

    def page(self, selection: Selection, rows: Rows, limits: Limits, offset: int, count: int) -> pl.DataFrame:
        """`count` requests from `offset` on, for people to look through."""
        ...

    def total(self, selection: Selection, rows: Rows, limits: Limits) -> int:
        """How many requests all pages together have."""
        ...

    def trace(self, identity: str, near: tuple[datetime, timedelta] | None = None) -> pl.DataFrame:
        """Every record with this request or trace id; `near` is a moment, and how far around it to look."""
        ...

    def extent(self, selection: Selection) -> Extent:
        """How many requests there are, and from when to when."""
        ...

    def losses(self, span: TimeSpan | None) -> Losses:
        """What may be missing in the span; None is all time."""
        ...

    def freshness(self) -> Freshness:
        """How old the data is."""
        ...

    def values(self, filter_name: str, limit: int = 500) -> list[str]:
        """The values a filter can take, most frequent first."""
        ...

    def deploys(self, span: TimeSpan | None = None) -> pl.DataFrame:
        """Deploy events: timestamp, service, environment, agent_id, model, model_version, prompt_version."""
        ...

    def ask(self, sql: str, limits: Limits, zone: ZoneInfo, *, within: timedelta) -> Answered:
        """The first rows of a question in SQL about `core.asked.VIEWS`; QuestionRefused when it is not answered."""
        ...

    def ledger(self) -> list[Mapping[str, object]]:
        """One row per file, as `loaders status --json` prints them."""
        ...

    def quarantine_counts(self) -> Mapping[str, int]:
        """Refused lines by reason, most frequent first."""
        ...

    def quarantine(self, limit: int = 100) -> list[Mapping[str, Any]]:
        """The newest refused lines: file, line, reason, detail, at and more."""
        ...
