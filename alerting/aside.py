"""Work a message can do without: what takes too long is left out, and nothing else waits behind it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("burnline.alerting")

Result = TypeVar("Result")


class Aside:
    """One piece of work at a time, in a thread of its own."""

    def __init__(self) -> None:
        self._busy = threading.Lock()

    def in_time(self, seconds: float, work: Callable[[], Result], name: str) -> Result | None:
        """What `work` returns; None, with a line in the log, when it fails or takes too long.

        Work that took too long ends by itself; until then no other is begun.
        """
        if not self._busy.acquire(blocking=False):
            log.warning("No time for the %s: the last one is still being looked for", name)
            return None
        answers: list[Result] = []

        def run() -> None:
            try:
                answers.append(work())
            except Exception:
                log.exception("The %s could not be had; the message goes out without", name)
            finally:
                self._busy.release()

        thread = threading.Thread(target=run, name="aside", daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            log.warning("The %s took longer than %g s; the message goes out without", name, seconds)
        return answers[0] if answers else None
