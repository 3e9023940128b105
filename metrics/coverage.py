"""How far an answer can be trusted: silence is not health, and what was lost is said beside every number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from metrics.freshness import STALE_AFTER
from metrics.query import BEGINNING

if TYPE_CHECKING:
    from core.selection import Extent, Losses, Selection
    from metrics.values import DataAge

CoverageState = Literal["fresh", "partial", "no_traffic", "stale", "empty"]

MATERIAL = 0.01
"""Missing records below this share of all are said, but do not make an answer partial."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What an answer rests on, worst first: empty, stale, partial, no_traffic, fresh.

    `refused` lines at most, and `dropped` records exactly, are missing from the span; `unread` files could not be read
    to their end; `starts_late` is set when the span begins before anything was stored.
    """

    state: CoverageState
    refused: int
    dropped: int
    unread: int
    starts_late: bool


def coverage(age: DataAge, losses: Losses, selection: Selection, found: Extent) -> Coverage:
    """Judge an answer about the `found` requests of `selection`; a span that ended before the newest row is settled."""
    missing = losses.refused + losses.dropped
    begins = selection.span.start if selection.span and selection.span.start > BEGINNING else None
    late = begins is not None and losses.since is not None and losses.since > begins
    partial = losses.unread > 0 or late or missing > MATERIAL * (missing + found.rows)
    state: CoverageState
    over = selection.span is not None and age.newest is not None and selection.span.end <= age.newest
    if age.state == "empty" or (age.state == "stale" and not over):
        state = age.state
    elif partial:
        state = "partial"
    else:
        state = "fresh" if found.rows and not _quiet(age, selection, found) else "no_traffic"
    return Coverage(state, losses.refused, losses.dropped, losses.unread, late)


def _quiet(age: DataAge, selection: Selection, found: Extent) -> bool:
    """Whether other records keep coming but none of the last N requests is of late."""
    if selection.span is not None or age.newest is None or found.newest is None:
        return False
    return age.newest - found.newest > STALE_AFTER


def coverage_json(value: Coverage) -> dict[str, Any]:
    """Plain JSON types."""
    return {
        "state": value.state,
        "refused": value.refused,
        "dropped": value.dropped,
        "unread_files": value.unread,
        "starts_late": value.starts_late,
    }
