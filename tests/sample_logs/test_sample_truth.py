"""The sample is what its truth says: counts, incidents, spans, rhythm."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from statistics import fmean, median

import pytest

from core.record import KINDS, LINE_KEYS, REQUIRED, SPAN_KINDS, STATUSES
from sample_logs.truth import Counts, Planted

LIMIT = 8000.0


def when(line: dict) -> datetime:
    return datetime.fromisoformat(line["timestamp"])


def class_of(line: dict) -> str:
    """The rule as docs/metrics.md states it, written down once more."""
    if line["status"] in ("cancelled", "rejected"):
        return "excluded"
    if line["status"] == "timeout" or line["execution_time_ms"] > LIMIT:
        return "timeout"
    return line["status"]


def count(lines: list[dict]) -> Counts:
    found = Counter(class_of(line) for line in lines)
    return Counts(len(lines), found["success"], found["timeout"], found["failed"], found["excluded"])


def inside(incident: Planted, line: dict) -> bool:
    return (
        incident.start <= when(line) < incident.end
        and incident.agent in (None, line["agent_id"])
        and incident.model in (None, line.get("model"))
    )


def planted(sample, kind: str) -> Planted:
    (found,) = (incident for incident in sample.truth.incidents if incident.kind == kind)
    return found


def test_every_line_is_a_version_1_record(sample):
    """Checked by hand here: only known keys, known words, required fields, finite numbers in their ranges."""
    for line in sample.lines:
        assert line["v"] == 1
        assert line["kind"] in KINDS
        assert line.keys() <= LINE_KEYS
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["timestamp"])
        assert None not in line.values()
        if line["kind"] == "request":
            assert line.keys() >= set(REQUIRED)
        if line["kind"] in ("request", *SPAN_KINDS):
            assert line["status"] in STATUSES
            assert line["execution_time_ms"] >= 0
        assert all(0 <= score <= 1 for score in line.get("eval_score", {}).values())
        assert line.get("feedback", 1) in (-1, 1)
        assert set(line.get("tokens_used", {})) <= {"input", "output"}


def test_request_ids_are_unique_and_events_name_a_request(sample):
    ids = [line["request_id"] for line in sample.requests]
    assert len(set(ids)) == len(ids) == 60_000
    assert {line["request_id"] for line in sample.lines if line["kind"] != "deploy"} == set(ids)


def test_the_truth_equals_a_recount_of_the_files(sample):
    truth, requests = sample.truth, sample.requests
    assert truth.counts == count(requests)
    assert truth.lines == Counter(line["kind"] for line in sample.lines)
    for field, groups in (("agent_id", truth.agents), ("operation", truth.operations)):
        assert groups == {
            name: count([line for line in requests if line[field] == name])
            for name in {line[field] for line in requests}
        }
    for incident in truth.incidents:
        hit = [line for line in requests if inside(incident, line)]
        assert incident.counts == count(hit)
        timeouts = [when(line) for line in hit if class_of(line) == "timeout"]
        assert incident.first_timeout == min(timeouts, default=None)


def test_the_truth_file_says_what_generate_returned(sample):
    written = json.loads((sample.out / "truth.json").read_text("utf-8"))
    assert written["counts"]["timeout"] == sample.truth.counts.timeout
    assert [incident["kind"] for incident in written["incidents"]] == [i.kind for i in sample.truth.incidents]
    assert datetime.fromisoformat(written["end"]) == sample.truth.end
    assert written["owners"].keys() == written["agents"].keys()


def test_the_sample_ends_at_its_end_and_never_after(sample):
    """The newest request is over just before the end; requests start within the seven days."""
    end = sample.truth.end
    assert end - timedelta(seconds=15) < max(when(line) for line in sample.lines) < end
    assert all(end - timedelta(days=7) == sample.truth.start <= when(line) for line in sample.lines)


def test_lines_stand_in_the_order_services_write_them(sample):
    """A request's line is written when it is over, so ends grow within a file, while starts may not."""
    for path in (sample.out / "logs").glob("*.jsonl"):
        requests = [line for line in map(json.loads, path.read_bytes().splitlines()) if line["kind"] == "request"]
        ends = [when(line) + timedelta(milliseconds=line["execution_time_ms"]) for line in requests]
        assert ends == sorted(ends)
        assert {end.date().isoformat() for end in ends} == {path.stem.split("-", 1)[1]}


def test_spans_lie_inside_their_request_and_sum_to_at_most_its_duration(sample):
    """Rounding to a tenth of a millisecond is all that may be between them."""
    spans = defaultdict(list)
    for line in sample.lines:
        if line["kind"] in SPAN_KINDS:
            spans[line["request_id"]].append(line)
    traced = [line for line in sample.requests if "trace_id" in line]
    assert {line["request_id"] for line in traced} == spans.keys()
    assert 0.09 < len(traced) / len(sample.requests) < 0.12
    for request in traced:
        steps = spans[request["request_id"]]
        assert {(s["trace_id"], s["parent_span_id"]) for s in steps} == {(request["trace_id"], request["span_id"])}
        assert sum(s["execution_time_ms"] for s in steps) <= request["execution_time_ms"] + 0.3
        end = when(request) + timedelta(milliseconds=request["execution_time_ms"] + 2)
        assert all(
            when(request) <= when(s) <= when(s) + timedelta(milliseconds=s["execution_time_ms"]) <= end for s in steps
        )
        if "timeout_ms" in request:
            assert [s["status"] for s in steps].count("timeout") == 1
            assert steps[-1]["status"] == "timeout"


