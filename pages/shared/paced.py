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

    A reading that took 0.2 s is repeated after 4 s at a share of 0.05. While one thread reads a key, others get its
    last value, or wait for its first. At most `entries` keys are kept; the oldest goes first.
    """

    def __init__(self, *, share: float, entries: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._share, self._entries, self._clock = share, entries, clock
        self._kept: dict[Hashable, _Reading[T]] = {}
        self._being_read: dict[Hashable, threading.Lock] = {}
        self._changing = threading.Lock()

    def due(self, key: Hashable, stamp: Hashable) -> float | None:
        """When the reading for `key` may be made again, on its clock; None when what is kept is of this stamp."""
        last = self._kept.get(key)
        return None if last is None or last.stamp == stamp else last.again_at

    def get(self, key: Hashable, stamp: Hashable, read: Callable[[], T]) -> T:
        """The reading for `key`, new when `stamp` is another and it is due."""
        if (last := self._kept.get(key)) is not None and self._stands(last, stamp):
            return last.value
        with self._changing:
            reading = self._being_read.setdefault(key, threading.Lock())
        if not reading.acquire(blocking=last is None):
            return last.value  # type: ignore[union-attr] # blocking was for None only
        try:
            if (last := self._kept.get(key)) is not None and self._stands(last, stamp):
                return last.value  # somebody read it while this one waited
            started = self._clock()
            value = read()
            done = self._clock()
            with self._changing:
                self._kept.pop(key, None)
                self._kept[key] = _Reading(value, stamp, done + (done - started) / self._share)
                while len(self._kept) > self._entries:
                    del self._kept[next(iter(self._kept))]
        finally:
            reading.release()
            with self._changing:
                self._being_read.pop(key, None)
        return value

    def _stands(self, last: _Reading[T], stamp: Hashable) -> bool:
        return last.stamp == stamp or self._clock() < last.again_at
