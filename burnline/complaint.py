"""The one way the helper speaks up: a line on stderr, at most one a minute."""

from __future__ import annotations

import contextlib
import sys
import time

INTERVAL = 60.0


class Complaint:
    """Says what is wrong without flooding; what is not said is counted. Never raises."""

    def __init__(self) -> None:
        self._next = 0.0
        self._unsaid = 0

    def say(self, message: str) -> None:
        """Write the message to stderr unless something was said within INTERVAL."""
        now = time.monotonic()
        if now < self._next:
            self._unsaid += 1
            return
        self._next = now + INTERVAL  # before writing: stderr may lead back here
        unsaid, self._unsaid = self._unsaid, 0
        more = f" ({unsaid} more like this in the last minute)" if unsaid else ""
        with contextlib.suppress(Exception):  # stderr may be closed, None or anything
            sys.stderr.write(f"burnline: {message}{more}\n")
            sys.stderr.flush()


complaint = Complaint()
