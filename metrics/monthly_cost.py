"""What a month cost, read a day at a time: a month of requests is too much to hold at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from core.timespan import TimeSpan, local_day
from metrics.cost import cost_per_active_user, spend
from metrics.cost_answer import charges_of
from metrics.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from core.selection import Reader, Selection
    from core.settings import Settings

DAYS = 30
DAY = timedelta(days=1)
RECENT = 7
"""The complete days a month ahead is projected from: one of each weekday."""

_SCHEMA = {
    "day": pl.Date, "billed_ok": pl.Float64, "wasted": pl.Float64, "unbilled": pl.Float64, "spent": pl.Float64,
    "unknown": pl.Float64, "requests": pl.Float64, "complete": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Month:
    """The 30 times 24 hours before a moment, by local day.

    `days`, oldest first: day, billed_ok, wasted, unbilled, spent, unknown, requests, complete; sums in US dollars, null
    where none is known, 0 on a day without requests. A day is complete when all of it lies in the month and after the
    oldest record.
    `per_user` is `cost_per_active_user` of all of it; `n` is users. `unread` days were left out, because they held too
    many requests; then `per_user` is None. `per_day` is the mean spend of the newest `averaged` complete days.
    """

    days: pl.DataFrame
    per_user: Figure | None
    per_day: float | None
    averaged: int
    at_least: bool
    unread: int

    @property
    def ahead(self) -> float | None:
        """What 30 days cost at the pace of the days averaged."""
        return None if self.per_day is None else DAYS * self.per_day

    def budget(self, per_user: float) -> float | None:
        """What the month's active users may cost when each may cost `per_user`; None without users."""
        return None if self.per_user is None else self.per_user.n * per_user


def month(reader: Reader, selection: Selection, settings: Settings, end: datetime, most: int | None = None) -> Month:
    """The month before `end`, whatever span `selection` has; the newest days first, at most `most` requests of them."""
    since = reader.losses(None).since
    spent, known, unknown, read, unread = 0.0, False, False, 0, 0
    people: list[pl.Series] = []
    rows: list[tuple[object, ...]] = []
    for day, span, whole in _pieces(end, settings.zone):
        if since is not None and span.end <= since:
            break
        here = selection.over(span)
        if most is not None and (unread or (read := read + reader.extent(here).rows) > most):
            unread += 1
            continue
        requests, charges = charges_of(reader, here, settings)
        users = requests["user_id"].drop_nulls().unique()
        each = cost_per_active_user(requests, charges)
        spent += (each or 0.0) * users.len()
        known |= each is not None
        unknown |= bool(charges.select((pl.col("user_id").is_not_null() & ~pl.col("known")).any()).item())
        people.append(users)
        found = spend(charges)
        complete = whole and since is not None and since <= span.start
        sums = (found.billed_ok, found.wasted, found.unbilled, found.spent)
        rows.append((day, *(usd if requests.height else 0.0 for usd in sums), found.unknown, found.requests, complete))
    days = pl.DataFrame(rows, _SCHEMA, orient="row").sort("day")
    everyone = pl.concat(people).n_unique() if people else 0
    recent = days.filter("complete").tail(RECENT)
    told = recent["spent"].drop_nulls()
    return Month(
        days,
        Figure(spent / everyone, "USD", everyone, at_least=unknown) if known and not unread else None,
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


def _pieces(end: datetime, zone: ZoneInfo) -> Iterator[tuple[date, TimeSpan, bool]]:
    """The month cut at local midnights, newest first: the day, its part of the month, whether that is all of it."""
    begin = end - DAYS * DAY
    first, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
    midnights = (local_day(first + number * DAY, zone).start for number in range(1, (last - first).days + 1))
    cuts = sorted({begin, *(moment for moment in midnights if begin < moment < end), end}, reverse=True)
    for until, start in pairwise(cuts):
        day = start.astimezone(zone).date()
        yield day, TimeSpan(start, until), local_day(day, zone) == TimeSpan(start, until)
