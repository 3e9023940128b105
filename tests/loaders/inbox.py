"""An inbox to play with: a folder, a store in memory, a clock that stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from memory_store import MemoryStore

from loaders.intake import Intake
from loaders.reading import AT_ONCE
from loaders.scan import scan
from loaders.tail import LIMITS

NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Inbox:
    """A folder, a store, and a clock that stands still until told."""

    def __init__(self, folder: Path, patience=AT_ONCE, limits=LIMITS) -> None:
        self.folder, self.patience, self.limits = folder, patience, limits
        self.store, self.now = MemoryStore(), NOW
        folder.mkdir()
        self.restart()

    def restart(self) -> None:
        self.intake = Intake(self.store, clock=lambda: self.now, patience=self.patience, limits=self.limits)

    def look(self) -> None:
        more = True
        while more:
            _, more = self.intake.round(scan(self.folder))

    def pass_time(self, length: timedelta) -> None:
        self.now += length
        self.look()

    def states(self) -> dict[str, tuple[str, str]]:
        return {g.path.name: (g.state, g.note) for g in self.store.generations()}

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def lines(*numbers: int) -> bytes:
    return b"".join(b'{"seq":%d}\n' % number for number in numbers)


def add(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
