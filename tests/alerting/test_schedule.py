"""One digest per local day: over changes of the clock, of the zone, of the machine's mind."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.schedule import due
from core.timespan import local_day

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def simulate(zone: str, at: str, start: datetime, length: timedelta, step=timedelta(minutes=7)) -> list[tuple]:
    """(local date, moment) of every digest sent by a checker that looks every `step`."""
    sent, told, now = set(), [], start
    while now < start + length:
        found = due(now, ZoneInfo(zone), at, sent, start)
        if found.now:
            assert found.reason == "due"
            sent.add(found.on)
            told.append((found.on, now))
        now += step
    return told


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("Europe/Berlin", "02:30"),
        ("America/New_York", "01:30"),
        ("Australia/Lord_Howe", "02:15"),
        ("Pacific/Kiritimati", "09:00"),
        ("Asia/Ho_Chi_Minh", "09:00"),
        ("Africa/Cairo", "00:30"),
        ("UTC", "23:59"),
    ],
)
def test_four_hundred_days_are_four_hundred_digests(zone, at):
    start = datetime.combine(date(2027, 12, 20), datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    end = datetime.combine(date(2027, 12, 20) + timedelta(days=400), datetime.min.time(), ZoneInfo(zone))
    told = simulate(zone, at, start, end.astimezone(UTC) + timedelta(minutes=10) - start)
    assert [day for day, _ in told if day >= date(2027, 12, 20)] == [
        date(2027, 12, 20) + timedelta(days=number) for number in range(400)
    ]
    assert len(told) == len({day for day, _ in told})


def test_a_time_that_comes_twice_counts_once_and_a_skipped_one_counts():
    """Berlin, 02:30: on 2026-10-25 the first of the two, on 2026-03-29 half an hour after the jump."""
    found = dict(simulate("Europe/Berlin", "02:30", datetime(2026, 3, 28, 12, tzinfo=UTC), timedelta(days=1)))
    assert found[date(2026, 3, 29)] >= datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    found = dict(simulate("Europe/Berlin", "02:30", datetime(2026, 10, 24, 12, tzinfo=UTC), timedelta(days=1)))
    assert (
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC) <= found[date(2026, 10, 25)] < datetime(2026, 10, 25, 1, tzinfo=UTC)
    )


NINE = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)  # 09:00 in Ho Chi Minh City
VN = ZoneInfo("Asia/Ho_Chi_Minh")
TODAY, YESTERDAY = date(2026, 11, 24), date(2026, 11, 23)

TABLE = {
    "a second before": (-timedelta(seconds=1), {YESTERDAY}, LONG_AGO, (YESTERDAY, "sent")),
    "on the second": (timedelta(0), {YESTERDAY}, LONG_AGO, (TODAY, "due")),
    "already sent": (timedelta(minutes=5), {TODAY}, LONG_AGO, (TODAY, "sent")),
    "down from 08:50 to 09:40": (timedelta(minutes=40), {YESTERDAY}, LONG_AGO, (TODAY, "late")),
    "down for twelve hours": (timedelta(hours=12), {YESTERDAY}, LONG_AGO, (TODAY, "late")),
    "down for longer": (timedelta(hours=12, seconds=1), {YESTERDAY}, LONG_AGO, (TODAY, "too_late")),
    "down over midnight": (timedelta(hours=11), set(), LONG_AGO, (TODAY, "late")),
    "down for three days: the newest only": (timedelta(hours=3), set(), LONG_AGO, (TODAY, "late")),
    "started for the first time after nine": (timedelta(hours=1), set(), NINE + timedelta(hours=1), (TODAY, "not_yet")),
    "the clock is set back after sending": (-timedelta(hours=2), {TODAY, YESTERDAY}, LONG_AGO, (YESTERDAY, "sent")),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_owed(name):
    wait, sent, since, expected = TABLE[name]
    found = due(NINE + wait, VN, "09:00", sent, since)
    assert (found.on, found.reason) == expected


def test_a_late_digest_after_midnight_is_still_the_day_befores():
    """At 20:00, down until 02:00: six hours late, for the local date on which it was owed."""
    found = due(datetime(2026, 11, 24, 19, 0, tzinfo=UTC), VN, "20:00", {YESTERDAY}, LONG_AGO)
    assert (found.on, found.reason) == (TODAY, "late")


@given(
    st.lists(st.timedeltas(timedelta(hours=-3), timedelta(hours=40)), min_size=1, max_size=60),
    st.sampled_from(["Europe/Berlin", "Asia/Ho_Chi_Minh", "Pacific/Kiritimati", "America/St_Johns"]),
)
def test_however_the_clock_jumps_no_day_gets_two(jumps, zone):
    now, sent = NINE, set()
    for jump in jumps:
        now += jump
        found = due(now, ZoneInfo(zone), "09:00", sent, LONG_AGO)
        if found.now:
            assert found.on not in sent
            sent.add(found.on)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 24), 24), (date(2028, 2, 29), 24)],
)
def test_a_local_day_has_23_24_or_25_hours(day, hours):
    assert local_day(day, ZoneInfo("Europe/Berlin")).length == timedelta(hours=hours)


def test_local_days_leave_no_gap():
    zone, day = ZoneInfo("Africa/Cairo"), date(2026, 1, 1)
    for _ in range(366):
        following = day + timedelta(days=1)
        assert local_day(day, zone).end == local_day(following, zone).start
        day = following
