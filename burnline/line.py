"""One record as one line of the version 1 format (docs/log-format.md). Pure: clock, ids and defaults are arguments."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from burnline.plain import MAX_INTEGER, Plain, number, plain, put, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KINDS = ("request", "llm", "tool", "retrieval", "step", "eval", "feedback", "host", "deploy", "drops")
SPANS = frozenset({"llm", "tool", "retrieval", "step"})
STATUSES = ("success", "timeout", "failed", "cancelled", "rejected")
MAX_LINE = 1_000_000
"""Bytes; readers refuse lines above 1 MiB."""
_SHORT = 1_000
"""Characters a text keeps in a line that would be longer than MAX_LINE."""

_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode


def _text(value: object) -> Plain:
    if isinstance(value, str):
        return text(value) or None
    copy = plain(value)
    return (copy if isinstance(copy, str) else text(_json(copy))) or None


def _any_number(value: object) -> Plain:
    return number(value)


def _at_least_zero(value: object) -> Plain:
    found = number(value)
    return found if found is not None and found >= 0 else None


def _share(value: object) -> Plain:
    found = number(value)
    return found if found is not None and 0 <= found <= 1 else None


def _rate(value: object) -> Plain:
    return _share(value) or None


def _count(value: object) -> Plain:
    found = number(value)
    return int(found) if found is not None and 0 <= found <= MAX_INTEGER and found == int(found) else None


def _flag(value: object) -> Plain:
    return value if isinstance(value, bool) else None


def _thumb(value: object) -> Plain:
    found = number(value)
    return int(found) if found in (-1, 1) else None


def _kind(value: object) -> Plain:
    return value if isinstance(value, str) and value in KINDS else None


def _status(value: object) -> Plain:
    return value if isinstance(value, str) and value in STATUSES else None


def _moment(value: object) -> Plain:
    """ISO 8601 in UTC from a datetime (naive is local time), seconds since 1970, or ISO text with an offset."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
            if value.tzinfo is None:
                return None
        elif not isinstance(value, datetime):
            seconds = number(value)
            if seconds is None:
                return None
            value = datetime.fromtimestamp(seconds, UTC)
        return datetime.isoformat(value.astimezone(UTC), timespec="microseconds")
    except Exception:  # noqa: BLE001 - a foreign tzinfo may raise anything
        return None


def _scores(value: object) -> Plain:
    copy = plain(value)
    return copy if isinstance(copy, dict) and all(_share(score) is not None for score in copy.values()) else None


def _tokens(value: object) -> Plain:
    copy = plain(value)
    if not isinstance(copy, dict) or not copy or copy.keys() - {"input", "output"}:
        return None
    counts: dict[str, Plain] = {name: _count(copy[name]) for name in ("input", "output") if name in copy}
    return None if None in counts.values() else counts


def _list(value: object) -> Plain:
    copy = plain(value)
    return copy if isinstance(copy, list) else None


FIELDS: dict[str, Callable[[object], Plain]] = {
    "kind": _kind,
    "request_id": _text,
    "timestamp": _moment,
    "execution_time_ms": _at_least_zero,
    "status": _status,
    "agent_id": _text,
    "error_code": _text,
    "error_message": _text,
    "error_stack": _text,
    "timeout_type": _text,
    "timeout_ms": _at_least_zero,
    "trace_id": _text,
    "span_id": _text,
    "parent_span_id": _text,
    "operation": _text,
    "service": _text,
    "feature": _text,
    "environment": _text,
    "model_version": _text,
    "prompt_version": _text,
    "user_id": _text,
    "session_id": _text,
    "model": _text,
    "tokens_used": _tokens,
    "cost_usd": _at_least_zero,
    "billed": _flag,
    "fallback_used": _flag,
    "fallback_ok": _flag,
    "fallback_ms": _at_least_zero,
    "eval_score": _scores,
    "confidence": _share,
    "feedback": _thumb,
    "hallucination": _flag,
    "sources": _list,
    "disclaimer": _flag,
    "prompt": _text,
    "response": _text,
    "sample_rate": _rate,
}
"""Every field in the order it is written, with what makes a value fit (None: it does not)."""


def encode(
    fields: Mapping[str, object], moment: float, defaults: Mapping[str, str], new_id: Callable[[str], str]
) -> bytes:
    """The line, newline included, at most MAX_LINE bytes; never raises.

    `moment` is when the record was made, in seconds since 1970; `defaults` may hold `service`, `environment` and
    `agent_id`; `new_id` gets "request_id" or "span_id". None means unknown and is not written. A value that does not
    fit its field, and every unknown field, is kept under `extra`.
    """
    line: dict[str, Plain] = {"v": 1, "kind": "request"}
    extra: dict[str, Plain] = {}
    for name, fit in FIELDS.items():
        value = fields.get(name)
        if value is None:
            continue
        fitted = fit(value)
        if fitted is not None:
            line[name] = fitted
        elif not isinstance(value, str) or value:
            put(extra, name, plain(value))
    for name, value in fields.items():
        if name not in FIELDS and value is not None:
            copy = plain(value)
            for key, item in copy.items() if name == "extra" and isinstance(copy, dict) else ((text(name), copy),):
                put(extra, key, item)
    _complete(line, extra, moment, defaults, new_id)
    if extra:
        line["extra"] = extra
    written = _json(_ordered(line)).encode() + b"\n"
    return written if len(written) <= MAX_LINE else _shortened(line, len(written))


def _complete(
    line: dict[str, Plain],
    extra: Mapping[str, Plain],
    moment: float,
    defaults: Mapping[str, str],
    new_id: Callable[[str], str],
) -> None:
    """Fill in what the caller left out."""
    if "kind" in extra:
        line["kind"] = "step"  # a kind nobody knows must not count as a request
    if "timestamp" not in line:
        took = line.get("execution_time_ms")
        start = moment - took / 1000 if isinstance(took, int | float) else moment
        line["timestamp"] = _moment(start) or _moment(moment)
    for name in ("service", "environment"):
        if name in defaults:
            line.setdefault(name, defaults[name])
    if line["kind"] in SPANS and "span_id" not in line:
        line["span_id"] = new_id("span_id")
    if line["kind"] != "request":
        return
    if "request_id" not in line:
        line["request_id"] = new_id("request_id")
    line.setdefault("execution_time_ms", None)
    line.setdefault("agent_id", defaults.get("agent_id") or line.get("service") or "unknown")
    if "status" in extra:
        line["status"] = "failed"  # an unknown status must be seen, not guessed to be good
        line.setdefault("error_code", "INVALID_STATUS")
    elif "status" not in line:
        line["status"] = "failed" if line.keys() & {"error_code", "error_message", "error_stack"} else "success"


_ORDER = {name: place for place, name in enumerate(("v", *FIELDS, "extra"))}


def _ordered(line: dict[str, Plain]) -> dict[str, Plain]:
    return {name: line[name] for name in sorted(line, key=_ORDER.__getitem__)}


def _shortened(line: dict[str, Plain], length: int) -> bytes:
    """The same record with short texts and without nested values: it fits whatever was in it."""
    short: dict[str, Plain] = {
        name: value[:_SHORT] if isinstance(value, str) else value
        for name, value in line.items()
        if not isinstance(value, list | dict) or name == "tokens_used"
    }
    short["extra"] = {"shortened_from_bytes": length}
    return _json(_ordered(short)).encode() + b"\n"
