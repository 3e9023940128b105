"""What the page of the error budget shows, read once for every visitor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from metrics.budget_answer import ledgers
from metrics.burn_down import burn_down
from metrics.many import requests_of
from metrics.what_if import COLUMNS, what_if
from pages.shared import axes
from pages.shared.kept import kept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.selection import Selection
    from core.slo import Objective
    from metrics.budget_ledger import Ledger
    from metrics.burn_down import BurnDown
    from metrics.what_if import Outcome
    from pages.shared.frame import Frame

LIMITS_MS = tuple(500.0 * half for half in range(6, 25))
"""3 to 12 s: the limits to try."""


@dataclass(frozen=True, slots=True)
class Course:
    """One objective's budget, and its chart's rows: start (naive), left up to now; low, middle, high from now on."""

    objective: Objective
    down: BurnDown
    rows: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Trial:
    """The selected requests under each of the limits and under the one in force; rows for the chart of all of them."""

    in_force_ms: float
    outcomes: Mapping[float, Outcome]
    rows: pl.DataFrame


def courses(frame: Frame) -> Sequence[Course]:
    """Every objective of the settings, for the filters in force."""
    return [_course(objective, frame) for objective in frame.settings.objective_values]


def spent_by(found: Sequence[Course], frame: Frame) -> Mapping[str, Ledger]:
    """Who spent each objective's budget, by its name."""
    selection = _filters(frame)
    objectives, allowed = (
        [one.objective for one in found],
        {one.objective.name: one.down.budget.allowed for one in found},
    )
    return kept(
        "budget_ledger",
        selection,
        frame.key,
        lambda: ledgers(frame.reader, selection, objectives, allowed, frame.now),
    )


def trial(frame: Frame) -> Trial:
    """Other limits on the requests chosen, against the first objective."""
    in_force, selection = frame.settings.limit_values.limit_ms, frame.choice.selection(frame.now)
    limits = sorted({in_force, *LIMITS_MS})

    def read() -> Trial:
        rows = requests_of(frame.reader, selection, COLUMNS, edges=limits)
        found = what_if(rows, limits, in_force, frame.objective)
        return Trial(in_force, {outcome.limit_ms: outcome for outcome in found}, _rows(found))

    return kept("what_if", frame.choice, frame.key, read)


def _filters(frame: Frame) -> Selection:
    return replace(frame.choice.selection(frame.now), span=None, last=None)


def _course(objective: Objective, frame: Frame) -> Course:
    selection = _filters(frame)

    def read() -> Course:
        down = burn_down(frame.reader, selection, objective, frame.now)
        return Course(objective, down, axes.on_the_wall(_joined(down), frame.look.zone))

    return kept("burn_down", (selection, objective), frame.key, read)


def _joined(down: BurnDown) -> pl.DataFrame:
    """What was and what may be, in one table: what may be begins at what is left now."""
    now = down.left.tail(1).select("start", *(pl.col("left").clip(0).alias(name) for name in ("low", "middle", "high")))
    ahead = pl.concat([now, down.band]) if down.band.height else down.band
    until = pl.DataFrame({"start": [_end(down)]}, {"start": pl.Datetime("us", "UTC")})
    return pl.concat([down.left, ahead, until], how="diagonal")


def _end(down: BurnDown) -> object:
    """The chart reaches as far ahead whether anything is foreseen or not, so that it does not jump when it is."""
    budget = down.budget
    if budget.projected:
        return budget.projected.end
    return down.left["start"][-1] + max(budget.period, timedelta(hours=1))


def _rows(found: Sequence[Outcome]) -> pl.DataFrame:
    """Limit (seconds), low and high (timeout rate; null without traffic)."""
    ends = [outcome.timeout_rate for outcome in found]
    return pl.DataFrame(
        {
            "limit": [outcome.limit_ms / 1000 for outcome in found],
            "low": [rate[0].value if rate else None for rate in ends],
            "high": [rate[1].value if rate else None for rate in ends],
        },
        {"limit": pl.Float64, "low": pl.Float64, "high": pl.Float64},
    )
