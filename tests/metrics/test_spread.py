"""Durations in bins, and the early warning: the parts sum to the valid requests, and edges fall where they are said to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW, requests

from core.slo import Limits
from core.timespan import TimeSpan
from metrics.classes import classify, count
from metrics.spread import near_by_group, near_over_time, spread, trend_of_each
from metrics.trend import trend

LIMITS = Limits()
HOUR = timedelta(hours=1)
SPAN = TimeSpan(NOW - 4 * HOUR, NOW)


def took(*durations, status="success", **fields):
    return requests(*({"execution_time_ms": float(ms), "status": status, **fields} for ms in durations))


def test_the_limit_ends_a_bin_and_exactly_the_limit_is_in_it():
    shown = spread(took(8000, 8001), LIMITS)
    assert shown["end_ms"].to_list()[0] == pytest.approx(8000)
    assert shown["start_ms"].to_list()[1] == pytest.approx(8000)
    assert shown["kind"].to_list() == ["near", "over"]


def test_a_cut_request_stands_at_its_cut_and_is_told_apart():
    shown = spread(requests({"status": "timeout", "execution_time_ms": 8000.0}, {"execution_time_ms": 7900.0}), LIMITS)
    assert shown.select("kind", "requests", "share").rows() == [("near", 1.0, 0.5), ("cut", 1.0, 0.5)]
    assert shown["end_ms"].n_unique() == 1


def test_a_cut_request_without_a_duration_stands_at_its_own_limit():
    row = {"status": "timeout", "execution_time_ms": None, "timeout_ms": 4000.0}
    shown = spread(requests(row), LIMITS)
    assert (shown["end_ms"][0], shown["kind"][0]) == (pytest.approx(4000), "cut")


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 50_000),
            st.sampled_from(["success", "timeout", "failed", "cancelled"]),
            st.sampled_from([1.0, 0.5]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_the_bins_sum_to_the_valid_requests_and_hold_what_they_say(rows):
    frame = requests(*({"execution_time_ms": ms, "status": status, "sample_rate": kept} for ms, status, kept in rows))
    shown, counts = spread(frame, LIMITS), count(classify(frame, LIMITS.limit_ms))
    assert shown["requests"].sum() == pytest.approx(counts.success + counts.timeout + counts.failed)
    assert shown.is_empty() or shown["share"].sum() == pytest.approx(1)
    for start, end, _, _, _ in shown.rows():
        assert end == pytest.approx(start * 2**0.25)


def test_near_and_critical_over_time_count_successes_only():
    frame = took(5999, 6000, 7199, 7200, 8000, 8001).vstack(took(7500, status="failed"))
    shown = near_over_time(frame, SPAN, HOUR, LIMITS)
    assert shown["near"].to_list() == [0, 0, 0, 4]
    assert shown["critical"].to_list() == [0, 0, 0, 2]
    assert shown["near_rate"].to_list() == [None, None, None, pytest.approx(4 / 7)]


def test_agents_near_the_limit_come_with_a_range_most_first():
    frame = took(7300, 100, agent_id="b").vstack(took(6100, 6200, 100, agent_id="a")).vstack(took(10, agent_id="c"))
    shown = near_by_group(frame, "agent_id", LIMITS)
    assert shown.select("group", "near", "critical", "n").rows() == [("a", 2, 0, 3), ("b", 1, 1, 2)]
    assert ((shown["low"] < shown["near_rate"]) & (shown["near_rate"] < shown["high"])).all()


def test_each_group_has_the_trend_it_would_have_alone():
    frame = took(100, 200, agent_id="a").vstack(took(8000, status="timeout", agent_id="b"))
    shown = trend_of_each(frame, "agent_id", ["a", "b"], (SPAN, HOUR), LIMITS.limit_ms)
    alone = trend(took(8000, status="timeout", agent_id="b"), SPAN, HOUR, LIMITS.limit_ms)
    assert shown["group"].to_list() == ["a"] * 4 + ["b"] * 4
    assert shown.filter(group="b").drop("group").equals(alone)
