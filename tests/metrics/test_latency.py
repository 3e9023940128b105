"""Percentiles are exact, and say when a cut request makes them lower bounds."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import requests

import metrics.latency
from metrics.latency import latency, timed
from metrics.values import PERCENTILES

LIMIT = 8000.0


def found(*rows, limit=LIMIT):
    return latency(timed(requests(*rows), limit)).row(0, named=True)


def took(*durations, **more):
    return [{"execution_time_ms": duration, **more} for duration in durations]


def cut(*durations):
    return took(*durations, status="timeout")


def test_no_request_has_no_latency():
    assert set(found().values()) == {None}


def test_one_request_is_every_percentile():
    values = found(*took(1234.0))
    assert {values[name] for name in PERCENTILES} == {1234.0}


def test_percentiles_lie_between_two_requests():
    assert found(*took(1000.0, 2000.0))["p50"] == 1500.0


def test_timeouts_and_failures_count_and_excluded_requests_do_not():
    rows = [*took(1000.0), *took(2000.0, status="failed"), *took(9000.0), *took(5.0, status="cancelled")]
    assert found(*rows)["p50"] == 2000.0
    assert found(*rows)["average_ms"] == 4000.0


def test_a_failure_without_a_duration_and_an_unmeasured_success_have_no_latency():
    rows = [*took(None, float("nan")), *took(None, status="failed"), *took(70.0)]
    assert found(*rows)["average_ms"] == 70.0


def test_a_cut_request_without_a_duration_has_at_least_the_limit_it_was_cut_at():
    assert found(*cut(None))["p50"] == LIMIT
    assert found({"status": "timeout", "execution_time_ms": None, "timeout_ms": 7000.0})["p50"] == 7000.0


def test_a_percentile_is_a_bound_from_the_first_cut_request_on():
    """Places 0..99; the cut requests stand at 95..99, p95 lies between 94 and 95."""
    values = found(*took(*(10.0 * n for n in range(95))), *cut(*[8000.0] * 5))
    assert [values[f"{p}_at_least"] for p in PERCENTILES] == [False, False, False, True, True, True]
    assert values["p99"] == 8000.0


def test_a_percentile_that_ends_just_below_the_cut_is_exact():
    """101 requests: p95 is exactly the one at place 95, and the first cut one stands at 96."""
    values = found(*took(*(10.0 * n for n in range(96))), *cut(*[8000.0] * 5))
    assert (values["p95"], values["p95_at_least"]) == (950.0, False)


def test_of_equal_durations_the_uncut_stand_first():
    values = found(*cut(8000.0), *took(8000.0, 8000.0))
    assert (values["p50"], values["p50_at_least"], values["p75_at_least"]) == (8000.0, False, True)


def test_an_early_cut_makes_everything_above_it_a_bound():
    """Cut at 0.3 s, the request could have taken longer than any other."""
    values = found(*cut(300.0), *took(*(1000.0 + n for n in range(99))))
    assert all(values[f"{name}_at_least"] for name in PERCENTILES)


def test_a_slow_success_over_the_limit_is_a_value_not_a_bound():
    values = found(*took(9000.0, 54_000.0))
    assert (values["p99.9_at_least"], values["average_at_least"]) == (False, False)


def test_an_average_over_a_cut_request_is_a_bound():
    values = found(*took(1000.0), *cut(8000.0))
    assert (values["average_ms"], values["average_at_least"]) == (4500.0, True)


DURATIONS = st.lists(st.floats(0, 20_000), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(DURATIONS)
def test_without_cut_requests_percentiles_are_numpys(durations):
    values = found(*took(*durations), limit=1e9)
    for name in PERCENTILES:
        assert values[name] == pytest.approx(np.percentile(durations, float(name[1:])), rel=1e-12, abs=1e-9)
        assert not values[f"{name}_at_least"]


@settings(max_examples=60, deadline=None)
@given(DURATIONS, st.floats(1, 20_000))
def test_cutting_keeps_what_is_below_and_bounds_what_is_above(durations, limit):
    """True durations cut at a limit: a shown value equals the truth, a bound never exceeds it."""
    rows = [row for d in durations for row in (took(d) if d <= limit else cut(limit))]
    shown = found(*rows, limit=limit)
    for name in PERCENTILES:
        truth = np.percentile(durations, float(name[1:]))
        if shown[f"{name}_at_least"]:
            assert shown[name] <= truth + 1e-6
        else:
            assert shown[name] == pytest.approx(truth, rel=1e-12, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(DURATIONS, st.data())
def test_rows_of_equal_weight_have_the_plain_percentiles_by_the_weighted_formula(durations, data):
    statuses = [data.draw(st.sampled_from(["success", "timeout"])) for _ in durations]
    rows = [{"execution_time_ms": d, "status": s} for d, s in zip(durations, statuses, strict=True)]
    frame = timed(requests(*rows), 1e9).with_columns(weight=pl.lit(3.5))
    plain = latency(frame).row(0, named=True)
    placed = metrics.latency._with_place(
        frame.select(
            pl.lit(0).alias("group"),
            *("latency_ms", "cut", "weight"),
            pl.col("weight").alias("unit"),
            pl.col("latency_ms").alias("longest_ms"),
        )
    )
    weighted = placed.select(*(c for name in PERCENTILES for c in metrics.latency._weighted(name))).row(0, named=True)
    for name in PERCENTILES:
        assert weighted[name] == pytest.approx(plain[name], rel=1e-9, abs=1e-6)
        assert weighted[f"{name}_at_least"] == plain[f"{name}_at_least"]


def test_sampled_successes_do_not_hide_the_tail():
    """One in ten of 200 successes and all 3 timeouts kept: 98.5 % were fast, the rest were cut."""
    values = found(*took(*[1000.0] * 20, sample_rate=0.1), *cut(*[8000.0] * 3))
    assert (values["p95"], values["p95_at_least"]) == (1000.0, False)
    assert values["p99"] > 7500
    assert values["p99_at_least"]
    assert values["average_ms"] == pytest.approx((200 * 1000 + 3 * 8000) / 203)


@pytest.mark.parametrize("rates", [(1.0, 1.0), (0.1, 1.0)])
def test_groups_have_the_numbers_they_have_alone(rates):
    rows = [
        {"execution_time_ms": 17.0 * n % 9001, "agent_id": "ab"[n % 2], "sample_rate": rates[n % 3 == 0],
         "status": "timeout" if n % 7 == 0 else "success"}
        for n in range(200)
    ]  # fmt: skip
    grouped = {row["agent_id"]: row for row in latency(timed(requests(*rows), LIMIT), "agent_id").rows(named=True)}
    for agent in "ab":
        alone = found(*(row for row in rows if row["agent_id"] == agent))
        for name, value in alone.items():
            assert grouped[agent][name] == pytest.approx(value), name


def test_the_numbers_are_finite():
    values = found(*took(*range(50), sample_rate=0.3), *cut(None))
    assert all(math.isfinite(value) for value in values.values())
