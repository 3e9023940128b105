"""Uptime counts minutes, and only those with traffic."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW, requests

from metrics.uptime import uptime

LIMIT = 8000.0


def minutes(*parts):
    """One minute per part, each so many (good, bad) requests."""
    start = NOW.replace(second=0, microsecond=0)
    return requests(
        *(
            {"timestamp": start + timedelta(minutes=place, seconds=n / 100), "status": status}
            for place, (good, bad) in enumerate(parts)
            for n, status in enumerate(["success"] * good + ["timeout"] * bad)
        )
    )


@pytest.mark.parametrize(("bad", "shown"), [(0, 100.0), (7, 99.514), (8, 99.444), (1440, 0.0)])
def test_a_day_with_so_many_bad_minutes(bad, shown):
    found = uptime(minutes(*[(0, 1)] * bad, *[(1, 0)] * (1440 - bad)), LIMIT)
    assert round(found.value * 100, 3) == shown
    assert found.n == 1440


@pytest.mark.parametrize(
    ("good", "bad", "up"), [(9, 1, True), (8, 1, False), (18, 2, True), (89, 10, False), (0, 1, False), (1, 0, True)]
)
def test_a_minute_is_up_from_nine_in_ten_on(good, bad, up):
    assert uptime(minutes((good, bad)), LIMIT).value == float(up)


def test_the_share_of_a_minute_that_must_be_good_can_be_set():
    assert uptime(minutes((5, 5)), LIMIT, 0.5).value == 1.0
    assert uptime(minutes((4, 5)), LIMIT, 0.5).value == 0.0


def test_minutes_without_a_valid_request_are_neither_up_nor_down():
    quiet = requests({"status": "cancelled"}, {"status": "success", "execution_time_ms": None})
    assert uptime(quiet, LIMIT) is None
    assert uptime(requests(), LIMIT) is None
    assert uptime(pl.concat([quiet, minutes((1, 0))]), LIMIT).n == 1


def test_a_sampled_success_counts_for_as_many_as_it_stands_for():
    """One bad beside one success that stands for nine: 90 % is up."""
    frame = minutes((1, 1)).with_columns(pl.Series("sample_rate", [1 / 9, 1.0]))
    assert uptime(frame, LIMIT).value == 1.0


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=30))
def test_uptime_is_up_minutes_of_minutes_with_traffic(parts):
    busy = [(good, bad) for good, bad in parts if good + bad]
    found = uptime(minutes(*parts), LIMIT)
    if not busy:
        assert found is None
        return
    up = sum(10 * good >= 9 * (good + bad) for good, bad in busy)
    assert (found.value, found.n) == (up / len(busy), len(busy))
    assert found.low <= found.value <= found.high
