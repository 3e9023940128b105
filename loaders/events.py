"""File events as hints. They get lost by the thousand when files come in a burst, so nothing relies on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from watchdog import events as kinds
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from watchdog.observers.api import BaseObserver

_TELLING: list[type[kinds.FileSystemEvent]] = [
    kinds.FileCreatedEvent,
    kinds.FileModifiedEvent,
    kinds.FileMovedEvent,
    kinds.FileDeletedEvent,
    kinds.DirCreatedEvent,
    kinds.DirMovedEvent,
    kinds.DirDeletedEvent,
]
"""Changes of files; not their being opened and closed, which we do ourselves all the time."""


class Events(kinds.FileSystemEventHandler):
    """Calls `wake` when something below a folder changes."""

    def __init__(self, folder: Path, wake: Callable[[], None], observer: BaseObserver) -> None:
        self._folder, self._wake, self._observer = folder, wake, observer
        self._inode = _inode(folder)

    @classmethod
    def of(cls, folder: Path, wake: Callable[[], None]) -> Self | None:
        """Events of `folder`; None when this system has none. OSError: no such folder, or too many watches."""
        observer = Observer()
        if isinstance(observer, PollingObserver):
            return None
        made = cls(folder, wake, observer)
        observer.schedule(made, str(folder), recursive=True, event_filter=_TELLING)
        observer.start()
        return made

    @property
    def alive(self) -> bool:
        """Whether events still arrive."""
        return self._observer.is_alive()

    def current(self) -> bool:
        """Whether the events are those of the folder that is there now."""
        try:
            return self.alive and _inode(self._folder) == self._inode
        except OSError:
            return False

    def on_any_event(self, event: kinds.FileSystemEvent) -> None:
        """Something changed; what it is, the scan tells."""
        del event
        self._wake()

    def stop(self) -> None:
        """No more events."""
        self._observer.stop()
        self._observer.join()


def _inode(folder: Path) -> tuple[int, int]:
    info = folder.stat()
    return info.st_dev, info.st_ino
