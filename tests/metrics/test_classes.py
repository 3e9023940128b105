"""Every request has exactly one class."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import requests

from metrics.classes import CLASSES, classify, count

TABLE = {
    "just under the limit is good": ("success", 7999.0, "success"),
    "exactly the limit is good": ("success", 8000.0, "success"),
    "over the limit is a timeout": ("success", 8001.0, "timeout"),
    "no time at all is good": ("success", 0.0, "success"),
    "a cut request is a timeout however short": ("timeout", 300.0, "timeout"),
    "a cut request without a duration is a timeout": ("timeout", None, "timeout"),
    "a failure is a failure": ("failed", 20.0, "failed"),
    "a failure without a duration is a failure": ("failed", None, "failed"),
    "a failure over the limit is a timeout": ("failed", 8001.0, "timeout"),
    "a failure with a broken duration is a failure": ("failed", float("nan"), "failed"),
    "cancelled is excluded": ("cancelled", 10.0, "excluded"),
    "cancelled is excluded even when slow": ("cancelled", 60_000.0, "excluded"),
    "rejected is excluded even without a duration": ("rejected", None, "excluded"),
    "a success without a duration is unmeasured": ("success", None, "unmeasured"),
    "a success with NaN is unmeasured": ("success", float("nan"), "unmeasured"),
    "a success of infinite length is unmeasured": ("success", float("inf"), "unmeasured"),
    "a success of negative length is unmeasured": ("success", -1.0, "unmeasured"),
}


@pytest.mark.parametrize(("status", "duration", "expected"), TABLE.values(), ids=TABLE.keys())
def test_every_request_has_exactly_this_class(status, duration, expected):
    frame = classify(requests({"status": status, "execution_time_ms": duration}), 8000.0)
    assert frame["class"].to_list() == [expected]


def test_the_limit_is_an_argument():
    frame = requests({"execution_time_ms": 300.0}, {"execution_time_ms": 301.0})
    assert classify(frame, 300.0)["class"].to_list() == ["success", "timeout"]


def test_a_sampled_row_stands_for_one_over_its_rate():
    frame = classify(requests({"sample_rate": 0.1}, {"sample_rate": 1.0}, {"sample_rate": 0.25}), 8000.0)
    assert frame["weight"].to_list() == [10.0, 1.0, 4.0]


@pytest.mark.parametrize("broken", [0.0, -1.0, 2.0, float("nan"), None])
def test_a_sample_rate_that_is_none_counts_as_one_request(broken):
    assert classify(requests({"sample_rate": broken}), 8000.0)["weight"].to_list() == [1.0]


def test_counting_nothing_is_zero_of_everything():
    counts = count(classify(requests(), 8000.0))
    assert (counts.requests, counts.valid) == (0, 0)


ANY_ROW = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["success", "timeout", "failed", "cancelled", "rejected"]),
        "execution_time_ms": st.none() | st.floats(-10, 20_000) | st.sampled_from([float("nan"), float("inf"), 8000.0]),
        "sample_rate": st.sampled_from([1.0, 0.5, 0.1]),
    }
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_ROW, max_size=30))
def test_the_classes_sum_to_the_requests(rows):
    classified = classify(requests(*rows), 8000.0)
    counts = count(classified)
    assert classified["class"].null_count() == 0
    assert counts.requests == pytest.approx(sum(1 / row["sample_rate"] for row in rows))
    assert counts.requests == sum(getattr(counts, name) for name in CLASSES)


@settings(max_examples=30, deadline=None)
@given(st.lists(ANY_ROW, max_size=20), st.lists(ANY_ROW, max_size=20))
def test_counts_of_two_parts_add_up_to_those_of_the_whole(one, two):
    parts = [count(classify(requests(*rows), 8000.0)) for rows in (one, two)]
    whole = count(classify(pl.concat([requests(*one), requests(*two)]), 8000.0))
    for name in (*CLASSES, "requests", "valid"):
        assert getattr(whole, name) == pytest.approx(sum(getattr(part, name) for part in parts))
