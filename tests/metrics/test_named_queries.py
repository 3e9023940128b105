"""The three named queries against answers counted by hand, on the days the clocks change, too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import requests, source

from core.errors import UsageError
from core.selection import Freshness, Selection
from core.settings import parse
from core.timespan import TimeSpan
from metrics.named_queries import between, day_edges, hour_edges, query_answer, top_agents
from metrics.questions import QUESTIONS, Asked

LIMIT = 8000.0
BERLIN = ZoneInfo("Europe/Berlin")


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def row(when, status="success", agent="planner", ms=100.0, **more):
    return {"timestamp": at(when), "status": status, "agent_id": agent, "execution_time_ms": ms, **more}


NOON = at("2026-10-26T12:30:00+01:00")
"""Monday 12:30 in Berlin, the day after the clocks went back."""

ROWS = requests(
    row("2026-10-19T23:59:59+02:00", "timeout"),  # before the seven days
    row("2026-10-20T00:00:00+02:00"),  # Tuesday, its first moment
    row("2026-10-24T23:30:00+02:00", "timeout", ms=8000.0),  # Saturday
    row("2026-10-25T02:30:00+02:00", "timeout", "pricing", 8000.0),  # Sunday, the first 02:30
    row("2026-10-25T02:30:00+01:00", "success", "pricing", 9000.0),  # the second: slow, so a timeout
    row("2026-10-25T12:29:59+01:00"),  # just before the 24 hours
    row("2026-10-25T12:30:00+01:00", "timeout", ms=8000.0),
    row("2026-10-25T12:59:59+01:00"),
    row("2026-10-25T13:00:00+01:00", "failed"),
    row("2026-10-26T12:00:00+01:00", "timeout", "pricing", None, timeout_ms=7000.0),
    row("2026-10-26T12:10:00+01:00", "timeout", "pricing", 8000.0),
    row("2026-10-26T12:20:00+01:00", "cancelled", "pricing"),
    row("2026-10-26T12:29:59+01:00", "success", "pricing", 8000.0, sample_rate=0.5),
    row("2026-10-26T12:30:00+01:00", "timeout"),  # not before the end
)


def ask(name=None, now=NOON, selection=None, zone="Europe/Berlin"):
    asked = Asked(
        selection or Selection(TimeSpan.last(timedelta(hours=24), now)),
        {} if name is None else {"name": name},
        parse(f"timezone: {zone}"),
        now,
        Freshness(now, now, 1),
    )
    return query_answer(source(ROWS), asked)


def test_timeouts_by_hour_come_out_as_counted_by_hand():
    rows = ask("rate-by-hour")["rate-by-hour"]
    assert len(rows) == 25
    shown = [(r["start"], r["minutes"], r["requests"], r["timeouts"], r["timeout_rate"], r["n"]) for r in rows]
    assert shown[0] == ("2026-10-25T12:30:00+01:00", 30, 2, 1, 0.5, 2)
    assert shown[1] == ("2026-10-25T13:00:00+01:00", 60, 1, 0, 0.0, 1)
    # two timeouts, a cancelled one that is not valid, and one row that stands for two: 2 of 4
    assert shown[-1] == ("2026-10-26T12:00:00+01:00", 30, 5, 2, 0.5, 3)
    assert all(found[2:] == (0, 0, None, 0) for found in shown[2:-1])


@pytest.mark.parametrize("now", ["2026-03-29T12:00:00+02:00", "2026-10-25T12:00:00+01:00"])
def test_an_hour_lasts_sixty_minutes_also_where_the_clock_jumps(now):
    """The hour before the clock goes forward, and both hours from 2 to 3 when it goes back."""
    rows = ask("rate-by-hour", now=at(now))["rate-by-hour"]
    assert [row["minutes"] for row in rows] == [60] * 24


def test_agents_with_most_timeouts_come_first_and_those_without_are_left_out():
    rows = ask("top-agents")["top-agents"]
    assert [(r["agent_id"], r["timeouts"], r["requests"]) for r in rows] == [("pricing", 2, 5), ("planner", 1, 3)]
    assert rows[1]["timeout_rate"] == pytest.approx(1 / 3)


def test_days_are_local_days_and_the_long_sunday_is_one_day():
    rows = ask("daily")["daily"]
    shown = [(r["start"], r["requests"], r["timeouts"], r["complete"]) for r in rows]
    assert shown == [
        ("2026-10-20T00:00:00+02:00", 1, 0, True),
        ("2026-10-21T00:00:00+02:00", 0, 0, True),
        ("2026-10-22T00:00:00+02:00", 0, 0, True),
        ("2026-10-23T00:00:00+02:00", 0, 0, True),
        ("2026-10-24T00:00:00+02:00", 1, 1, True),
        ("2026-10-25T00:00:00+02:00", 6, 3, True),
        ("2026-10-26T00:00:00+01:00", 5, 2, False),
    ]
    assert rows[5]["timeout_rate"] == 0.5
    assert rows[1]["timeout_rate"] is None
    # 8,000 8,000(cut at) 7,000(cut) and 8,000 twice: the highest is 8,000, and cut requests make it a bound
    assert (rows[6]["p95"], rows[6]["p95_at_least"]) == (8000.0, True)


def test_all_three_are_answered_when_no_name_is_given():
    assert list(ask()) == ["rate-by-hour", "top-agents", "daily"]


def test_a_query_nobody_knows_is_refused_with_the_names():
    with pytest.raises(UsageError, match="rate-by-hour, top-agents, daily"):
        ask("weekly")


def test_a_query_of_a_past_day_ends_with_that_day():
    span = TimeSpan(at("2026-10-24T00:00:00+02:00"), at("2026-10-25T00:00:00+02:00"))
    rows = ask("daily", selection=Selection(span))["daily"]
    assert (rows[-1]["start"], rows[-1]["requests"], rows[-1]["complete"]) == ("2026-10-24T00:00:00+02:00", 1, True)


@pytest.mark.parametrize(
    ("zone", "now", "hours", "first"),
    [
        ("Asia/Kolkata", "2026-11-24T07:10:00+00:00", 25, "2026-11-23T12:40:00+05:30"),
        ("UTC", "2026-11-24T07:00:00+00:00", 24, "2026-11-23T07:00:00+00:00"),
        ("Australia/Lord_Howe", "2026-04-05T03:15:00+00:00", 24, "2026-04-04T14:15:00+11:00"),
    ],
)
def test_hours_begin_where_the_local_clock_says_so(zone, now, hours, first):
    """Half-hour zones, and the one zone whose clock moves by half an hour: its hour from 1 to 2 then lasts 90 minutes."""
    edges = hour_edges(at(now), ZoneInfo(zone))
    assert len(edges) == hours + 1
    assert edges[0].astimezone(ZoneInfo(zone)).isoformat() == first
    assert {edge.astimezone(ZoneInfo(zone)).minute for edge in edges[1:-1]} == {0}


def test_local_days_of_a_week_last_as_long_as_they_do():
    edges = day_edges(NOON, BERLIN)
    lengths = [(end - start) / timedelta(hours=1) for start, end in pairwise(edges)]
    assert lengths == [24, 24, 24, 24, 24, 25, 12.5]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 90_000), st.sampled_from(["success", "timeout", "failed", "cancelled"]))))
def test_the_hours_sum_to_what_lies_between_their_ends(found):
    rows = requests(*({"timestamp": NOON - timedelta(seconds=s), "status": status} for s, status in found))
    table = between(rows, hour_edges(NOON, BERLIN), LIMIT)
    inside = [status for s, status in found if 0 < s <= 86_400]
    assert table["requests"].sum() == len(inside)
    assert table["timeouts"].sum() == inside.count("timeout")


def test_no_rows_at_all_give_quiet_hours_and_no_agents():
    assert between(requests(), hour_edges(NOON, BERLIN), LIMIT)["timeout_rate"].null_count() == 25
    assert top_agents(requests(), LIMIT).height == 0


def test_the_command_and_the_address_know_the_query():
    assert set(QUESTIONS["query"].extra) == {"name"}
