"""The file of this process: made once under a name nobody else has, appended to, never renamed."""

from __future__ import annotations

import errno
import os
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import deque

    from burnline.settings import Settings

_FLAGS = (
    os.O_WRONLY
    | os.O_APPEND
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_FULL = (errno.ENOSPC, errno.EDQUOT)


class LogFile:
    """Appends whole lines. Used by one thread."""

    def __init__(self) -> None:
        self._fd = -1
        self._path = ""
        self._identity = (0, 0)
        self._size = 0
        self._torn = 0  # bytes of the first waiting line that are already in the file

    def write(self, lines: deque[bytes], settings: Settings) -> None:
        """Append the lines, taking out each that is in the file; OSError leaves the others in, to be tried again.

        A line that was cut by a full disk is completed when there is room; in a new file it starts over.
        """
        self._ready(settings)
        while lines:
            try:
                written = os.write(self._fd, b"".join(lines)[self._torn :])
            except OSError as error:
                if error.errno not in _FULL:
                    self.close()
                raise
            self._size += written
            written += self._torn
            while lines and written >= len(lines[0]):
                written -= len(lines.popleft())
            self._torn = written

    def close(self) -> None:
        """Leave the file; the next write begins another."""
        fd, self._fd, self._torn = self._fd, -1, 0
        if fd >= 0:
            os.close(fd)

    def _ready(self, settings: Settings) -> None:
        if self._fd >= 0 and not self._is_ours(settings):
            self.close()
        if self._fd < 0:
            self._open(settings)

    def _is_ours(self, settings: Settings) -> bool:
        """Whether to go on with the open file: right folder, not too large, still there under its name."""
        if os.path.dirname(self._path) != settings.directory or (self._size >= settings.max_bytes and not self._torn):  # noqa: PTH120
            return False
        try:
            found = os.stat(self._path, follow_symlinks=False)  # noqa: PTH116
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def _open(self, settings: Settings) -> None:
        os.makedirs(settings.directory, mode=0o700, exist_ok=True)  # noqa: PTH103
        self._path = os.path.join(settings.directory, _name())  # noqa: PTH118
        self._fd = os.open(self._path, _FLAGS, 0o600)
        found = os.fstat(self._fd)
        self._identity, self._size = (found.st_dev, found.st_ino), 0


def _name() -> str:
    """host-pid-start-random.jsonl, with nothing a shell or another system would mind."""
    host = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    host = re.sub(r"[^A-Za-z0-9._-]", "_", host)[:60].lstrip(".-") or "host"
    start = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return f"{host}-{os.getpid()}-{start}-{os.urandom(4).hex()}.jsonl"
