"""A sync call within a limit: on a thread of its own, left behind when it does not end in time."""

from __future__ import annotations

import contextvars
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, TypeVar

from burnline.complaint import complaint

if TYPE_CHECKING:
    from collections.abc import Callable

    from burnline.deadline import DeadlineExceeded

R = TypeVar("R")

THREADS = 64
"""Calls that may run at the same time, those left behind included; one more waits within its limit."""

_slots = threading.BoundedSemaphore(THREADS)


def on_thread(limit: float, call: Callable[[], R], exceeded: Callable[[str], DeadlineExceeded]) -> R:
    """The call's result within `limit` seconds, or what `exceeded` makes of the stack it stood at.

    The call sees the caller's context variables; what it sets in them stays with it. Its exceptions are the caller's.
    """
    end, slots = time.monotonic() + limit, _slots
    if not slots.acquire(timeout=limit):
        raise exceeded(f"no thread was free: {THREADS} guarded calls are running\n")
    results: list[R] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again on the caller's thread
            errors.append(error)
        finally:
            slots.release()
            done.set()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="burnline-guard", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        complaint.say(f"cannot start a thread ({error}); a guarded call runs without its limit")
        run()
    if not done.wait(max(end - time.monotonic(), 0)):
        raise exceeded(_stack(thread.ident))
    if errors:
        raise errors.pop()
    return results.pop()


def _stack(thread: int | None) -> str:
    import traceback  # noqa: PLC0415 - `import burnline` stays cheap

    frame = sys._current_frames().get(thread or 0)  # noqa: SLF001 - the documented way to see another thread's stack
    return "".join(traceback.format_stack(frame)) if frame is not None else ""


def _after_fork() -> None:
    global _slots  # noqa: PLW0603 - the threads that hold slots are not in the child
    _slots = threading.BoundedSemaphore(THREADS)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
