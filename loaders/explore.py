"""Rows for people to look through: pages of requests, and all there is of one trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.record import COLUMN_NAMES
from core.timespan import micros
from loaders.queries import SINCE, StoreReader
from loaders.where import NEWEST_FIRST, VALID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    import polars as pl

    from core.rows import RowKind, RowOrder, Rows
    from core.selection import Selection
    from core.slo import Limits

SHOWN = (
    "request_id", "timestamp", "status", "execution_time_ms", "agent_id", "operation", "model", "environment",
    "model_version", "prompt_version", "error_code", "error_message", "user_id", "trace_id", "fallback_used",
    "tokens_input", "tokens_output", "cost_usd",
)  # fmt: skip
"""Columns of a page of requests."""

MOST_OF_A_TRACE = 2000
"""Records read of one trace; a longer one is cut, newest last."""

_KINDS: dict[RowKind, str] = {
    "all": "true",
    "bad": f"{VALID} AND (status IN ('timeout', 'failed') OR coalesce(execution_time_ms > $limit, false))",
    "timeout": f"{VALID} AND (status = 'timeout' OR coalesce(execution_time_ms > $limit, false))",
    "failed": "status = 'failed' AND NOT coalesce(execution_time_ms > $limit, false)",
    "success": "status = 'success' AND execution_time_ms <= $limit",
    "near": "status = 'success' AND execution_time_ms BETWEEN $near AND $limit",
}
"""The classes of `metrics.classes` as conditions; a test holds them to the same rows."""

_TOOK = (
    f"{VALID} AND status <> 'timeout' AND execution_time_ms >= $least "
    "AND (execution_time_ms < $below OR execution_time_ms = $below AND $below = $limit)"
)
"""The bands of `metrics.heatmap`, but for the last one, which is the timeouts; a test holds them to the same rows."""

_TEXT = (
    "($text IN (request_id, trace_id, session_id, user_id) OR starts_with(request_id, $text) "
    "OR contains(lower(error_code), lower($text)) OR contains(lower(error_message), lower($text)))"
)
_ORDERS: dict[RowOrder, str] = {
    "newest": NEWEST_FIRST,
    "slowest": f"execution_time_ms DESC NULLS LAST, {NEWEST_FIRST}",
}


class Explorer(StoreReader):
    """Reads of one store in rows, from any thread."""

    def page(self, selection: Selection, rows: Rows, limits: Limits, offset: int, count: int) -> pl.DataFrame:
        """`count` rows from `offset` on, in the order wanted; columns SHOWN."""
        found, params = self._rows(selection, rows, limits, SHOWN)
        params |= {"offset": max(0, offset), "count": max(0, count)}
        ordered = f"ORDER BY {_ORDERS[rows.order]} LIMIT $count OFFSET $offset"
        if rows.order == "newest" and selection.last is None:
            for low in self.lows(params.get("end")):
                newest = self.frame(f"{found} AND {SINCE} {ordered}", params | {"low": low})
                if newest.height == params["count"]:
                    return newest.select(SHOWN)
        return self.frame(f"{found} {ordered}", params).select(SHOWN)

    def total(self, selection: Selection, rows: Rows, limits: Limits) -> int:
        """How many rows all pages together have."""
        found, params = self._rows(selection, rows, limits, ())
        return int(self.frame(f"SELECT count(*) FROM ({found})", params).item())

    def trace(self, identity: str, near: tuple[datetime, timedelta] | None = None) -> pl.DataFrame:
        """Every record with this request or trace id, and all others of the traces those belong to, oldest first.

        `near` (a moment and how far around it to look) makes it quick in a large store. Columns are those of a record.
        """
        span, params = "true", dict[str, Any](id=identity)
        if near is not None:
            moment, around = near
            span = '"timestamp" BETWEEN make_timestamptz($since::BIGINT) AND make_timestamptz($until::BIGINT)'
            params |= {"since": micros(moment - around), "until": micros(moment + around)}
        columns = ", ".join(f'"{name}"' for name in COLUMN_NAMES)
        first = f"SELECT trace_id, request_id FROM records WHERE {span} AND $id IN (request_id, trace_id)"
        return self.frame(
            f"WITH found AS MATERIALIZED ({first}) SELECT {columns} FROM records WHERE {span} AND ($id IN (request_id, "
            "trace_id) OR trace_id IN (SELECT trace_id FROM found WHERE trace_id IS NOT NULL)) "
            f'ORDER BY "timestamp", generation, line LIMIT {MOST_OF_A_TRACE}',
            params,
        )

    def _rows(
        self, selection: Selection, rows: Rows, limits: Limits, columns: Sequence[str]
    ) -> tuple[str, dict[str, Any]]:
        """A query for the rows wanted, without an order, and its parameters."""
        condition, params = self.reached(selection)
        names = ", ".join(
            f'"{name}"' for name in ("generation", "line", "span_id", *dict.fromkeys(("timestamp", *columns)))
        )
        source = f"SELECT * FROM records WHERE {condition}"
        if selection.last is not None:
            source += f" ORDER BY {NEWEST_FIRST} LIMIT $last"
        wanted = _KINDS[rows.kind]
        if rows.took:
            wanted += f" AND {_TOOK}"
            params |= dict(zip(("least", "below"), rows.took, strict=True))
        if "$limit" in wanted:
            params["limit"] = limits.limit_ms
        if "$near" in wanted:
            params["near"] = limits.near_ms
        if rows.text:
            wanted += f" AND {_TEXT}"
            params["text"] = rows.text
        return f"SELECT {names} FROM ({source}) WHERE {wanted}", params
