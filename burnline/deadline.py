"""What it means to be cut, and the one way to cut an awaitable for good."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

R = TypeVar("R")

GRACE = 0.05
"""Seconds an async call gets to clean up after it was cut, before it is left to itself."""

_abandoned: set[asyncio.Future[Any]] = set()
"""Tasks that ignore their cancellation; asyncio itself keeps no reference to them."""


class DeadlineExceeded(TimeoutError):  # noqa: N818 - named for what happened
    """A call was cut.

    `limit` and `elapsed` are seconds, `error_code` is what the record says, `stack` where the call stood when it was
    cut ("" when that cannot be known).
    """

    def __init__(
        self, operation: str, limit: float, elapsed: float, error_code: str = "API_TIMEOUT", stack: str = ""
    ) -> None:
        self.operation, self.limit, self.elapsed = operation, limit, elapsed
        self.error_code, self.stack = error_code, stack
        super().__init__(f"{operation} was cut after {elapsed:.3f} s, its limit is {limit:g} s")

    def __reduce__(self) -> tuple[type[DeadlineExceeded], tuple[str, float, float, str, str]]:
        return type(self), (self.operation, self.limit, self.elapsed, self.error_code, self.stack)


def outcome(error: BaseException) -> dict[str, object]:
    """The record's fields for a call that ended with this exception: timeout, failed, or cancelled from outside."""
    if isinstance(error, DeadlineExceeded):
        return {
            "status": "timeout",
            "error_code": error.error_code,
            "error_message": str(error),
            "error_stack": error.stack,
            "timeout_type": error.error_code.removesuffix("_TIMEOUT").lower(),
            "timeout_ms": error.limit * 1000,
        }
    if not isinstance(error, Exception):  # CancelledError, KeyboardInterrupt, SystemExit: nobody waits any more
        return {"status": "cancelled"}
    return {
        "status": "failed",
        "error_code": type(error).__name__,
        "error_message": message(error),
        "error_stack": stack(error),
    }


def message(error: BaseException) -> str:
    """The exception's text, whatever its `__str__` does."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - foreign code
        return f"<{type(error).__name__}>"


def stack(error: BaseException) -> str:
    """The exception's traceback as text, whatever the exception does."""
    import traceback  # noqa: PLC0415 - `import burnline` stays cheap

    try:
        return "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 - foreign code
        return ""


async def within(
    limit: float,
    awaitable: Awaitable[R],
    exceeded: Callable[[str], DeadlineExceeded],
    spared: Callable[[], bool] = lambda: False,
) -> R:
    """The awaitable's result within `limit` seconds, or what `exceeded` makes of the stack it was cut at.

    It runs as a task of its own: one that ignores its cancellation cannot hold the caller, it is left behind. A
    cancellation from outside is passed on and waited for within the limit. When `spared()` is true at the limit, the
    awaitable is waited for to its end.
    """
    import asyncio  # noqa: PLC0415 - dear to import, and always there already where this runs

    end = time.monotonic() + limit
    task = asyncio.ensure_future(awaitable)
    try:
        while not task.done() and (left := end - time.monotonic()) > 0:
            await asyncio.wait({task}, timeout=left)  # uvloop counts whole milliseconds: it wakes early
        if not task.done() and spared():
            await asyncio.wait({task})
    except asyncio.CancelledError:
        await _cancel(task, max(end - time.monotonic(), GRACE))
        raise
    if task.done():
        return task.result()
    raise exceeded(await _cancel(task, GRACE))


async def _cancel(task: asyncio.Future[Any], grace: float) -> str:
    """Cancel and wait a little; the stack the task was cancelled at, "" when it did not stop."""
    import asyncio  # noqa: PLC0415 - see above

    _abandoned.add(task)
    task.add_done_callback(_forget)
    task.cancel()
    await asyncio.wait({task}, timeout=grace)
    if not task.done():
        return ""
    try:
        task.result()
    except BaseException as error:  # noqa: BLE001 - only its traceback is of interest
        return stack(error)
    return ""


def _forget(task: asyncio.Future[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # asked for, so that asyncio does not complain that nobody did
