"""Frames of requests for the tests of metrics, and a source that holds one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from core.record import COLUMNS, REQUEST_FRAME
from core.selection import FILTER_COLUMNS, Losses, Selection

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
_TYPES = {
    "VARCHAR": pl.String,
    "DOUBLE": pl.Float64,
    "BIGINT": pl.Int64,
    "BOOLEAN": pl.Boolean,
    "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
}
SCHEMA = {column.name: _TYPES[column.type] for column in COLUMNS if column.name in REQUEST_FRAME}


def requests(*rows):
    """A frame with the columns the store gives; what a row leaves out is null, or what one usual request has.

    Rows are one second apart and end just before NOW, unless they say when they were.
    """
    filled = []
    for place, row in enumerate(rows):
        usual = {
            "request_id": str(place),
            "timestamp": NOW - timedelta(seconds=len(rows) - place),
            "execution_time_ms": 100.0,
            "status": "success",
            "agent_id": "planner",
            "sample_rate": 1.0,
        }
        filled.append({name: {**usual, **row}.get(name) for name in SCHEMA})
    return pl.DataFrame(filled, schema=SCHEMA, orient="row")


def many(**counts):
    """A frame of so many successes, timeouts, ... one after the other."""
    return requests(*({"status": status} for status, count in counts.items() for _ in range(count)))


@dataclass
class Source:
    """A RequestSource over one frame; remembers what it was asked."""

    frame: pl.DataFrame
    asked: list[tuple[Selection, tuple[str, ...] | None]]

    def requests(self, selection, columns=None):
        """The selected rows, oldest first."""
        self.asked.append((selection, columns))
        rows = self.frame.sort("timestamp", maintain_order=True)
        if selection.span is not None:
            rows = rows.filter(pl.col("timestamp").is_between(selection.span.start, selection.span.end, closed="left"))
        for name, value in selection.filters.items():
            rows = rows.filter(pl.col(FILTER_COLUMNS[name]) == value)
        if selection.last is not None:
            rows = rows.tail(selection.last)
        return rows.select(columns or REQUEST_FRAME)

    def losses(self, _span):
        """Nothing is missing but what was before the first row."""
        return Losses(since=self.frame["timestamp"].min())


def source(frame):
    """A source that was not asked anything yet."""
    return Source(frame, [])
