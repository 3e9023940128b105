"""Tokens: sums over what says, means over what says both, unknown is never 0."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import requests

from metrics.classes import classify
from metrics.tokens import tokens


def counted(*rows):
    return tokens(classify(requests(*rows), 8000.0))


def row(tokens_input=None, tokens_output=None, **more):
    return {"tokens_input": tokens_input, "tokens_output": tokens_output, **more}


def test_half_of_a_sum_is_no_sum():
    found = counted(row(1500, 800), row(500), row(None, 100), row())
    assert (found.input, found.output) == (2000.0, 900.0)
    assert (found.per_request.value, found.per_request.n) == (2300.0, 1)
    assert (found.said.value, found.said.n) == (0.25, 4)


def test_nothing_said_is_null_and_a_said_zero_is_zero():
    found = counted(row(), row())
    assert (found.input, found.output, found.per_request, found.per_user) == (None, None, None, None)
    assert found.said.value == 0.0
    zero = counted(row(0, 0))
    assert (zero.input, zero.output, zero.per_request.value) == (0.0, 0.0, 0.0)
    assert counted().said is None


def test_a_timed_out_request_has_spent_its_tokens_too():
    assert counted(row(10, 5, status="timeout"), row(10, 5, status="cancelled")).input == 20.0


def test_tokens_of_a_user_are_those_of_requests_that_name_one():
    found = counted(row(10, 0, user_id="a"), row(20, 0, user_id="a"), row(30, 0, user_id="b"), row(99, 0))
    assert (found.per_user, found.users) == (30.0, 2)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(0, 10**9)), st.one_of(st.none(), st.integers(0, 10**9)),
            st.sampled_from([1.0, 0.5, 0.1]),
        ),
        max_size=20,
    )
)  # fmt: skip
def test_the_mean_times_those_who_say_is_their_sum(found):
    got = counted(*(row(a, b, sample_rate=rate) for a, b, rate in found))
    both = [(a + b, 1 / rate) for a, b, rate in found if a is not None and b is not None]
    if not both:
        assert got.per_request is None
        return
    total = sum(value * weight for value, weight in both)
    assert got.per_request.value * sum(weight for _, weight in both) == pytest.approx(total)
    assert got.per_request.n == len(both)
