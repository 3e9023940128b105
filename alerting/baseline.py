"""What a value is compared with when the limit is a baseline: the same hours of the days before, in the middle.

Past days are read bit by bit, so that the first look does not hold up the other rules, and kept: until the windows of
an hour have all been read, the baseline of the hour before goes on. What comes in more than a day late is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, timedelta
from statistics import median
from typing import TYPE_CHECKING

import polars as pl

from alerting.look import MICROSECOND
from alerting.measure import Before, cost_value, values
from alerting.window import LABEL_COLUMNS, Window, labelled_charges
from core.timespan import TimeSpan
from metrics.cost import spent_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from alerting.grammar import Comparison
    from alerting.look import Look
    from alerting.measure import Value
    from alerting.rules import Labels
    from core.selection import Selection

DAYS, MIN_DAYS = 14, 7
MOST_GROUPS = 1000
"""Groups of a past window that are told apart."""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NO_DAY = Before(None, 0)

PastValues = dict["Labels", "Value"]
"""The value of every group of one past window."""


@dataclass(slots=True)
class _Usual:
    """The last baseline that was read in full: of the hour `at`."""

    at: datetime | None = None
    found: Mapping[Labels, Before] = field(default_factory=dict)


def baselines(comparison: Comparison, window: Window) -> Mapping[Labels, Before]:
    """The baseline of every group: the median of the windows that ended at the same local time on the last 14 days.

    The local time is that of the last full hour, so that past windows are read once an hour. A day on which nothing
    was to be seen, or too much of what it cost is unknown, is not one of them.
    """
    look, question = window.look, window.question
    usual = look.kept.get(("usual", comparison.metric, question), _Usual)
    ends = past_ends(window.end, look.settings.zone)
    whole_hours = not question.window % HOUR
    if comparison.metric.needs == "cost" and whole_hours:
        past = [_spent(comparison, window, end) for end in ends]
    elif usual.at == ends[0]:
        return usual.found
    else:
        past = [_past(comparison, window, end) for end in ends]
    read = [each for each in past if each is not None]
    if len(read) == len(ends):
        usual.at, usual.found = ends[0], _middle(read)
    elif usual.at is None:
        return {labels: Before(None, each.days, being_read=True) for labels, each in _middle(read).items()} or _BEGUN
    return usual.found


class _Begun(dict["Labels", Before]):
    """Nothing is known of any group yet."""

    def get(self, _key: Labels, _default: Before | None = None) -> Before:  # type: ignore[override] # one answer for all
        return Before(None, 0, being_read=True)


_BEGUN = _Begun()


def past_ends(end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Where the past windows end: the wall-clock hour of `end` on each of the days before, whatever the clocks did."""
    hour = end.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    return [(hour - day * DAY).astimezone(UTC) for day in range(1, DAYS + 1)]


def _middle(past: Iterable[PastValues]) -> dict[Labels, Before]:
    seen: dict[Labels, list[float]] = {}
    for found in past:
        for labels, told in found.items():
            if told.value is not None and not told.partial:
                seen.setdefault(labels, []).append(told.value)
    return {labels: Before(median(told) if len(told) >= MIN_DAYS else None, len(told)) for labels, told in seen.items()}


def _past(comparison: Comparison, window: Window, end: datetime) -> PastValues | None:
    """The values of a past window; None when enough was read in this evaluation already."""
    kept = window.look.kept
    key = ("past", comparison.metric, window.question, end)
    if not kept.has(key) and kept.left <= 0:
        return None
    return kept.get(key, lambda: _read(comparison, window, end))


def _read(comparison: Comparison, window: Window, end: datetime) -> PastValues:
    past = Window(window.look, window.question, end + MICROSECOND, most=MOST_GROUPS)
    found = values(comparison, past)
    return {labels: found[number] for labels, number in past.groups().numbers.items() if number in found}


def _spent(comparison: Comparison, window: Window, end: datetime) -> PastValues | None:
    """The costs of a past window, summed from its hours: the windows of the next hour have all but one of them.

    None when enough was read in this evaluation already.
    """
    look, question = window.look, window.question
    hours = [end - HOUR * back for back in range(question.window // HOUR)]
    missing = [hour for hour in hours if not look.kept.has(("hour", question.requests, hour))]
    if missing and look.kept.left <= 0:
        return None
    if missing:
        _read_hours(look, question.requests, min(missing), max(missing))
    rows = pl.concat([look.kept.get(("hour", question.requests, hour), _NO_HOUR.clone) for hour in hours])
    sums = [pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in _SUMS]
    found = (rows.group_by(question.columns).agg(*sums) if question.columns else rows.select(*sums)).with_columns(
        (pl.col("whole") / pl.when(pl.col("known_requests") > 0).then(pl.col("known_requests"))).alias("per_request")
    )
    name = comparison.metric.name
    return {
        tuple(zip(question.group_by, (row[column] for column in question.columns), strict=True)): cost_value(name, row)
        for row in found.iter_rows(named=True)
        if row["requests"]
    }


def _read_hours(look: Look, requests: Selection, first: datetime, last: datetime) -> None:
    """Keep what each of the hours that end from `first` to `last` cost, for every combination of labels."""
    start = first - HOUR + MICROSECOND
    charges = labelled_charges(look, requests.over(TimeSpan(start, last + MICROSECOND)))
    look.kept.spend(charges.height)
    since = (pl.col("timestamp") - pl.lit(start)).dt.total_microseconds() // (HOUR // MICROSECOND)
    sums = spent_by(charges.with_columns(since.alias("hour")), ("hour", *LABEL_COLUMNS)).with_columns(
        (pl.col("per_request") * pl.col("known_requests")).alias("whole")
    )
    told = {part["hour"][0]: part for part in sums.partition_by("hour")}
    for number in range((last - first) // HOUR + 1):
        found = told.get(number, sums.clear()).select(_NO_HOUR.columns)
        look.kept.get(("hour", requests, first + HOUR * number), found.clone)


_SUMS = ("spent", "whole", "unknown", "requests", "known_requests")
_NO_HOUR = pl.DataFrame(schema=dict.fromkeys(LABEL_COLUMNS, pl.String) | dict.fromkeys(_SUMS, pl.Float64))
