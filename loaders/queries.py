"""What the store answers: requests, freshness, filter values, the ledger, the quarantine."""

from __future__ import annotations

import math
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import polars as pl

from core.errors import UsageError
from core.record import COLUMN_NAMES, REQUEST_FRAME
from core.selection import FILTER_COLUMNS, FILTERS, Extent, Freshness, Losses, Selection
from core.timespan import micros
from loaders.schema import RECORD_ID
from loaders.where import NEWEST_FIRST, where

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.record import Kind
    from core.timespan import TimeSpan
    from loaders.database import Database

BACK = (timedelta(minutes=10), timedelta(hours=2), timedelta(days=1), timedelta(days=5), timedelta(days=30))
"""How far back the newest rows are looked for, one after the other, before all of time is."""

MOST_FAILED = 20
"""Files that could not be read, told of at once."""

T = TypeVar("T")

SINCE = '"timestamp" >= make_timestamptz($low::BIGINT)'


class StoreReader:
    """Reads of one store, from any thread; each sees the last commit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._transactions = 0
        self._known: dict[str, tuple[int, Any]] = {}

    def frame(self, query: str, params: Sequence[object] | Mapping[str, object] = ()) -> pl.DataFrame:
        """The result of one SELECT. Asked again once when DuckDB had given the file up: a read changes nothing."""
        try:
            return self._ask(query, params)
        except duckdb.FatalException:
            return self._ask(query, params)

    def _ask(self, query: str, params: Sequence[object] | Mapping[str, object]) -> pl.DataFrame:
        with self._database.cursor() as cursor:
            found = pl.from_arrow(cursor.execute(query, params).to_arrow_table())
        assert isinstance(found, pl.DataFrame)  # noqa: S101 - a table is never a single column
        return found

    def _as_committed(self, what: str, read: Callable[[], T]) -> T:
        """What `read` found since the last transaction: every open tab asks for it every second."""
        now = self._transactions  # before reading: what is committed meanwhile is read again next time
        known = self._known.get(what)
        if known is None or known[0] != now:
            known = self._known[what] = (now, read())
        found: T = known[1]
        return found

    def requests(self, selection: Selection, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """One row per request, oldest first; `timestamp` is Datetime[us, UTC], `sample_rate` is never null.

        Raises:
            UsageError: a column that no record has.
        """
        chosen = _chosen(REQUEST_FRAME if columns is None else columns)
        return self._selected(selection, ("request",), chosen)

    def records(self, kinds: Sequence[Kind], selection: Selection, columns: Sequence[str]) -> pl.DataFrame:
        """One row per record of these kinds, oldest first, by the selection's own fields (`last` is of these rows).

        Types are those of `requests`; JSON columns are text.

        Raises:
            UsageError: a column that no record has.
        """
        return self._selected(selection, kinds, _chosen(columns))

    def _selected(self, selection: Selection, kinds: Sequence[Kind], chosen: str) -> pl.DataFrame:
        condition, params = self.reached(selection, kinds)
        query = f"SELECT {chosen} FROM records WHERE {condition} ORDER BY "
        if selection.last is None:
            return self.frame(query + '"timestamp", generation, line', params)
        return self.frame(f"{query}{NEWEST_FIRST} LIMIT $last", params).reverse()

    def reached(self, selection: Selection, kinds: Sequence[Kind] = ("request",)) -> tuple[str, dict[str, Any]]:
        """`loaders.where.where` and, of the last N, how many (`last`) and no further back than they can reach.

        Times are what DuckDB skips whole blocks by: the newest rows are found without a look at all others.
        """
        condition, params = where(selection, kinds)
        if selection.last is None:
            return condition, params
        params["last"] = max(0, selection.last)
        if not params["last"]:
            return condition, params
        count = f"SELECT count(*) FROM records WHERE {condition} AND {SINCE}"
        asked = {name: value for name, value in params.items() if name != "last"}
        for low in self.lows(params.get("end")):
            if self.frame(count, asked | {"low": low}).item() >= params["last"]:
                return f"{condition} AND {SINCE}", params | {"low": low}
        return condition, params

    def lows(self, end: int | None) -> list[int]:
        """From when on (SINCE) the newest rows before `end` are looked for, one after the other; microseconds."""
        newest = self.freshness().newest
        if newest is None:
            return []
        last = micros(newest) if end is None else min(micros(newest), end)
        return [last - back // timedelta(microseconds=1) for back in BACK]

    def extent(self, selection: Selection) -> Extent:
        """How many requests a selection holds, and the first and last of their times."""
        condition, params = self.reached(selection)
        found = f'SELECT "timestamp" FROM records WHERE {condition}'
        if selection.last is not None:
            found = f"{found} ORDER BY {NEWEST_FIRST} LIMIT $last"
        return Extent(*self.frame(f'SELECT count(*), min("timestamp"), max("timestamp") FROM ({found})', params).row(0))

    def losses(self, span: TimeSpan | None) -> Losses:
        """What may be missing in the span.

        A refused line was written before it was read: those read before the span began do not belong to it, any other
        may. Refused lines beyond those kept with their time are counted in, too.
        """
        start, end = (micros(span.start), micros(span.end)) if span else (None, None)
        found = self.frame(
            "SELECT (SELECT coalesce(sum(lines), 0) FROM quarantine_counts) "
            '- (SELECT count(*) FROM quarantine WHERE "at" < make_timestamptz($start::BIGINT)) AS refused, '
            "(SELECT coalesce(sum(TRY_CAST(extra->>'$.dropped' AS BIGINT)), 0) FROM records WHERE kind = 'drops' "
            'AND ($start IS NULL OR ("timestamp" >= make_timestamptz($start::BIGINT) '
            'AND "timestamp" < make_timestamptz($end::BIGINT)))) AS dropped, '
            "(SELECT count(*) FROM generations WHERE state = 'failed') AS unread, "
            '(SELECT min("timestamp") FROM records) AS since',
            {"start": start, "end": end},
        ).row(0, named=True)
        return Losses(int(found["refused"]), int(found["dropped"]), int(found["unread"]), found["since"])

    def freshness(self) -> Freshness:
        """How old the data is."""

        def read() -> Freshness:
            return Freshness(*self.frame("SELECT newest, read_at, version FROM store").row(0))

        return self._as_committed("freshness", read)

    def values(self, filter_name: str, limit: int = 500) -> list[str]:
        """The values a filter can take, most frequent first; UsageError for a filter that does not exist."""
        column = FILTER_COLUMNS.get(filter_name)
        if column is None:
            raise UsageError(f'no filter "{filter_name}"; there are {", ".join(FILTERS)}')
        found = self.frame(
            f"SELECT {column} AS value, count(*) AS n FROM records WHERE kind = 'request' AND {column} IS NOT NULL "
            f"GROUP BY 1 ORDER BY n DESC, value LIMIT ?",
            [limit],
        )
        return found["value"].to_list()

    def ledger(self) -> list[Mapping[str, object]]:
        """One row per file generation: lines = stored + quarantined + duplicates + blank, in `offset` bytes.

        Keys: path, format, state, note, bytes, offset, lines, stored, quarantined, duplicates, blank; `note` says why a
        file is as it is, `bytes` is its size on disk, `offset` counts uncompressed bytes.
        """
        found = self.frame(
            'SELECT path, format, state, note, size AS bytes, "offset", lines, stored, quarantined, duplicates, blank '
            "FROM generations ORDER BY id"
        )
        return [{**row, "path": _printable(row["path"])} for row in found.iter_rows(named=True)]

    def failed(self) -> Sequence[tuple[str, str]]:
        """Path and reason of the newest files that could not be read to their end."""
        query = f"SELECT path, note FROM generations WHERE state = 'failed' ORDER BY id DESC LIMIT {MOST_FAILED}"

        def read() -> tuple[tuple[str, str], ...]:
            return tuple((os.fsdecode(path), note) for path, note in self.frame(query).iter_rows())

        return self._as_committed("failed", read)

    def quarantine(
        self, limit: int = 100, *, reason: str | None = None, path: str | None = None
    ) -> list[Mapping[str, Any]]:
        """The newest `limit` refused lines: file, line, offset, length, reason, detail, raw, sha256, at.

        `raw` is at most the first 4 KiB of the line; `sha256` is of the whole line and set only when it is longer.
        """
        where, params = ["true"], list[object]()
        if reason is not None:
            where.append("reason = ?")
            params.append(reason)
        if path is not None:
            where.append("path = ?")
            params.append(os.fsencode(path))
        found = self.frame(
            'SELECT path AS file, line, q."offset", length, reason, detail, raw, sha256, "at" '
            f"FROM quarantine q JOIN generations g ON g.id = q.generation WHERE {' AND '.join(where)} "
            'ORDER BY "at" DESC, generation DESC, line DESC LIMIT ?',
            [*params, limit],
        )
        return [{**row, "file": _printable(row["file"])} for row in found.iter_rows(named=True)]

    def quarantine_counts(self) -> dict[str, int]:
        """Refused lines by reason, most frequent first: exact, also where no raw lines are kept any more."""
        found = self.frame(
            "SELECT reason, sum(lines)::BIGINT AS n FROM quarantine_counts GROUP BY 1 ORDER BY n DESC, reason"
        )
        return dict(found.iter_rows())

    def conflicts(self) -> int:
        """Ids (service, kind, span_id or else request_id) that stand on records of different content; all are kept."""
        found = self.frame(
            f"SELECT count(*) AS n FROM (SELECT service, kind, {RECORD_ID} AS id FROM records WHERE id IS NOT NULL "
            "GROUP BY ALL HAVING count(*) > 1)"
        )
        return int(found.item())

    def deploys(self, span: TimeSpan | None = None) -> pl.DataFrame:
        """Deploy events, oldest first.

        Columns: timestamp, service, environment, agent_id, model, model_version, prompt_version, extra (JSON text).
        """
        condition, params = where(Selection(span), ("deploy",))
        return self.frame(
            "SELECT timestamp, service, environment, agent_id, model, model_version, prompt_version, extra "
            f"FROM records WHERE {condition} ORDER BY timestamp, generation, line",
            params,
        )

    def cube(self, limit_ms: float, edges_ms: Sequence[float]) -> pl.DataFrame:
        """All requests, counted by agent_id, operation, status, error_code, timeout_type, bucket and over_limit.

        `bucket` is the index of the first edge >= execution_time_ms, len(edges_ms) above the last one and null without
        a duration; `over_limit` is whether the duration is above `limit_ms` (null without one). `n` is the number of
        requests, each weighted by 1/sample_rate, `sum_ms` their summed duration with the same weights.
        """
        if not all(math.isfinite(edge) for edge in edges_ms):
            raise UsageError(f"bucket edges must be finite numbers, found {list(edges_ms)}")
        edges = " ".join(f"WHEN execution_time_ms <= {float(edge)!r} THEN {i}" for i, edge in enumerate(edges_ms))
        return self.frame(
            "SELECT agent_id, operation, status, error_code, timeout_type, "
            f"CASE WHEN execution_time_ms IS NULL THEN NULL {edges} ELSE {len(edges_ms)} END AS bucket, "
            "execution_time_ms > ? AS over_limit, sum(1 / coalesce(sample_rate, 1.0)) AS n, "
            "sum(execution_time_ms / coalesce(sample_rate, 1.0)) AS sum_ms "
            "FROM records WHERE kind = 'request' GROUP BY ALL",
            [limit_ms],
        )


def _chosen(columns: Sequence[str]) -> str:
    if unknown := [name for name in columns if name not in COLUMN_NAMES]:
        raise UsageError(f"no such column: {', '.join(unknown)}; a record has {', '.join(COLUMN_NAMES)}")
    return ", ".join(
        'coalesce("sample_rate", 1.0) AS "sample_rate"' if name == "sample_rate" else f'"{name}"' for name in columns
    )


def _printable(path: bytes) -> str:
    """A path as text: bytes that are no UTF-8 become escapes, so that it can be sent as JSON."""
    return path.decode("utf-8", "backslashreplace")
