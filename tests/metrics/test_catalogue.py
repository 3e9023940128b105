"""The whole catalogue over a real store: what later records say, filters, drift, and frames with nothing in them."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from random import Random
from typing import get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW

from core.selection import Selection
from core.settings import parse
from core.targets import TargetName
from core.timespan import TimeSpan
from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store
from metrics.catalogue import catalogue
from metrics.figures import mean, percentile, share_of
from metrics.questions import QUESTIONS

HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "burnline.duckdb", clock=lambda: NOW, threads=1) as opened:
        yield opened


def put(store, *lines):
    """Append records; a `back` says how many seconds before NOW."""
    found = store.generations()
    account = found[0] if found else store.open_generation("a.jsonl", Identity(0, 0), "v1")
    data = b""
    for line in lines:
        back = line.pop("back")
        at = (NOW - timedelta(seconds=back)).isoformat()
        data += json.dumps({"v": 1, "timestamp": at, **line}).encode() + b"\n"
    store.append(Chunk(account.id, account.offset, account.lines + 1, data, Windows(), account.offset + len(data)))


def request(name, back, **more):
    usual = {"execution_time_ms": 400, "status": "success", "agent_id": "planner"}
    return {"request_id": name, "back": back, **usual, **more}


def told(store, selection=None):
    return catalogue(store, selection or Selection(TimeSpan.last(HOUR, NOW)), parse(""), NOW)


def figures(store, selection=None):
    return {name: figure and figure.value for name, figure in told(store, selection).figures.items()}


def test_what_is_said_hours_later_counts_for_the_request(store):
    """The span ended an hour ago; the verdict came since."""
    put(store, request("r", 3 * 3600), {"kind": "eval", "request_id": "r", "back": 60, "hallucination": True})
    selection = Selection(TimeSpan(NOW - 4 * HOUR, NOW - 2 * HOUR))
    assert figures(store, selection)["hallucination_rate"] == 1.0


def test_what_is_said_of_another_agents_request_does_not(store):
    put(
        store,
        request("a", 100),
        request("b", 100, agent_id="pricing"),
        {"kind": "eval", "request_id": "a", "back": 60, "hallucination": True},
        {"kind": "eval", "request_id": "b", "back": 60, "hallucination": False},
        {"kind": "eval", "agent_id": "pricing", "back": 60, "hallucination": False},
    )
    by_agent = {
        agent: figures(store, Selection(TimeSpan.last(HOUR, NOW), agent=agent))["hallucination_rate"]
        for agent in ("planner", "pricing")
    }
    assert by_agent == {"planner": 1.0, "pricing": 0.0}
    assert told(store).figures["hallucination_rate"].n == 3


def test_every_metric_a_target_can_name_is_in_the_catalogue_or_is_a_cost(store):
    names = set(told(store).figures)
    assert set(get_args(TargetName)) - names == {"daily_cost_change", "cost_per_request", "cost_per_active_user"}


def test_an_empty_store_has_every_figure_and_none_has_a_value(store):
    found = told(store)
    values = {name: figure.value for name, figure in found.figures.items() if figure}
    assert values == {"requests_per_second": 0.0}, "an hour was looked at, and nothing was in it"
    assert set(found.why.values()) == {"no_traffic"}
    assert found.why.keys() == found.figures.keys() - values.keys()


def test_one_request_has_the_figures_it_can_have(store):
    put(store, request("r", 60))
    found = figures(store)
    assert (found["uptime"], found["p95"], found["error_rate"], found["in_flight_peak"]) == (1.0, 400.0, 0.0, 1.0)
    assert found["requests_per_second"] == 1 / 3600
    silent = ("hallucination_rate", "accuracy", "nps", "tokens_per_request", "adoption", "confidence_median", "drift")
    assert [found[name] for name in silent] == [None] * len(silent)


def test_the_catalogue_agrees_with_the_summary(store):
    """One metric, one definition: sampled successes, cut requests, excluded ones and all."""
    rng = Random(3)
    put(
        store,
        *(
            request(
                f"r{n}", rng.uniform(1, 3600), execution_time_ms=rng.uniform(10, 9000),
                status=rng.choice(["success", "success", "success", "timeout", "failed", "cancelled"]),
                sample_rate=rng.choice([1, 0.25]), fallback_used=rng.random() < 0.2,
            )
            for n in range(400)
        ),
    )  # fmt: skip
    found = told(store)
    shown = QUESTIONS["summary"].ask(store, {"since": "1h"}, parse(""), NOW)
    for name in ("timeout_rate", "error_rate", "success_rate", "fallback_rate"):
        figure = found.figures[name]
        assert [figure.value, figure.low, figure.high, figure.n] == pytest.approx(
            [shown[name][k] for k in ("value", "low", "high", "n")]
        )
    for name in ("p50", "p95", "p99.9"):
        figure = found.figures[name]
        assert (figure.value, figure.at_least) == (
            pytest.approx(shown["latency_ms"][name]["value"]),
            shown["latency_ms"][name]["at_least"],
        )
        assert figure.low <= figure.value <= figure.high
    assert found.figures["average_latency"].value == pytest.approx(shown["latency_ms"]["avg"]["value"])
    assert found.figures["near_rate"].value == pytest.approx(
        shown["near"] / (shown["success"] + shown["timeout"] + shown["failed"])
    )


def week_of_confidence(store, ago, alpha, rng, count=700):
    put(
        store,
        *(
            request(
                f"w{ago}-{n}", ago * 7 * 86_400 + rng.uniform(1, 3600), confidence=round(rng.betavariate(alpha, 2), 4)
            )
            for n in range(count)
        ),
    )


@pytest.mark.parametrize(("alpha", "moved"), [(8, False), (3, True)])
def test_confidence_is_compared_with_the_same_hours_of_past_weeks(store, alpha, moved):
    rng = Random(11)
    for ago in (1, 2, 3):
        week_of_confidence(store, ago, 8, rng)
    put(store, request("first", 4 * 7 * 86_400))
    week_of_confidence(store, 0, alpha, rng)
    found = told(store)
    drift = found.drifts["confidence"]
    assert (drift.psi > 0.25) == (drift.psi > drift.chance) == moved
    assert drift.baseline_n == 2100
    assert found.figures["drift"].value == drift.psi


def test_drift_is_told_from_past_days_when_no_past_week_holds_requests(store):
    """One record that is months old must not take the days away that there are."""
    rng = Random(6)
    for days in range(4):
        week_of_confidence(store, days / 7, 8, rng)
    put(store, request("first", 90 * 86_400))
    assert told(store).drifts["confidence"].baseline_n == 2100


def test_few_answers_cannot_be_told_to_have_drifted(store):
    rng = Random(12)
    for ago in (0, 1, 2):
        week_of_confidence(store, ago, 8, rng, count=30)
    put(store, request("first", 3 * 7 * 86_400))
    found = told(store)
    assert "confidence" in found.drifts
    assert (found.figures["drift"], found.why["drift"]) == (None, "too_few")


def test_machines_and_traces_are_read_from_their_own_records(store):
    put(
        store,
        request("r", 100, trace_id="t", status="timeout"),
        request("s", 100),
        {
            "kind": "llm",
            "request_id": "r",
            "trace_id": "t",
            "span_id": "1",
            "back": 99,
            "execution_time_ms": 1,
            "status": "success",
        },
        {"kind": "host", "back": 50, "extra": {"host": "api-1", "cpu_percent": 71.5}},
    )
    found = QUESTIONS["catalogue"].ask(store, {"since": "1h"}, parse(""), NOW)
    by_name = {row["metric"]: row["value"] for row in found["metrics"]}
    assert (by_name["trace_coverage"], by_name["trace_coverage_bad"]) == (0.5, 1.0)
    (host,) = found["hosts"]
    assert (host["host"], host["cpu_percent"]["last"]) == ("api-1", 71.5)


def span(request_id, back, place):
    return {
        "kind": "tool",
        "request_id": request_id,
        "span_id": f"{place:x}",
        "back": back,
        "execution_time_ms": 1,
        "status": "success",
    }


def test_a_request_that_has_spans_and_no_line_after_its_limit_may_hang(store):
    """Of three without a line one began 5 s ago and may still answer; one that began before the hour has its line."""
    put(
        store,
        request("done", 100), span("done", 99, 1),
        span("lost", 200, 2), span("lost", 199, 3), span("died", 11, 4), span("running", 5, 5),
        request("long", 3700), span("long", 3500, 6),
    )  # fmt: skip
    shown = QUESTIONS["catalogue"].ask(store, {"since": "1h"}, parse(""), NOW)
    assert [(row["request_id"], row["spans"]) for row in shown["unrecorded"]] == [("lost", 2), ("died", 1)]
    assert figures(store)["unrecorded"] == 2.0
    assert figures(store, Selection(TimeSpan.last(HOUR, NOW), agent="planner"))["unrecorded"] is None


def test_in_a_sampled_log_nobody_can_tell_what_has_no_line(store):
    put(store, request("done", 100, sample_rate=0.5), span("done", 99, 1), span("lost", 200, 2))
    assert figures(store)["unrecorded"] is None


def test_what_a_writer_left_out_is_summed_by_its_reasons(store):
    put(
        store,
        {"kind": "drops", "service": "api", "back": 30, "extra": {"dropped": 12, "reason": "queue full"}},
        {"kind": "drops", "service": "api", "back": 20, "extra": {"dropped": 3, "reason": "queue full"}},
        {"kind": "drops", "service": "api", "back": 20, "extra": {"reason": "disk full"}},
        {"kind": "drops", "service": "api", "back": 4000, "extra": {"dropped": 99, "reason": "queue full"}},
        {"kind": "drops", "back": 10, "extra": {"dropped": -5}},
    )
    shown = QUESTIONS["catalogue"].ask(store, {"since": "1h"}, parse(""), NOW)
    assert shown["drops"] == [
        {"service": "api", "reason": "queue full", "dropped": 15},
        {"service": "api", "reason": "disk full", "dropped": 0},
        {"service": None, "reason": None, "dropped": 0},
    ]


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_frame_in_which_nothing_can_be_used_has_no_figure(value):
    frame = pl.DataFrame({"v": [value] * 3, "weight": [1.0] * 3}, schema={"v": pl.Float64, "weight": pl.Float64})
    for rows in (frame, frame.clear()):
        assert mean(rows, pl.col("v"), "score") is None
        assert percentile(rows, pl.col("v"), 50, "score") is None
    assert share_of(frame.clear(), pl.lit(value=True), pl.lit(value=True)) is None


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.sampled_from([1.0, 4.0])), min_size=2, max_size=40))
def test_ranges_hold_the_value_and_narrow_with_more_of_the_same(found):
    frame = pl.DataFrame(found, schema={"v": pl.Float64, "weight": pl.Float64}, orient="row")
    once, often = (mean(rows, pl.col("v"), "score") for rows in (frame, pl.concat([frame] * 4)))
    assert once.low <= once.value <= once.high
    assert often.value == pytest.approx(once.value, abs=1e-6)
    assert often.high - often.low <= once.high - once.low + 1e-9
    middle = percentile(frame, pl.col("v"), 50, "score")
    assert middle.low <= middle.value <= middle.high


def test_the_range_of_a_mean_holds_the_truth_as_often_as_it_says():
    """400 draws of 60 from the same distribution: 95 % ranges hold its mean in 91 to 98 %."""
    rng = Random(9)
    held = 0
    for _ in range(400):
        frame = pl.DataFrame({"v": [rng.betavariate(8, 2) for _ in range(60)]}).with_columns(weight=pl.lit(1.0))
        found = mean(frame, pl.col("v"), "score")
        held += found.low <= 0.8 <= found.high
    assert 0.91 <= held / 400 <= 0.98


def test_the_range_of_a_median_holds_the_truth_as_often_as_it_says():
    """400 draws of 60 from a uniform distribution: the range of order statistics holds 0.5 in 92 to 99 %."""
    rng = Random(10)
    held = 0
    for _ in range(400):
        frame = pl.DataFrame({"v": [rng.random() for _ in range(60)]}).with_columns(weight=pl.lit(1.0))
        found = percentile(frame, pl.col("v"), 50, "score")
        held += found.low <= 0.5 <= found.high
    assert 0.92 <= held / 400 <= 0.99
