"""A selection as a compact frame: from the roll-ups where they hold it, from the rows where they do not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from core.selection import FILTER_COLUMNS
from core.timespan import micros
from loaders.buckets import is_edge
from loaders.explore import Explorer
from loaders.rollup import CELL, HOUR, LEVELS, MERGED, floor, rows_as_cells, table
from loaders.where import where

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from core.selection import Selection

_MICROSECOND = timedelta(microseconds=1)

SINGLY = 8

Range = tuple[int, int]
"""[from, to) in microseconds since 1970."""


class CompactReader(Explorer):
    """Reads of one store in compact frames, from any thread."""

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
        asked = _Asked(
            span=(micros(span.start), micros(span.end)),
            step=width // _MICROSECOND if width else None,
            moments=tuple(sorted({micros(cut) for cut in cuts if span.start < cut < span.end} | {micros(span.start)})),
            by=tuple(by),
            filters=condition.partition(" AND ")[2] or "true",
            dimension=next(iter(used), "") if rolled else None,
            buckets=durations,
            apart=tuple(edge for edge in limits if not (durations and is_edge(edge))),
        )

        def ask(cursor: duckdb.DuckDBPyConnection) -> pl.DataFrame:
            pending = cursor.execute("SELECT width, start FROM rolled_pending").fetchall() if rolled else []
            found = pl.from_arrow(cursor.execute(asked.query(pending), params).to_arrow_table())
            assert isinstance(found, pl.DataFrame)  # noqa: S101 - a table is never a single column
            return found

        return self._consistently(ask)

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

    def query(self, pending: Iterable[tuple[int, int]]) -> str:
        """The whole hours and days that are rolled from their cells, the rest from the rows, in one shape."""
        read = ", ".join((*self.by, *CELL, "rows", "total_ms", "shortest_ms", "longest_ms", "cost_usd"))
        left, parts, pending = [self.span], list[str](), set(pending)
        for width in () if self.dimension is None else LEVELS[self.dimension]:
            if self.step is None or self.step % width == 0:
                cut = {moment // width * width for moment in self.moments if moment % width}
                whole, left = _whole(left, width, cut | _pending(pending, width))
                cells = f"SELECT start AS moment, {read} FROM {table(width, self.dimension or '')} WHERE {self.filters}"
                parts += [f"{cells} AND start >= {first} AND start < {end}" for first, end in whole]
        named = [name for name in self.by if name not in CELL]
        for within in _conditions(left or [(0, 0)]):
            parts.append(f"SELECT moment, {read} FROM ({rows_as_cells(f'{self.filters} AND {within}', named)})")
        kept = ", ".join((*self.by, *(CELL if self.buckets else CELL[:-1])))
        flags = "".join(f", shortest_ms > {edge!r}, shortest_ms >= {edge!r}" for edge in self.apart)
        return (
            f"SELECT make_timestamptz(piece) AS timestamp, {''.join(f'{name}, ' for name in self.by)}status, "
            "fallback_used, sample_rate, CASE WHEN status = 'timeout' THEN shortest_ms ELSE shortest_ms + "
            "(longest_ms - shortest_ms) / 2 END AS execution_time_ms, NULL::DOUBLE AS timeout_ms, rows, total_ms, "
            f"longest_ms, cost_usd FROM (SELECT {self._piece()} AS piece, {kept}, {MERGED} "
            f"FROM ({' UNION ALL '.join(parts)}) GROUP BY piece, {kept}{flags}) ORDER BY piece"
        )

    def _piece(self) -> str:
        """SQL for the start of the piece of time that `moment` is in: the last slot or moment before."""
        later = " ".join(f"WHEN moment >= {moment} THEN {moment}" for moment in reversed(self.moments[1:]))
        start = f"CASE {later} ELSE {self.moments[0]} END" if later else str(self.moments[0])
        return start if self.step is None else f"greatest({start}, {floor('moment', self.step)})"


def _conditions(ranges: Sequence[Range]) -> list[str]:
    """One condition for each range, as DuckDB skips by it what lies outside; one for all when they are many."""
    each = [
        f'("timestamp" >= make_timestamptz({first}) AND "timestamp" < make_timestamptz({end}))' for first, end in ranges
    ]
    return each if len(each) <= SINGLY else [f"({' OR '.join(each)})"]


def _pending(pending: Collection[tuple[int, int]], width: int) -> set[int]:
    """What is not rolled in slots of this width; those narrower than an hour share its fate."""
    if width >= HOUR:
        return {start for size, start in pending if size == width}
    return {at for size, start in pending if size == HOUR for at in range(start, start + HOUR, width)}


def _whole(ranges: Iterable[Range], width: int, barred: Collection[int]) -> tuple[list[Range], list[Range]]:
    """The runs of whole hours or days in these ranges that are not barred, and what is left of the ranges."""
    runs, left = list[Range](), list[Range]()
    for start, end in ranges:
        at = start
        last = end // width * width
        first = -(-start // width) * width
        edges = [bar for bar in sorted(barred) if first <= bar < last]
        for run, stop in zip((first, *(bar + width for bar in edges)), (*edges, last), strict=True):
            if run < stop:
                runs.append((run, stop))
                left += [(at, run)] if at < run else []
                at = stop
        left += [(at, end)] if at < end else []
    return runs, left
