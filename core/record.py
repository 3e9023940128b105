"""The record: the fields of one line, version 1, and the frame metrics get (docs/log-format.md).

This module is the one place that names the columns; the store's table, both parsers and the metrics' frames are
built from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VERSION = 1

Kind = Literal["request", "llm", "tool", "retrieval", "step", "eval", "feedback", "host", "deploy", "drops"]
KINDS: tuple[Kind, ...] = (
    "request",
    "llm",
    "tool",
    "retrieval",
    "step",
    "eval",
    "feedback",
    "host",
    "deploy",
    "drops",
)
SPAN_KINDS: tuple[Kind, ...] = ("llm", "tool", "retrieval", "step")

Status = Literal["success", "timeout", "failed", "cancelled", "rejected"]
STATUSES: tuple[Status, ...] = ("success", "timeout", "failed", "cancelled", "rejected")
EXCLUDED_STATUSES: tuple[Status, ...] = ("cancelled", "rejected")
"""Kept, shown, and left out of the SLI: the caller went away or was refused on purpose."""

REQUIRED = ("request_id", "timestamp", "execution_time_ms", "status", "agent_id")
"""Fields a request cannot do without. A timeout or failure may have a null `execution_time_ms`."""

SqlType = Literal["VARCHAR", "DOUBLE", "BIGINT", "BOOLEAN", "TIMESTAMPTZ", "JSON"]


@dataclass(frozen=True, slots=True)
class Column:
    """One stored column. `path` is where it stands in the JSON line; None means its own name."""

    name: str
    type: SqlType
    path: tuple[str, str] | None = None


COLUMNS: tuple[Column, ...] = (
    Column("kind", "VARCHAR"),
    Column("request_id", "VARCHAR"),
    Column("timestamp", "TIMESTAMPTZ"),
    Column("execution_time_ms", "DOUBLE"),
    Column("status", "VARCHAR"),
    Column("agent_id", "VARCHAR"),
    Column("error_code", "VARCHAR"),
    Column("error_message", "VARCHAR"),
    Column("error_stack", "VARCHAR"),
    Column("timeout_type", "VARCHAR"),
    Column("timeout_ms", "DOUBLE"),
    Column("trace_id", "VARCHAR"),
    Column("span_id", "VARCHAR"),
    Column("parent_span_id", "VARCHAR"),
    Column("operation", "VARCHAR"),
    Column("service", "VARCHAR"),
    Column("feature", "VARCHAR"),
    Column("environment", "VARCHAR"),
    Column("model_version", "VARCHAR"),
    Column("prompt_version", "VARCHAR"),
    Column("user_id", "VARCHAR"),
    Column("session_id", "VARCHAR"),
    Column("model", "VARCHAR"),
    Column("tokens_input", "BIGINT", ("tokens_used", "input")),
    Column("tokens_output", "BIGINT", ("tokens_used", "output")),
    Column("cost_usd", "DOUBLE"),
    Column("billed", "BOOLEAN"),
    Column("fallback_used", "BOOLEAN"),
    Column("fallback_ok", "BOOLEAN"),
    Column("fallback_ms", "DOUBLE"),
    Column("eval_score", "JSON"),
    Column("confidence", "DOUBLE"),
    Column("feedback", "BIGINT"),
    Column("hallucination", "BOOLEAN"),
    Column("sources", "JSON"),
    Column("disclaimer", "BOOLEAN"),
    Column("prompt", "VARCHAR"),
    Column("response", "VARCHAR"),
    Column("sample_rate", "DOUBLE"),
    Column("extra", "JSON"),
)
COLUMN_NAMES = tuple(column.name for column in COLUMNS)

LINE_KEYS = frozenset({"v", *(column.path[0] if column.path else column.name for column in COLUMNS)})
"""Top-level keys a version 1 line may carry; any other key goes to `extra`."""

REQUEST_FRAME = (
    "request_id", "timestamp", "execution_time_ms", "status", "agent_id", "operation", "model", "environment",
    "service", "error_code", "timeout_type", "timeout_ms", "fallback_used", "fallback_ok", "cost_usd",
    "tokens_input", "tokens_output", "user_id", "trace_id", "sample_rate",
)  # fmt: skip
"""Columns of the frames metrics work on: `timestamp` is Datetime[us, UTC], `sample_rate` is never null."""
