"""Budgets of a calendar week, month or quarter: so far, projected, and whether the period ends first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from core.slo import Objective
from core.timespan import TimeSpan, local_period
from metrics.budget import HOUR, budget, budget_cuts, budget_span, pieces

SAIGON = "Asia/Ho_Chi_Minh"
MONTH = Objective(calendar="month", zone=SAIGON)
START = datetime(2026, 11, 1, tzinfo=ZoneInfo(SAIGON)).astimezone(UTC)
DAY_10 = START + timedelta(days=10)


def steady(now, valid, bad, objective=MONTH):
    """The period so far, its requests spread evenly over its hours."""
    table = pieces(budget_span(objective, now), budget_cuts(objective, now))
    share = pl.when(pl.col("start") >= START).then("hours").otherwise(0.0) / ((now - START) / HOUR)
    return table.with_columns((share * valid).alias("valid"), (share * bad).alias("bad"))


def test_worked_month_so_far_and_projected():
    """Day 10 of 30, 300,000 valid, 2,000 bad: 66.7 % of 3,000 so far, 22.2 % of the 9,000 the month will allow."""
    found = budget(steady(DAY_10, 300_000, 2_000), MONTH, DAY_10)
    assert (round(found.valid), round(found.bad), round(found.allowed)) == (300_000, 2_000, 3_000)
    assert found.consumed == pytest.approx(2 / 3)
    whole = found.projected
    assert (whole.start, whole.end) == (START, START + timedelta(days=30))
    assert (whole.valid, whole.allowed, whole.consumed) == pytest.approx((900_000, 9_000, 2 / 9))


def test_worked_month_does_not_end_in_its_period():
    """200 bad a day reach 9,000 on day 45, after the month."""
    found = budget(steady(DAY_10, 300_000, 2_000), MONTH, DAY_10)
    assert (found.outlook, found.exhausted_at) == ("never", None)


def test_a_month_ends_where_its_bad_requests_reach_what_it_will_allow():
    """500 bad a day: 5,000 after 10 days, 9,000 after 18."""
    found = budget(steady(DAY_10, 300_000, 5_000), MONTH, DAY_10)
    assert found.outlook == "ends"
    assert abs(found.exhausted_at - (START + timedelta(days=18))) < timedelta(seconds=1)


def test_a_spent_month_says_in_which_hour_it_was():
    """1,000 bad a day: 10,000 after 10 days, and the 9,000th at the end of day 9."""
    found = budget(steady(DAY_10, 300_000, 10_000), MONTH, DAY_10)
    assert found.outlook == "spent"
    assert START + timedelta(days=9) - HOUR <= found.exhausted_since <= START + timedelta(days=9)


def test_what_went_bad_before_the_period_is_forgotten():
    table = steady(START + HOUR, 100, 0).with_columns(
        pl.when(pl.col("start") < START).then(50.0).otherwise("bad").alias("bad")
    )
    assert budget(table, MONTH, START + HOUR).bad == 0


def test_a_period_that_just_began_is_no_traffic():
    assert budget(steady(START + HOUR, 0, 0), MONTH, START).outlook == "no_traffic"


PERIODS = {
    "a week begins on the local Monday": ("week", "2026-11-24T03:00:00+00:00", "UTC", "2026-11-23", "2026-11-30"),
    "a local Monday can be a Sunday in UTC": ("week", "2026-11-22T18:00:00+00:00", SAIGON, "2026-11-23", "2026-11-30"),
    "a month": ("month", "2026-02-10T00:00:00+00:00", "UTC", "2026-02-01", "2026-03-01"),
    "the last month of a year": ("month", "2026-12-31T23:59:59+00:00", "UTC", "2026-12-01", "2027-01-01"),
    "a quarter": ("quarter", "2026-05-05T00:00:00+00:00", "UTC", "2026-04-01", "2026-07-01"),
    "the last quarter of a year": ("quarter", "2026-11-05T00:00:00+00:00", "UTC", "2026-10-01", "2027-01-01"),
}


@pytest.mark.parametrize(("calendar", "now", "zone", "first", "following"), PERIODS.values(), ids=PERIODS.keys())
def test_a_calendar_period_is_local(calendar, now, zone, first, following):
    ends = [datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for day in (first, following)]
    assert local_period(calendar, datetime.fromisoformat(now), ZoneInfo(zone)) == TimeSpan(*ends)


def test_a_month_with_a_change_of_the_clock_is_an_hour_longer_or_shorter():
    berlin = ZoneInfo("Europe/Berlin")
    march, october = (local_period("month", datetime(2026, month, 9, tzinfo=UTC), berlin) for month in (3, 10))
    assert march.length == timedelta(days=31) - HOUR
    assert october.length == timedelta(days=31) + HOUR
