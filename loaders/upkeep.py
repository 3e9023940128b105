"""Keeps the roll-ups up to date behind the reading, and compares them with the rows they count."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from core.services import WorkerHealth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.timespan import Clock

log = logging.getLogger("burnline.loaders")

COMPARED_EVERY = timedelta(days=1)
_PAUSE_S = 0.05
"""Between two steps, so that a chunk waiting to be stored goes first."""
_REST_S = 5.0
_LATE_AFTER = timedelta(minutes=5)


class RolledStore(Protocol):
    """What is kept up to date."""

    def roll_up(self, now: datetime) -> int:
        """Roll up a few hours that are over; 0 when none is left."""
        ...

    def verify_rollups(self) -> Sequence[object]:
        """Drop and name what differs from the rows."""
        ...


class Upkeep:
    """Rolls up from `start` to `stop`, while `behind()` is false: hours still being read would be rolled twice.

    Wrong roll-ups are dropped (and answered from the rows) at the first comparison after a start, then once a day.
    """

    def __init__(self, store: RolledStore, *, behind: Callable[[], bool], clock: Clock) -> None:
        self._store, self._behind, self._clock = store, behind, clock
        self._beat = clock()
        self._compared: datetime | None = None
        self._trouble = ""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Work in the background."""
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the step in hand and stop."""
        self._stopping.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def step(self) -> bool:
        """One piece of work; whether there is more to do at once."""
        self._beat = now = self._clock()
        if self._behind():
            return False
        if self._store.roll_up(now):
            return True
        if self._compared is not None and now - self._compared < COMPARED_EVERY:
            return False
        wrong = self._store.verify_rollups()
        self._compared = now
        if wrong:
            log.error("%d roll-ups did not count what their rows count; they are made anew from the rows", len(wrong))
        return bool(wrong)

    def health(self) -> WorkerHealth:
        """Alive, last step, and what is wrong."""
        alive = self._thread is not None and self._thread.is_alive()
        return WorkerHealth("upkeep", alive, self._beat, _LATE_AFTER, self._trouble)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                more, self._trouble = self.step(), ""
            except Exception as error:
                more, text = False, f"Roll-ups wait: {error}"
                if text != self._trouble:
                    log.exception("Roll-ups wait; answers come from the rows meanwhile, more slowly")
                self._trouble = text
            self._stopping.wait(_PAUSE_S if more else _REST_S)
