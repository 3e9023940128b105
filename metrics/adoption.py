"""Who uses it: active users of a week and of a day, and how many of all there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from core.timespan import TimeSpan

if TYPE_CHECKING:
    from datetime import datetime

WEEK, DAY = timedelta(days=7), timedelta(days=1)
COLUMNS = ("timestamp", "user_id", "sample_rate")


@dataclass(frozen=True, slots=True)
class Adoption:
    """Distinct users of the 7 days before a moment; `daily` is the mean of its seven periods of 24 hours.

    `stickiness` is daily / weekly; `share` is weekly / the users there are, None when nobody said how many or more were
    seen. `at_least` marks a sampled log: users it left out are not seen. `said` of `requests` rows name their user.
    """

    weekly: int
    daily: float
    stickiness: float
    share: float | None
    at_least: bool
    said: int
    requests: int


def week_before(now: datetime) -> TimeSpan:
    """The span `adoption` is about."""
    return TimeSpan.last(WEEK, now)


def adoption(frame: pl.DataFrame, now: datetime, users_total: int | None = None) -> Adoption | None:
    """Active users, whatever came of their requests; None when no request of the week names its user.

    `frame` has COLUMNS; rows outside the week are left out.
    """
    span = week_before(now)
    week = frame.filter((pl.col("timestamp") >= span.start) & (pl.col("timestamp") < span.end))
    named = week.filter(pl.col("user_id").is_not_null())
    if not named.height:
        return None
    day = (pl.col("timestamp") - pl.lit(span.start)).dt.total_microseconds() // (DAY // timedelta(microseconds=1))
    weekly = named["user_id"].n_unique()
    days = named.group_by(day.alias("day")).agg(pl.col("user_id").n_unique())
    daily = float(days["user_id"].sum()) / 7
    share = weekly / users_total if users_total and weekly <= users_total else None
    sampled = bool((week["sample_rate"] < 1).any())
    return Adoption(weekly, daily, daily / weekly, share, sampled, named.height, week.height)
