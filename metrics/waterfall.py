"""One trace as bars: what ran when, inside what, and what was still open when the request was cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from core.record import SPAN_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = {
    "place": pl.Int64, "depth": pl.Int64, "name": pl.String, "kind": pl.String, "status": pl.String,
    "start_ms": pl.Float64, "end_ms": pl.Float64, "cut": pl.Boolean, "error_code": pl.String,
}  # fmt: skip


def waterfall(records: pl.DataFrame) -> pl.DataFrame:
    """The request and its spans as rows of SCHEMA: parents before their children, earlier ones first.

    Times are milliseconds since the first of them started. `cut` marks what was ended from outside: its end is where it
    was cut, not where it would have ended. A span whose parent is not among them hangs below the request when there is
    one, else it stands at the top. A span without a duration has no end (null). `records` are those of one trace, with
    the columns of a record.
    """
    rows = records.filter(pl.col("kind").is_in(["request", *SPAN_KINDS])).sort("timestamp", maintain_order=True)
    if not rows.height:
        return pl.DataFrame(schema=SCHEMA)
    first = rows["timestamp"][0]
    spans = rows.with_columns(
        ((pl.col("timestamp") - first).dt.total_microseconds() / 1000).alias("start_ms"),
        pl.coalesce("operation", "agent_id", "kind").alias("name"),
        (pl.col("status") == "timeout").fill_null(value=False).alias("cut"),
    ).to_dicts()
    bars = [bar | {"place": place} for place, bar in enumerate(_in_order(spans))]
    return pl.DataFrame(bars, schema=SCHEMA)


def _in_order(spans: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    known = {span["span_id"] for span in spans if span["span_id"] is not None}
    top = next((span for span in spans if span["kind"] == "request"), None)
    children: dict[int, list[dict[str, Any]]] = {}
    roots = []
    by_id = {span["span_id"]: id(span) for span in reversed(spans) if span["span_id"] is not None}
    for span in spans:
        parent = span["parent_span_id"]
        if parent in known and parent != span["span_id"]:
            children.setdefault(by_id[parent], []).append(span)
        elif top is not None and span is not top and span["kind"] != "request":
            children.setdefault(id(top), []).append(span)
        else:
            roots.append(span)
    seen: set[int] = set()
    waiting = [(0, span) for span in reversed(roots)]
    while waiting:
        depth, span = waiting.pop()
        if id(span) in seen:
            continue
        seen.add(id(span))
        yield _bar(span, depth)
        waiting += [(depth + 1, child) for child in reversed(children.get(id(span), []))]
    # Spans that name each other as parents hang from nothing: they are shown all the same.
    yield from (_bar(span, 0) for span in spans if id(span) not in seen)


def _bar(span: dict[str, Any], depth: int) -> dict[str, Any]:
    took = span["execution_time_ms"]
    end = None if took is None else span["start_ms"] + took
    return {name: span.get(name) for name in SCHEMA} | {"depth": depth, "end_ms": end}
