"""A ledger as steps from the rate before to the rate now: the shifts that matter most, then all others as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from metrics.why import Ledger

Kind = Literal["before", "rate", "mix", "rest", "now"]

NOTHING = 1e-12
"""A shift smaller than this is rounding."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, from `start` to `end` (shares); before and now begin at 0. `group` is log text, None when not said."""

    kind: Kind
    group: str | None
    start: float
    end: float

    @property
    def points(self) -> float:
        """How far it goes; below 0 when it lowers the rate."""
        return self.end - self.start


def steps(ledger: Ledger, before: float, now: float, most: int) -> tuple[Step, ...]:
    """Before, at most `most` rate and mix shifts (the largest first), the rest when there is any, and now.

    Every step begins where the one above it ended, and the last ends at `now`: together they are the change.
    """
    shifts = [
        (kind, part.group, size)
        for part in ledger.parts
        for kind, size in (("rate", part.rate_shift), ("mix", part.mix_shift))
        if abs(size) > NOTHING
    ]
    shifts.sort(key=lambda shift: -abs(shift[2]))
    found = [Step("before", None, 0.0, before)]
    at = before
    for kind, group, size in shifts[:most]:
        found.append(Step("rate" if kind == "rate" else "mix", group, at, at + size))
        at += size
    if shifts[most:]:
        found.append(Step("rest", None, at, now))
    return (*found, Step("now", None, 0.0, now))
