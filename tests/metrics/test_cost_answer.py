"""The questions cost and fallback over a real store: whose calls count, what is lost, and a day beside days like it."""

from __future__ import annotations

import json
import math
from datetime import timedelta

import pytest
from metric_frames import NOW

from core.settings import parse
from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store
from metrics.questions import QUESTIONS
from sample_logs.generate import generate

PRICES = """
timezone: Asia/Ho_Chi_Minh
value_per_request_usd: 2.5
prices: [{model: mini, input_per_million: 1, output_per_million: 1, from: 2026-01-01}]
"""
CUT = {"status": "timeout", "execution_time_ms": 8000, "timeout_ms": 8000}


def request(name, ago, **fields):
    """A request that began `ago` before NOW."""
    usual = {"execution_time_ms": 900, "status": "success", "agent_id": "planner", "model": "mini"}
    return {"request_id": name, "timestamp": (NOW - ago).isoformat(), **usual, **fields}


def call(name, ago, **fields):
    return {"kind": "llm", "status": "success", "execution_time_ms": 500, "operation": "chat"} | {
        "request_id": name, "timestamp": (NOW - ago).isoformat(), **fields,
    }  # fmt: skip


@pytest.fixture
def asked(tmp_path):
    """Ask a question of a store that holds these records."""
    with Store.open(tmp_path / "burnline.duckdb", clock=lambda: NOW, threads=1) as store:

        def ask(name, records, params=None, settings=PRICES):
            data = "".join(f"{json.dumps(record | {'v': 1})}\n" for record in records).encode()
            account = store.open_generation("a.jsonl", Identity(0, 0), "v1")
            store.append(Chunk(account.id, 0, 1, data, Windows(), len(data)))
            return QUESTIONS[name].ask(store, params or {}, parse(settings), NOW)

        yield ask


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_spend_its_waste_and_what_is_lost(asked):
    """Two good, one cut and billed, one failed and not billed, one of a model without a price, one saved."""
    found = asked(
        "cost",
        [
            request("a", HOUR, cost_usd=0.5, user_id="u1"),
            request("b", HOUR, tokens_used={"input": 100_000, "output": 0}, user_id="u2"),
            request("c", HOUR, cost_usd=0.25, **CUT),
            request("d", HOUR, status="failed", billed=False),
            request("e", HOUR, model="other", tokens_used={"input": 5, "output": 5}),
            request("f", HOUR, **CUT, fallback_used=True, fallback_ok=True, fallback_ms=20, cost_usd=0.15),
        ],
    )
    assert (found["spent_usd"], found["billed_ok_usd"], found["wasted_usd"]) == pytest.approx((1.0, 0.6, 0.4))
    assert (found["unknown"], found["at_least"], found["unknown_models"]) == (
        1,
        True,
        [{"model": "other", "charges": 1}],
    )
    assert (found["no_answer"], found["lost_value_usd"]) == (2, 5.0)
    assert found["cost_per_active_user_usd"] == pytest.approx(0.3)
    assert found["cost_per_request_usd"] == pytest.approx(1.0 / 5)
    assert found["prices"] == [{"price": "mini@2026-01-01", "charges": 1, "usd": pytest.approx(0.1)}]
    assert found["sentence"] == (
        "1.00\N{NO-BREAK SPACE}USD spent, 0.40\N{NO-BREAK SPACE}USD of it (40.0\N{NO-BREAK SPACE}%) on requests that got "
        "no answer. What 1 more requests or calls cost is unknown."
    )


def test_a_filter_chooses_requests_and_all_calls_of_those_count(asked):
    """The planner's requests name no model; their calls do, and began within the request or after the span's end."""
    records = [
        request("a", HOUR, model=None),
        call("a", HOUR - timedelta(seconds=1), model="big", cost_usd=0.75),
        request("b", timedelta(seconds=1), model=None),
        call("b", timedelta(milliseconds=200), model="mini", tokens_used={"input": 250_000, "output": 0}),
        request("z", HOUR, agent_id="other", cost_usd=9.0),
        call("z", HOUR, cost_usd=9.0),
    ]
    found = asked("cost", records, {"agent": "planner", "since": "2h"})
    assert found["spent_usd"] == pytest.approx(1.0)
    assert {row["model"]: row["spent_usd"] for row in found["by_model"]} == {"big": 0.75, "mini": 0.25}
    assert [row["agent_id"] for row in found["by_agent"]] == ["planner"]


