"""The Prometheus text: the user's names, bounded labels, hostile values, and sums that agree with the counts."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW, many, requests, source
from prometheus_client.parser import text_string_to_metric_families

from core.selection import Freshness, Selection
from core.settings import parse
from metrics.answer import answer
from metrics.classes import VALID
from metrics.exposition import EDGES_MS, TOP_AGENTS, prometheus_text

SCHEMA = {
    "agent_id": pl.String, "operation": pl.String, "status": pl.String, "error_code": pl.String,
    "timeout_type": pl.String, "bucket": pl.Int32, "over_limit": pl.Boolean, "n": pl.Float64, "sum_ms": pl.Float64,
}  # fmt: skip
USUAL = {"agent_id": "planner", "operation": "snapshot", "status": "success", "over_limit": False, "bucket": 2}


def cube(*rows):
    """Cells of the cube; what a row leaves out is one usual success of 900 ms."""
    usual = {**dict.fromkeys(SCHEMA), **USUAL, "n": 1.0, "sum_ms": 900.0}
    return pl.DataFrame([{**usual, **row} for row in rows], schema=SCHEMA, orient="row")


def hour(frame=None, freshness=None):
    frame = many(success=50) if frame is None else frame
    return answer(source(frame), Selection(last=1000), parse(""), NOW, freshness or Freshness(NOW, NOW, 1))


USUAL_HOUR = hour()


def text(*rows, quarantined=None, answered=USUAL_HOUR):
    return prometheus_text(cube(*rows), answered, quarantined=quarantined or {}, limit_ms=8000.0)


def samples(shown):
    """name{labels} -> value, as a real parser reads it."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(shown)
        for sample in family.samples
    }


CELLS = (
    {"n": 10.0, "sum_ms": 9000.0},
    {"status": "timeout", "timeout_type": "API_TIMEOUT", "bucket": 5, "n": 2.0, "sum_ms": 16_000.0},
    {"status": "timeout", "bucket": None, "over_limit": None, "sum_ms": None},
    {"bucket": 9, "over_limit": True, "sum_ms": 31_000.0},
    {"status": "failed", "error_code": "UPSTREAM_503", "bucket": 0, "n": 3.0, "sum_ms": 150.0},
    {"status": "failed", "bucket": None, "over_limit": None, "sum_ms": None},
    {"status": "cancelled", "bucket": 9, "over_limit": True, "sum_ms": 60_000.0},
    {"bucket": None, "over_limit": None, "sum_ms": None},
)


def test_requests_are_counted_by_class():
    found = samples(text(*CELLS))
    expected = {"success": 10, "timeout": 4, "failed": 4, "cancelled": 1, "unmeasured": 1}
    assert {key[2]: n for key, n in found.items() if key[0] == "api_requests_total"} == expected
    by_operation = "http_server_requests_by_status_total"
    assert {key[2]: n for key, n in found.items() if key[0] == by_operation} == expected


def test_timeouts_and_errors_say_of_which_kind():
    found = samples(text(*CELLS))
    assert found["api_timeout_total", "planner", "API_TIMEOUT"] == 2
    assert found["api_timeout_total", "planner", "over_limit"] == 1
    assert found["api_timeout_total", "planner", "unknown"] == 1
    assert found["workflow_timeout_total", "snapshot"] == 4
    assert found["api_errors_total", "planner", "UPSTREAM_503"] == 3
    assert found["api_errors_total", "planner", "unknown"] == 1


@pytest.mark.parametrize(
    ("name", "of"), [("api_duration_seconds", "planner"), ("workflow_api_duration_seconds", "snapshot")]
)
def test_durations_are_of_valid_requests_and_a_cut_one_is_above_every_edge(name, of):
    found = {key[1:]: n for key, n in samples(text(*CELLS)).items() if key[0] == f"{name}_bucket"}
    upto = {le: n for key, n in found.items() for le in key if le != of}
    assert [upto[le] for le in ("0.1", "0.5", "1.0", "5.0", "8.0", "30.0", "+Inf")] == [3, 3, 13, 13, 15, 15, 17]
    everything = samples(text(*CELLS))
    assert everything[f"{name}_count", of] == 17
    assert everything[f"{name}_sum", of] == pytest.approx(9 + 16 + 8 + 31 + 0.15)


def test_the_buckets_of_an_operation_are_told_apart_by_class():
    found = {key[1:]: n for key, n in samples(text(*CELLS)).items() if key[0].startswith("http_server_request_dur")}
    upto = "+Inf", "snapshot"
    assert {status: found[*upto, status] for status in VALID} == {"success": 10, "timeout": 4, "failed": 3}
    assert found["5.0", "snapshot", "success"] == 10
    assert found["8.0", "snapshot", "timeout"] == 2


