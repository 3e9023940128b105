"""Where one request's time went: every moment belongs to the innermost spans open at it.

The self time (exclusive time) of a span is its duration without the time its children were running. Where children run
side by side, each open span that has no open descendant gets an equal share of the moment, so that the self times and
the moments with no span open sum to the request's time, however spans overlap.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Name = TypeVar("Name")

ROUNDING = 1.0
"""Start times are often written to the millisecond."""


@dataclass(frozen=True, slots=True)
class Span(Generic[Name]):
    """A step of a request, in milliseconds since the request began. `parent` is the id of the span it happened in."""

    name: Name
    start: float
    end: float
    id: str | None = None
    parent: str | None = None


def self_times(spans: Sequence[Span[Name]], length: float) -> tuple[Mapping[Name, float], float]:
    """Milliseconds by name within [0, length), and the rest: when no span was open. Together they are `length`."""
    above = _ancestors(spans)
    events = sorted(
        (at, opens, place)
        for place, span in enumerate(spans)
        if max(0.0, span.start) < min(span.end, length)
        for at, opens in ((max(0.0, span.start), 1), (min(span.end, length), -1))
    )
    times: dict[Name, float] = defaultdict(float)
    busy = [0] * len(spans)  # open descendants of each
    opened, inner = set[int](), set[int]()
    before = gap = 0.0
    for at, opens, place in events:
        for leaf in inner:
            times[spans[leaf].name] += (at - before) / len(inner)
        gap += 0.0 if inner else at - before
        before = at
        (opened.add if opens > 0 else opened.discard)(place)
        changed = (place, *above[place])
        for one in above[place]:
            busy[one] += opens
        for one in changed:
            (inner.add if one in opened and not busy[one] else inner.discard)(one)
    return times, gap + max(0.0, length - before)


def open_at(spans: Sequence[Span[Name]], moment: float, slack: float) -> list[Name]:
    """The innermost steps open at a moment. Clocks and roundings differ by up to `slack`.

    One that ended up to `slack` before the moment is still open at it, unless another began when it ended.
    """
    above = _ancestors(spans)
    found = {place for place, span in enumerate(spans) if span.start < moment <= span.end + slack}
    over = {one for place in found for one in above[place]}
    for place in found:
        end = spans[place].end
        if end < moment and any(spans[one].start >= end - ROUNDING and spans[one].end > end for one in found):
            over.add(place)
    return [spans[place].name for place in sorted(found - over)]


def _ancestors(spans: Sequence[Span[Name]]) -> list[tuple[int, ...]]:
    """The places of every span's parent, its parent's parent, ...; an id that is its own ancestor ends the line."""
    places: dict[str, int] = {}
    for place, span in enumerate(spans):
        if span.id is not None:
            places.setdefault(span.id, place)
    found = []
    for place, span in enumerate(spans):
        line: list[int] = []
        up = places.get(span.parent) if span.parent is not None else None
        while up is not None and up != place and up not in line:
            line.append(up)
            parent = spans[up].parent
            up = places.get(parent) if parent is not None else None
        found.append(tuple(line))
    return found
