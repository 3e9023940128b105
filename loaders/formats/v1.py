"""Burnline's own lines: one record each (docs/log-format.md)."""

from __future__ import annotations

from typing import Any


def claims(line: dict[str, Any]) -> bool:
    """Whether this line says it is one of ours."""
    return "v" in line and "timestamp" in line


def records(line: dict[str, Any]) -> list[dict[str, Any]]:
    """The line is the record."""
    return [line]