def test_the_last_day_beside_the_same_hours_of_the_days_before(asked):
    """Two days at 1 and 3 USD, a third without requests, and 5 USD in the last 24 hours: 150 % more than 2 USD."""
    records = [
        request(f"{days}", days * DAY + HOUR, cost_usd=usd) for days, usd in ((0, 5.0), (1, 1.0), (2, 3.0), (4, None))
    ]
    records[3]["model"] = None
    found = asked("cost", records)
    assert found["day"]["change"] == pytest.approx(1.5)
    assert (found["day"]["baseline"], found["day"]["days_usd"]) == ("days", [1.0, 3.0, None])
    assert "150\N{NO-BREAK SPACE}% more than usual" in found["sentence"]


@pytest.mark.parametrize("day", [0, 1])
def test_a_day_of_which_half_is_unknown_is_compared_with_nothing(asked, day):
    """A new model without a price is no saving, and a model that was without one is no rise."""
    records = [request(f"{n}{ago}", ago * DAY + HOUR, cost_usd=1.0) for n in range(4) for ago in (0, 1)]
    for record in records[day::2][:2]:
        record |= {"cost_usd": None, "model": "new"}
    found = asked("cost", [*records, request("first", 2 * DAY + HOUR, model=None)])
    assert (found["day"] or {}).get("change") is None
    assert "usual" not in found["sentence"]


def test_without_anything_before_there_is_no_baseline(asked):
    assert asked("cost", [request("a", HOUR, cost_usd=1.0)])["day"] is None


def test_what_is_not_known_is_null(asked):
    found = asked("cost", [request("a", HOUR, model="other")], settings="")
    nothing = ("total_usd", "spent_usd", "wasted_usd", "unbilled_usd", "cost_per_request_usd", "lost_value_usd")
    assert {found[name] for name in nothing} == {None}
    assert found["sentence"].startswith("No cost is known")


def test_the_scorecard_of_a_fallback_by_operation(asked):
    records = [
        request("a", HOUR, operation="ask", **CUT, fallback_used=True, fallback_ok=True, fallback_ms=20),
        request("b", HOUR, operation="ask", **CUT),
        request("c", HOUR, operation="read", status="failed"),
    ]
    found = asked("fallback", records, settings="language: vi")
    assert found["sentence"].startswith("Trong 2 yêu cầu bị quá hạn, phương án dự phòng cứu được 1")
    assert found["by_operation"] == [{"operation": "ask", "timeouts": 2, "saved": 1, "felt": 1}]
    assert (found["failures"]["requests"], found["failures"]["no_fallback"]) == (1, 1)
    assert (found["fallback"]["cost_usd"], found["fallback"]["latency_ms"]["p50"]) == (None, 20.0)


def test_the_spans_of_the_sample_which_carry_the_same_cost_do_not_double_it(asked, tmp_path):
    """Against the sum of the requests' own lines; the sample writes the economics of a call on both."""
    generate(tmp_path / "sample", days=1, seed=3, end=NOW, requests=2000)
    lines = [
        json.loads(line)
        for path in (tmp_path / "sample" / "logs").glob("*.jsonl")
        for line in path.read_text("utf-8").splitlines()
    ]
    own = math.fsum(line.get("cost_usd", 0.0) for line in lines if line["kind"] == "request")
    assert math.fsum(line.get("cost_usd", 0.0) for line in lines if line["kind"] == "llm") > 0.05 * own
    found = asked("cost", lines, {"since": "2d"}, settings="")
    assert found["spent_usd"] == pytest.approx(own)
    late = [line for line in lines if line["kind"] == "request" and line["status"] in ("success", "timeout")]
    wasted = math.fsum(
        line.get("cost_usd", 0.0) for line in late if line["status"] == "timeout" or line["execution_time_ms"] > 8000
    )
    assert found["wasted_by_usd"]["timeout"] == pytest.approx(wasted)
