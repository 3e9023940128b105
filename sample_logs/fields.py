"""A drawn request as the fields of version 1 records: the request, its spans, its evaluation, its feedback."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sample_logs.world import EVAL_SHARE, FEEDBACK_SHARE, MODELS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from sample_logs.draw import Request
    from sample_logs.incidents import Incident

Fields = dict[str, Any]

_STEPS = {
    True: (("gateway", "step", 0.04), ("retrieval", "retrieval", 0.2), ("llm", "llm", 0.58), ("tool", "tool", 0.15)),
    False: (("gateway", "step", 0.35), ("retrieval", "retrieval", 0.0), ("llm", "llm", 0.0), ("tool", "tool", 0.6)),
}
"""With and without a model: operation, kind and usual share of the duration. The rest is unaccounted for."""

_FAILING_STEP = {"VALIDATION": "gateway", "TOOL_ERROR": "tool", "UPSTREAM_5XX": "llm"}


def timestamp(milliseconds: float) -> str:
    """ISO 8601 in UTC, to the millisecond, with its offset."""
    minute, rest = divmod(round(milliseconds), 60_000)
    return f"{_minute(minute)}{rest // 1000:02d}.{rest % 1000:03d}+00:00"


@lru_cache(maxsize=256)
def _minute(minute: int) -> str:
    return f"{datetime.fromtimestamp(minute * 60, UTC):%Y-%m-%dT%H:%M:}"


def request_fields(request: Request) -> Fields:
    """The request itself; absent fields are unknown."""
    lane, model = request.lane, request.lane.model
    fields: Fields = {
        "request_id": request.request_id,
        "timestamp": timestamp(request.started),
        "execution_time_ms": request.took_ms,
        "status": request.status,
        "agent_id": lane.agent,
        "operation": lane.operation,
        "service": lane.service,
        "environment": environment(request),
        "user_id": f"u{request.user:03d}",
    }
    if request.trace_id:
        fields |= {"trace_id": request.trace_id, "span_id": request.span_id}
    if request.error_code:
        fields |= {"error_code": request.error_code, "error_message": request.error_message}
    if request.cut_at_ms:
        fields |= {"timeout_type": request.timeout_type, "timeout_ms": request.cut_at_ms}
    if request.fallback_ms is not None:
        fields |= {"fallback_used": True, "fallback_ok": request.fallback_ok, "fallback_ms": request.fallback_ms}
    if model:
        fields |= {"model": model.name, "model_version": version(request)}
        if request.tokens_input:
            fields |= economics(request)
        elif request.status == "failed":
            fields["billed"] = False
    return fields


def version(request: Request) -> str | None:
    """The version of the model that served the request."""
    if request.incident and request.incident.version:
        return request.incident.version
    return request.lane.model.version if request.lane.model else None


def environment(request: Request) -> str:
    """Where it ran."""
    return "staging" if request.staging else "production"


def economics(request: Request) -> Fields:
    """Tokens and their price. A call that was cut is billed for what it had read."""
    if request.lane.model is None:
        return {}
    return {
        "tokens_used": {"input": request.tokens_input, "output": request.tokens_output},
        "cost_usd": request.lane.model.cost(request.tokens_input, request.tokens_output),
        "billed": True,
    }


def span_fields(request: Request, rng: Random) -> Iterator[Fields]:
    """The steps of a traced request, one after the other and inside it; the open one at a cut is cut, too."""
    slow, steps = request.incident.step if request.incident else "", []
    failing = _FAILING_STEP.get(request.error_code or "")
    for name, kind, share in _STEPS[request.lane.model is not None]:
        if share:
            # A slow request of an incident is slow because of one step: that one takes what the others do not.
            weight = share * rng.uniform(0.75, 1.25) * (12.0 if name == slow else 1.0)
            steps.append((name, kind, weight))
        if name == failing:
            break
    limit = request.cut_at_ms or request.took_ms
    whole = request.wanted_ms if request.cut_at_ms else 0.97 * request.took_ms
    unit = whole / sum(weight for *_, weight in steps)
    offset = 0.0
    for name, kind, weight in steps:
        took = min(weight * unit, limit - offset)
        cut = request.cut_at_ms is not None and weight * unit > limit - offset
        fields: Fields = {
            "kind": kind,
            "request_id": request.request_id,
            "timestamp": timestamp(request.started + offset),
            "execution_time_ms": round(took, 1),
            "status": "timeout" if cut else "failed" if name == failing else "success",
            "agent_id": request.lane.agent,
            "trace_id": request.trace_id,
            "span_id": f"{rng.getrandbits(64):016x}",
            "parent_span_id": request.span_id,
            "operation": name,
            "service": request.lane.service,
            "environment": environment(request),
        }
        if kind == "llm" and request.lane.model:
            fields |= {"model": request.lane.model.name, "model_version": version(request)}
            if request.tokens_input:
                fields |= economics(request)
        yield fields
        if cut:
            return
        offset += took


def judgement_fields(request: Request, rng: Random, end: float) -> Iterator[tuple[float, Fields]]:
    """Evaluation and feedback for some answers, with their time; nothing at or after `end`."""
    model = request.lane.model
    if model is None or request.status != "success":
        return
    about: Fields = {
        "request_id": request.request_id,
        "agent_id": request.lane.agent,
        "operation": request.lane.operation,
        "service": request.lane.service,
        "environment": environment(request),
        "model": model.name,
        "model_version": version(request),
    }
    regressed = request.incident is not None and request.incident.version is not None
    if rng.random() < EVAL_SHARE:
        moment = request.ended + rng.uniform(5_000, 90_000)
        scores = {
            "accuracy": _score(rng, 0.79 if regressed else 0.91),
            "relevance": _score(rng, 0.9),
            "groundedness": _score(rng, 0.82 if regressed else 0.92),
        }
        wrong = rng.random() < (0.06 if regressed else 0.015)
        if moment < end:
            stamp = {"kind": "eval", "timestamp": timestamp(moment)}
            yield moment, stamp | about | {"eval_score": scores, "hallucination": wrong}
    if rng.random() < FEEDBACK_SHARE:
        moment = request.ended + rng.uniform(3_000, 300_000)
        pleased = rng.random() < (0.7 if regressed or request.took_ms > 6_000 else 0.9)
        if moment < end:
            stamp = {"kind": "feedback", "timestamp": timestamp(moment)}
            yield moment, stamp | about | {"user_id": f"u{request.user:03d}", "feedback": 1 if pleased else -1}


def _score(rng: Random, middle: float) -> float:
    return round(min(max(rng.gauss(middle, 0.06), 0.0), 1.0), 3)


def deploy_fields(incident: Incident) -> Iterator[tuple[float, Fields]]:
    """The deploys that begin and end an incident, with their times."""
    if incident.kind == "model_regression" and incident.model:
        old = MODELS[incident.model].version
        yield (
            incident.start,
            _deploy(incident.start, f"{incident.model} {incident.version}")
            | {
                "model": incident.model,
                "model_version": incident.version,
            },
        )
        yield (
            incident.end,
            _deploy(incident.end, f"rollback to {incident.model} {old}")
            | {
                "model": incident.model,
                "model_version": old,
            },
        )
    if incident.kind == "near_timeouts_growing":
        yield (
            incident.end,
            _deploy(incident.end, f"rebuilt the retrieval index of {incident.agent}") | {"agent_id": incident.agent},
        )


def _deploy(moment: int, note: str) -> Fields:
    return {
        "kind": "deploy",
        "timestamp": timestamp(moment),
        "service": "workflow",
        "environment": "production",
        "extra": {"note": note},
    }
