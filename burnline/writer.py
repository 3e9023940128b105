"""From the caller's thread to the file: a bounded queue and one daemon thread.

The caller's thread appends to a deque and takes no lock, so a record made in a signal handler, in `__del__` or in the
writer itself cannot deadlock. The thread writes what is there, rests for TICK, and sleeps when nothing came; the first
record after that wakes it, and so does a queue of WAKE_AT within a tick.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from burnline.complaint import complaint
from burnline.file import LogFile
from burnline.line import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from burnline.settings import Settings

CAPACITY = 10_000
WAKE_AT = 500
TICK = 0.05
RETRY = 1.0
BATCH = 32
"""Lines encoded and written in one go; between two goes other threads get their turn."""
EXIT_BUDGET = 5.0


def new_id(name: str) -> str:
    """A random id: a UUID for a request, 16 or 32 hexadecimal digits for a span or a trace (W3C)."""
    if name != "request_id":
        return os.urandom(16 if name == "trace_id" else 8).hex()
    raw = bytearray(os.urandom(16))
    raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class Writer:
    """Takes records and writes them. One per process: a forked child makes its own."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        *,
        capacity: int = CAPACITY,
        identify: Callable[[str], str] = new_id,
    ) -> None:
        self._settings, self._capacity, self._identify = settings, capacity, identify
        self._queue: deque[tuple[float, Mapping[str, object]] | threading.Event] = deque()
        self._lines: deque[bytes] = deque()  # encoded, not yet in the file
        self._flushes: list[threading.Event] = []  # to be set once self._lines are written
        self._file = LogFile()
        self._wake_at = 1  # the queue length at which a record rings
        self._bell = threading.Lock()  # held by nobody in particular; releasing it rings
        self._bell.acquire()
        self._starting = threading.Lock()
        self._dropping = threading.RLock()
        self._thread: threading.Thread | None = None
        self._exiting = False
        self._dropped, self._reason, self._first, self._last = 0, "", 0.0, 0.0

    def put(self, moment: float, fields: Mapping[str, object]) -> None:
        """Queue a record made at `moment` (seconds since 1970); `fields` must not change any more."""
        length = len(self._queue)
        if length >= self._capacity:
            self._full(moment, fields)
            return
        self._queue.append((moment, fields))
        if length >= self._wake_at - 1:
            self._ring()

    def flush(self, timeout: float = EXIT_BUDGET) -> bool:
        """Wait until every record put before is in the file; False when that took longer than `timeout` seconds."""
        if threading.current_thread() is self._thread or (self._thread is None and not (self._queue or self._dropped)):
            return self._thread is None
        written = threading.Event()
        self._queue.append(written)
        self._ring()
        return written.wait(timeout)

    def close(self, timeout: float = EXIT_BUDGET) -> None:
        """The end of the process: flush; what is recorded from now on is written before `put` returns."""
        done = self.flush(timeout)
        self._exiting, self._capacity = True, 0
        if not done:
            left = len(self._queue) + len(self._lines)
            complaint.say(f"gave up after {timeout:g} s at exit, {left} records are not written")

    def drop(self, moment: float, reason: str) -> None:
        """Count a record that cannot be kept; a record of kind `drops` tells later."""
        with self._dropping:
            self._first = self._first if self._dropped else moment
            self._dropped += 1
            self._last, self._reason = moment, reason

    def _full(self, moment: float, fields: Mapping[str, object]) -> None:
        if self._exiting:
            self._queue.append((moment, fields))
            self.flush(1.0)
        else:
            self.drop(moment, "queue full")

    def _ring(self) -> None:
        if self._thread is None and not self._start():
            return
        self._wake_at = sys.maxsize  # before the bell: whoever answers it sets this again
        with contextlib.suppress(RuntimeError):  # already rung
            self._bell.release()

    def _start(self) -> bool:
        if not self._starting.acquire(blocking=False):
            return True  # another thread is at it, or the code that this signal handler interrupted
        try:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="burnline-writer", daemon=True)
                self._thread.start()
        except RuntimeError as error:
            self._thread, self._wake_at = None, 1
            complaint.say(f"cannot start the writing thread ({error}); records wait in memory")
            return False
        finally:
            self._starting.release()
        # Children of multiprocessing end without atexit; this is what they run instead.
        if (util := sys.modules.get("multiprocessing.util")) is not None:
            util.Finalize(None, self.flush, (EXIT_BUDGET,), exitpriority=0)
        return True

    def _run(self) -> None:
        while True:
            try:
                self._rest(worked=self._work())
            except Exception as error:  # noqa: BLE001 - this thread outlives whatever happens
                where = self._settings().directory
                complaint.say(f"cannot write to {where} ({error}); up to {self._capacity} records wait in memory")
                self._bell.acquire(timeout=RETRY)

    def _rest(self, *, worked: bool) -> None:
        """A tick when there was work; without work, until the next record."""
        if worked:
            self._bell.acquire(timeout=TICK)
        else:
            self._wake_at = 1
            if not self._queue:  # looked at after the line above, so that no record slips between
                self._bell.acquire()
        self._wake_at = WAKE_AT

    def _work(self) -> bool:
        """Write until nothing waits; whether there was anything to write."""
        worked = False
        while self._queue or self._lines or self._dropped:
            worked = True
            self._encode()
            if self._lines:
                self._file.write(self._lines, self._settings())
            while self._flushes:
                self._flushes.pop().set()
        return worked

    def _encode(self) -> None:
        """Turn up to BATCH records into lines."""
        defaults = self._settings().defaults
        while self._queue and len(self._lines) < BATCH:
            item = self._queue.popleft()
            if isinstance(item, threading.Event):
                self._flushes.append(item)
                continue
            moment, fields = item
            try:
                self._lines.append(encode(fields, moment, defaults, self._identify))
            except Exception as error:  # noqa: BLE001 - one record must not hold up the others
                self.drop(moment, f"cannot be encoded: {type(error).__name__}")
        due = not self._queue or self._last - self._first >= 1
        if self._dropped and due and len(self._lines) <= BATCH:  # a disk that stays full must not gather these
            self._lines.append(self._drops(defaults))

    def _drops(self, defaults: Mapping[str, str]) -> bytes:
        with self._dropping:
            count, self._dropped = self._dropped, 0
            first, last, reason = self._first, self._last, self._reason
        fields = {"kind": "drops", "dropped": count, "from": _iso(first), "to": _iso(last), "reason": reason}
        return encode(fields, last, defaults, self._identify)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")
