"""How a page finds the running engine: by a name on `sys`, the one module Streamlit never reloads."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from core.selection import Reader
    from core.settings import Settings

_NAME = "_burnline_services"


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """One background worker: alive, and when it last finished a round."""

    name: str
    alive: bool
    beat: datetime
    late_after: timedelta = timedelta(seconds=30)
    detail: str = ""

    def late(self, now: datetime) -> bool:
        """Whether the worker is dead or has not finished a round in time."""
        return not self.alive or now - self.beat > self.late_after


class Services(Protocol):
    """What the engine offers to pages and routes."""

    @property
    def reader(self) -> Reader:
        """The store, to read from."""
        ...

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

    @property
    def state(self) -> Path:
        """The file with the alert states, that of the sample while it is shown."""
        ...

    @property
    def demo(self) -> bool:
        """Whether the data shown is the sample."""
        ...

    def health(self) -> Sequence[WorkerHealth]:
        """The state of every background worker."""
        ...

    def notes(self) -> Sequence[str]:
        """What is wrong and still being run with: a refused settings file, a missing token."""
        ...


def publish(services: Services | None) -> None:
    """Make the engine findable; None when it stops."""
    setattr(sys, _NAME, services)


def services() -> Services | None:
    """The running engine, or None before it started."""
    found: Services | None = getattr(sys, _NAME, None)
    return found
