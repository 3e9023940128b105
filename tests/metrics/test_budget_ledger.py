"""Who spent the budget: every breakdown sums to the spend, and a planted incident is found with its spend."""

from __future__ import annotations

import math
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW, requests

from core.slo import Objective
from core.timespan import TimeSpan
from metrics.budget import HOUR, hourly, spending
from metrics.budget_ledger import cube, ledger

API, MINUTES = Objective(), Objective("availability", 0.999, by="minutes")
NAMES = st.sampled_from(["planner", "search", None])
ROW = st.fixed_dictionaries(
    {
        "timestamp": st.integers(1, 6 * 3600).map(lambda s: NOW - timedelta(seconds=s)),
        "status": st.sampled_from(["success", "timeout", "failed", "cancelled"]),
        "agent_id": NAMES,
        "operation": NAMES,
        "error_code": NAMES,
        "fallback_used": st.sampled_from([True, False, None]),
    }
)


def of(frame, objective=API, allowed=10.0):
    return ledger([cube(frame, objective)], objective, allowed)


def breakdowns(found):
    return {"hour": found.hours, "agent": found.agents, "operation": found.operations, "code": found.error_codes,
            "incident": found.incidents}  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, max_size=80), st.sampled_from([API, MINUTES]))
def test_every_breakdown_sums_to_what_the_budget_lost(rows, objective):
    """The spend is the one of the budget's own hours; of unsampled requests the sums are equal, not close."""
    frame = requests(*rows).sort("timestamp")
    found = of(frame, objective)
    lost = hourly(frame, objective, TimeSpan(NOW - 6 * HOUR, NOW))["bad"].sum()
    assert found.spent == (lost if objective is API else pytest.approx(lost, abs=1e-9))
    for table in breakdowns(found).values():
        total = math.fsum(table["spent"])
        assert total == (found.spent if objective is API else pytest.approx(found.spent, abs=1e-9))
        assert not lost or table["of_spend"].sum() == pytest.approx(1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(ROW, st.sampled_from([1.0, 0.3, 0.07])), max_size=60))
def test_sampled_requests_spend_what_they_stand_for(rows):
    frame = requests(*({**row, "sample_rate": rate} for row, rate in rows))
    found = of(frame)
    bad = [1 / rate for row, rate in rows if row["status"] in ("timeout", "failed")]
    assert found.spent == pytest.approx(math.fsum(bad), rel=1e-12)
    for table in breakdowns(found).values():
        assert math.fsum(table["spent"]) == pytest.approx(found.spent, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.lists(ROW, max_size=60), st.integers(0, 360), st.sampled_from([API, MINUTES]))
def test_a_period_read_in_pieces_has_the_same_ledger(rows, minute, objective):
    frame = requests(*rows).sort("timestamp")
    cut = pl.col("timestamp") < NOW - timedelta(minutes=minute)
    parts = [cube(frame.filter(cut), objective), cube(frame.filter(~cut), objective)]
    whole, merged = of(frame, objective), ledger(parts, objective, 10.0)
    assert whole.spent == pytest.approx(merged.spent, abs=1e-9)
    for one, other in zip(breakdowns(whole).values(), breakdowns(merged).values(), strict=True):
        assert sorted(one["spent"].round(6)) == pytest.approx(sorted(other["spent"].round(6)), abs=1e-6)


def planted():
    """Two quiet agents for 12 hours; `search` times out in three hours in a row, and once more after a quiet one."""
    rows = [
        {"timestamp": NOW - HOUR * 12 + timedelta(minutes=n), "agent_id": agent, "operation": "answer"}
        for n in range(720) for agent in ("search", "planner")
    ]  # fmt: skip
    for row in rows:
        hour = (row["timestamp"] - (NOW - HOUR * 12)) // HOUR
        if row["agent_id"] == "search" and hour in (4, 5, 6, 8) and row["timestamp"].minute < 30:
            row |= {"status": "timeout", "error_code": "API_TIMEOUT"}
    rows[1] |= {"status": "failed", "error_code": "BOOM"}
    return requests(*rows)


def test_a_run_of_bad_hours_of_one_agent_is_one_incident():
    found = of(planted()).incidents.select("agent_id", "start", "end", "hours", "spent").rows()
    start = NOW - HOUR * 12
    assert found == [
        ("search", start + HOUR * 4, start + HOUR * 7, 3, 90.0),
        ("search", start + HOUR * 8, start + HOUR * 9, 1, 30.0),
        (None, None, None, None, 1.0),
    ]


def test_shares_are_of_the_budget_and_of_the_spend():
    found = of(planted(), allowed=14.4).agents
    assert found["agent_id"].to_list() == ["search", "planner"]
    assert found["of_budget"].to_list() == pytest.approx([120 / 14.4, 1 / 14.4])
    assert found["of_spend"].to_list() == pytest.approx([120 / 121, 1 / 121])


def test_a_down_minute_is_shared_by_its_bad_requests():
    """One minute: a timeout of one agent, three of another, all bad; another minute is up with one bad of ten."""
    down = [{"timestamp": NOW - HOUR, "status": "timeout", "agent_id": agent} for agent in "abbb"]
    up = [{"timestamp": NOW - 2 * HOUR, "status": "failed" if n == 0 else "success"} for n in range(10)]
    found = of(requests(*up, *down), MINUTES)
    assert found.spent == 1.0
    assert found.agents.select("agent_id", "spent").rows() == [("b", 0.75), ("a", 0.25)]


def test_few_bad_requests_are_no_incident():
    few = requests(*({"timestamp": NOW - HOUR, "status": "failed"} for _ in range(4)))
    assert of(few).incidents["start"].to_list() == [None]


def test_nothing_spent_is_an_empty_ledger():
    for frame in (requests(), requests({}, {"status": "cancelled"})):
        found = of(frame, allowed=0.0)
        assert found.spent == 0
        assert all(table.is_empty() for table in breakdowns(found).values())
        assert spending(frame, API).is_empty()