def test_a_summary_is_its_count_and_sum():
    found = samples(text(*CELLS))
    assert found["api_duration_seconds_summary_count", "planner"] == 17
    assert found["api_duration_seconds_summary_sum", "planner"] == pytest.approx(9 + 16 + 8 + 31 + 0.15)


def test_the_same_counts_stand_under_the_names_of_a_workflow():
    found = samples(text(*CELLS, {"operation": "plan"}))
    assert (found["workflow_api_timeout_total", "snapshot"], found["workflow_api_timeout_total", "plan"]) == (4, 0)
    assert (found["workflow_api_success_total", "snapshot"], found["workflow_api_success_total", "plan"]) == (10, 1)
    assert (found["workflow_timeout_total", "snapshot"], found["workflow_timeout_total", "plan"]) == (4, 0)


def test_a_counter_is_there_before_its_first_count():
    """`increase()` misses the count a series begins with."""
    cut = {"agent_id": "writer", "status": "timeout", "timeout_type": "API_TIMEOUT"}
    found = samples(text({}, cut, {"agent_id": "writer", "status": "failed", "error_code": "UPSTREAM_503"}))
    assert found["api_requests_total", "planner", "timeout"] == 0
    assert found["api_requests_total", "planner", "failed"] == 0
    assert found["api_timeout_total", "planner", "API_TIMEOUT"] == 0
    assert found["api_errors_total", "planner", "UPSTREAM_503"] == 0
    assert ("api_requests_total", "planner", "cancelled") not in found


def test_the_edges_are_the_users():
    assert [edge / 1000 for edge in EDGES_MS] == [0.1, 0.5, 1, 2, 5, 8, 10, 15, 30]


def test_agents_beyond_the_top_are_one_label_and_none_is_lost():
    found = samples(text(*({"agent_id": f"a{n:03}", "n": 200.0 - n} for n in range(TOP_AGENTS + 20))))
    agents = {key[1]: n for key, n in found.items() if key[0] == "api_requests_total" and key[2] == "success"}
    assert len(agents) == TOP_AGENTS + 1
    assert agents["other"] == sum(200 - n for n in range(TOP_AGENTS, TOP_AGENTS + 20))


def test_a_missing_agent_is_unknown():
    assert samples(text({"agent_id": None}, {"agent_id": ""}))["api_requests_total", "unknown", "success"] == 2


HOSTILE = ['a"} 1\napi_requests_total{agent_id="x"} 9', "\\", "\x00\x1b[31m", "x" * 5000, "{}", "tiếng Việt", "\u2028"]


def test_hostile_labels_stay_labels():
    shown = text(*({"agent_id": name} for name in HOSTILE))
    agents = {key[1]: n for key, n in samples(shown).items() if key[0] == "api_requests_total" and key[2] == "success"}
    assert len(agents) == len(HOSTILE)
    assert set(agents.values()) == {1}
    assert max(map(len, agents)) <= 128
    assert "\x00" not in shown
    assert "\x1b" not in shown


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.integers(1, 9)), max_size=20))
def test_whatever_agents_are_called_the_sum_is_kept(agents):
    found = samples(text(*({"agent_id": name, "n": float(n)} for name, n in agents)))
    assert sum(n for key, n in found.items() if key[0] == "api_requests_total") == sum(n for _, n in agents)


def test_what_is_not_known_has_no_sample():
    nothing = answer(source(requests()), Selection(last=10), parse(""), NOW, Freshness(None, None, 0))
    found = samples(prometheus_text(cube(), nothing, quarantined={}, limit_ms=8000.0))
    assert found == {("burnline_error_budget_remaining_ratio", "api"): 1.0}


def test_burnlines_own_numbers():
    answered = hour(many(success=990, timeout=10), Freshness(NOW - timedelta(seconds=90), NOW, 1))
    found = samples(text(quarantined={"not_json": 3}, answered=answered))
    assert found[("api_timeout_rate_percent",)] == 1.0
    assert found[("burnline_data_age_seconds",)] == 90
    assert found["burnline_error_budget_remaining_ratio", "api"] == 0.0
    assert found["burnline_error_budget_burn_rate", "api", "1h"] == 1.0
    assert found["burnline_quarantined_lines_total", "not_json"] == 3


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_text():
    shown = text(*CELLS, *({"agent_id": name} for name in HOSTILE), quarantined={"not_json": 3})
    done = subprocess.run(["promtool", "check", "metrics"], input=shown, text=True, capture_output=True, check=False)
    advice = (
        "api_duration_seconds_summary metric name should not include type 'summary'"  # it is called so in the boards
    )
    assert [line for line in done.stderr.splitlines() if line != advice] == []
    assert (done.returncode, done.stdout) == (3, "")  # 3 is advice; 1 would be text it cannot read
