"""Another limit on the same requests: equal to a direct count up to the one in force, a range that holds above it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW, requests

from core.slo import Objective
from core.timespan import TimeSpan
from metrics.budget import HOUR, budget, hourly, sli
from metrics.classes import classify, count
from metrics.rates import rate
from metrics.what_if import LIMITS_MS, what_if

OBJECTIVE = Objective()
IN_FORCE = 8000.0
DURATION = st.one_of(st.none(), st.integers(0, 15_000).map(float), st.sampled_from([3000.0, 6000.0, 8000.0, 8001.0]))
ROW = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["success", "success", "timeout", "failed", "cancelled"]),
        "execution_time_ms": DURATION,
        "timeout_ms": st.sampled_from([None, 8000.0]),
        "fallback_used": st.sampled_from([True, False, None]),
        "sample_rate": st.sampled_from([1.0, 1.0, 0.25]),
    }
)
COUNTED = st.sampled_from(["good", "bad", "excluded"])


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=40), st.sampled_from([3000.0, 5999.0, 6000.0, 7000.0, 8000.0]), COUNTED)
def test_up_to_the_limit_in_force_it_is_the_direct_count(rows, limit, counts):
    """Classified again by the other limit: timeouts, success rate and budget are the same numbers."""
    frame, objective = requests(*rows), replace(OBJECTIVE, fallback_counts_as=counts)
    found = what_if(frame, [limit], IN_FORCE, objective)[0]
    direct = count(classify(frame, limit))
    level = sli(frame, replace(objective, limit_ms=limit))
    assert found.exact
    assert found.timeouts.low == found.timeouts.high == direct.timeout
    if direct.valid:
        assert found.success_rate[0].value == pytest.approx(rate(direct.success, direct.valid).value)
    if level.valid:
        assert found.consumed.low == pytest.approx((level.valid - level.good) / (level.valid * objective.budget))
    else:
        assert found.consumed is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 15_000), st.booleans(), st.booleans()), max_size=60),
    st.sampled_from([8001.0, 9000.0, 12_000.0]),
    COUNTED,
)
def test_above_the_limit_in_force_the_truth_is_in_the_range(truth, limit, counts):
    """Requests of known duration, cut at 8 s; under the higher limit they would have been cut there, or finished."""
    objective = replace(OBJECTIVE, fallback_counts_as=counts)

    def under(cut_at):
        rows = (
            {
                "status": "timeout" if ms > cut_at else "failed" if failed else "success",
                "execution_time_ms": float(min(ms, cut_at)),
                "timeout_ms": cut_at if ms > cut_at else None,
                "fallback_used": saved and ms <= 7000,
            }
            for ms, failed, saved in truth
        )
        return requests(*rows)

    found = what_if(under(IN_FORCE), [limit], IN_FORCE, objective)[0]
    true = under(limit)
    direct, level = count(classify(true, limit)), sli(true, replace(objective, limit_ms=limit))
    assert found.timeouts.low <= direct.timeout <= found.timeouts.high
    assert found.fallback.low <= direct.timeout <= found.fallback.high
    if level.valid:
        consumed = (level.valid - level.good) / (level.valid * objective.budget)
        assert found.consumed.low - 1e-9 <= consumed <= found.consumed.high + 1e-9
        assert found.success_rate[0].value - 1e-9 <= direct.success / direct.valid <= found.success_rate[1].value + 1e-9


EXAMPLE = requests(
    *({"execution_time_ms": ms} for ms in (1000.0, 5000.0, 6500.0, 7900.0)),
    {"execution_time_ms": 7000.0, "fallback_used": True},
    {"status": "timeout", "execution_time_ms": 8003.0, "timeout_ms": 8000.0},
    {"status": "timeout", "execution_time_ms": None, "timeout_ms": 8000.0},
    {"status": "timeout", "execution_time_ms": 10_000.0, "timeout_ms": 10_000.0},
    {"status": "failed", "execution_time_ms": 200.0},
    {"status": "cancelled", "execution_time_ms": 9000.0},
)
WORKED = {
    # limit in s: timeouts, fallback load, share of 9 x 1 % spent; all as low and high
    3: ((7, 7), (7, 7), (8 / 0.09, 8 / 0.09)),
    6: ((6, 6), (6, 6), (7 / 0.09, 7 / 0.09)),
    8: ((3, 3), (4, 4), (4 / 0.09, 4 / 0.09)),
    9: ((1, 3), (1, 4), (2 / 0.09, 4 / 0.09)),
    10: ((1, 3), (1, 4), (2 / 0.09, 4 / 0.09)),
    12: ((0, 3), (0, 4), (1 / 0.09, 4 / 0.09)),
}


@pytest.mark.parametrize("seconds", WORKED)
def test_a_worked_example_of_nine_valid_requests(seconds):
    found = what_if(EXAMPLE, [seconds * 1000.0], IN_FORCE, OBJECTIVE)[0]
    timeouts, fallback, spent = WORKED[seconds]
    assert (found.timeouts.low, found.timeouts.high) == timeouts
    assert (found.fallback.low, found.fallback.high) == fallback
    assert (found.consumed.low * 0.01, found.consumed.high * 0.01) == pytest.approx([part * 0.01 for part in spent])
    assert found.exact is (seconds <= 8)


def test_the_limit_in_force_gives_the_budget_of_the_same_requests():
    hours = hourly(EXAMPLE, OBJECTIVE, TimeSpan(NOW - 720 * HOUR, NOW))
    found = what_if(EXAMPLE, [IN_FORCE], IN_FORCE, OBJECTIVE)[0]
    assert found.consumed.low == pytest.approx(budget(hours, OBJECTIVE, NOW).consumed)


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, max_size=40))
def test_a_higher_limit_never_cuts_more(rows):
    found = what_if(requests(*rows), LIMITS_MS, IN_FORCE, OBJECTIVE)
    for lower, higher in pairwise(found):
        assert higher.timeouts.low <= lower.timeouts.low
        assert higher.timeouts.high <= lower.timeouts.high


def test_without_a_valid_request_nothing_is_said():
    for frame in (requests(), requests({"status": "cancelled"})):
        found = what_if(frame, [6000.0], IN_FORCE, OBJECTIVE)[0]
        assert (found.timeout_rate, found.success_rate, found.consumed) == (None, None, None)


def test_rates_carry_their_rows_and_range():
    frame = pl.concat([EXAMPLE] * 20)
    low, high = what_if(frame, [9000.0], IN_FORCE, OBJECTIVE)[0].timeout_rate
    assert low.n == high.n == 180
    assert low.low < low.value < high.value < high.high
