"""What the page reads: where the time went, and the change taken apart along one dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metrics.questions import Asked
from metrics.time_answer import time_answer
from metrics.why import groups_of, ledger
from metrics.why_steps import steps
from pages.shared.kept import kept
from pages.why.view import ALONG, along

if TYPE_CHECKING:
    from metrics.why import Ledger
    from metrics.why_answer import Why
    from metrics.why_steps import Step
    from pages.shared.frame import Frame
    from pages.why.view import View

STEPS = 6
"""Shifts that are a step of their own."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The change along `dimension`: its ledger and steps; `logged` are the dimensions the requests say anything of."""

    dimension: str
    ledger: Ledger
    steps: tuple[Step, ...]
    logged: tuple[str, ...]

    @property
    def silent(self) -> tuple[str, ...]:
        """The dimensions no request says anything of."""
        return tuple(name for name in ALONG if name not in self.logged)


def taken_apart(found: Why, view: View) -> Taken | None:
    """The change of the measure spoken of; None when there is nothing to compare with."""
    moved = found.answer
    if moved.before is None or moved.now is None:
        return None
    groups = groups_of(found.compared(moved), ALONG)
    logged = tuple(name for name in ALONG if groups[name].keys() - {None})
    dimension = along(found, view, logged)
    split = ledger(groups[dimension], dimension, moved.measure)
    return Taken(dimension, split, steps(split, moved.before.value, moved.now.value, STEPS), logged)


def time_went(frame: Frame) -> dict[str, Any]:
    """`metrics.time_answer` for the choice."""

    def read() -> dict[str, Any]:
        selection = frame.choice.selection(frame.now)
        return time_answer(frame.reader, Asked(selection, {}, frame.settings, frame.now, frame.freshness))

    return kept("time", frame.choice, frame.key, read)
