"""Incidents of our own making: a service with correlated dimensions, and one thing that goes wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

AGENTS = ("planner", "search", "pricing", "reader", "critic", "router", "writer", "judge")
OPERATIONS = ("analyze", "answer", "quote")
MODELS = ("atlas", "cedar", "maple")
LIMIT_MS = 8000.0

PLANTED = ("agent", "model", "model_version", "prompt_version", "environment", "operation", "prompt_size", "error_code")


@dataclass(frozen=True)
class Incident:
    """What was planted: the dimension, its value, and the measure it moves."""

    dimension: str
    value: str
    measure: str


class World:
    """A service: which agent works for which operation with which model, how slow each is, drawn once by chance."""

    def __init__(self, rng):
        self.rng = rng
        self.busy = rng.dirichlet(np.full(len(AGENTS), 3.0))
        self.operation = rng.dirichlet(np.full(len(OPERATIONS), 0.6), len(AGENTS))
        self.model = rng.dirichlet(np.full(len(MODELS), 0.6), len(AGENTS))
        self.timeout = rng.uniform(0.002, 0.03, len(AGENTS))
        self.failed = rng.uniform(0.002, 0.01, len(AGENTS))
        self.size = rng.uniform(7.0, 8.5, len(AGENTS))

    def requests(self, count, window, incident=None, excess=0.0):
        """So many valid requests of one window, as `metrics.why.placed` gives them; the incident hits some of them."""
        rng = self.rng
        agent = rng.choice(len(AGENTS), count, p=self.busy)
        model = (rng.random((count, 1)) > np.cumsum(self.model[agent], 1)).sum(1).clip(0, len(MODELS) - 1)
        operation = (rng.random((count, 1)) > np.cumsum(self.operation[agent], 1)).sum(1).clip(0, len(OPERATIONS) - 1)
        tokens = np.exp(rng.normal(self.size[agent], 0.9))
        size = np.select([tokens < 1000, tokens < 4000, tokens < 16000], [0, 1, 2], 3)
        columns = {
            "agent": named(AGENTS, agent),
            "model": named(MODELS, model),
            "model_version": named([f"{name} 2.1" for name in MODELS], model),
            "prompt_version": named(("p1", "p2", "p3"), rng.choice(3, count, p=[0.5, 0.3, 0.2])),
            "operation": named(OPERATIONS, operation),
            "environment": named(("production", "staging"), rng.choice(2, count, p=[0.75, 0.25])),
            "prompt_size": named(("<1k", "1k-4k", "4k-16k", "16k-64k"), size),
        }
        if incident is not None and incident.dimension == "model_version":
            name = incident.value.split()[0]
            taken = (columns["model"] == name).to_numpy() & (rng.random(count) < rng.choice([0.6, 1.0]))
            version = [*(f"{name} 2.1" for name in MODELS), incident.value]
            columns["model_version"] = named(version, np.where(taken, len(MODELS), model))
        timeout = rng.random(count) < self.timeout[agent]
        failed = ~timeout & (rng.random(count) < self.failed[agent])
        code = np.where(timeout, 1, np.where(failed, rng.choice([2, 3, 4], count), 0))
        if incident is not None:
            everywhere = incident.dimension == "error_code"
            hit = rng.random(count) < excess
            if not everywhere:
                hit &= (columns[incident.dimension] == incident.value).to_numpy()
            timeout, failed = (timeout | hit, failed & ~hit) if incident.measure == "timeout" else (timeout & ~hit, failed | hit)  # fmt: skip
            code = np.where(
                hit, 1 if incident.measure == "timeout" else CODES.index(incident.value) if everywhere else 4, code
            )
        return pl.DataFrame(
            {
                **columns,
                "release": pl.Series([None] * count, dtype=pl.String),
                "hour": named(("10:00",), np.zeros(count, int)),
                "error_code": named(CODES, code),
                "weight": np.ones(count),
                "rows": np.ones(count, np.int64),
                "timeout": timeout,
                "error": failed,
                "near": np.zeros(count, bool),
                "window": np.full(count, window, np.int32),
            }
        )


CODES = (None, "API_TIMEOUT", "VALIDATION", "TOOL_ERROR", "UPSTREAM_5XX", "RATE_LIMITED")


def named(names, places):
    """A column of names, from their places."""
    return pl.Series(names, dtype=pl.String).gather(places)


def incident(seed, *, windows=4, extra=30):
    """(rows of a span and its baseline, what was planted): one of PLANTED by turns, of varied size and traffic.

    It raises the rate of what it hits by at least 4 points and by up to 45, and adds at least `extra` requests to the
    count; what it hits has at least so many. A new version takes over from 60 % of the model's requests on.
    """
    rng = np.random.default_rng([seed, 7])
    dimension = PLANTED[seed % len(PLANTED)]
    measure = "error" if dimension == "error_code" else str(rng.choice(["timeout", "error"]))
    while True:
        world, traffic = World(rng), int(rng.choice([800, 2000, 6000, 15_000]))
        share, value = _hit(world, dimension)
        least = extra / (traffic * share)
        if traffic * share >= extra and least <= 0.4:
            break
    excess = float(rng.uniform(max(least, 0.04), 0.45))
    if dimension == "error_code":
        excess *= 0.3
        excess = max(excess, extra / traffic)
    found = Incident(dimension, value, measure)
    past = [world.requests(int(traffic * rng.uniform(0.8, 1.2)), window) for window in range(1, windows + 1)]
    return pl.concat([world.requests(traffic, 0, found, excess), *past]), found


def _hit(world, dimension):
    """The share of the requests an incident hits, and the value that has them."""
    rng = world.rng
    shares = {
        "agent": dict(zip(AGENTS, world.busy, strict=True)),
        "model": dict(zip(MODELS, world.busy @ world.model, strict=True)),
        "operation": dict(zip(OPERATIONS, world.busy @ world.operation, strict=True)),
        "prompt_version": {"p1": 0.5, "p2": 0.3, "p3": 0.2},
        "environment": {"production": 0.75, "staging": 0.25},
        "prompt_size": {"4k-16k": 0.1, "1k-4k": 0.3},
        "error_code": {"RATE_LIMITED": 1.0, "UPSTREAM_5XX": 1.0},
    }
    shares["model_version"] = {f"{name} 7.5": share * 0.6 for name, share in shares["model"].items()}
    value = str(rng.choice(list(shares[dimension])))
    return shares[dimension][value], value


def quiet(seed, *, windows=4):
    """The same services with nothing planted."""
    rng = np.random.default_rng([seed, 11])
    world, traffic = World(rng), int(rng.choice([800, 2000, 6000]))
    return pl.concat([world.requests(traffic, window) for window in range(windows + 1)])
