"""OTLP/JSON lines: a batch of spans per line, as the OpenTelemetry file exporter writes them."""

from __future__ import annotations

from typing import Any

from loaders.refusal import Refused

BATCHES = ("resourceSpans", "resourceLogs", "resourceMetrics")


def claims(line: dict[str, Any]) -> bool:
    """Whether this line is a batch of an OpenTelemetry exporter."""
    return any(key in line for key in BATCHES)


def records(line: dict[str, Any]) -> list[dict[str, Any]]:
    """One record per span."""
    raise Refused("not_a_record", f"OTLP batches are not read yet, found {', '.join(line)}")
