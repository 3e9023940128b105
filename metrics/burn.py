"""Burn rates in pairs of windows: the long one says that it matters, the short one that it still goes on.

Source: Google, "The Site Reliability Workbook", chapter 5, "Alerting on SLOs", recommendation 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from metrics.budget import HOUR, MIN_BAD, MIN_VALID, burn_rate, sums_since

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from core.slo import BurnWindow, Objective

BurnState = Literal["fires", "quiet", "low_traffic", "no_traffic", "never"]


@dataclass(frozen=True, slots=True)
class BurnPair:
    """One pair as it stands: `fires` when both windows burn faster than `factor`.

    `bad_share` is the share of bad requests at which a window burns that fast. `low_traffic`: both do, on fewer than 50
    valid or 5 bad requests in the long window. `never`: not even with every request bad.
    """

    window: BurnWindow
    factor: float
    bad_share: float
    long: float | None
    short: float | None
    state: BurnState


def burn_pairs(hours: pl.DataFrame, objective: Objective, now: datetime) -> list[BurnPair]:
    """The objective's pairs at `now`, from `hourly` rows that end there and are cut at `burn_cuts`."""
    return [_pair(hours, window, objective, now) for window in objective.burn]


def burn_cuts(objective: Objective, now: datetime) -> list[datetime]:
    """Where the windows of the pairs begin."""
    return sorted({now - length for window in objective.burn for length in (window.long, window.short)})


def detected_after(window: BurnWindow, objective: Objective, bad_share: float) -> float | None:
    """Minutes until a pair fires when from one moment on `bad_share` of steady requests is bad; None for never.

    Both windows must hold enough of it, and the long one takes longest to fill.
    """
    needed = window.factor(objective.period) * objective.budget
    return None if needed >= bad_share else needed / bad_share * window.long / HOUR * 60


def _pair(hours: pl.DataFrame, window: BurnWindow, objective: Objective, now: datetime) -> BurnPair:
    factor = window.factor(objective.period)
    valid, bad = sums_since(hours, now - window.long)
    long = burn_rate(bad, valid, objective)
    short_valid, short_bad = sums_since(hours, now - window.short)
    short = burn_rate(short_bad, short_valid, objective)
    state: BurnState
    if not window.can_fire(objective.period, objective.budget):
        state = "never"
    elif long is None:
        state = "no_traffic"
    elif long <= factor or short is None or short <= factor:
        state = "quiet"
    else:
        state = "low_traffic" if valid < MIN_VALID or bad < MIN_BAD else "fires"
    return BurnPair(window, factor, factor * objective.budget, long, short, state)
