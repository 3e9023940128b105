"""OTLP/JSON lines: a batch of spans per line, as the OpenTelemetry file exporters write them.

A server or consumer span is a request. In a trace without one (in this batch), so is the root span. Every other span
is an llm, tool, retrieval or step inside the request, which shares its trace id as `request_id`. Attribute names are
those of the OpenTelemetry semantic conventions, older names as a second choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loaders.decode import name_of, shown
from loaders.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

Attributes = dict[str, Any]

BATCHES = ("resourceSpans", "resourceLogs", "resourceMetrics")
_ENTRY_KINDS = (2, 5, "SPAN_KIND_SERVER", "SPAN_KIND_CONSUMER")
_ERROR = (2, "STATUS_CODE_ERROR")
_GEN_AI_KINDS = {
    "chat": "llm", "text_completion": "llm", "generate_content": "llm", "embeddings": "llm",
    "execute_tool": "tool", "retrieval": "retrieval",
}  # fmt: skip
_GRPC = {1: "cancelled", 4: "timeout", 8: "rejected"}
"""gRPC codes that are not simply failures: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED."""

_FROM_SPAN = {
    "agent_id": ("agent_id", "agent.id", "gen_ai.agent.id", "gen_ai.agent.name"),
    "model": ("gen_ai.request.model", "gen_ai.response.model"),
    "model_version": ("gen_ai.response.model",),
    "user_id": ("user.id", "enduser.id"),
    "session_id": ("session.id", "gen_ai.conversation.id"),
    "cost_usd": ("gen_ai.usage.cost",),
    "feature": ("feature",),
    "prompt_version": ("prompt_version",),
}
_FROM_RESOURCE = {
    "service": ("service.name",),
    "environment": ("deployment.environment.name", "deployment.environment"),
}
_TOKENS = {
    "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
}


def claims(line: dict[str, Any]) -> bool:
    """Whether this line is a batch of an OpenTelemetry exporter."""
    return any(key in line for key in BATCHES)


def records(line: dict[str, Any]) -> list[dict[str, Any]]:
    """One record per span; Refused when there is none, or when the batch is not built as OTLP says."""
    try:
        spans = list(_spans(line))
        served = {span["traceId"] for span, _, _ in spans if span.get("kind") in _ENTRY_KINDS}
        made = [_record(span, resource, scope, served) for span, resource, scope in spans]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused("bad_type", f"not an OTLP/JSON batch of spans: {shown(repr(error))}") from None
    if not made:
        found = ", ".join(key for key in BATCHES if key in line) or name_of(line)
        raise Refused("not_a_record", f"an OTLP batch without spans ({found}); Burnline reads traces")
    return made


def _spans(line: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Attributes, str]]:
    for group in line.get("resourceSpans", []):
        resource = _attributes(group.get("resource", {}))
        for scoped in group.get("scopeSpans", []):
            scope = scoped.get("scope", {}).get("name", "")
            for span in scoped.get("spans", []):
                yield span, resource, scope


def _record(span: dict[str, Any], resource: Attributes, scope: str, served: set[str]) -> dict[str, Any]:
    attributes = _attributes(span)
    start, end = int(span["startTimeUnixNano"]), int(span.get("endTimeUnixNano", 0))
    if start < 10**17:
        raise Refused("bad_timestamp", f"startTimeUnixNano is {start}: not nanoseconds since 1970")
    parent = span.get("parentSpanId", "").strip("0")
    is_request = span.get("kind") in _ENTRY_KINDS or (not parent and span["traceId"] not in served)
    trace = span["traceId"].lower()
    record = {
        "request_id": trace,
        "trace_id": trace,
        "span_id": span["spanId"].lower(),
        "parent_span_id": span["parentSpanId"].lower() if parent else None,
        "timestamp": start // 1000,
        "execution_time_ms": (end - start) / 1_000_000 if end else None,
        **{name: _take(attributes, names) for name, names in _FROM_SPAN.items()},
        **{name: _take(resource, names) for name, names in _FROM_RESOURCE.items()},
        "tokens_used": {name: _take(attributes, names) for name, names in _TOKENS.items()},
        **_ending(span, attributes),
    }
    generation = attributes.get("gen_ai.operation.name")
    kind = _GEN_AI_KINDS.get(str(generation)) or ("llm" if record["model"] else "step")
    record["kind"] = "request" if is_request else kind
    record["operation"] = generation if kind == "llm" and generation and not is_request else span.get("name")
    record["agent_id"] = record["agent_id"] or record["service"] or "unknown_service"
    record["extra"] = {**attributes, "scope": scope, "resource": resource}
    return record


def _ending(span: dict[str, Any], attributes: Attributes) -> dict[str, Any]:
    """How the span ended, by the rules of the middleware: HTTP 408 and 504 are timeouts, other 4xx are rejected."""
    status = span.get("status", {})
    raised = next((_attributes(e) for e in span.get("events", []) if e.get("name") == "exception"), {})
    error = str(_take(attributes, ("error.type",)) or raised.get("exception.type") or "")
    code = int(_take(attributes, ("http.response.status_code", "http.status_code")) or 0)
    grpc = int(attributes.get("rpc.grpc.status_code") or 0)
    if grpc in _GRPC:
        ended = _GRPC[grpc]
    elif code in (408, 504) or _means_timeout(error):
        ended = "timeout"
    elif 400 <= code < 500:
        ended = "rejected"
    elif code >= 500 or status.get("code") in _ERROR or grpc:
        ended = "failed"
    else:
        return {"status": "success"}
    named = f"HTTP_{code}" if code >= 400 and error in ("", str(code)) else error
    return {
        "status": ended,
        "error_code": named or (f"GRPC_{grpc}" if grpc else "ERROR"),
        "error_message": status.get("message") or raised.get("exception.message"),
        "error_stack": raised.get("exception.stacktrace"),
    }


def _means_timeout(error: str) -> bool:
    lowered = error.lower().replace("_", "")
    return "timeout" in lowered or "deadlineexceeded" in lowered


def _take(attributes: Attributes, names: tuple[str, ...]) -> Any:
    """The first of these attributes that is there."""
    return next((attributes[name] for name in names if attributes.get(name) not in (None, "")), None)


def _attributes(holder: dict[str, Any]) -> Attributes:
    return {pair["key"]: _value(pair.get("value", {})) for pair in holder.get("attributes", [])}


def _value(value: dict[str, Any]) -> Any:
    """An OTLP AnyValue as JSON: {"intValue": "12"} -> 12."""
    for kind, found in value.items():
        if kind == "intValue":
            return int(found)
        if kind == "arrayValue":
            return [_value(item) for item in found.get("values", [])]
        if kind == "kvlistValue":
            return {pair["key"]: _value(pair.get("value", {})) for pair in found.get("values", [])}
        return found
    return None
