"""When the error budget ends, with a range: the months that may follow, simulated from the one that was.

A plain pace ("at the rate of the last day") knows neither nights nor incidents nor how sure it is. Here the traffic of
each coming hour is that of the same hour of past weeks, and its bad share is a level times what a past block of hours
looked like beside its own level. A block is as long as the present pace's hours (a day of 30 days).

- Levels are logarithms of the blocks' bad shares: a random walk (services change for good) plus a part that comes back
  within days plus noise of single blocks and of small counts. How much of the latter two there is, is not estimated but
  averaged over: each combination weighs by how well it explains the past (Rasmussen and Williams, "Gaussian Processes
  for Machine Learning", 2006, chapters 2 and 5).
- Blocks are drawn with the weights of a Bayesian bootstrap (Rubin, The Annals of Statistics 9 (1981)), whole, so that
  incidents stay as long and as high as they were.

Every simulated period drops its oldest hours as it goes, as the budget itself does. The same hours give the same
answer: the simulation has one seed. How often the truth falls inside is measured by `python -m benchmarks.runway`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from metrics.budget import HOUR, hours_since, lookback
from metrics.values import Budget, Runway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from numpy.typing import NDArray

    from core.slo import Objective

    Floats = NDArray[np.float64]

SIMULATIONS = 400
SURE = 0.8
"""Every statement is meant to hold in this share of cases."""

FEWEST_BLOCKS = 7
"""Fewer blocks with traffic say nothing about what may come."""

WEEK = 168
WALK = 0.12
"""How far the level wanders for good, as the standard deviation of its logarithm per block: two thirds in a month."""

RETURN = 0.7
"""What is left of the part that comes back, one block later."""

SWINGS = (0.1, 0.3, 0.6)
NOISES = (0.2, 0.5, 1.0)
"""Standard deviations of the part that comes back and of a single block, of the logarithm: those averaged over."""


def foreseen(budget: Budget, hours: pl.DataFrame, objective: Objective, now: datetime) -> Budget:
    """`budget` with its runway, and `outlook` and `exhausted_at` by it; as it was when there is too little to simulate.

    `hours` are those `budget` was made of.
    """
    if budget.outlook not in ("ends", "never"):
        return budget
    found = runway(hours, objective, now)
    return budget if found is None else replace(budget, runway=found, outlook=found.outlook, exhausted_at=found.ends)


def runway(hours: pl.DataFrame, objective: Objective, now: datetime) -> Runway | None:
    """When the budget ends, from `hourly` rows that end at `now`; None with fewer than 7 blocks that had traffic."""
    found = _simulated(hours, objective, now)
    return None if found is None else _said(_after(found[0] <= 0), now, _end(objective, now))


def band(hours: pl.DataFrame, objective: Objective, now: datetime) -> pl.DataFrame | None:
    """What the same simulations have left after each coming hour: start (when), low, middle, high (shares of all).

    Once spent, a simulation stays at 0; so middle, low and high reach 0 when the runway says `ends`, `low` and `high`,
    and stay above 0 where it says none. Between low and high lie 80 % of them, or all but the lowest 20 % where the end
    has no latest moment. A calendar period's budget is what its whole traffic is projected to allow.
    """
    found = _simulated(hours, objective, now)
    if found is None:
        return None
    left, allowed = found
    share = np.divide(left, allowed, out=np.zeros_like(left), where=allowed > 0)
    share[np.maximum.accumulate(left <= 0, axis=1)] = 0.0
    low, high = _ends(float((left <= 0).any(1).mean()))
    lines = {
        "low": np.quantile(share, low, axis=0, method="lower"),
        "middle": np.quantile(share, 0.5, axis=0, method="lower"),
        "high": np.quantile(share, 1.0 if high is None else high, axis=0, method="higher"),
    }
    return pl.DataFrame(
        {"start": [now + HOUR * (place + 1) for place in range(left.shape[1])], **lines},
        schema_overrides={"start": pl.Datetime("us", "UTC")},
    )


def _simulated(hours: pl.DataFrame, objective: Objective, now: datetime) -> tuple[Floats, Floats] | None:
    """What is left and what is allowed after each coming hour, in requests (or minutes); a row a simulation."""
    block = math.ceil(lookback(objective.period) / HOUR)
    valid, bad = _by_hour(hours, objective.period / HOUR, now)
    history = len(valid) // block * block
    blocks = valid[-history:].reshape(-1, block), bad[-history:].reshape(-1, block)
    if (blocks[0].sum(1) > 0).sum() < FEWEST_BLOCKS:
        return None
    ahead = math.ceil((_end(objective, now) - now) / HOUR)
    traffic = _traffic(valid, ahead)
    to_come = np.minimum(_shares(*blocks, math.ceil(ahead / block))[:, :ahead] * traffic, traffic)
    if objective.calendar:
        so_far = hours_since(hours, objective.starts(now))
        allowed = np.full(ahead, (math.fsum(so_far["valid"]) + traffic.sum()) * objective.budget)
        spent = math.fsum(so_far["bad"]) + to_come.cumsum(1)
    else:
        left_valid, left_bad = ((past.sum() - past.cumsum())[:ahead] for past in (valid, bad))
        allowed = (left_valid + traffic.cumsum()) * objective.budget
        spent = left_bad + to_come.cumsum(1)
    return allowed - spent, np.broadcast_to(allowed, spent.shape)


def _end(objective: Objective, now: datetime) -> datetime:
    """How far is simulated."""
    return objective.calendar_span(now).end if objective.calendar else now + objective.period


def _after(spent: NDArray[np.bool_]) -> Floats:
    """Hours until each simulation is first spent; infinite for one that never is."""
    return np.where(spent.any(1), spent.argmax(1) + 1.0, np.inf)


def _ends(chance: float) -> tuple[float, float | None]:
    """The shares of simulations at the ends of the range; no latest one where too many outlast the period."""
    tail = (1 - SURE) / 2
    return (tail, 1 - tail) if chance >= 1 - tail else (1 - SURE, None)


def _said(after: Floats, now: datetime, end: datetime) -> Runway:
    """What the simulated hours to the end say; a range is closed when few of them outlast the period."""
    chance = float(np.isfinite(after).mean())

    def at(share: float, *, up: bool = False) -> datetime | None:
        value = float(np.quantile(after, share, method="higher" if up else "lower"))
        return now + value * HOUR if math.isfinite(value) else None

    if chance <= 1 - SURE:
        return Runway("never", None, None, None, chance, end)
    low, high = _ends(chance)
    ends = at(0.5)
    return Runway(
        "ends" if ends else "may_end", ends, at(low), None if high is None else at(high, up=True), chance, end
    )


def _by_hour(hours: pl.DataFrame, count: float, now: datetime) -> tuple[Floats, Floats]:
    """Valid and bad of the `count` hours that end at `now`, counted from there; pieces are shared out evenly."""
    ends = ((hours["start"] - now).dt.total_microseconds() / (HOUR.total_seconds() * 1e6) + hours["hours"]).to_numpy()
    starts = np.append(ends[0] - hours["hours"][0], ends)
    edges = np.maximum(np.arange(-math.ceil(count), 1.0), -count)
    sums = (np.interp(edges, starts, np.append(0.0, hours[name].cum_sum().to_numpy())) for name in ("valid", "bad"))
    valid, bad = (np.diff(found) for found in sums)
    return valid, bad


def _traffic(valid: Floats, ahead: int) -> Floats:
    """Requests of each coming hour: the average of the same hours of the week since there were any, else of the day."""
    since = len(valid) - int(valid.argmax() if not valid.any() else np.flatnonzero(valid)[0])
    seen, place = valid[-since:], -np.arange(since, 0, -1)
    found = np.zeros(WEEK)
    for every in (24, WEEK):
        slot = place % every
        counts, sums = (np.bincount(slot, weight, every) for weight in (np.ones(since), seen))
        average = np.divide(sums, counts, out=np.full(every, seen.mean()), where=counts > 0)
        known = np.resize(counts > 0, WEEK)
        found[known] = np.resize(average, WEEK)[known]
    return found[np.arange(ahead) % WEEK]


def _shares(valid: Floats, bad: Floats, ahead: int) -> Floats:
    """Simulated bad shares of the hours of `ahead` blocks, a row a simulation; the past as blocks x hours."""
    random = np.random.default_rng(0)
    known = np.flatnonzero(valid.sum(1) > 0)
    valid, bad, place = valid[known], bad[known], np.append(known, len(valid) + np.arange(ahead))
    requests = valid.sum(1)
    hourly = np.divide(bad, valid, out=np.zeros_like(bad), where=valid > 0)
    found = []
    for levels in _levels(requests, bad.sum(1), place, random):
        count, past = len(levels), len(known)
        weights = random.dirichlet(np.ones(past), count).cumsum(1)
        drawn = (random.random((count, ahead, 1)) * weights[:, None, -1:] > weights[:, None, :]).sum(2)
        factor = np.exp(levels[:, past:] - np.take_along_axis(levels[:, :past], drawn, 1))
        found.append((hourly[drawn] * factor[:, :, None]).reshape(count, -1))
    return np.concatenate(found)


def _levels(requests: Floats, bad: Floats, place: NDArray[Any], random: np.random.Generator) -> Iterator[Floats]:
    """Draws of the logarithm of the level at every place, past and to come: for each explanation, as it weighs."""
    pooled = (bad.sum() + 0.5) / (requests.sum() + 1)
    seen = np.log((bad + 0.5) / (requests + 0.5 / pooled))
    usual = np.median(seen)
    past, chance = len(requests), 1 / (bad + 0.5)
    apart, before = np.abs(place[:, None] - place), np.minimum(place[:, None], place)
    explained = []
    for swing in SWINGS:
        kernel = 1 + WALK**2 * before + swing**2 * RETURN**apart
        for noise in NOISES:
            covariance = kernel[:past, :past] + np.diag(chance + noise**2)
            lower = np.linalg.cholesky(covariance)
            fit = np.linalg.solve(lower, seen - usual)
            explained.append((-fit @ fit / 2 - np.log(np.diag(lower)).sum(), kernel, covariance))
    likelihood = np.array([found[0] for found in explained])
    weight = np.exp(likelihood - likelihood.max())
    for count, (_, kernel, covariance) in zip(
        random.multinomial(SIMULATIONS, weight / weight.sum()), explained, strict=True
    ):
        if count:
            gain = np.linalg.solve(covariance, kernel[:past]).T
            spread = np.linalg.cholesky(kernel - gain @ kernel[:past] + 1e-9 * np.eye(len(place)))
            yield usual + gain @ (seen - usual) + random.normal(size=(count, len(place))) @ spread.T