def test_cut_requests_name_their_limit_and_what_came_after(sample):
    cut = [line for line in sample.requests if line["status"] == "timeout"]
    assert {(line["error_code"], line["timeout_type"], line["timeout_ms"]) for line in cut} == {
        ("API_TIMEOUT", "api", 8000.0),
        ("GRAPH_TIMEOUT", "graph", 7000.0),
    }
    assert all(0 < line["execution_time_ms"] - line["timeout_ms"] - line.get("fallback_ms", 0) <= 10.5 for line in cut)
    assert all(line["fallback_used"] for line in cut if line["timeout_type"] == "graph")


def test_money_is_tokens_times_price(sample):
    """No cost without tokens, none for calls that never reached a model."""
    for line in sample.requests:
        assert ("cost_usd" in line) == ("tokens_used" in line)
        if line.get("model") is None:
            assert "cost_usd" not in line
    flash = next(line for line in sample.requests if line.get("model") == "cedar-flash" and "cost_usd" in line)
    tokens = flash["tokens_used"]
    assert flash["cost_usd"] == pytest.approx((tokens["input"] * 0.30 + tokens["output"] * 2.50) / 1e6, abs=1e-6)


def test_the_week_has_a_daily_and_a_weekly_rhythm(sample):
    by_hour = Counter((when(line).weekday() < 5, when(line).hour) for line in sample.requests)
    assert by_hour[True, 10] > 1.8 * by_hour[True, 3]
    assert by_hour[False, 10] / 2 < 0.9 * by_hour[True, 10] / 5


def test_the_agent_is_slow_for_an_hour_and_the_last_thousand_requests_show_it(sample):
    incident = planted(sample, "agent_slow")
    assert sample.truth.end - timedelta(hours=6) < incident.start == incident.end - timedelta(hours=1)
    last = sorted(sample.requests, key=when)[-1000:]
    assert 0.015 <= count(last).timeout / 1000 <= 0.05
    others = [line for line in last if line["agent_id"] != incident.agent and line.get("timeout_ms")]
    assert len(others) < incident.counts.timeout / 3


def test_the_new_model_version_is_slower_and_worse_until_the_rollback(sample):
    incident = planted(sample, "model_regression")
    deploys = [line for line in sample.lines if line["kind"] == "deploy" and line.get("model") == incident.model]
    assert [(when(line), line["model_version"]) for line in deploys] == [(incident.start, "7.5"), (incident.end, "7.4")]
    mine = [line for line in sample.requests if line.get("model") == incident.model]
    after = [line["execution_time_ms"] for line in mine if inside(incident, line)]
    before = [line["execution_time_ms"] for line in mine if when(line) < incident.start]
    assert median(after) > 1.8 * median(before)
    assert {line["model_version"] for line in mine if inside(incident, line)} == {incident.model_version}
    judged = [line for line in sample.lines if line["kind"] == "eval" and line["model"] == incident.model]
    accuracy = {
        bad: fmean(x["eval_score"]["accuracy"] for x in judged if (x["model_version"] == "7.5") is bad)
        for bad in (True, False)
    }
    assert accuracy[True] < accuracy[False] - 0.08


def test_the_upstream_fails_fast_in_a_burst(sample):
    incident = planted(sample, "upstream_5xx")
    burst = [line for line in sample.requests if inside(incident, line)]
    failed = [line for line in burst if line.get("error_code") == "UPSTREAM_5XX"]
    assert len(failed) > len(burst) / 2
    assert not any(line["billed"] for line in failed)
    elsewhere = [line for line in sample.requests if line.get("model") == incident.model and not inside(incident, line)]
    assert sum(line.get("error_code") == "UPSTREAM_5XX" for line in elsewhere) < len(elsewhere) / 200


def test_near_timeouts_grow_for_hours_before_timeouts_follow(sample):
    incident = planted(sample, "near_timeouts_growing")
    lines = [line for line in sample.requests if inside(incident, line)]
    thirds = [[], [], []]
    for line in lines:
        thirds[int((when(line) - incident.start) / (incident.end - incident.start) * 3)].append(line)
    near = [fmean(6000 <= line["execution_time_ms"] <= LIMIT for line in third) for third in thirds]
    cut = [fmean(class_of(line) == "timeout" for line in third) for third in thirds]
    assert near[0] < near[1] < 0.9
    assert near[1] > 0.1
    assert cut[0] < 0.02 > cut[1]
    assert cut[2] > 0.1


def test_the_budget_of_the_week_is_spent_but_not_absurdly(sample):
    """At 99 % in 8 s, one in a hundred may be bad."""
    counts = sample.truth.counts
    spent = (counts.timeout + counts.failed) / (counts.requests - counts.excluded) / 0.01
    assert 0.55 < spent < 1.2
