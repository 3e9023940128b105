"""When a daily digest is due: a pure decision on wall time. Once per local day, whatever clocks and zones do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from core.timespan import local_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

LATE_AFTER = timedelta(minutes=10)
TOO_LATE_AFTER = timedelta(hours=12)
"""A digest missed by more than this is not sent any more; the next one says which days had none."""

Reason = Literal["due", "late", "too_late", "not_yet", "sent"]


@dataclass(frozen=True, slots=True)
class Due:
    """The digest of the local day `on` (its content is the day before), and whether it is to be sent now."""

    on: date
    reason: Reason

    @property
    def now(self) -> bool:
        """Whether to send it."""
        return self.reason in ("due", "late")


def every_day(_: date) -> bool:
    """The days of a digest."""
    return True


def due(
    now: datetime,
    zone: ZoneInfo,
    at: str,
    sent: frozenset[date] | set[date],
    watched_since: datetime,
    *,
    on: Callable[[date], bool] = every_day,
    too_late: timedelta = TOO_LATE_AFTER,
) -> Due:
    """The digest to think about at `now`, `at` being local time; with `on`, what is sent on some days only.

    A time that the clock skips in spring counts as the moment of the skip plus what was left; one that comes twice in
    autumn counts the first time. Digests from before `watched_since`, the first start, were never owed.
    """
    today = now.astimezone(zone).date()
    for back in range(too_late.days + 2):
        day = today - timedelta(days=back)
        if not on(day):
            continue
        moment = local_time(day, at, zone)
        if moment > now:
            continue
        if day in sent:
            return Due(day, "sent")
        if moment < watched_since:
            return Due(day, "not_yet")
        waited = now - moment
        if waited > too_late:
            return Due(day, "too_late")
        return Due(day, "late" if waited > LATE_AFTER else "due")
    return Due(today, "not_yet")
