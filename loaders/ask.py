"""Questions in SQL that people write themselves: checked, over views of the store, within limits of time and memory.

Three walls stand one behind the other. The text is checked part by part (`loaders.ask_check`); the connection cannot
reach files, networks or extensions (`loaders.database`); and somebody looks at the clock and at the memory meanwhile.
DuckDB has no limit of threads for one query: one question is answered at a time, and shares them with the reading.
"""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import duckdb
import polars as pl
import pyarrow as pa

from core.asked import MOST_ROWS, VIEWS, Answered, QuestionRefused, Refusal
from core.record import SPAN_KINDS
from loaders.ask_check import check, first_line
from loaders.explore import Explorer
from loaders.where import VALID

if TYPE_CHECKING:
    from types import TracebackType
    from zoneinfo import ZoneInfo

    from core.slo import Limits
    from loaders.database import Database

MOST_BYTES = 32 << 20
MOST_MEMORY = 512 << 20
"""Half of what the store has: the rest is for the reading of logs and the pages."""

LOOK_AFTER_S = 0.05
_USED = "SELECT coalesce(sum(memory_usage_bytes), 0) FROM duckdb_memory() WHERE tag <> 'BASE_TABLE'"
"""Without blocks of the store itself, which go when their place is needed."""

_QUARTER = "make_timestamptz(epoch_us(records.timestamp) // 900000000 * 900000000)"
"""Hours and days of every zone are whole quarters, and DuckDB tells those of a time thirty times slower than this."""

_MEASURED = "coalesce(isfinite(execution_time_ms) AND execution_time_ms >= 0, false)"
_CUT = "coalesce(status = 'timeout', false)"
_WEIGHT = "CASE WHEN sample_rate > 0 AND sample_rate <= 1 THEN 1 / sample_rate ELSE 1.0 END"


def _gauge(name: str, top: float) -> str:
    value = f"TRY_CAST(extra->>'$.{name}' AS DOUBLE)"
    return f"CASE WHEN {value} BETWEEN 0 AND {top} THEN {value} END"


def views(limits: Limits) -> dict[str, str]:
    """The SELECT behind each of VIEWS: of a request its class, latency and weight as every other number has them."""
    over = f"({_MEASURED} AND execution_time_ms > {limits.limit_ms!r})"
    good = f"(status = 'success' AND {_MEASURED})"
    latency = f"CASE WHEN {_MEASURED} THEN execution_time_ms WHEN {_CUT} THEN coalesce(timeout_ms, {limits.limit_ms!r})"
    made = {
        "quarter": _QUARTER,
        "class": f"CASE WHEN NOT {VALID} THEN 'excluded' WHEN {_CUT} OR {over} THEN 'timeout' "
        f"WHEN status = 'failed' THEN 'failed' WHEN {good} THEN 'success' ELSE 'unmeasured' END",
        "near": f"{good} AND execution_time_ms BETWEEN {limits.near_ms!r} AND {limits.limit_ms!r}",
        "latency_ms": f"CASE WHEN {VALID} AND ({_CUT} OR status IN ('success', 'failed')) THEN {latency} END END",
        "cut": _CUT,
        "weight": _WEIGHT,
        "name": "scored.key",
        "score": "CASE WHEN TRY_CAST(scored.value AS DOUBLE) BETWEEN 0 AND 1 THEN TRY_CAST(scored.value AS DOUBLE) END",
        "host": "coalesce(extra->>'$.host', service)",
        **{f"{name}_percent": _gauge(f"{name}_percent", 100.0) for name in ("cpu", "gpu", "memory")},
        "memory_mb": _gauge("memory_mb", 1e12),
    }
    source = {
        "requests": "records WHERE kind = 'request'",
        "spans": f"records WHERE kind IN {SPAN_KINDS}",
        "evals": "records LEFT JOIN LATERAL json_each(eval_score) AS scored ON true "
        "WHERE kind = 'eval' OR (kind = 'request' AND eval_score IS NOT NULL)",
        "feedback": "records WHERE kind IN ('feedback', 'request') AND feedback IS NOT NULL",
        "hosts": "records WHERE kind = 'host'",
        "deploys": "records WHERE kind = 'deploy'",
    }
    return {
        view: "SELECT "
        + ", ".join(f"{made[name]} AS {name}" if name in made else f'records."{name}"' for name in columns)
        + f" FROM {source[view]}"
        for view, columns in VIEWS.items()
    }


