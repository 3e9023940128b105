"""Half-open spans of UTC time, and durations as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    Clock = Callable[[], datetime]

Calendar = Literal["week", "month", "quarter"]

_UNITS = {
    "ms": 0.001, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600,
    "d": 86_400, "day": 86_400, "w": 604_800, "week": 604_800,
}  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DURATION = re.compile(rf"(\d+(?:\.\d+)?)\s*({'|'.join(_UNITS)})s?", re.IGNORECASE)


def utc_now() -> datetime:
    """The clock given to whoever needs one; everything below takes `now` as an argument."""
    return datetime.now(UTC)


def micros(moment: datetime) -> int:
    """Microseconds from 1970 UTC to a moment with a zone, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def parse_duration(text: str) -> timedelta:
    """Read "500ms", "30s", "5min", "1hour" or "30d"; ValueError says what would have been read."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{text}" is not a duration; write 500ms, 30s, 5m, 1h or 1d')
    return timedelta(seconds=float(match[1]) * _UNITS[match[2].lower()])


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """The half-open span [start, end) in UTC; ValueError for naive times or a reversed span."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a time span needs times with a zone")
        if self.end < self.start:
            raise ValueError(f"the span ends ({self.end}) before it starts ({self.start})")

    @classmethod
    def last(cls, length: timedelta, now: datetime) -> TimeSpan:
        """The span of this length that ends at `now`."""
        return cls(now - length, now)

    def until(self, moment: datetime) -> TimeSpan:
        """The part of it before a moment; empty when that is before its start."""
        return TimeSpan(self.start, min(self.end, max(self.start, moment)))

    @property
    def length(self) -> timedelta:
        """How long the span is."""
        return self.end - self.start


def local_day(day: date, zone: ZoneInfo) -> TimeSpan:
    """The local day as a span of UTC time: 23, 24 or 25 hours."""
    return TimeSpan(local_time(day, "00:00", zone), local_time(day + timedelta(days=1), "00:00", zone))


def local_period(calendar: Calendar, now: datetime, zone: ZoneInfo) -> TimeSpan:
    """The local week (from Monday), month or quarter that `now` is in, as a span of UTC time."""
    day = now.astimezone(zone).date()
    if calendar == "week":
        first = day - timedelta(days=day.weekday())
        following = first + timedelta(days=7)
    else:
        months = 1 if calendar == "month" else 3
        first = day.replace(month=(day.month - 1) // months * months + 1, day=1)
        following = (first + timedelta(days=31 * months)).replace(day=1)
    return TimeSpan(local_time(first, "00:00", zone), local_time(following, "00:00", zone))


def local_time(day: date, at: str, zone: ZoneInfo) -> datetime:
    """The moment of a wall time. zoneinfo reads a skipped time with the offset before the skip (PEP 495, fold=0)."""
    return datetime.combine(day, time.fromisoformat(at), zone).astimezone(UTC)
