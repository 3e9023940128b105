"""The request being served: one record, whatever contributes to it, and the spans inside it."""

from __future__ import annotations

import atexit
import os
import time
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING

from burnline.line import SPANS
from burnline.plain import MAX_TEXT, plain
from burnline.settings import Settings, settings
from burnline.writer import EXIT_BUDGET, Writer, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

_OUTCOME = ("status", "error_", "timeout_", "fallback_")
_INSIDE = SPANS | {"eval", "feedback"}
_UNCHANGING = frozenset({str, int, float, bool, type(None), datetime})

current: ContextVar[Request | None] = ContextVar("burnline_request", default=None)
"""The request this code runs in. A finished one is still there in tasks that outlive it; see `serving`."""


_in_force = settings()


def _settings() -> Settings:
    return _in_force


_writer = Writer(_settings)


def configure(
    directory: str | os.PathLike[str] | None = None,
    *,
    service: str | None = None,
    environment: str | None = None,
    agent_id: str | None = None,
    max_bytes: int | None = None,
) -> None:
    """Say where lines go and what a record says by default; call it once, before the first record.

    `directory` is made when the first line is written (default: `BURNLINE_INBOX`, else `logs`). `service` and
    `environment` stand in every record (`BURNLINE_SERVICE`, `BURNLINE_ENVIRONMENT`); `agent_id` in every request that
    names none (default: the service). A file of more than `max_bytes` is left and another begun. Raises ValueError
    for a `max_bytes` below 1, and nothing for a folder that cannot be written: that is said on stderr.
    """
    global _in_force  # noqa: PLW0603 - the one setting of this process
    _in_force = settings(directory, service, environment, agent_id, max_bytes)


def flush(timeout: float = EXIT_BUDGET) -> bool:
    """Wait until every record made so far is in the file; False when that took longer than `timeout` seconds."""
    return _writer.flush(timeout)


def record(**fields: object) -> None:
    """Write one record (docs/log-format.md): a request unless `kind` says otherwise. Never raises, never waits.

    Left out, `timestamp` is now minus `execution_time_ms`, and `request_id` a new UUID. A span, evaluation or feedback
    made inside a request belongs to it: it gets that request's ids. What cannot be written as given is kept under
    `extra`. Values are taken as they are now; changing them later changes nothing.
    """
    moment = time.time()
    try:
        if "kind" in fields:
            _join(fields)
        _writer.put(moment, _frozen(fields))
    except Exception as error:  # noqa: BLE001 - whatever happens here is not the caller's problem
        _writer.drop(moment, f"cannot be recorded: {type(error).__name__}")


def annotate(**fields: object) -> None:
    """Add fields to the record of the request being served: `model`, `tokens_used`, `user_id`, ...

    Does nothing outside a request.
    """
    request = serving()
    if request is not None:
        request.note(fields)


def serving() -> Request | None:
    """The request this code runs in, unless its record is already written."""
    request = current.get()
    return None if request is None or request.closed else request


class Request:
    """One request from its start to its record."""

    __slots__ = (
        "_began",
        "_failure",
        "_noted",
        "closed",
        "parent_span_id",
        "request_id",
        "span_id",
        "started",
        "trace_id",
    )

    def __init__(self, trace_id: str = "", parent_span_id: str = "") -> None:
        self.request_id, self.span_id = new_id("request_id"), new_id("span_id")
        self.trace_id, self.parent_span_id = trace_id or new_id("trace_id"), parent_span_id
        self.started, self._began = time.time(), time.monotonic()
        self._noted: dict[str, object] = {}
        self._failure: Mapping[str, object] = {}
        self.closed = False

    @property
    def elapsed(self) -> float:
        """Seconds since the start, by the clock that never goes back."""
        return time.monotonic() - self._began

    def note(self, fields: Mapping[str, object]) -> None:
        """Say something about this request; it stands over the outcome its server sees."""
        self._noted.update(_frozen(fields))
        if isinstance(own := fields.get("request_id"), str) and own:
            self.request_id = own

    def happened(self, part: Mapping[str, object]) -> None:
        """Take in what became of a guarded call inside this request.

        A cut call makes it a timeout, and a failed one that needed its fallback a failure, whatever is answered in the
        end; of several the last. Any other failure is only remembered, to explain an answer that is no more than "500".
        """
        if part["status"] == "timeout" or "fallback_used" in part:
            self._noted = {**_without_outcome(self._noted), **part}
        elif part["status"] == "failed":
            self._failure = part

    def close(self, outcome: Mapping[str, object]) -> None:
        """Write the record, once. `outcome` is what the server or the guard saw: `status` and what explains it."""
        if self.closed:
            return
        self.closed = True
        noted: Mapping[str, object] = self._noted
        if noted.get("fallback_ok") and outcome["status"] != "success":  # rescued, and then it ended badly all the same
            noted = _without_outcome(noted)
        explained = self._failure if outcome["status"] == "failed" and "error_stack" not in outcome else {}
        own = {
            "request_id": self.request_id,
            "timestamp": self.started,
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "parent_span_id": self.parent_span_id or None,
            "execution_time_ms": round(self.elapsed * 1000, 3),
        }
        record(**{**own, **outcome, **explained, **noted, "kind": "request"})


def _without_outcome(noted: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in noted.items() if not name.startswith(_OUTCOME)}


def _frozen(fields: Mapping[str, object]) -> Mapping[str, object]:
    """The fields when nothing in them can change, else a copy; texts of any length are cut here, not in the queue."""
    for value in fields.values():
        kind = type(value)
        if kind not in _UNCHANGING or (kind is str and len(value) > MAX_TEXT):  # type: ignore[arg-type]
            return {name: item if type(item) is datetime else plain(item) for name, item in fields.items()}
    return fields


def _join(fields: dict[str, object]) -> None:
    """Make a span or an event part of the request being served, where the caller did not say otherwise."""
    request, kind = current.get(), fields.get("kind")
    if request is None or not isinstance(kind, str) or kind not in _INSIDE or "request_id" in fields:
        return
    fields["request_id"] = request.request_id
    fields.setdefault("trace_id", request.trace_id)
    if kind in SPANS:
        fields.setdefault("parent_span_id", request.span_id)


def _after_fork() -> None:
    global _writer  # noqa: PLW0603 - the child's own queue, thread and file
    _writer = Writer(_settings)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(lambda: _writer.close())  # noqa: PLW0108 - the writer at exit may be a forked child's
