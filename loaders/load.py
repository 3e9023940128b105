"""The lines of a chunk into the table: proven ones at once, the others one by one, what is stored already out again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from core.record import COLUMNS
from loaders.fast import Lines
from loaders.formats import flat
from loaders.lines import Sorted, sort_line
from loaders.proof import insert_statement
from loaders.schema import RECORD_ID

if TYPE_CHECKING:
    import duckdb

    from loaders.lines import RefusedLine

FAST_FROM = 500
"""Fewer lines than this go through Python: preparing the fast path takes longer than they do."""

RENAMED = {"v1": frozenset[str](), "flat": frozenset((*flat.TIMES, *flat.STACKS))}
"""Formats whose lines are their own records, and the keys that are kept under another name all the same."""

_ARROW = {
    "VARCHAR": pa.string(),
    "JSON": pa.string(),
    "DOUBLE": pa.float64(),
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
}
_ROWS = "INSERT INTO records SELECT generation, line, " + ", ".join(
    f'json("{column.name}")' if column.type == "JSON" else f'"{column.name}"' for column in COLUMNS
)
"""json() writes JSON the way the fast path finds it, so that equal content is equal text."""

_FRESH = "generation = $generation AND line >= $first"
_KEYED = (
    f'SELECT rowid AS row, *, CASE WHEN {RECORD_ID} IS NOT NULL THEN hash("timestamp", {RECORD_ID}) END AS key, '
    f"{_FRESH} AS fresh FROM records "
    'WHERE "timestamp" BETWEEN make_timestamptz($low::BIGINT) AND make_timestamptz($high::BIGINT)'
)
_CONTENT = ", ".join(f'"{column.name}"' for column in COLUMNS)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of `lines` lines. `newest` is the newest time of the rows stored, in microseconds since 1970."""

    lines: int = 0
    stored: int = 0
    duplicates: int = 0
    blank: int = 0
    refused: list[RefusedLine] = field(default_factory=list)
    newest: int | None = None


def load(
    cursor: duckdb.DuckDBPyConnection, generation: int, format_name: str, data: bytes, *, first_line: int, offset: int
) -> Loaded:
    """Insert the records of `data`, whole lines that start at `offset` as line `first_line` of this generation.

    A line that holds several records is stored when one of its rows is new, a duplicate when none is.
    """
    if not data:
        return Loaded()
    lines = Lines.of(data)
    fresh = {"generation": generation, "first": first_line}
    left = np.arange(len(lines.starts))
    if format_name in RENAMED and len(left) >= FAST_FROM:
        left = _insert_proven(cursor, lines, fresh, RENAMED[format_name])
    done = Sorted()
    for i in left.tolist():
        start, end = int(lines.starts[i]), int(lines.ends[i])
        sort_line(done, data[start:end], first_line + i, offset + start, format_name)
    accepted = len(lines.starts) - len(left) + _insert_rows(cursor, generation, done)
    if not accepted:
        return Loaded(len(lines.starts), blank=done.blank, refused=done.refused)
    _remove_duplicates(cursor, fresh)
    stored, newest = _one(
        cursor, f'SELECT count(DISTINCT line), epoch_us(max("timestamp")) FROM records WHERE {_FRESH}', fresh
    )
    return Loaded(len(lines.starts), stored, accepted - stored, done.blank, done.refused, newest)


def _insert_proven(
    cursor: duckdb.DuckDBPyConnection, lines: Lines, fresh: dict[str, int], renamed: frozenset[str]
) -> np.ndarray:
    """Insert the lines the fast path proves; the indexes of the others."""
    cursor.register("incoming", lines.table(fresh["first"]))
    (count,) = _one(cursor, insert_statement(lines.keys(), renamed), {"generation": fresh["generation"]})
    cursor.unregister("incoming")
    if count == len(lines.starts):
        return np.empty(0, np.int64)
    left = np.ones(len(lines.starts), np.bool_)
    stored = cursor.execute(f"SELECT line FROM records WHERE {_FRESH}", fresh).fetchnumpy()["line"]
    left[stored - fresh["first"]] = False
    return np.flatnonzero(left)


def _insert_rows(cursor: duckdb.DuckDBPyConnection, generation: int, done: Sorted) -> int:
    """Insert rows made in Python; how many lines they come from."""
    if not done.rows:
        return 0
    numbers = [number for number, _ in done.rows]
    arrays = [pa.array([generation] * len(numbers), pa.int32()), pa.array(numbers, pa.int64())]
    arrays += [
        pa.array(values, _ARROW[column.type])
        for column, values in zip(COLUMNS, zip(*(row for _, row in done.rows), strict=True), strict=True)
    ]
    cursor.register("incoming", pa.table(arrays, ["generation", "line", *(column.name for column in COLUMNS)]))
    cursor.execute(f"{_ROWS} FROM incoming")
    cursor.unregister("incoming")
    return len(set(numbers))


def _remove_duplicates(cursor: duckdb.DuckDBPyConnection, fresh: dict[str, int]) -> None:
    """Delete fresh rows that are stored already, or stand on an earlier line of the same chunk.

    A duplicate has an id (span_id, else request_id) and the same content in every column. Equal content has an equal
    time, so only the chunk's time range is looked at, and every column only of rows with the same time and id.
    """
    low, high = _one(
        cursor, f'SELECT epoch_us(min("timestamp")), epoch_us(max("timestamp")) FROM records WHERE {_FRESH}', fresh
    )
    span = {**fresh, "low": low, "high": high}
    twice = f"SELECT key FROM ({_KEYED}) WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1 AND bool_or(fresh)"
    keys = cursor.execute(twice, span).fetchnumpy()["key"]
    if not len(keys):
        return
    cursor.register("twice", pa.table({"key": keys}))
    places = (
        f"SELECT row, fresh, row_number() OVER (PARTITION BY {_CONTENT} ORDER BY fresh, line, row) AS place "
        f"FROM ({_KEYED}) WHERE key IN (SELECT key FROM twice)"
    )
    cursor.execute(f"DELETE FROM records WHERE rowid IN (SELECT row FROM ({places}) WHERE fresh AND place > 1)", span)
    cursor.unregister("twice")


def _one(cursor: duckdb.DuckDBPyConnection, query: str, params: dict[str, int]) -> tuple[int, ...]:
    found = cursor.execute(query, params).fetchone()
    if found is None:
        raise AssertionError(query)
    return found
