"""JSON lines of structlog, python-json-logger and their like, carrying the fields of a request among their own."""

from __future__ import annotations

from typing import Any

from loaders.refusal import Refused

TIMES = ("time", "ts", "@timestamp", "asctime")
"""Where loggers put the time when not in `timestamp`, most exact first."""

STACKS = ("exception", "exc_info")
"""Where structlog and python-json-logger put a traceback."""

MESSAGES = ("event", "message", "msg")
LEVELS = ("level", "levelname", "severity")
RECORD_FIELDS = ("request_id", "execution_time_ms", "status", "kind")


def claims(line: dict[str, Any]) -> bool:
    """Whether a logger wrote this line: a level, a message or a logger's name for the time."""
    return any(key in line for key in (*MESSAGES, *LEVELS, *TIMES))


def records(line: dict[str, Any]) -> list[dict[str, Any]]:
    """One record, the logger's own keys kept in `extra`; Refused for a log line that is not about a request."""
    if not any(key in line for key in RECORD_FIELDS):
        raise Refused(
            "not_a_record",
            "an ordinary log line: none of request_id, execution_time_ms, status, kind is on it",
        )
    record = dict(line)
    _adopt(record, "timestamp", TIMES)
    _adopt(record, "error_stack", STACKS)
    return [record]


def _adopt(record: dict[str, Any], field: str, names: tuple[str, ...]) -> None:
    """Move what the logger calls by one of `names` into `field`, unless that is there."""
    for name in names:
        if record.get(field) is None and record.get(name) is not None:
            record[field] = record.pop(name)
