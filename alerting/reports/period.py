"""The local week or month a report tells of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from core.errors import UsageError
from core.timespan import TimeSpan, local_time

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Kind = Literal["week", "month"]
KINDS: tuple[Kind, ...] = ("week", "month")
FIRST_YEAR, LAST_YEAR = 1970, 9000
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A week from Monday (ISO 8601), or a month: the local days from `first` up to, not including, `end`."""

    kind: Kind
    first: date
    end: date

    @property
    def name(self) -> str:
        """2026-W47, 2026-11."""
        if self.kind == "month":
            return f"{self.first:%Y-%m}"
        year, week, _ = self.first.isocalendar()
        return f"{year}-W{week:02}"

    @property
    def before(self) -> Period:
        """The period just before."""
        return period_of(self.kind, self.first - _DAY)

    def span(self, zone: ZoneInfo) -> TimeSpan:
        """Its time, with the hour that summer time takes or gives."""
        return TimeSpan(local_time(self.first, "00:00", zone), local_time(self.end, "00:00", zone))


def period_of(kind: Kind, day: date) -> Period:
    """The period a day is in."""
    if kind == "week":
        first = day - day.weekday() * _DAY
        return Period(kind, first, first + 7 * _DAY)
    first = day.replace(day=1)
    return Period(kind, first, (first + 31 * _DAY).replace(day=1))


def period_from(kind: Kind, text: str) -> Period:
    """The period as people write it; UsageError says how it is written."""
    wanted = {"week": "2026-W47", "month": "2026-11"}[kind]
    try:
        if kind == "week":
            found = re.fullmatch(r"(\d{4})-W(\d{1,2})", text)
            day = date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else None
        else:
            found = re.fullmatch(r"(\d{4})-(\d{1,2})", text)
            day = date(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        day = None
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise UsageError(f'{kind}: "{text}" is no {kind}; write {wanted}')
    return period_of(kind, day)
