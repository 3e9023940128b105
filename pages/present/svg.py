"""Two small charts as coordinates: numbers in, numbers out; colours and words are the template's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 600, 90


def line(values: Sequence[float | None]) -> list[str]:
    """The points of one line for each stretch without a gap; the highest value touches the top, 0 the bottom."""
    highest = max((value for value in values if value is not None), default=0) or 1
    step = WIDTH / max(len(values) - 1, 1)
    runs: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{place * step:.1f},{HEIGHT * (1 - value / highest):.1f}")
    return [" ".join(run if len(run) > 1 else [*run, *run]) for run in runs if run]


def bar(share: float | None) -> float | None:
    """How wide the used part of a bar is; never wider than the bar."""
    return None if share is None else round(WIDTH * min(max(share, 0.0), 1.0), 1)
