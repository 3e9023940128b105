"""Heatmap, trend and groups: explicit rows for silence, sums that agree with the counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW, requests

from core.timespan import TimeSpan
from metrics.classes import classify, count
from metrics.groups import by_group
from metrics.heatmap import bands, heatmap
from metrics.latency import latency, timed
from metrics.trend import trend

LIMIT = 8000.0
HOUR = timedelta(hours=1)
SPAN = TimeSpan(NOW - 4 * HOUR, NOW)


def at(hours_ago, **row):
    return {"timestamp": NOW - HOUR * hours_ago, **row}


def test_the_bands_of_eight_seconds():
    assert [band.label for band in bands(LIMIT)] == ["<2", "2-5", "5-8", ">8"]
    assert [(band.low_ms, band.high_ms) for band in bands(LIMIT)] == [
        (0, 2000), (2000, 5000), (5000, 8000), (8000, None),
    ]  # fmt: skip


def test_the_bands_of_another_limit_are_the_same_shares_of_it():
    assert [band.label for band in bands(300.0)] == ["<0.075", "0.075-0.1875", "0.1875-0.3", ">0.3"]


@pytest.mark.parametrize(
    ("duration", "status", "label"),
    [
        (0.0, "success", "<2"),
        (1999.9, "success", "<2"),
        (2000.0, "success", "2-5"),
        (4999.9, "failed", "2-5"),
        (5000.0, "success", "5-8"),
        (8000.0, "success", "5-8"),
        (8000.1, "success", ">8"),
        (8000.0, "timeout", ">8"),
        (300.0, "timeout", ">8"),
        (None, "timeout", ">8"),
        (None, "failed", None),
        (9000.0, "cancelled", None),
        (None, "success", None),
    ],
)
def test_the_band_of_a_request(duration, status, label):
    cells = heatmap(requests(at(1, execution_time_ms=duration, status=status)), SPAN, HOUR, LIMIT)
    hit = cells.filter(cells["requests"] > 0)
    assert hit["band"].to_list() == ([] if label is None else [label])


def test_every_slot_and_band_has_a_row():
    cells = heatmap(requests(at(2), at(2), at(2, execution_time_ms=6000.0)), SPAN, HOUR, LIMIT)
    assert cells.height == 4 * 4
    assert cells["start"].unique().sort().to_list() == [NOW - HOUR * n for n in (4, 3, 2, 1)]
    third = cells.filter(cells["start"] == NOW - 2 * HOUR)
    assert third["requests"].to_list() == [2, 0, 1, 0]
    assert third["share"].to_list() == pytest.approx([2 / 3, 0, 1 / 3, 0])
    assert cells.filter(cells["start"] == NOW - HOUR)["share"].to_list() == [None] * 4


def test_nothing_at_all_is_a_grid_of_zeros():
    cells = heatmap(requests(), SPAN, HOUR, LIMIT)
    assert (cells.height, cells["requests"].sum(), cells["share"].null_count()) == (16, 0, 16)


def test_the_last_slot_may_be_cut_short():
    odd = TimeSpan(NOW - 2.5 * HOUR, NOW)
    found = trend(requests(at(0.25), at(2.5), at(2.6)), odd, HOUR, LIMIT)
    assert found["requests"].to_list() == [1, 0, 1]


@pytest.mark.parametrize("width", [timedelta(0), -HOUR])
def test_a_slot_needs_a_width(width):
    with pytest.raises(ValueError, match="needs a width"):
        trend(requests(), SPAN, width, LIMIT)


def test_no_traffic_has_counts_of_zero_and_no_rates():
    found = trend(requests(at(1), at(1, status="timeout"), at(3, status="cancelled")), SPAN, HOUR, LIMIT)
    assert found["requests"].to_list() == [0, 1, 0, 2]
    assert found["valid"].to_list() == [0, 0, 0, 2]
    assert found["timeout_rate"].to_list() == [None, None, None, 0.5]
    assert found["p99"].null_count() == 3
    assert found["p99_at_least"].to_list() == [None, None, None, True]


def test_the_trend_is_the_summary_of_each_slot():
    rows = [
        at(0.1 * (n % 40) + 0.05, execution_time_ms=97.0 * n % 9001, status=["success", "timeout", "failed"][n % 3])
        for n in range(300)
    ]
    found = trend(requests(*rows), SPAN, HOUR, LIMIT)
    for slot in found.rows(named=True):
        inside = requests(*(row for row in rows if slot["start"] <= row["timestamp"] < slot["start"] + HOUR))
        counts, times = count(classify(inside, LIMIT)), latency(timed(inside, LIMIT)).row(0, named=True)
        assert (slot["valid"], slot["timeouts"], slot["failed"]) == (counts.valid, counts.timeout, counts.failed)
        for name in ("average_ms", "p50", "p95", "p99", "p99_at_least"):
            assert slot[name] == pytest.approx(times[name])


ROWS = st.lists(
    st.fixed_dictionaries({
        "timestamp": st.integers(-10, 4 * 3600 + 10).map(lambda s: SPAN.start + timedelta(seconds=s)),
        "status": st.sampled_from(["success", "timeout", "failed", "cancelled"]),
        "execution_time_ms": st.none() | st.floats(0, 20_000),
        "agent_id": st.sampled_from(["a", "b", "c"]) | st.none(),
        "sample_rate": st.sampled_from([1.0, 0.25]),
    }),
    max_size=40,
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(ROWS)
def test_bands_slots_and_groups_sum_to_the_counts(rows):
    inside = [row for row in rows if SPAN.start <= row["timestamp"] < SPAN.end]
    counts = count(classify(requests(*inside), LIMIT))
    without_band = sum(
        1 / row["sample_rate"] for row in inside if row["status"] == "failed" and row["execution_time_ms"] is None
    )
    cells = heatmap(requests(*rows), SPAN, timedelta(minutes=37), LIMIT)
    assert cells["requests"].sum() == counts.valid - without_band
    over_time = trend(requests(*rows), SPAN, timedelta(minutes=37), LIMIT)
    groups = by_group(requests(*inside), "agent_id", LIMIT)
    for found in (over_time, groups):
        assert found["requests"].sum() == counts.requests
        assert found["timeouts"].sum() == counts.timeout
        assert found["failed"].sum() == counts.failed


def test_groups_come_with_most_timeouts_first():
    frame = requests(
        *[{"agent_id": "search"}] * 3,
        *[{"agent_id": "planner", "status": "timeout", "execution_time_ms": 8000.0}] * 2,
        *[{"agent_id": "pricing", "sample_rate": 0.5}, {"agent_id": "pricing"}],
        *[{"agent_id": "pricing", "status": "timeout", "execution_time_ms": None}],
        {"agent_id": None, "status": "cancelled"},
    )
    found = by_group(frame, "agent_id", LIMIT)
    assert found["group"].to_list() == ["planner", "pricing", "search", None]
    assert found["timeouts"].to_list() == [2, 1, 0, 0]
    assert found["requests"].to_list() == [2, 4, 3, 1]
    assert found["n"].to_list() == [2, 3, 3, 0]
    assert found["timeout_rate"].to_list() == [1.0, 0.25, 0.0, None]
    assert found["p95_at_least"].to_list() == [True, True, False, None]
    ranges = list(zip(found["low"], found["timeout_rate"], found["high"], strict=True))
    assert all(low <= rate <= high for low, rate, high in ranges[:3])
    assert ranges[3] == (None, None, None)
