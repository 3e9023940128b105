"""The live part of the sample: about one request a second, by the real helper, from a process of its own."""

from __future__ import annotations

import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

import burnline
from sample_logs.live import live

_ROOT = Path(__file__).resolve().parents[1]


class Trickle:
    """Runs `python -m sample_logs trickle` on `directory` between `start` and `stop`.

    The helper serves one service per process, so the trickle is a process. It ends with the one that started it,
    however that ends: its standard input ends then.
    """

    def __init__(self, directory: Path, *, seed: int, rate: float = 1.0) -> None:
        self.directory, self.seed, self.rate = directory, seed, rate
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin; does nothing when it already runs."""
        if self._process is not None:
            return
        words = [sys.executable, "-m", "sample_logs", "trickle", "--until-eof"]
        words += ["--directory", str(self.directory.resolve()), "--seed", str(self.seed), "--rate", str(self.rate)]
        # A session of its own: Ctrl-C in the terminal is for the server, which stops the trickle in its own time.
        self._process = subprocess.Popen(words, cwd=_ROOT, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603

    def stop(self) -> None:
        """End it, with every record made so far in its file; does nothing when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(directory: Path, *, seed: int, rate: float, requests: int | None = None, until: TextIO | None = None) -> None:
    """Write records as their time comes: `requests` requests, or until `until` ends, or without end."""
    burnline.configure(directory=directory)
    left = requests
    for written, fields in live(time.time_ns() // 1_000_000, seed=seed, rate=rate):
        if _ended(until, written / 1000 - time.time()):
            break
        burnline.record(**fields)
        if left is not None and "kind" not in fields:
            left -= 1
            if not left:
                break
    burnline.flush()


def _ended(until: TextIO | None, seconds: float) -> bool:
    """Wait; whether `until` ended meanwhile. What is typed there is of no interest."""
    due = time.monotonic() + seconds
    while True:
        left = max(due - time.monotonic(), 0.0)
        if until is None:
            time.sleep(left)
            return False
        if not select.select([until], [], [], left)[0]:
            return False
        if not until.readline():
            return True
