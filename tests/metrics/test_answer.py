"""One path to the numbers: what is asked of the source, and what comes out as JSON."""

from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest
from metric_frames import NOW, many, requests, source

from core.selection import Freshness, Selection
from core.settings import parse
from core.timespan import TimeSpan
from metrics.answer import answer
from metrics.freshness import STALE_AFTER, data_age
from metrics.summary import to_json

FRESH = Freshness(NOW - timedelta(seconds=2), NOW, 7)
SETTINGS = parse("")


LAST = Selection(last=1000)


def ask(frame, selection=LAST, settings=SETTINGS, freshness=FRESH, now=NOW):
    return answer(source(frame), selection, settings, now, freshness)


def test_the_last_thousand_of_many():
    """1,200 requests; among the last 1,000 are 37 timeouts."""
    older = many(timeout=200).with_columns(pl.col("timestamp") - timedelta(hours=1))
    found = ask(pl.concat([older, many(success=953, failed=10, timeout=37)]))
    counts = found.counts
    assert (counts.requests, counts.success, counts.timeout, counts.failed) == (1000, 953, 37, 10)
    assert (found.timeout_rate.value, found.timeout_rate.n) == (0.037, 1000)
    assert found.receipt.rows == 1000


def test_the_json_has_the_documented_shape():
    shown = to_json(ask(many(success=960, timeout=37, cancelled=3)))
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert [shown[name] for name in ("requests", "success", "timeout", "failed", "excluded", "unmeasured")] == [
        1000, 960, 37, 0, 3, 0,
    ]  # fmt: skip
    assert all(type(shown[name]) is int for name in ("requests", "success", "near", "critical"))
    for name in ("timeout_rate", "error_rate", "success_rate", "fallback_rate"):
        assert set(shown[name]) == {"value", "low", "high", "n"}
        assert shown[name]["n"] == 997
    assert {"avg", "p50", "p90", "p95", "p99"} <= set(shown["latency_ms"])
    assert all(set(value) == {"value", "at_least"} for value in shown["latency_ms"].values())
    assert shown["span"] == {"start": "2026-11-24T06:43:20+00:00", "end": "2026-11-24T06:59:59.000001+00:00"}
    assert shown["freshness"] == {"state": "fresh", "newest": "2026-11-24T06:59:58+00:00", "age_s": 2.0}
    assert shown["receipt"]["selection"]["last"] == 1000
    assert (shown["receipt"]["version"], shown["receipt"]["computed_at"]) == (7, "2026-11-24T07:00:00+00:00")


def test_nothing_stored_is_null_everywhere():
    shown = to_json(ask(requests(), freshness=Freshness(None, None, 0)))
    assert (shown["requests"], shown["timeout_rate"], shown["span"], shown["sli"]["value"]) == (0, None, None, None)
    assert set(shown["latency_ms"].values()) == {None}
    assert shown["budget"]["consumed"] is None
    assert shown["freshness"] == {"state": "empty", "newest": None, "age_s": None}


def test_weights_show_in_the_counts_and_not_in_n():
    shown = to_json(ask(requests(*[{"sample_rate": 0.1}] * 20, {"status": "timeout"}, {"sample_rate": 0.3})))
    assert shown["timeout"] == 1
    assert shown["requests"] == pytest.approx(201 + 1 / 0.3)
    assert shown["timeout_rate"]["n"] == 22


def test_near_and_critical_are_good_requests_close_to_the_limit():
    frame = requests(*({"execution_time_ms": ms} for ms in (5999.0, 6000.0, 7199.0, 7200.0, 8000.0, 8001.0)))
    found = ask(frame)
    assert (found.near, found.critical) == (4, 2)


def test_the_leader_is_the_agent_with_most_timeouts():
    rows = [{"agent_id": name, "status": "timeout"} for name in ("b", "a", "c", "a", "b")]
    found = ask(requests(*rows, *[{"agent_id": "c"}] * 9))
    assert (found.leader.agent, found.leader.timeouts) == ("a", 2)
    assert ask(many(success=3)).leader is None


