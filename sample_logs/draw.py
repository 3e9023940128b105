"""One request, drawn by chance and by the incident it falls into."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from sample_logs.world import (
    CANCELLED_SHARE,
    FAILURES,
    GRAPH_LIMIT_MS,
    GRAPH_OPERATIONS,
    HANG_MS,
    HANG_SHARE,
    REJECTED_SHARE,
    STAGING_SHARE,
    TRACED_SHARE,
    Lane,
)

if TYPE_CHECKING:
    from random import Random

    from core.record import Status
    from sample_logs.incidents import Incident

_FAILED = sum(share for _, share, _ in FAILURES)


class Request(NamedTuple):
    """A request as it happened. `started` is Unix milliseconds; `wanted_ms` is what it would have taken uncut."""

    lane: Lane
    incident: Incident | None
    request_id: str
    trace_id: str | None
    span_id: str | None
    started: int
    took_ms: float
    wanted_ms: float
    status: Status
    error_code: str | None
    error_message: str | None
    cut_at_ms: float | None
    fallback_ms: float | None
    fallback_ok: bool
    staging: bool
    user: int
    tokens_input: int
    tokens_output: int

    @property
    def timeout_type(self) -> str:
        """Which limit cut it: `graph` or `api`."""
        return "graph" if self.cut_at_ms == GRAPH_LIMIT_MS else "api"

    @property
    def ended(self) -> float:
        """When its line was written, in Unix milliseconds."""
        return self.started + self.took_ms


def draw(rng: Random, lane: Lane, incident: Incident | None, started: int) -> Request:
    """A request of `lane` that starts at `started`, inside `incident` if there is one."""
    chance = rng.gauss(0.0, 1.0)
    if incident:
        wanted = round(incident.duration(lane, started, chance), 1)
    else:
        hangs = HANG_MS if rng.random() < HANG_SHARE else 0.0
        wanted = round(lane.median_ms * math.exp(lane.sigma * chance) + hangs, 1)
    staging = rng.random() < STAGING_SHARE
    status, code, message, took, cut, fallback, fallback_ok = _outcome(rng, lane, incident, wanted, staging=staging)
    bits = rng.getrandbits(128)
    traced = status == "timeout" or rng.random() < TRACED_SHARE
    spread = rng.uniform(0.6, 1.5)
    answered = status in {"success", "timeout"}
    return Request(
        lane,
        incident,
        _uuid(bits),
        f"{rng.getrandbits(128):032x}" if traced else None,
        f"{rng.getrandbits(64):016x}" if traced else None,
        started,
        took,
        wanted,
        status,
        code,
        message,
        cut,
        fallback,
        fallback_ok,
        staging,
        int(rng.random() ** 2 * 400),
        int(lane.tokens_input * spread) if answered else 0,
        int(lane.tokens_output * spread) if status == "success" else 0,
    )


def _outcome(
    rng: Random, lane: Lane, incident: Incident | None, wanted: float, *, staging: bool
) -> tuple[Status, str | None, str | None, float, float | None, float | None, bool]:
    """Status, error code, error message, milliseconds, limit it was cut at, fallback milliseconds, fallback worked."""
    dice = rng.random()
    if incident and dice < incident.failing:
        code, _, message = FAILURES[-1]
        return "failed", code, message, round(80 + rng.expovariate(1 / 120), 1), None, None, False
    if dice < _FAILED:
        for code, share, message in FAILURES:
            dice -= share
            if dice < 0:
                took = 6 + rng.expovariate(1 / 9) if code == "VALIDATION" else min(wanted, lane.limit_ms) * 0.7
                return "failed", code, message, round(took, 1), None, None, False
    dice = rng.random()
    if dice < REJECTED_SHARE:
        return "rejected", "RATE_LIMITED", "too many requests", round(1 + rng.random() * 3, 1), None, None, False
    if dice < REJECTED_SHARE + CANCELLED_SHARE:
        return "cancelled", None, None, round(min(wanted, 7900) * rng.uniform(0.2, 0.9), 1), None, None, False
    limit = lane.limit_ms
    if wanted <= limit or staging:
        return "success", None, None, wanted, None, None, False
    code = "GRAPH_TIMEOUT" if limit == GRAPH_LIMIT_MS else "API_TIMEOUT"
    message = f"cut after {limit / 1000:g} s"
    cut_after = limit + min(0.2 + rng.expovariate(1 / 2), 10)
    if lane.operation in GRAPH_OPERATIONS:
        fallback = round(120 + rng.expovariate(1 / 150), 1)
        return "timeout", code, message, round(cut_after + fallback, 1), limit, fallback, rng.random() < 0.9
    return "timeout", code, message, round(cut_after, 1), limit, None, False


def _uuid(bits: int) -> str:
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[bits >> 62 & 3]}{text[17:20]}-{text[20:]}"