class Asker(Explorer):
    """Answers questions in SQL over one store, one at a time, from any thread."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._asking = threading.Lock()

    def ask(self, sql: str, limits: Limits, zone: ZoneInfo, *, within: timedelta, rows: int = MOST_ROWS) -> Answered:
        """The first `rows` rows of a question about VIEWS; days and hours in it are those of the zone.

        Raises:
            QuestionRefused: it may not be asked, is wrong, or took too long or too much memory; the reason says which.
        """
        seconds = within.total_seconds()
        if not self._asking.acquire(timeout=seconds):
            raise QuestionRefused("busy")
        try:
            with self._database.cursor() as cursor:
                statement = check(cursor, sql)
                cursor.execute("SET TimeZone = $1", [zone.key])
                for name, select in views(limits).items():
                    cursor.execute(f"CREATE TEMP VIEW {name} AS {select}")
                return _answer(cursor, statement, Watch(cursor, seconds), rows)
        finally:
            self._asking.release()


def _answer(cursor: duckdb.DuckDBPyConnection, statement: duckdb.Statement, watch: Watch, rows: int) -> Answered:
    try:
        with watch:
            table, cut = _first(cursor.execute(statement).to_arrow_reader(1000), rows)
    except duckdb.FatalException:
        raise
    except duckdb.OutOfMemoryException as error:
        raise QuestionRefused("memory") from error
    except duckdb.InterruptException as error:
        raise QuestionRefused(*watch.reason) from error
    except (duckdb.IOException, duckdb.InternalException) as error:
        raise QuestionRefused("wrong", "DuckDB could not answer this") from error
    except duckdb.Error as error:
        raise QuestionRefused("wrong", first_line(error)) from error
    return Answered(frame_of(table), cut, watch.took)


class Watch:
    """Stops what a cursor does when its time is over or the store's memory gets short; `reason` says which it was."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, seconds: float) -> None:
        self._cursor, self._seconds = cursor, seconds
        self._looking, self._done = cursor.cursor(), threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ask", daemon=True)
        self._started = 0.0
        self.took = 0.0
        self.reason: tuple[Refusal, str] = ("time", f"{seconds:g}")

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.took = time.monotonic() - self._started
        self._done.set()
        self._thread.join()
        self._looking.close()

    def _watch(self) -> None:
        while not self._done.wait(LOOK_AFTER_S):
            late = time.monotonic() - self._started >= self._seconds
            if not late and self._used() <= MOST_MEMORY:
                continue
            if not late:
                self.reason = ("memory", "")
            self._cursor.interrupt()  # again and again: it is heard only once the query runs

    def _used(self) -> int:
        found = self._looking.execute(_USED).fetchone()
        return int(found[0]) if found else 0


def _first(reader: pa.RecordBatchReader, rows: int) -> tuple[pa.Table, bool]:
    """The first rows, as far as they are not too many bytes, and whether there are more."""
    batches, count, size = list[pa.RecordBatch](), 0, 0
    for batch in reader:
        batches.append(batch)
        count, size = count + batch.num_rows, size + batch.nbytes
        if count > rows or size > MOST_BYTES:
            break
    table = pa.Table.from_batches(batches, reader.schema)
    kept = min(rows, count if size <= MOST_BYTES else count - batches[-1].num_rows)
    return table.slice(0, kept), kept < count


def frame_of(table: pa.Table) -> pl.DataFrame:
    """The table with columns of names that differ; what is no text, number, time or truth becomes text."""
    names, columns = list[str](), list[pa.ChunkedArray]()
    for name, column in zip(table.column_names, table.columns, strict=True):
        names.append(name if name not in names else f"{name}_{len(names) + 1}")
        columns.append(column if _plain(column.type) else pa.array(map(_text, column.to_pylist()), pa.string()))
    found = pl.from_arrow(pa.table(columns, names))
    assert isinstance(found, pl.DataFrame)  # noqa: S101 - a table is never a single column
    return found.with_columns(pl.selectors.decimal().cast(pl.Float64))


def _plain(kind: pa.DataType) -> bool:
    known = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_string)
    return any(is_one(kind) for is_one in (*known, pa.types.is_large_string, pa.types.is_timestamp, pa.types.is_date))


def _text(value: object) -> str | None:
    """Lists and structs as JSON, spans of time as 1 day, 2:03:04, anything else as Python writes it."""
    if value is None:
        return None
    if isinstance(value, pa.MonthDayNano):
        months = f"{value.months} months, " if value.months else ""
        return months + str(timedelta(value.days, microseconds=value.nanoseconds // 1000))
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
