"""Readings that cost much are repeated only as often as their cost allows."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Reading(Generic[T]):
    value: T
    stamp: Hashable
    again_at: float


class Paced(Generic[T]):
    """Keeps the last reading of each key while its stamp stands, and then until `share` of the time allows another.

    A reading that took 0.2 s is repeated after 4 s at a share of 0.05. While one thread reads, others get the last
    value. At most `entries` keys are kept; the oldest goes first.
    """

    def __init__(self, *, share: float, entries: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._share, self._entries, self._clock = share, entries, clock
        self._kept: dict[Hashable, _Reading[T]] = {}
        self._reading = threading.Lock()

    def due(self, key: Hashable, stamp: Hashable) -> float | None:
        """When the reading for `key` may be made again, on its clock; None when what is kept is of this stamp."""
        last = self._kept.get(key)
        return None if last is None or last.stamp == stamp else last.again_at

    def get(self, key: Hashable, stamp: Hashable, read: Callable[[], T]) -> T:
        """The reading for `key`, new when `stamp` is another and it is due."""
        last = self._kept.get(key)
        if last is not None and (last.stamp == stamp or self._clock() < last.again_at):
            return last.value
        if not self._reading.acquire(blocking=last is None):
            return last.value  # type: ignore[union-attr] # blocking was for None only
        try:
            started = self._clock()
            value = read()
            done = self._clock()
            self._kept.pop(key, None)
            self._kept[key] = _Reading(value, stamp, done + (done - started) / self._share)
            while len(self._kept) > self._entries:
                del self._kept[next(iter(self._kept))]
        finally:
            self._reading.release()
        return value
