"""Which slide is shown, and whether it goes on by itself: both in the URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECONDS = 15.0
"""A slide stands for: long enough to be read out."""


@dataclass(frozen=True, slots=True)
class View:
    """Where one is in the slides."""

    names: tuple[str, ...]
    place: int = 0
    paused: bool = False

    @property
    def name(self) -> str:
        """The slide that is shown."""
        return self.names[self.place]

    @property
    def ordinal(self) -> int:
        """Its place as people count."""
        return self.place + 1

    def to(self, steps: int) -> dict[str, str | None]:
        """The parameters of the slide so many further on; after the last comes the first, which needs none."""
        place = (self.place + steps) % len(self.names)
        return {"slide": self.names[place] if place else None}

    def turned(self) -> dict[str, str | None]:
        """The parameters of the same slide, paused when it was not."""
        return {"paused": None if self.paused else "1"}


def read(params: Mapping[str, str], names: Sequence[str]) -> View:
    """What the address says; a slide nobody made is the first."""
    wanted = params.get("slide", "")
    return View(tuple(names), names.index(wanted) if wanted in names else 0, params.get("paused") == "1")


def share_over(since: float, now: float) -> float:
    """How much of a slide's time is over, 1 when all of it is."""
    return (now - since) / SECONDS
