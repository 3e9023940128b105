"""What a month cost, read a day at a time: a month of requests is too much to hold at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from core.timespan import TimeSpan, local_day
from metrics.cost import cost_per_active_user, spend
from metrics.cost_answer import charges_of
from metrics.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from core.selection import Reader, Selection
    from core.settings import Settings
    from metrics.cost import Spend

    Keep = Callable[[TimeSpan, Callable[[], "Day"]], "Day"]

DAYS = 30
DAY = timedelta(days=1)
RECENT = 7
"""The complete days a month ahead is projected from: one of each weekday."""

_SCHEMA = {
    "day": pl.Date, "billed_ok": pl.Float64, "wasted": pl.Float64, "unbilled": pl.Float64, "spent": pl.Float64,
    "unknown": pl.Float64, "requests": pl.Float64, "complete": pl.Boolean,
}  # fmt: skip


class _Enough(Exception):  # noqa: N818 - a decision, not a fault
    """No further day is read."""


def _anew(_: TimeSpan, read: Callable[[], Day]) -> Day:
    """Nothing is kept."""
    return read()


@dataclass(frozen=True, slots=True)
class Month:
    """The 30 times 24 hours before a moment, or another time, by local day.

    `days`, oldest first: day, billed_ok, wasted, unbilled, spent, unknown, requests, complete; sums in US dollars, null
    where none is known, 0 on a day without requests. A day is complete when all of it lies in the month and after the
    oldest record.
    `per_user` is `cost_per_active_user` of all of it; `n` is users. `unread` days were left out, because others had
    enough requests to read; then `per_user` is None. `per_day` is the mean spend of the newest `averaged` complete
    days.
    """

    days: pl.DataFrame
    per_user: Figure | None
    per_day: float | None
    averaged: int
    at_least: bool
    unread: int

    @property
    def spent(self) -> float | None:
        """What was charged on all its days, US dollars; None when no charge of any is known, or a day is unread."""
        return self._sum("spent")

    @property
    def wasted(self) -> float | None:
        """What of that bought nothing."""
        return self._sum("wasted")

    @property
    def unknown(self) -> float:
        """How many charges nobody knows: with any, the sums are lower bounds."""
        return float(self.days["unknown"].sum())

    def _sum(self, column: str) -> float | None:
        """Days without requests cost nothing, and make nothing known."""
        told = self.days.filter(pl.col("requests") > 0)[column].drop_nulls()
        return None if self.unread or told.is_empty() else float(told.sum())

    @property
    def ahead(self) -> float | None:
        """What 30 days cost at the pace of the days averaged."""
        return None if self.per_day is None else DAYS * self.per_day

    def budget(self, per_user: float) -> float | None:
        """What the month's active users may cost when each may cost `per_user`; None without users."""
        return None if self.per_user is None else self.per_user.n * per_user


@dataclass(frozen=True, slots=True)
class Day:
    """A local day's part of a month: its spend, how many requests it has, and who made them.

    `of_users` is the known spend of requests that name their user, None where none is known; `unsure` is set when such
    a request has a cost nobody knows.
    """

    spend: Spend
    requests: int
    users: pl.Series
    of_users: float | None
    unsure: bool


def month(
    reader: Reader,
    selection: Selection,
    settings: Settings,
    end: datetime,
    *,
    start: datetime | None = None,
    most: int | None = None,
    keep: Keep = _anew,
) -> Month:
    """The month before `end`, or the time from `start` to it, whatever span `selection` has, the newest days first.

    `keep` gives a day that is over from wherever it is kept, else reads it. No further day is read once `most` requests
    were; those already kept are there all the same.
    """
    since = reader.losses(None).since
    read, unread = 0, 0
    found: list[tuple[date, bool, Day]] = []

    def read_day(here: Selection) -> Day:
        nonlocal read
        if most is not None and read >= most:
            raise _Enough
        day = _day(reader, here, settings)
        read += day.requests
        return day

    for day, span, whole in _pieces(end - DAYS * DAY if start is None else start, end, settings.zone):
        if since is not None and span.end <= since:
            break
        reading = partial(read_day, selection.over(span))
        try:
            part = keep(span, reading) if whole else reading()
        except _Enough:
            unread += 1
            continue
        found.append((day, whole and since is not None and since <= span.start, part))
    return _month(found, unread)


def _day(reader: Reader, here: Selection, settings: Settings) -> Day:
    requests, charges = charges_of(reader, here, settings)
    users = requests["user_id"].drop_nulls().unique()
    each = cost_per_active_user(requests, charges)
    unsure = bool(charges.select((pl.col("user_id").is_not_null() & ~pl.col("known")).any()).item())
    return Day(spend(charges), requests.height, users, None if each is None else each * users.len(), unsure)


def _month(found: list[tuple[date, bool, Day]], unread: int) -> Month:
    rows = []
    for day, complete, part in found:
        of = part.spend
        sums = (of.billed_ok, of.wasted, of.unbilled, of.spent)
        known = (usd if part.requests else 0.0 for usd in sums)
        rows.append((day, *known, of.unknown, of.requests, complete))
    days = pl.DataFrame(rows, _SCHEMA, orient="row").sort("day")
    parts = [part for _, _, part in found]
    everyone = pl.concat([part.users for part in parts]).n_unique() if parts else 0
    spent = [part.of_users for part in parts if part.of_users is not None]
    recent = days.filter("complete").tail(RECENT)
    told = recent["spent"].drop_nulls()
    unsure = any(part.unsure for part in parts)
    return Month(
        days,
        Figure(sum(spent) / everyone, "USD", everyone, at_least=unsure) if spent and not unread else None,
        None if told.is_empty() else float(told.sum()) / told.len(),
        told.len(),
        bool((recent["unknown"] > 0).any()),
        unread,
    )


def monthly_cost_per_user(reader: Reader, selection: Selection, settings: Settings, end: datetime) -> Figure | None:
    """US dollars: `metrics.cost.cost_per_active_user` of the 30 times 24 hours before `end`; `n` is users.

    None when no user's request has a known cost. Unknown costs are left out, so it is a lower bound when there are any.
    """
    return month(reader, selection, settings, end).per_user


def _pieces(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[date, TimeSpan, bool]]:
    """The time cut at local midnights, newest first: the day, its part of the time, whether that is all of it."""
    first, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
    midnights = (local_day(first + number * DAY, zone).start for number in range(1, (last - first).days + 1))
    cuts = sorted({begin, *(moment for moment in midnights if begin < moment < end), end}, reverse=True)
    for until, start in pairwise(cuts):
        day = start.astimezone(zone).date()
        yield day, TimeSpan(start, until), local_day(day, zone) == TimeSpan(start, until)
