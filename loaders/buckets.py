"""Buckets of durations: fine enough for percentiles within 1 %, with the usual limits as edges.

Between 1, 2, 5 and 10 times a power of ten the steps are 2, 4 and 5 hundredths of that power (half of it for requests
that were cut, which say the least of their bucket and not its middle). From a second on, an edge is a bucket of its
own: whether a request is above an edge, or at it, is told exactly. Below 1 ms the steps are a hundredth of a
millisecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PARTS = ((2, 0.02), (5, 0.04), (10, 0.05))
_STEPS = (
    (1.0, 0.01),
    *((upper * 10.0**power, step * 10.0**power) for power in range(3) for upper, step in _PARTS),
    *((upper * 10.0**power, round(step * 10**power)) for power in range(3, 7) for upper, step in _PARTS),
)
"""Up to which duration which step holds, in milliseconds; from a second on they are whole."""

_LAST_STEP = 100_000
EDGES_FROM_MS = 1000


def is_edge(limit_ms: float) -> bool:
    """Whether no bucket reaches across `limit_ms`, and none holds it beside other durations."""
    step = next((step for upper, step in _STEPS if limit_ms <= upper), _LAST_STEP)
    return limit_ms >= EDGES_FROM_MS and limit_ms % step == 0


def bucketed(rows: str) -> str:
    """The query `rows`, which has `duration` (milliseconds or null) and `status`, with the `bucket` of each row.

    A bucket is named by its middle, or by the edge it is; null without a duration. The division may round across an
    edge; comparing with the edge, a whole number, puts that right.
    """
    step = f"{_choice(_STEPS)} * (CASE WHEN status = 'timeout' THEN 0.5::DOUBLE ELSE 1 END)"
    return (
        f"SELECT *, CASE WHEN duration > edge THEN edge + step / 2 WHEN duration <= edge - step THEN edge - step * 1.5 "
        f"WHEN duration = edge AND edge >= {EDGES_FROM_MS} THEN edge ELSE edge - step / 2 END AS bucket "
        f"FROM (SELECT *, ceil(duration / step) * step AS edge FROM (SELECT *, {step} AS step FROM ({rows})))"
    )


def _choice(steps: Sequence[tuple[float, float]]) -> str:
    """SQL that halves the table again and again: a row meets five comparisons, not twenty."""
    if not steps:
        return f"{float(_LAST_STEP)!r}"
    if len(steps) == 1:
        ((upper, step),) = steps
        return f"CASE WHEN duration <= {upper!r} THEN {float(step)!r}::DOUBLE ELSE {float(_LAST_STEP)!r} END"
    half = len(steps) // 2
    return f"CASE WHEN duration <= {steps[half - 1][0]!r} THEN {_choice(steps[:half])} ELSE {_choice(steps[half:])} END"
