"""What a value is compared with when the limit is a baseline: the same hours of the days before, in the middle."""

from __future__ import annotations

from datetime import UTC, timedelta
from statistics import median
from typing import TYPE_CHECKING

from alerting.look import MICROSECOND
from alerting.measure import Before, values
from alerting.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from alerting.grammar import Comparison
    from alerting.rules import Labels

DAYS, MIN_DAYS = 14, 7
MOST_GROUPS = 1000
"""Groups of a past window that are told apart."""
DAY = timedelta(days=1)


NO_DAY = Before(None, 0)


def baselines(comparison: Comparison, window: Window) -> Mapping[Labels, Before]:
    """The baseline of every group: the median of the windows that ended at the same local time on the last 14 days.

    The local time is that of the last full hour, so that past windows are read once an hour. A day on which nothing
    was to be seen, or too much of what it cost is unknown, is not one of them.
    """
    look = window.look
    ends = past_ends(window.end, look.settings.zone)
    return look.kept.get(
        ("baseline", comparison.metric, window.question, ends[0]), lambda: _baselines(comparison, window, ends)
    )


def past_ends(end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Where the past windows end: the wall-clock hour of `end` on each of the days before, whatever the clocks did."""
    hour = end.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    return [(hour - day * DAY).astimezone(UTC) for day in range(1, DAYS + 1)]


def _baselines(comparison: Comparison, window: Window, ends: list[datetime]) -> dict[Labels, Before]:
    seen: dict[Labels, list[float]] = {}
    for end in ends:
        past = Window(window.look, window.question, end + MICROSECOND, most=MOST_GROUPS)
        found = values(comparison, past)
        for labels, number in past.groups().numbers.items():
            told = found.get(number)
            if told is not None and told.value is not None and not told.partial:
                seen.setdefault(labels, []).append(told.value)
    return {labels: Before(median(told) if len(told) >= MIN_DAYS else None, len(told)) for labels, told in seen.items()}
