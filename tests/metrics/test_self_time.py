"""Self times: every moment of a request belongs to the innermost open spans, or to none of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.self_time import Span, open_at, self_times

CASES = {
    "one after the other, with a gap between and after": (
        [("a", 0, 30), ("b", 40, 90)], 100, {"a": 30, "b": 50}, 20,
    ),
    "a parent has what its child leaves": ([("a", 0, 100, None), ("b", 20, 70, "a")], 100, {"a": 50, "b": 50}, 0),
    "a grandchild leaves nothing to those above": (
        [("a", 0, 90), ("b", 0, 90, "a"), ("c", 0, 90, "b")], 90, {"c": 90}, 0,
    ),
    "children side by side share a moment": (
        [("a", 0, 100), ("b", 0, 60, "a"), ("c", 30, 100, "a")], 100, {"b": 45, "c": 55}, 0,
    ),
    "a grandchild that outlives its parent still hides the one above": (
        [("a", 0, 100), ("b", 0, 20, "a"), ("c", 10, 60, "b")], 100, {"a": 40, "b": 10, "c": 50}, 0,
    ),
    "the same step twice is one sum": ([("a", 0, 10), ("b", 10, 20), ("a", 20, 50)], 50, {"a": 40, "b": 10}, 0),
    "what lies outside the request is cut off": ([("a", -50, 10), ("b", 90, 400), ("c", 200, 300)], 100, {"a": 10, "b": 10}, 80),
    "a span of no length takes no time": ([("a", 0, 10), ("b", 5, 5, "a")], 10, {"a": 10}, 0),
    "a parent that was not logged is no span": ([("a", 0, 10, "elsewhere")], 10, {"a": 10}, 0),
    "of two spans that claim to be in each other neither is the inner one": (
        [("a", 0, 10, "b"), ("b", 2, 6, "a")], 10, {"a": 6}, 4,
    ),
    "no spans at all": ([], 10, {}, 10),
    "a request without any length": ([("a", 0, 10)], 0, {}, 0),
}  # fmt: skip


def spans(rows):
    """(name, start, end[, parent's name]); a name used twice is two spans, and the first is a parent."""
    return [Span(name, start, end, name, parent[0] if parent else None) for name, start, end, *parent in rows]


@pytest.mark.parametrize("case", CASES)
def test_whose_a_moment_is(case):
    rows, length, expected, gap = CASES[case]
    times, rest = self_times(spans(rows), length)
    assert {name: ms for name, ms in times.items() if ms} == pytest.approx(expected)
    assert rest == pytest.approx(gap)


drawn = st.lists(
    st.builds(
        lambda name, start, length, own, parent: Span(name, start / 8, (start + length) / 8, own, parent),
        st.sampled_from("abcd"),
        st.integers(-80, 900),
        st.integers(0, 600),
        st.sampled_from(["1", "2", "3", "4", None]),
        st.sampled_from(["1", "2", "3", "4", "9", None]),
    ),
    max_size=8,
)


def moment_by_moment(found, length):
    """The definition itself: eighths of a millisecond, each looked at in its middle."""
    times, gap = {}, 0.0
    first = {}
    for span in found:
        first.setdefault(span.id, span)
    for eighth in range(int(length * 8)):
        at = (eighth + 0.5) / 8
        active = [span for span in found if span.start <= at < span.end]
        above = set()
        for span in active:
            parent, walked = first.get(span.parent) if span.parent else None, []
            while parent is not None and parent is not span and not any(parent is one for one in walked):
                walked.append(parent)
                parent = first.get(parent.parent) if parent.parent else None
            above |= {id(one) for one in walked}
        inner = [span for span in active if id(span) not in above]
        for span in inner:
            times[span.name] = times.get(span.name, 0.0) + 0.125 / len(inner)
        gap += 0.0 if inner else 0.125
    return times, gap


@settings(deadline=None, max_examples=150)
@given(drawn, st.integers(0, 1000).map(lambda eighths: eighths / 8))
def test_self_times_are_those_of_looking_at_every_moment(found, length):
    """And they sum to the request's time with what is unaccounted, however spans overlap or point at each other."""
    times, gap = self_times(found, length)
    expected, rest = moment_by_moment(found, length)
    assert math.fsum([*times.values(), gap]) == pytest.approx(length, abs=1e-9)
    assert gap == pytest.approx(rest, abs=1e-9)
    assert {name: ms for name, ms in times.items() if ms > 1e-9} == pytest.approx(expected, abs=1e-9)


def test_the_innermost_span_is_the_one_open_at_the_cut():
    """The step around it is open, too; what ended long before is not, what ended within the slack is."""
    found = spans([("plan", 0, 8000), ("search", 0, 2000, "plan"), ("ask", 2000, 7999.4, "plan"), ("read", 100, 7900)])
    assert open_at(found, 8000.0, 5.0) == ["ask"]
    followed = spans([("ask", 0, 7990.2), ("tool", 7990, 7999.6)])
    assert open_at(followed, 8000.0, 20.0) == ["tool"]
    assert open_at(found, 8000.0, 0.0) == ["plan"]
    assert open_at(found, 0.0, 5.0) == []
