"""What goes wrong in the sample, when, and whom it hits. Times are Unix milliseconds; windows are half-open."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

from sample_logs.world import ATLAS_MINI, CEDAR_PRO, LANES, OWNERS, Lane

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60_000
HOUR = 60 * MINUTE

IncidentKind = Literal["agent_slow", "model_regression", "upstream_5xx", "near_timeouts_growing"]


@dataclass(frozen=True, slots=True)
class Incident:
    """One planted incident. Requests match when `agent` and `model`, where set, are theirs.

    `median_ms` is what the lane's median becomes at the end (with `growing`, it climbs there); `slower` multiplies
    it instead. `failing` is the share of requests the upstream answers with 503.
    """

    kind: IncidentKind
    start: int
    end: int
    expected: str
    step: str
    agent: str | None = None
    model: str | None = None
    owner: str = ""
    slower: float = 1.0
    rises_from_ms: float = 0.0
    rises_to_ms: float = 0.0
    failing: float = 0.0
    version: str | None = None

    def hits(self, lane: Lane, moment: int) -> bool:
        """Whether a request of this lane that starts at `moment` is part of it."""
        return (
            self.start <= moment < self.end
            and (self.agent is None or lane.agent == self.agent)
            and (self.model is None or (lane.model is not None and lane.model.name == self.model))
        )

    def duration(self, lane: Lane, moment: int, chance: float) -> float:
        """The request's milliseconds, without a limit; `chance` is a standard normal draw."""
        if self.rises_to_ms:
            done = (moment - self.start) / (self.end - self.start)
            return self.rises_from_ms * math.exp(math.log(self.rises_to_ms / self.rises_from_ms) * done + 0.12 * chance)
        return self.slower * lane.median_ms * math.exp(lane.sigma * chance)


def plant(start: int, end: int, expected: Callable[[int, int], float]) -> tuple[Incident, ...]:
    """The incidents that fit into [start, end), oldest first; `expected(a, b)` is the number of requests in [a, b)."""
    planner = [lane for lane in LANES if lane.agent == "planner"]
    share = sum(lane.weight for lane in planner) / sum(lane.weight for lane in LANES)
    slow_start, slow_end = end - 85 * MINUTE, end - 25 * MINUTE
    hit = max(expected(slow_start, slow_end) * share, 1.0)
    all_of_them = (
        Incident(
            "model_regression",
            end - 76 * HOUR,
            end - 67 * HOUR,
            "After the deploy of cedar-pro 7.5 its calls take 2.2 times as long, its accuracy drops by about 0.12 and "
            "its hallucination rate rises from about 1.5 % to about 6 %, until the rollback.",
            step="llm",
            model=CEDAR_PRO.name,
            owner="@lan",
            slower=2.2,
            version="7.5",
        ),
        Incident(
            "near_timeouts_growing",
            end - 52 * HOUR,
            end - 46 * HOUR,
            "The retrieval of agent pricing slows from 4 s to 8.4 s over six hours: near-timeouts (6 s and more) grow "
            "for hours before timeouts follow.",
            step="retrieval",
            agent="pricing",
            owner=OWNERS["pricing"],
            rises_from_ms=4000,
            rises_to_ms=8400,
        ),
        Incident(
            "upstream_5xx",
            end - 27 * HOUR,
            end - 27 * HOUR + 20 * MINUTE,
            "Four of five calls of atlas-mini fail with UPSTREAM_5XX for twenty minutes; they fail fast and unbilled.",
            step="llm",
            model=ATLAS_MINI.name,
            owner="@tuan",
            failing=0.8,
        ),
        # About thirty cut requests whatever the hour of the day, so that the last 1,000 show it.
        slow(planner[0], slow_start, slow_end, min(max(30 / hit, 0.3), 0.75)),
    )
    return tuple(incident for incident in all_of_them if incident.start >= start)


def slow(lane: Lane, start: int, end: int, cut: float) -> Incident:
    """The lane's agent with a hanging tool: about the share `cut` of the lane's requests passes its limit."""
    factor = lane.limit_ms / lane.median_ms / math.exp(lane.sigma * NormalDist().inv_cdf(1 - cut))
    return Incident(
        "agent_slow",
        start,
        end,
        f"A tool of agent {lane.agent} hangs: a good part of its requests is cut, the rest is slow.",
        step="tool",
        agent=lane.agent,
        owner=OWNERS[lane.agent],
        slower=factor,
    )
