"""A trace as bars: each record once, parents first, and what was cut is marked."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW

from metrics.waterfall import SCHEMA, waterfall

TYPES = {
    "kind": pl.String, "timestamp": pl.Datetime("us", "UTC"), "execution_time_ms": pl.Float64, "status": pl.String,
    "agent_id": pl.String, "operation": pl.String, "span_id": pl.String, "parent_span_id": pl.String, "error_code": pl.String,
}  # fmt: skip


def trace(*rows):
    """Records of one trace; `at` is milliseconds after the first moment."""
    usual = {"kind": "step", "status": "success", "execution_time_ms": 10.0}
    filled = [{**usual, **row, "timestamp": NOW + timedelta(milliseconds=row.get("at", 0))} for row in rows]
    return pl.DataFrame([{name: row.get(name) for name in TYPES} for row in filled], schema=TYPES)


REQUEST = {"kind": "request", "operation": "answer", "span_id": "r", "execution_time_ms": 8000.0, "status": "timeout"}


def test_bars_stand_parents_first_and_in_the_order_they_started():
    found = waterfall(
        trace(
            REQUEST,
            {"operation": "llm", "span_id": "b", "parent_span_id": "r", "at": 300},
            {"operation": "tokenize", "span_id": "c", "parent_span_id": "b", "at": 310},
            {"operation": "gateway", "span_id": "a", "parent_span_id": "r", "at": 5},
            {"operation": "tool", "span_id": "d", "parent_span_id": "r", "at": 900, "status": "timeout", "execution_time_ms": 7100.0},
        )
    )  # fmt: skip
    assert found["name"].to_list() == ["answer", "gateway", "llm", "tokenize", "tool"]
    assert found["depth"].to_list() == [0, 1, 1, 2, 1]
    assert found.row(4, named=True) == {
        "place": 4, "depth": 1, "name": "tool", "kind": "step", "status": "timeout", "start_ms": 900.0,
        "end_ms": 8000.0, "cut": True, "error_code": None,
    }  # fmt: skip


STRANGE = {
    "nothing": ([], []),
    "events only": ([{"kind": "feedback"}], []),
    "a span whose parent is not there hangs below the request": ([REQUEST, {"operation": "x", "parent_span_id": "gone"}], [0, 1]),
    "spans without a request stand at the top": ([{"operation": "x", "parent_span_id": "gone"}, {"operation": "y"}], [0, 0]),
    "a span that is its own parent": ([{"operation": "x", "span_id": "x", "parent_span_id": "x"}], [0]),
    "two spans that are each other's parent": (
        [{"operation": "x", "span_id": "x", "parent_span_id": "y"}, {"operation": "y", "span_id": "y", "parent_span_id": "x"}],
        [0, 0],
    ),
    "two spans with one id": ([REQUEST, {"span_id": "a"}, {"span_id": "a"}, {"parent_span_id": "a"}], [0, 1, 2, 1]),
    "two requests of one trace, the second inside the first": ([REQUEST, {**REQUEST, "span_id": "s", "parent_span_id": "r"}], [0, 1]),
    "a span without a duration has no end": ([{"operation": "x", "execution_time_ms": None}], [0]),
}  # fmt: skip


@pytest.mark.parametrize("case", STRANGE)
def test_strange_traces_are_drawn_whole(case):
    rows, depths = STRANGE[case]
    found = waterfall(trace(*rows))
    assert found["depth"].to_list() == depths
    assert found.schema == SCHEMA
    assert found["end_ms"].null_count() == sum(row.get("execution_time_ms", 0) is None for row in rows)


IDS = st.none() | st.sampled_from("abcde")


@settings(max_examples=80, deadline=None)
@given(st.lists(st.fixed_dictionaries({"span_id": IDS, "parent_span_id": IDS, "at": st.integers(0, 50), "operation": st.just("x")}), max_size=12))  # fmt: skip
def test_every_span_is_one_bar_whatever_its_ids(rows):
    assert waterfall(trace(*rows))["start_ms"].sort().to_list() == sorted(
        float(row["at"] - min(row["at"] for row in rows)) for row in rows
    )
