"""Pages of requests are the rows the metrics count, page after page; a trace is all there is of it."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from filling import START, fill, line
from hypothesis import given, settings
from hypothesis import strategies as st

from core.rows import ROW_KINDS, Rows
from core.selection import Selection
from core.slo import Limits
from core.timespan import TimeSpan, utc_now
from loaders.store import Store
from metrics.classes import classify
from metrics.heatmap import bands, heatmap

LIMITS = Limits()
DURATIONS = [None, 0.0, 1999.9, 2000.0, 5999.9, 6000.0, 8000.0, 8000.1, 9000.0]
STATUSES = ["success", "timeout", "failed", "cancelled", "rejected"]


def at(second: float) -> str:
    return (START + timedelta(seconds=second)).isoformat()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Every status with every duration, some of them at the same moment."""
    with Store.open(tmp_path_factory.mktemp("rows") / "b.duckdb", clock=utc_now) as store:
        pairs = [(status, duration) for status in STATUSES for duration in DURATIONS]
        fill(
            store,
            *(
                line(request_id=f"r{n:02}", status=status, execution_time_ms=duration, timestamp=at(n // 2), agent_id="ab"[n % 2])
                for n, (status, duration) in enumerate(pairs)
            ),
        )  # fmt: skip
        yield store


@pytest.mark.parametrize("selection", [Selection(), Selection(last=9), Selection(agent="a")], ids=str)
@pytest.mark.parametrize("kind", ROW_KINDS)
def test_a_kind_of_rows_is_the_class_the_metrics_count(mixed, kind, selection):
    everything = classify(
        mixed.requests(selection, ["request_id", "status", "execution_time_ms", "sample_rate"]), LIMITS.limit_ms
    )
    wanted = {
        "all": pl.lit(value=True),
        "bad": pl.col("class").is_in(["timeout", "failed"]),
        "near": (pl.col("class") == "success") & (pl.col("execution_time_ms") >= LIMITS.near_ms),
    }.get(kind, pl.col("class") == kind)
    expected = everything.filter(wanted)["request_id"].to_list()
    found = mixed.page(selection, Rows(kind), LIMITS, 0, 1000)["request_id"].to_list()
    assert sorted(found) == sorted(expected)
    assert mixed.total(selection, Rows(kind), LIMITS) == len(expected)


@pytest.mark.parametrize("band", bands(LIMITS.limit_ms), ids=lambda band: band.label)
def test_a_band_of_rows_is_what_its_cell_of_the_heatmap_counts(mixed, band):
    span = TimeSpan(START, START + timedelta(minutes=5))
    counted = heatmap(mixed.requests(Selection(span)), span, timedelta(minutes=5), LIMITS.limit_ms)
    wanted = counted.filter(pl.col("band") == band.label)["requests"].sum()
    rows = Rows("timeout") if band.high_ms is None else Rows(took=(band.low_ms, band.high_ms))
    assert mixed.total(Selection(span), rows, LIMITS) == wanted > 0


@settings(max_examples=20, deadline=None)
@given(size=st.integers(1, 9), order=st.sampled_from(["newest", "slowest"]), kind=st.sampled_from(ROW_KINDS))
def test_pages_one_after_the_other_are_all_rows_once(mixed, size, order, kind):
    rows = Rows(kind, order=order)
    total = mixed.total(Selection(), rows, LIMITS)
    pages = [mixed.page(Selection(), rows, LIMITS, offset, size) for offset in range(0, total, size)]
    everything = mixed.page(Selection(), rows, LIMITS, 0, 1000)
    assert [row for page in pages for row in page.rows()] == everything.rows()
    assert mixed.page(Selection(), rows, LIMITS, total, size).height == 0


def test_orders_are_newest_first_and_slowest_first(mixed):
    newest = mixed.page(Selection(), Rows(), LIMITS, 0, 100)["timestamp"]
    slowest = mixed.page(Selection(), Rows(order="slowest"), LIMITS, 0, 100)["execution_time_ms"]
    assert newest.to_list() == sorted(newest, reverse=True)
    assert slowest.drop_nulls().to_list() == sorted(slowest.drop_nulls(), reverse=True)
    assert slowest.tail(slowest.null_count()).null_count() == slowest.null_count() > 0


FOUND_BY = {
    "its whole id": "Req-1",
    "the beginning of its id": "Req",
    "its trace": "t1",
    "its user": "u1",
    "its session": "s1",
    "a part of its error code, in any case": "upstream",
    "a part of its message, in any case": "SERVICE UNAV",
}


@pytest.mark.parametrize("by", FOUND_BY)
def test_a_request_is_found_by(store: Store, by: str):
    fill(
        store,
        line(request_id="Req-1", trace_id="t1", user_id="u1", session_id="s1", status="failed",
             error_code="UPSTREAM_5XX", error_message="503 Service Unavailable"),
        line(request_id="other", trace_id="t2", user_id="u2"),
    )  # fmt: skip
    assert store.page(Selection(), Rows(text=FOUND_BY[by]), LIMITS, 0, 9)["request_id"].to_list() == ["Req-1"]


@pytest.mark.parametrize("text", ["'; DROP TABLE records; --", "%", "_", "\\", "zzz", "\x00"])
def test_a_search_is_text_and_never_a_pattern_or_a_query(mixed, text):
    assert mixed.total(Selection(), Rows(text=text), LIMITS) == 0


def test_a_trace_is_every_record_of_it_whichever_id_is_asked_for(store: Store):
    fill(
        store,
        line(request_id="a", trace_id="t", span_id="1", timestamp=at(1)),
        line(kind="llm", request_id="a", trace_id="t", span_id="2", timestamp=at(2)),
        line(kind="tool", request_id="sub", trace_id="t", span_id="3", timestamp=at(3)),
        line(kind="feedback", request_id="a", timestamp=at(90), feedback=1),
        line(request_id="b", trace_id="u", timestamp=at(1)),
    )
    assert store.trace("a")["span_id"].to_list() == ["1", "2", "3", None]
    assert store.trace("t")["span_id"].to_list() == ["1", "2", "3"]
    assert store.trace("a", (START, timedelta(seconds=30)))["kind"].to_list() == ["request", "llm", "tool"]
    assert store.trace("nothing").height == 0
