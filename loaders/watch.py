"""Watches the inbox: events wake it, a scan tells the truth, one thread appends."""

from __future__ import annotations

import errno
import logging
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from core.services import WorkerHealth
from loaders.events import Events
from loaders.intake import Intake
from loaders.known import StoreFailed
from loaders.reading import PATIENT, Patience
from loaders.scan import scan, shown

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from core.timespan import Clock
    from loaders.known import GenerationStore

log = logging.getLogger("burnline.loaders")

_BATCH_S = 0.2
"""Commits follow each other no faster than this while lines keep coming; together they cost one commit."""
_POLL_S = 0.1
"""Between two looks when nothing tells of changes, at least; looking takes a fifth of a processor at most."""
_WORST_BACK_OFF_S = 30.0


class Watcher:
    """Keeps the store up to date with a folder, from `start` to `stop`.

    watcher = Watcher(store, Path("logs"), clock=utc_now)
    watcher.start()
    """

    def __init__(
        self,
        store: GenerationStore,
        inbox: Path,
        *,
        clock: Clock,
        scan_interval: timedelta = timedelta(seconds=2),
        polling: bool = False,
        patience: Patience = PATIENT,
    ) -> None:
        self.inbox = inbox.resolve()
        self._clock, self._interval_s, self._polling = clock, scan_interval.total_seconds(), polling
        self._intake = Intake(store, clock=clock, patience=patience)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._reading = threading.Lock()
        self._events: Events | None = None
        self._thread: threading.Thread | None = None
        self._beat = clock()
        self._behind_since: datetime | None = None
        self._trouble = ""
        self._refused: dict[Path, str] = {}

    @property
    def mode(self) -> Literal["events", "polling"]:
        """Whether the operating system tells of changes, or the folder is looked at again and again."""
        return "events" if self._events and self._events.alive else "polling"

    def start(self) -> None:
        """Watch in the background. The folder is made when it is missing."""
        try:
            self.inbox.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            log.warning("The inbox %s cannot be made: %s", self.inbox, error.strerror)
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the piece in hand, commit it and stop."""
        self._stopping.set()
        self._wake.set()
        if self._thread:
            self._thread.join()
            self._thread = None
        if self._events:
            self._events.stop()
        self._intake.forget()

    def wake(self) -> None:
        """Look now rather than at the next scan."""
        self._wake.set()

    def scan_once(self) -> int:
        """Read everything there is, now and on this thread; the number of lines committed. StoreFailed, OSError."""
        total = 0
        more = True
        while more and not self._stopping.is_set():
            lines, more = self._round()
            total += lines
        return total

    def lag(self, now: datetime) -> timedelta:
        """For how long there has been something on disk that is not yet in the store."""
        return now - self._behind_since if self._behind_since else timedelta(0)

    def health(self) -> WorkerHealth:
        """Alive, last round, and in words: what is wrong, or how files are watched."""
        alive = self._thread is not None and self._thread.is_alive()
        return WorkerHealth("watcher", alive, self._beat, detail=self._trouble or f"watching by {self.mode}")

    def notes(self) -> tuple[str, ...]:
        """One sentence for everything that is not read, and why."""
        parts = {**self._refused, **self._intake.troubles(), **self._intake.waiting()}
        files = tuple(f"{shown(path)}: {why}" for path, why in sorted(parts.items()))
        return (self._trouble, *files) if self._trouble else files

    def _round(self) -> tuple[int, bool]:
        with self._reading:
            listing = scan(self.inbox)
            self._refused = {**listing.refused, **listing.unlisted}
            try:
                lines, more = self._intake.round(listing)
            except StoreFailed:
                self._intake.forget()
                raise
            self._beat = self._clock()
            self._behind_since = (self._behind_since or self._beat) if more else None
            return lines, more

    def _run(self) -> None:
        back_off = 0.0
        while not self._stopping.is_set():
            self._watch()
            self._wake.clear()
            began = time.perf_counter()
            try:
                lines, more = self._round()
                back_off, self._trouble = 0.0, ""
            except Exception as error:  # noqa: BLE001 - said aloud, and tried again
                lines, more, back_off = 0, False, min(_WORST_BACK_OFF_S, back_off * 2 or 0.5)
                self._behind_since = self._behind_since or self._clock()
                self._say(error)
            if lines or more:
                self._stopping.wait(0 if more else _BATCH_S)
            else:
                self._rest(max(back_off, time.perf_counter() - began))

    def _rest(self, least: float) -> None:
        """Nothing new: wait `least`, as long as looking took, and then for a sign or the next scan."""
        if not self._stopping.wait(least):  # a stop sets its flag before it wakes
            polls = min(max(_POLL_S, 4 * least), self._interval_s)
            self._wake.wait(self._interval_s if self.mode == "events" else polls)

    def _watch(self) -> None:
        """Have events of the folder as it is now; it may have been made anew since."""
        if self._polling:
            return
        if self._events and not self._events.current():
            self._events.stop()
            self._events = None
        if self._events is None:
            try:
                self._events = Events.of(self.inbox, self.wake)
            except (FileNotFoundError, NotADirectoryError):
                return  # the scan says so
            except OSError as error:
                log.warning("No file events for %s (%s); looking again and again instead", shown(self.inbox), error)
            self._polling = self._events is None

    def _say(self, error: Exception) -> None:
        """Keep what is wrong where people look, and log it when it is news."""
        if isinstance(error, OSError):
            text = f"The inbox {shown(self.inbox)} cannot be read: {error.strerror}. Reading resumes when it is back."
        elif _disk_full(error):
            text = f"The disk is full: reading pauses and resumes when there is room. {error}"
        elif isinstance(error, StoreFailed):
            text = f"Reading pauses: {error}"
        else:
            text = f"Reading pauses after an unexpected error: {error!r}"
        if text != self._trouble:
            log.error("%s", text, exc_info=None if isinstance(error, OSError | StoreFailed) else error)
        self._trouble = text


def _disk_full(error: BaseException | None) -> bool:
    while error is not None:
        if getattr(error, "errno", None) == errno.ENOSPC or "no space left" in str(error).lower():
            return True
        error = error.__cause__
    return False
