"""Trace coverage, and spans whose request was never recorded."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from metric_frames import NOW, requests

from metrics.classes import classify
from metrics.tracing import trace_coverage, without_request


def spans(*found):
    """Spans as (trace id, request id), one second apart."""
    return pl.DataFrame(
        {
            "trace_id": [trace for trace, _ in found],
            "request_id": [request for _, request in found],
            "timestamp": [NOW + timedelta(seconds=place) for place in range(len(found))],
        },
        schema={"trace_id": pl.String, "request_id": pl.String, "timestamp": pl.Datetime("us", "UTC")},
    )


def covered(rows, *found):
    return trace_coverage(classify(requests(*rows), 8000.0), spans(*found))


@pytest.mark.parametrize(
    ("request_", "span", "traced"),
    [
        ({"request_id": "r", "trace_id": "t"}, ("t", None), 1),
        ({"request_id": "r", "trace_id": "t"}, (None, "r"), 1),
        ({"request_id": "r", "trace_id": "t"}, ("t", "r"), 1),
        ({"request_id": "r", "trace_id": "t"}, ("other", "other"), 0),
        ({"request_id": "r", "trace_id": "t"}, (None, None), 0),
        ({"request_id": "r"}, (None, "r"), 0),
    ],
)
def test_a_request_is_traced_with_a_trace_id_and_a_span(request_, span, traced):
    found = covered([request_], span, span)
    assert (found.valid.value, found.valid.n) == (traced, 1)


def test_bad_requests_have_a_coverage_of_their_own():
    rows = [{"trace_id": "a", "status": "timeout"}, {"status": "failed"}, {}, {"trace_id": "b", "status": "cancelled"}]
    found = covered(rows, ("a", None), ("b", None))
    assert (found.valid.value, found.valid.n) == (pytest.approx(1 / 3), 3)
    assert (found.bad.value, found.bad.n) == (0.5, 2)


def test_no_bad_requests_have_no_coverage_and_no_spans_cover_nothing():
    assert covered([{}]).bad is None
    assert covered([{"trace_id": "t"}]).valid.value == 0.0
    assert covered([]).valid is None


def test_spans_of_one_trace_do_not_count_a_request_twice():
    found = covered([{"trace_id": "t", "sample_rate": 0.5}, {}], ("t", "r"), ("t", "r"), ("t", None))
    assert found.valid.value == pytest.approx(2 / 3)


def test_a_span_without_its_request_still_runs_hangs_or_died():
    found = without_request(
        spans(("t", "gone"), ("t", "here"), (None, "gone"), ("t", None)), spans((None, "here")).select("request_id")
    )
    assert found.rows() == [("gone", NOW, 2)]
