"""Shares carry their range, and know when it is too wide."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.rates import effective_rows, rate, too_few, wilson, wilson_columns


def percents(found):
    return tuple(round(100 * value, 2) for value in (found.value, found.low, found.high))


def test_the_worked_example_of_the_first_page():
    assert percents(rate(37, 1000)) == (3.7, 2.7, 5.06)


def test_one_of_twenty_is_too_few_to_judge():
    found = rate(1, 20)
    assert percents(found) == (5.0, 0.89, 23.61)
    assert too_few(found)


def test_a_thousand_requests_can_be_judged():
    assert not too_few(rate(37, 1000))
    assert not too_few(rate(0, 1000))


def test_nineteen_requests_are_too_few_and_twenty_without_a_timeout_are_not():
    assert too_few(rate(0, 19))
    assert not too_few(rate(0, 20))


def test_no_traffic_has_no_rate():
    assert rate(0, 0) is None


def test_none_of_n_and_all_of_n_keep_an_open_side():
    nothing, everything = rate(0, 100), rate(100, 100)
    assert (nothing.low, everything.high) == (0.0, 1.0)
    assert nothing.high == pytest.approx(0.0370, abs=5e-5)
    assert everything.low == pytest.approx(1 - nothing.high)


def test_the_range_of_weighted_rows_is_that_of_their_effective_number():
    """Ten rows of weight 10 and ten of weight 1: (110)^2 / 1010 = 11.98 effective rows."""
    weights = pl.DataFrame({"weight": [10.0] * 10 + [1.0] * 10, "rows": [1] * 20})
    effective = weights.select(effective_rows(pl.lit(value=True))).item()
    assert effective == pytest.approx(110**2 / 1010)
    found = rate(10, 110, rows=20, effective=effective)
    assert found.n == 20
    assert (found.low, found.high) == pytest.approx((wilson(10 / 110, effective).low, wilson(10 / 110, effective).high))


@pytest.mark.parametrize("weight", [1.0, 10.0, 1 / 0.3])
def test_equal_weights_have_the_plain_range(weight):
    frame = pl.DataFrame({"weight": [weight] * 1000, "rows": [1] * 1000})
    effective = frame.select(effective_rows(pl.lit(value=True))).item()
    weighted, plain = rate(37 * weight, 1000 * weight, rows=1000, effective=effective), rate(37, 1000)
    assert (weighted.low, weighted.high, weighted.n) == pytest.approx((plain.low, plain.high, plain.n))


@given(st.integers(0, 5000), st.integers(1, 5000))
def test_the_range_holds_the_share_and_stays_in_bounds(hits, n):
    found = rate(min(hits, n), n)
    assert 0 <= found.low <= found.value <= found.high <= 1


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=20))
def test_columns_have_the_ranges_numbers_have(pairs):
    shares = [min(hits, n) / n for hits, n in pairs]
    frame = pl.DataFrame({"share": shares, "n": [float(n) for _, n in pairs]})
    found = frame.select(*wilson_columns(pl.col("share"), pl.col("n")))
    expected = [wilson(share, n) for share, (_, n) in zip(shares, pairs, strict=True)]
    assert found["low"].to_list() == pytest.approx([e.low for e in expected])
    assert found["high"].to_list() == pytest.approx([e.high for e in expected])
