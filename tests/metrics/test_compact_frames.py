"""A compact row for so many equal requests gives what the requests give one by one."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW, requests
from polars.testing import assert_frame_equal

from core.slo import Objective
from core.timespan import TimeSpan
from metrics.budget import hourly, sli
from metrics.classes import count, is_valid
from metrics.groups import by_group
from metrics.heatmap import heatmap
from metrics.latency import latency, timed
from metrics.rates import effective_rows
from metrics.trend import trend
from metrics.values import PERCENTILES

LIMIT = 8000.0
HOUR = timedelta(hours=1)
SPAN = TimeSpan(NOW - 3 * HOUR, NOW)

ROW = st.fixed_dictionaries(
    {
        "timestamp": st.sampled_from([NOW - 3 * HOUR, NOW - 2 * HOUR, NOW - HOUR]),
        "execution_time_ms": st.sampled_from([None, 0.5, 300.0, 1999.0, 6000.0, 7200.0, 8000.0, 8001.0, 30_000.0]),
        "status": st.sampled_from(["success", "success", "success", "timeout", "failed", "cancelled"]),
        "agent_id": st.sampled_from(["a", "b"]),
        "sample_rate": st.sampled_from([1.0, 1.0, 0.1]),
        "fallback_used": st.sampled_from([None, True, False]),
    }
)
ROWS = st.lists(ROW, min_size=1, max_size=60)


def compact(frame):
    """Equal requests as one row; a cut one without a duration has none here, either."""
    keys = ("timestamp", "execution_time_ms", "status", "agent_id", "sample_rate", "fallback_used", "timeout_ms")
    return frame.group_by(*keys).agg(
        pl.len().cast(pl.Int64).alias("rows"),
        pl.when(pl.col("execution_time_ms").count() > 0).then(pl.col("execution_time_ms").sum()).alias("total_ms"),
        pl.col("execution_time_ms").max().alias("longest_ms"),
    )


def same(found, expected, keys=()):
    """Equal but for the last digits, row by row."""
    order = list(keys)
    found, expected = (frame.sort(order) if order else frame for frame in (found, expected))
    assert_frame_equal(found, expected, rel_tol=1e-9, abs_tol=1e-9)


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_latencies_and_their_bounds_are_those_of_the_single_requests(rows):
    plain = requests(*rows)
    same(latency(timed(compact(plain), LIMIT)), latency(timed(plain, LIMIT)))
    same(
        latency(timed(compact(plain), LIMIT), "agent_id"), latency(timed(plain, LIMIT), "agent_id"), keys=("agent_id",)
    )


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_counts_shares_and_groups_are_those_of_the_single_requests(rows):
    plain = requests(*rows)
    one, other = timed(compact(plain), LIMIT), timed(plain, LIMIT)
    assert count(one) == pytest.approx(count(other))
    effective = [frame.select(effective_rows(is_valid())).item() for frame in (one, other)]
    assert effective[0] == pytest.approx(effective[1])
    assert one["rows"].sum() == other["rows"].sum() == len(rows)
    same(by_group(compact(plain), "agent_id", LIMIT), by_group(plain, "agent_id", LIMIT))


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from(["good", "bad", "excluded"]))
def test_slots_bands_and_budget_hours_are_those_of_the_single_requests(rows, fallback):
    plain, objective = requests(*rows).sort("timestamp"), Objective(fallback_counts_as=fallback)
    short = compact(plain).sort("timestamp")
    same(trend(short, SPAN, HOUR, LIMIT), trend(plain, SPAN, HOUR, LIMIT))
    same(heatmap(short, SPAN, HOUR, LIMIT), heatmap(plain, SPAN, HOUR, LIMIT))
    same(hourly(short, objective, SPAN), hourly(plain, objective, SPAN))
    assert sli(short, objective) == sli(plain, objective)


def test_a_compact_row_holds_its_place_up_to_its_last_request():
    """99 requests of 100 ms, then one of 1,100: p99 is place 98.01 of 99, a hundredth of the way to the slow one."""
    frame = compact(requests(*[{"execution_time_ms": 100.0, "timestamp": NOW}] * 99, {"execution_time_ms": 1100.0}))
    found = latency(timed(frame, LIMIT)).row(0, named=True)
    assert [found[name] for name in PERCENTILES[:4]] == [100.0] * 4
    assert found["p99"] == pytest.approx(100 + 0.01 * 1000)


def test_a_bucket_that_reaches_above_the_first_cut_request_is_not_surely_before_it():
    """Nine requests of 7.0 to 7.9 s in one row, taken for 7.4; one was cut at 7.5: any of them may stand above it."""
    row = {"status": "success", "agent_id": "a", "sample_rate": 1.0, "fallback_used": False, "timeout_ms": None}
    rows = [
        row | {"execution_time_ms": 7400.0, "rows": 9, "total_ms": 66_600.0, "longest_ms": 7900.0},
        row | {"execution_time_ms": 7500.0, "rows": 1, "total_ms": 7500.0, "longest_ms": 7500.0, "status": "timeout"},
    ]
    found = latency(timed(pl.DataFrame(rows), LIMIT)).row(0, named=True)
    assert found["p50_at_least"]
