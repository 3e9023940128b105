"""A file on this machine: one JSON line per message, on the disk before it counts as delivered."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from alerting.channels.body import as_body, message_id
from alerting.channels.channel import DeliveryError, Receipt
from alerting.channels.deadline import ATTEMPT_SECONDS, within
from alerting.channels.parts import repeats
from core.timespan import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerting.message import Message
    from core.channels import FileSettings
    from core.timespan import Clock

_FIXABLE = frozenset({errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.EROFS, errno.ENAMETOOLONG})


class FileChannel:
    """Appends to a file that may be rotated at any time; its folder is made when it is missing."""

    def __init__(
        self,
        settings: FileSettings,
        _secret: Callable[[str], str],
        *,
        deadline: float = ATTEMPT_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        self._path, self._deadline, self._clock = Path(settings.path), deadline, clock

    def send(self, message: Message) -> Receipt:
        """Append and sync; a line that a crash cut in two is closed first."""
        if repeats(message):
            return Receipt()
        name = message_id(message)
        line = as_body(message, name, written_at=self._clock().isoformat())
        try:
            within(self._deadline, lambda: self._append(line), "the file")
        except OSError as error:
            text = f"{self._path}: {error.strerror or type(error).__name__}"
            raise DeliveryError(text, retry=error.errno not in _FIXABLE, fixable=error.errno in _FIXABLE) from None
        return Receipt(name)

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640), "r+b", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            broken = end > 0 and os.pread(file.fileno(), 1, end - 1) != b"\n"
            rest = memoryview(b"\n" * broken + line + b"\n")
            while rest:
                rest = rest[file.write(rest) or 0 :]
            os.fsync(file.fileno())