def test_filters_hold_for_the_requests_and_for_the_budget():
    frame = requests({"agent_id": "a"}, {"agent_id": "b", "status": "failed"})
    asked = source(frame)
    found = answer(asked, Selection(last=1000, agent="a"), SETTINGS, NOW, FRESH)
    assert (found.counts.requests, found.budget.valid, found.budget.bad) == (1, 1, 0)
    assert all(selection.agent == "a" for selection, _ in asked.asked)
    assert all(columns is not None for _, columns in asked.asked)


def test_a_filter_that_lets_nothing_through_says_out_of_how_many():
    found = ask(many(success=5), Selection(last=1000, agent="nobody"))
    assert (found.counts.requests, found.unfiltered) == (0, 5)
    assert to_json(found)["receipt"]["unfiltered"] == 5
    assert ask(many(success=5)).unfiltered is None


def test_a_span_that_was_asked_for_is_the_span_of_the_answer():
    span = TimeSpan(NOW - timedelta(hours=1), NOW)
    assert ask(many(success=5), Selection(span)).span == span


def test_the_span_of_the_last_requests_selects_them_again():
    frame = many(success=30, timeout=3)
    found = ask(frame, Selection(last=10))
    assert ask(frame, Selection(found.span)).counts == found.counts


def test_the_period_before_is_the_same_question_shifted():
    frame = pl.concat([many(timeout=10).with_columns(pl.col("timestamp") - timedelta(hours=1)), many(success=10)])
    hour = timedelta(hours=1)
    before = ask(frame, Selection(TimeSpan(NOW - 2 * hour, NOW - hour)), now=NOW - hour)
    assert (before.counts.timeout, before.budget.bad) == (10, 10)


def test_a_spent_budget_asks_for_the_period_before_and_others_do_not():
    long_ago = {"timestamp": NOW - timedelta(days=31), "status": "failed"}
    asked = source(requests(*[{}] * 1000))
    answer(asked, Selection(last=10), SETTINGS, NOW, FRESH)
    assert len(asked.asked) == 2
    asked = source(requests(long_ago, *[{"status": "failed"}] * 10, *[{}] * 100))
    found = answer(asked, Selection(last=10), SETTINGS, NOW, FRESH)
    assert len(asked.asked) == 3
    assert found.budget.exhausted_since == NOW - timedelta(hours=1)


def test_the_limit_and_the_objective_come_from_the_settings():
    settings = parse("limits: {api_timeout: 300ms}\nobjectives: [{name: fast, target: 90%, limit: 100ms, period: 7d}]")
    found = ask(requests({"execution_time_ms": 250.0}, {"execution_time_ms": 301.0}), settings=settings)
    assert (found.counts.timeout, found.sli.objective, found.sli.good) == (1, "fast", 0)
    assert found.budget.period == timedelta(days=7)


AGES = {
    "nothing stored is empty": (None, None, "empty"),
    "two seconds old is fresh": (NOW - timedelta(seconds=2), NOW, "fresh"),
    "exactly ten minutes old is fresh": (NOW - STALE_AFTER, NOW, "fresh"),
    "older is stale": (NOW - STALE_AFTER - timedelta(seconds=1), NOW, "stale"),
    "old logs read just now are stale": (NOW - timedelta(days=900), NOW, "stale"),
    "a request from the future is as fresh as the last reading": (NOW + timedelta(days=1), NOW, "fresh"),
    "a request from the future does not hide a silence": (NOW + timedelta(days=1), NOW - timedelta(hours=1), "stale"),
}


@pytest.mark.parametrize(("newest", "read_at", "state"), AGES.values(), ids=AGES.keys())
def test_age_of_the_data(newest, read_at, state):
    assert data_age(Freshness(newest, read_at, 1), NOW).state == state
