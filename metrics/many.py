"""Requests one by one while they are few; when they are many, as rows that stand for several each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.selection import CompactSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    import polars as pl

    from core.selection import Reader, RequestSource, Selection

FEW = 100_000
"""So many requests are read one by one: their percentiles are exact."""


def requests_of(
    source: RequestSource,
    selection: Selection,
    columns: Sequence[str],
    *,
    by: Sequence[str] = (),
    width: timedelta | None = None,
    edges: Iterable[float] = (),
) -> pl.DataFrame:
    """The requests of a selection with these columns or, when they are many, as a compact frame.

    Its counts, shares and averages are exact all the same, for groups by `by`, slots of `width` (from 1970) and limits
    among `edges`; percentiles are within 1 %. The last N are read one by one however many they are.
    """
    compact = compact_source(source, selection)
    if compact is not None:
        found = compact.compact(selection, by, width=width, edges=edges)
        if found["rows"].sum() > FEW:
            return found
    return source.requests(selection, columns)


def newest_of(reader: Reader, selection: Selection) -> tuple[Selection, int]:
    """The selection or, when it has more than FEW requests, the newest FEW of them; and how many it has in all.

    For what only single requests can tell: cost, quality, what is under way.
    """
    total = reader.extent(selection).rows
    return (selection if total <= FEW else replace(selection, last=FEW)), total


def compact_source(source: RequestSource, selection: Selection) -> CompactSource | None:
    """What to ask for compact frames; None for the last N and where all there is are few, to be read one by one."""
    if selection.span is None or selection.last is not None or not isinstance(source, CompactSource):
        return None
    return source if source.size() > FEW else None


def counts_of(
    source: RequestSource,
    selection: Selection,
    columns: Sequence[str],
    *,
    by: Sequence[str] = (),
    width: timedelta | None = None,
    cuts: Iterable[datetime] = (),
    edges: Iterable[float] = (),
) -> pl.DataFrame:
    """The same for counts alone, which are exact however few or many: no durations but on which side of an edge."""
    if selection.span is not None and selection.last is None and isinstance(source, CompactSource):
        return source.compact(selection, by, width=width, cuts=cuts, edges=edges, durations=False)
    return source.requests(selection, columns)


def is_exact(frame: pl.DataFrame) -> bool:
    """Whether its rows are single requests, so that percentiles are exact."""
    return "rows" not in frame.columns
