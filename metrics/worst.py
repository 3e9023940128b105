"""Three requests to open: the newest that failed in the way asked about, or the slowest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

from dataclasses import dataclass

Way = Literal["timeout", "failed", "bad", "slow"]
MOST = 3


@dataclass(frozen=True, slots=True)
class Example:
    """One request; every text is log text. `took_ms` is None when unknown, `cut` says it is a lower bound."""

    request_id: str
    at: datetime
    agent: str | None
    took_ms: float | None
    cut: bool
    what: str


def worst(timed: pl.DataFrame, way: Way, most: int = MOST) -> tuple[Example, ...]:
    """Up to `most` requests of `metrics.latency.timed` rows that have an id; of equals the newest.

    `bad` are timeouts and failures; `slow` are the slowest, a cut one being slower than any that was not. `what` is the
    error code, else the class.
    """
    rows = timed.filter(pl.col("request_id").is_not_null())
    if way == "slow":
        found = rows.filter(pl.col("latency_ms").is_not_null()).sort("cut", "latency_ms", "timestamp", descending=True)
    else:
        classes = ("timeout", "failed") if way == "bad" else (way,)
        found = rows.filter(pl.col("class").cast(pl.String).is_in(classes)).sort("timestamp", descending=True)
    return tuple(_examples(found.head(most)))


def _examples(rows: pl.DataFrame) -> Iterator[Example]:
    for row in rows.iter_rows(named=True):
        what = row["error_code"] or row["class"]
        yield Example(row["request_id"], row["timestamp"], row["agent_id"], row["latency_ms"], row["cut"], what)
