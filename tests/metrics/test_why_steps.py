"""The steps from the rate before to the rate now leave nothing out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.why import split
from metrics.why_steps import steps

COUNT = st.floats(1, 1e6)
GROUPS = st.dictionaries(st.none() | st.text(max_size=3), st.tuples(COUNT, st.floats(0, 1), COUNT, st.floats(0, 1)), min_size=1)  # fmt: skip


@given(GROUPS, st.integers(0, 4))
def test_every_step_begins_where_the_one_above_ended_and_the_last_is_now(found, most):
    sums = {group: (n0, n0 * r0, n1, n1 * r1) for group, (n0, r0, n1, r1) in found.items()}
    n0, k0, n1, k1 = (math.fsum(row[i] for row in sums.values()) for i in range(4))
    ledger, before, now = split(sums, "agent"), k0 / n0, k1 / n1
    first, *between, last = steps(ledger, before, now, most)
    assert (first.kind, first.start, first.end) == ("before", 0.0, before)
    assert (last.kind, last.start, last.end) == ("now", 0.0, now)
    at = before
    for step in between:
        assert step.start == at
        at = step.end
    assert at == pytest.approx(now, abs=1e-9)
    assert len([step for step in between if step.kind != "rest"]) <= most


def test_the_largest_shifts_are_named_and_the_others_are_one_step():
    """Hand-made: a gets worse by 10 points, b by 2, c by 1, all with a third of the traffic."""
    ledger = split({"a": (100, 0, 100, 10), "b": (100, 0, 100, 2), "c": (100, 0, 100, 1)}, "agent")
    found = steps(ledger, 0.0, 13 / 300, 1)
    assert [(step.kind, step.group) for step in found] == [
        ("before", None),
        ("rate", "a"),
        ("rest", None),
        ("now", None),
    ]
    assert found[1].points == pytest.approx(10 / 300)
    assert found[2].points == pytest.approx(3 / 300)


def test_what_did_not_shift_is_no_step():
    ledger = split({"a": (100, 1, 100, 1), "b": (50, 0, 50, 0)}, "agent")
    assert [step.kind for step in steps(ledger, 1 / 150, 1 / 150, 5)] == ["before", "now"]
