"""A selection as a compact frame: from the roll-ups where they hold it, from the rows where they do not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, cast

import duckdb
import polars as pl

from core.selection import FILTER_COLUMNS, Extent
from core.timespan import TimeSpan, micros
from loaders.buckets import is_edge
from loaders.explore import Explorer
from loaders.queries import BACK
from loaders.rollup import CELL, COARSE, COARSE_EDGES, FINE, HOUR, LEVELS, MERGED, WEEK, floor, rows_as_cells, table
from loaders.where import where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from core.selection import Selection

_MICROSECOND = timedelta(microseconds=1)

COUNTED = (
    "sum(rows)::BIGINT AS rows, NULL::DOUBLE AS total_ms, min(shortest_ms) AS shortest_ms, "
    "min(shortest_ms) AS longest_ms"
)
"""MERGED for those who only count: some duration on the right side of every edge."""

SINGLY = 100
"""Ranges of rows up to which each is a scan of its own."""

_BARRED = f"""
WITH pending AS (SELECT width, start FROM rolled_pending WHERE start BETWEEN $first AND $end)
SELECT width, start FROM pending UNION ALL SELECT {FINE}, start FROM pending WHERE width = {HOUR}
UNION ALL SELECT width, start FROM rolled_thin WHERE dimension = $dimension AND start BETWEEN $first AND $end
"""
"""The width and start of what is to be read from the rows; for widths below an hour, the hour."""

Range = tuple[int, int]
"""[from, to) in microseconds since 1970."""


class CompactReader(Explorer):
    """Reads of one store in compact frames, from any thread."""

    def size(self) -> int:
        """See `core.selection.CompactSource.size`; DuckDB has the number of a table's rows at hand."""
        return int(self.frame("SELECT count(*) FROM records").item())

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
        """See `core.selection.CompactSource.compact`."""
        if selection.span is None or selection.last is not None:
            raise ValueError(f"a compact frame is of a whole span, not of {selection}")
        span, used = selection.span, {FILTER_COLUMNS[name] for name in selection.filters} | set(by)
        limits = [float(edge) for edge in edges]
        rolled = len(used) <= 1 and used <= LEVELS.keys() and all(is_edge(edge) for edge in limits)
        condition, params = where(replace(selection, span=None))
        step = width // _MICROSECOND if width else None
        coarse = not (used or durations or (step or 0) % HOUR) and set(limits) <= set(COARSE_EDGES)
        asked = _Asked(
            span=(micros(span.start), micros(span.end)),
            step=step,
            moments=tuple(sorted({micros(cut) for cut in cuts if span.start < cut < span.end} | {micros(span.start)})),
            by=tuple(by),
            filters=condition.partition(" AND ")[2] or "true",
            dimension=next(iter(used), COARSE if coarse else "") if rolled else None,
            buckets=durations,
            apart=tuple(edge for edge in limits if not (durations and is_edge(edge))),
        )

        def ask(cursor: duckdb.DuckDBPyConnection) -> pl.DataFrame:
            barred = cursor.execute(_BARRED, asked.within()).fetchall() if rolled else []
            found = pl.from_arrow(cursor.execute(asked.query(barred), params).to_arrow_table())
            assert isinstance(found, pl.DataFrame)  # noqa: S101 - a table is never a single column
            return found

        return self._consistently(ask)

    def extent(self, selection: Selection) -> Extent:
        """How many requests a selection holds, and the first and last of their times."""
        if selection.span is None or selection.last is not None:
            return super().extent(selection)
        count = int(self.compact(selection, durations=False)["rows"].sum())
        return (
            Extent(count, self._edge(selection, "min"), self._edge(selection, "max"))
            if count
            else Extent(0, None, None)
        )

    def _edge(self, selection: Selection, which: Literal["min", "max"]) -> datetime | None:
        """The first or last time of a span, looked for near its end (or that of the data) before all of it is."""
        assert selection.span is not None  # noqa: S101 - for mypy; `extent` saw to it
        oldest, newest = self.frame('SELECT min("timestamp"), max("timestamp") FROM records').row(0)
        start, end = max(selection.span.start, oldest), min(selection.span.end, newest + _MICROSECOND)
        for length in (*BACK, end - start):
            near = (
                TimeSpan(start, min(end, start + length)) if which == "min" else TimeSpan(max(start, end - length), end)
            )
            condition, params = where(selection.over(near))
            found = self.frame(f'SELECT {which}("timestamp") FROM records WHERE {condition}', params).item()
            if found is not None:
                return cast("datetime", found)
        return None

    def _consistently(self, ask: Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]) -> pl.DataFrame:
        """What `ask` reads in one snapshot. Asked again once when DuckDB had given the file up, as in `frame`."""
        for last in (False, True):
            try:
                with self._database.cursor() as cursor:
                    cursor.execute("BEGIN")
                    found = ask(cursor)
                    cursor.execute("COMMIT")
                    return found
            except duckdb.FatalException:
                if last:
                    raise
        raise AssertionError("the second time returns or raises")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A compact frame as it was asked for, times in microseconds since 1970.

    `moments` begin with the start of the span; `dimension` is whose cells hold it, None when no cells do; requests are
    told `apart` by these durations, and by their bucket when `buckets` are wanted.
    """

    span: Range
    step: int | None
    moments: tuple[int, ...]
    by: tuple[str, ...]
    filters: str
    dimension: str | None
    buckets: bool
    apart: tuple[float, ...]

    def within(self) -> dict[str, object]:
        """The parameters of `_BARRED`."""
        return {"dimension": self.dimension, "first": self.span[0] - WEEK, "end": self.span[1]}

    def query(self, barred: Iterable[tuple[int, int]]) -> str:
        """The whole hours and days that are rolled from their cells, the rest from the rows, in one shape."""
        kept = (*self.by, *(CELL if self.buckets else CELL[:-1]))
        summed = ("rows", "total_ms", "shortest_ms", "longest_ms") if self.buckets else ("rows", "shortest_ms")
        read, group = ", ".join((*kept, *summed)), ", ".join(kept)
        left, parts, barred = [self.span], list[str](), list(barred)
        for width in () if self.dimension is None else LEVELS[self.dimension]:
            if self.step is None or self.step % width == 0:
                cut = [moment // width * width for moment in self.moments if moment % width]
                whole, left = _whole(left, width, _barred(barred, cut, width))
                slot = "start" if self.step == width else self._slot("start")
                cells = (
                    f"SELECT start AS moment, {slot} AS slot, {read} FROM {table(width, self.dimension or '')} "
                    f"WHERE {self.filters}"
                )
                parts += [f"{cells} AND start >= {first} AND start < {end}" for first, end in whole]
        if left or not parts:
            conditions = [f"{self.filters} AND {within}" for within in _conditions(left or [(0, 0)])]
            named = [name for name in self.by if name not in CELL]
            slot = self._slot("moment")
            parts.append(
                f"SELECT moment, {slot} AS slot, {read} FROM ({rows_as_cells(conditions, named, buckets=self.buckets)})"
            )
        flags = "".join(
            f", (shortest_ms > {edge!r})::TINYINT + (shortest_ms >= {edge!r})::TINYINT" for edge in self.apart
        )
        merged = MERGED if self.buckets else COUNTED
        return (
            f"SELECT make_timestamptz(piece) AS timestamp, {''.join(f'{name}, ' for name in self.by)}status, "
            "fallback_used, sample_rate, CASE WHEN status = 'timeout' THEN shortest_ms ELSE shortest_ms + "
            "(longest_ms - shortest_ms) / 2 END AS execution_time_ms, NULL::DOUBLE AS timeout_ms, rows, total_ms, "
            f"longest_ms FROM (SELECT {self._piece()} AS piece, {group}, {merged} "
            f"FROM ({' UNION ALL '.join(parts)}) GROUP BY piece, {group}{flags}) ORDER BY piece"
        )

    def _slot(self, at: str) -> str:
        """SQL for where the slot of a time begins; the plain remainder is the floor from 1970 on."""
        if self.step is None:
            return f"{self.moments[0]}::BIGINT"
        return f"{at} - {at} % {self.step}" if self.span[0] >= 0 else floor(at, self.step)

    def _piece(self) -> str:
        """SQL for the start of the piece of time that `moment` is in: the last slot or moment before."""
        later = " ".join(f"WHEN moment >= {moment} THEN {moment}" for moment in reversed(self.moments[1:]))
        start = f"CASE {later} ELSE {self.moments[0]} END" if later else str(self.moments[0])
        return start if self.step is None else f"greatest({start}, slot)"


def _conditions(ranges: Sequence[Range]) -> list[str]:
    """One condition for each range, as DuckDB skips by it what lies outside; one for all when they are many."""
    each = [
        f'("timestamp" >= make_timestamptz({first}) AND "timestamp" < make_timestamptz({end}))' for first, end in ranges
    ]
    return each if len(each) <= SINGLY else [f"({' OR '.join(each)})"]


def _barred(barred: Iterable[tuple[int, int]], cut: Iterable[int], width: int) -> list[Range]:
    """What there are no cells of this width of, and the slots that are cut, as ranges in order."""
    length = max(width, HOUR)  # narrower cells share their hour's fate
    ranges = [*((start, start + length) for size, start in barred if size == width), *((at, at + width) for at in cut)]
    found = list[Range]()
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _whole(ranges: Iterable[Range], width: int, barred: Sequence[Range]) -> tuple[list[Range], list[Range]]:
    """The runs of whole hours or days in these ranges without the `barred` ones (in order), and what is left."""
    runs, left = list[Range](), list[Range]()
    for start, end in ranges:
        at = start
        last = end // width * width
        run = -(-start // width) * width
        for bar in (*(bar for bar in barred if bar[1] > run and bar[0] < last), (last, last)):
            stop = min(bar[0], last)
            if run < stop:
                runs.append((run, stop))
                left += [(at, run)] if at < run else []
                at = stop
            run = max(run, bar[1])
        left += [(at, end)] if at < end else []
    return runs, left
