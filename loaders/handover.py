"""Hand a file to the dashboard that holds the store, by way of its inbox, and wait until it is read."""

from __future__ import annotations

import json
import os
import shutil
import time
from itertools import count
from typing import TYPE_CHECKING, Any

from core.errors import BurnlineError
from loaders.compression import open_content
from loaders.report import LINES
from loaders.scan import Found, found, open_found, scan, shown
from loaders.tail import LIMITS, is_json_object

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_POLL_S = 0.2
_STALLED_S = 60.0
"""A dashboard that reads nothing of a file for so long has a reason, which its status tells."""


def hand_over(file: Found, inbox: Path) -> Path:
    """Put the file into the inbox under a free name, whole from the first moment on; where it lies there.

    A file that is in the inbox already stays where it is. A hard link is made where the file system allows it.
    """
    for there in scan(inbox).files if inbox.is_dir() else ():
        if there.key == file.key:
            return there.path
    inbox.mkdir(parents=True, exist_ok=True)
    hidden = inbox / f".burnline-{os.getpid()}.tmp"
    hidden.unlink(missing_ok=True)
    try:
        try:
            os.link(file.path, hidden)
        except OSError:
            shutil.copyfile(file.path, hidden)
        target = _free_name(inbox, file.path.name)
        hidden.rename(target)
    finally:
        hidden.unlink(missing_ok=True)
    return target


def _free_name(inbox: Path, name: str) -> Path:
    stem, dot, endings = name.partition(".")
    names = (inbox / (name if number == 1 else f"{stem}-{number}{dot}{endings}") for number in count(1))
    return next(path for path in names if not os.path.lexists(path))


def wait_until_read(path: Path, ask: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """The account of a file in the inbox once it is read to its end, and what of it was not read and why.

    `ask` returns the dashboard's status. BurnlineError when nothing happens any more.
    """
    end, size, packed = _end_of(path)
    half = [f"{shown(path)}: {size - end:,} bytes without a newline"] if end < size and not packed else []
    before, since = "", time.monotonic()
    while True:
        status = ask()
        row = _row(path, status)
        if row is None and not end and not packed:
            nothing = dict.fromkeys(("offset", *LINES), 0)
            return {"path": shown(path), "format": "", "state": "open", "bytes": size, **nothing}, half
        if row and row["state"] in ("done", "failed"):
            return row, [note for note in status["notes"] if note.startswith(f"{shown(path)}: ")]
        if row and not packed and row["offset"] >= end:
            return row, half
        if (now := json.dumps(row)) != before:
            before, since = now, time.monotonic()
        elif time.monotonic() - since > _STALLED_S:
            raise BurnlineError(
                f"{shown(path)} lies in the inbox, but the dashboard read nothing of it for {_STALLED_S:.0f} s; "
                f"its /healthz tells why"
            )
        time.sleep(_POLL_S)


def _row(path: Path, status: dict[str, Any]) -> dict[str, Any] | None:
    """The file's account; of several lives of the path, the last."""
    rows: list[dict[str, Any]] = [row for row in status["files"] if row["path"] == shown(path)]
    return next((row for row in reversed(rows) if row["state"] not in ("gone", "replaced")), None)


def _end_of(path: Path) -> tuple[int, int, bool]:
    """Up to where a file as it is now will be read, its size, and whether only reading tells (it is an archive)."""
    info = path.stat()
    fd = open_found(found(str(path), info))
    try:
        content = open_content(fd)
        if content.packing:
            return 0, info.st_size, True
        start = max(0, info.st_size - LIMITS.line - 1)
        last = content.read(start, info.st_size - start)
        newline = last.rfind(b"\n")
        if is_json_object(last[newline + 1 :]):
            return info.st_size, info.st_size, False
        while newline < 0 and start > 0:
            step = min(start, LIMITS.line)
            start -= step
            newline = content.read(start, step).rfind(b"\n")
        return start + newline + 1, info.st_size, False
    finally:
        os.close(fd)
