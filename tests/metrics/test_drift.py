"""The population stability index: nothing moved is 0, what moves raises it, and chance is told apart."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.drift import chi_squared_95, drift

VALUE = pl.col("value")


def side(values, weight=1.0):
    return pl.DataFrame(
        {"value": list(values), "weight": [weight] * len(values)}, schema={"value": pl.Float64, "weight": pl.Float64}
    )


def test_the_same_values_have_not_moved():
    found = drift(side(range(100)), side(range(100)), VALUE)
    assert (found.psi, found.n, found.baseline_n) == (0.0, 100, 100)


def test_an_index_worked_out_by_hand():
    """Ten values in the baseline are ten bins of one, each with 1.5 of 15.

    All 10 rows now lie in the last bin: it has 10.5 of 15, the others 0.5.
    """
    found = drift(side([10.0] * 10), side(range(1, 11)), VALUE)
    by_hand = (10.5 - 1.5) / 15 * math.log(10.5 / 1.5) + 9 * (0.5 - 1.5) / 15 * math.log(0.5 / 1.5)
    assert found.psi == pytest.approx(by_hand)
    assert found.chance == pytest.approx(16.919 * 0.2, rel=0.002)


@pytest.mark.parametrize(("freedom", "point"), [(1, 3.841), (2, 5.991), (4, 9.488), (9, 16.919)])
def test_the_points_of_chi_squared_are_those_of_the_tables(freedom, point):
    assert chi_squared_95(freedom) == pytest.approx(point, rel=0.025)


def test_without_a_change_chance_is_exceeded_about_once_in_twenty():
    """300 draws of the same beta distribution, 400 rows against 1,600: from 2 to 9 %."""
    rng = np.random.default_rng(5)
    found = [drift(side(rng.beta(8, 2, 400)), side(rng.beta(8, 2, 1600)), VALUE) for _ in range(300)]
    assert 0.02 <= np.mean([one.psi > one.chance for one in found]) <= 0.09


def test_a_confidence_that_fell_is_a_large_drift():
    rng = np.random.default_rng(6)
    found = drift(side(rng.beta(5, 3, 1000)), side(rng.beta(8, 2, 4000)), VALUE)
    assert found.psi > 0.25 > 10 * found.chance


@pytest.mark.parametrize(("here", "past"), [([], [1.0]), ([1.0], []), ([None, math.nan], [1.0])])
def test_a_side_that_says_nothing_has_no_drift(here, past):
    assert drift(side(here), side(past), VALUE) is None


@pytest.mark.parametrize(("here", "moved"), [([5.0] * 50, False), ([4.0] * 50, True), ([6.0] * 50, True)])
def test_a_baseline_of_one_value_sees_values_on_either_side(here, moved):
    found = drift(side(here), side([5.0] * 50), VALUE)
    assert (found.psi > found.chance) == moved


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60),
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60),
    st.floats(0.1, 50),
)
def test_drift_is_never_negative_and_knows_no_unit_of_weight(here, past, weight):
    found = drift(side(here), side(past), VALUE)
    assert found.psi >= 0
    assert drift(side(here, weight), side(past, weight), VALUE).psi == pytest.approx(found.psi)
