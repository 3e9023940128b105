"""What a span is compared with: the same hours of past weeks where there are some, else what there is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Literal

from core.timespan import TimeSpan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from zoneinfo import ZoneInfo

Kind = Literal["weeks", "days", "before"]

WEEKS, MIN_WEEKS, DAYS = 4, 2, 7
"""One past week has no spread to measure, so until there are two, the past days are the better comparison."""

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MIN_SLOTS = 4
"""Hours of every past window the spread between hours is measured over, however short the span is."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Windows as long as the span, newest first: the same hours of past weeks or days, or the one just before.

    `lead` is how much time before each window is read as well, to measure the spread between hours; `width` is the
    length of a slot, counted back from the end of the span and of each window.
    """

    kind: Kind
    spans: tuple[TimeSpan, ...]
    width: timedelta
    lead: timedelta


def baselines(span: TimeSpan, since: datetime | None, zone: ZoneInfo) -> Iterator[Baseline]:
    """The baselines the data since `since` allows, the best first: 2 to 4 weeks, 1 to 7 days, the time just before.

    A window is there only when all of it lies after `since`. Spans longer than a week (a day) are moved by as many
    weeks (days) as they need, so that no window overlaps another. Past hours are hours of the reader's clock.
    The window before is as long as the span, or four slots when the span is shorter, and shorter when there is less.
    """
    length = span.length
    width = min(length, HOUR)
    lead = max(timedelta(0), MIN_SLOTS * width - length)
    if since is None or since >= span.start or not length:
        return
    weekly = 7 * max(1, -(-length // (7 * DAY)))
    if len(weeks := _windows(span, weekly, WEEKS, since, zone)) >= MIN_WEEKS:
        yield Baseline("weeks", weeks, width, lead)
    if days := _windows(span, max(1, -(-length // DAY)), DAYS, since, zone):
        yield Baseline("days", days, width, lead)
    start = max(since, span.start - max(length, MIN_SLOTS * width))
    yield Baseline("before", (TimeSpan(start, span.start),), width, timedelta(0))


def _windows(span: TimeSpan, step: int, count: int, since: datetime, zone: ZoneInfo) -> tuple[TimeSpan, ...]:
    """Up to `count` windows, each `step` days of the reader's calendar before the one after it."""
    found = []
    for number in range(1, count + 1):
        end = (span.end.astimezone(zone) - number * step * DAY).astimezone(UTC)
        if end - span.length < since or end > span.start:
            break
        found.append(TimeSpan(end - span.length, end))
    return tuple(found)
