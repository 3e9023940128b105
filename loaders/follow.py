"""One followed file: its handle, how far it was read, and what it waits for."""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from loaders.compression import Archive, Plain, open_content
from loaders.identity import Trail, matches, trail_at
from loaders.scan import open_found
from loaders.tail import Limits, Reader

if TYPE_CHECKING:
    from datetime import datetime

    from loaders.chunk import Generation
    from loaders.scan import Found

HANDLES = 256
"""Files held open at most. An open file can still be read to its end after it was deleted or replaced."""

_TICK = timedelta(milliseconds=100)


@dataclass(slots=True, eq=False)
class Followed:
    """A file as last seen. `generation` is None until it has a first line; `trouble` and `waiting` are for people.

    `since` is when this state of the file was first seen, `changed` whether it changed since its content was opened,
    `done` whether it was read to its end, `wake_at` when to look again although it is unchanged. `leaving`: it has no
    name in the inbox any more. `undecided`: nothing is known about its content, because it cannot be read or is still
    being written. `copy_of`: the file it was found to be a copy of, so far.
    """

    found: Found
    since: datetime
    generation: Generation | None = None
    content: Plain | Archive | None = None
    reader: Reader | None = None
    changed: bool = False
    done: bool = False
    wake_at: datetime | None = None
    leaving: bool = False
    undecided: bool = True
    copy_of: Followed | None = None
    trouble: str = ""
    waiting: str = ""

    def see(self, found: Found, now: datetime) -> None:
        """Take in the file's state of this round."""
        if found.stamp != self.found.stamp:
            self.since, self.done, self.wake_at, self.changed = now, False, None, True
        elif found.where != self.found.where:
            self.done = False
        self.found = found

    def asleep(self, now: datetime) -> bool:
        """Whether there is nothing to do: read, and unchanged for longer than a tick of the file system's clock."""
        return self.done and now - self.since >= _TICK and (self.wake_at is None or now < self.wake_at)

    def unchanged(self) -> bool:
        """Whether the content before the offset is still what was read; asked after reading on, not before."""
        if self.reader is None or isinstance(self.content, Archive):
            return True
        trail = self.reader.trail
        return trail_at(self.reader.content, trail.offset) == trail

    def grown(self) -> bool:
        """Whether the file changed since this round's look at it."""
        if self.content is None:
            return True
        info = os.fstat(self.content.fd)
        return (info.st_size, info.st_mtime_ns, info.st_ctime_ns) != self.found.stamp

    @property
    def line(self) -> int:
        """The number of the next line."""
        return self.generation.lines + 1 if self.generation else 1


class Handles:
    """Opens followed files and closes those used longest ago."""

    def __init__(self, limits: Limits, most: int = HANDLES) -> None:
        self._limits, self._most = limits, most
        self._open: OrderedDict[Followed, None] = OrderedDict()

    def content(self, followed: Followed) -> Plain | Archive:
        """The file's content, opened when it is not; OSError when it cannot be."""
        if followed.content is None:
            while len(self._open) >= self._most:
                self.close(next(iter(self._open)))
            followed.content = open_content(open_found(followed.found))
        elif followed.changed:
            now = open_content(followed.content.fd)
            if now.packing or followed.content.packing:  # an archive is read as a whole, and begins as an empty file
                followed.content, followed.reader = now, None
        followed.changed = False
        self._open[followed] = None
        self._open.move_to_end(followed)
        return followed.content

    def reader(self, followed: Followed) -> Reader | None:
        """A reader where the generation stopped; None when the file no longer holds what was read before."""
        content = self.content(followed)
        if followed.reader is None:
            trail = matches(followed.generation, content) if followed.generation else Trail()
            if trail is None:
                return None
            followed.reader = Reader(content, trail, self._limits)
        return followed.reader

    def close(self, followed: Followed) -> None:
        """Close one file; it is opened again when needed."""
        self._open.pop(followed, None)
        if followed.content is not None:
            os.close(followed.content.fd)
        followed.content = followed.reader = None

    def close_all(self) -> None:
        """Close every file."""
        for followed in list(self._open):
            self.close(followed)
