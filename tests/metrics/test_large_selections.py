"""Few requests are answered one by one, many from roll-ups; the receipt tells which, and the counts are the same."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import metrics.many
from core.selection import Freshness, Selection
from core.settings import Settings
from core.timespan import TimeSpan
from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store
from metrics.answer import answer
from metrics.received import from_json
from metrics.summary import to_json

NOW = datetime(2026, 11, 24, 7, 13, 5, tzinfo=UTC)
REQUESTS = 3000
LAST_3_DAYS = Selection(TimeSpan(NOW - timedelta(days=3), NOW))
COUNTED = (
    "requests", "success", "timeout", "failed", "excluded", "unmeasured", "timeout_rate", "error_rate", "success_rate",
    "near", "critical", "fallback_rate", "top_agent", "sli", "budget", "span", "too_few",
)  # fmt: skip


def line(number: int, chance: random.Random) -> bytes:
    status = chance.choices(("success", "timeout", "failed", "cancelled"), (90, 4, 4, 2))[0]
    return (
        json.dumps(
            {
                "v": 1,
                "request_id": f"r{number}",
                "timestamp": (NOW - timedelta(days=4) * chance.random()).isoformat(),
                "execution_time_ms": 8000.0 if status == "timeout" else round(chance.lognormvariate(7.5, 0.8), 3),
                "status": status,
                "agent_id": chance.choice(("planner", "writer")),
                "operation": chance.choice(("a", "b")),
                "fallback_used": chance.random() < 0.1,
            }
        ).encode()
        + b"\n"
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    chance = random.Random(7)
    data = b"".join(line(number, chance) for number in range(REQUESTS))
    with Store.open(tmp_path_factory.mktemp("large") / "s.duckdb", clock=lambda: NOW) as opened:
        generation = opened.open_generation(Path("a.jsonl"), Identity(0, 0), "v1")
        opened.append(Chunk(generation.id, 0, 1, data, Windows(), len(data)))
        while opened.roll_up(NOW):
            pass
        yield opened


def summary(store, selection):
    return answer(store, selection, Settings(), NOW, Freshness(NOW, NOW, 1))


@pytest.mark.parametrize(
    "selection",
    [
        LAST_3_DAYS,
        Selection(LAST_3_DAYS.span, agent="writer"),
        Selection(LAST_3_DAYS.span, operation="b"),
        Selection(LAST_3_DAYS.span, agent="writer", operation="b"),
        Selection(LAST_3_DAYS.span, agent="nobody"),
    ],
)
def test_many_requests_have_the_counts_of_single_ones_and_percentiles_within_a_hundredth(store, selection, monkeypatch):
    exact = to_json(summary(store, selection))
    monkeypatch.setattr(metrics.many, "FEW", -1)
    found = to_json(summary(store, selection))
    assert exact["receipt"].pop("percentiles") == "exact"
    assert found["receipt"].pop("percentiles") == "within 1 %"
    assert found["receipt"] == exact["receipt"]
    for name in COUNTED:
        assert found[name] == exact[name], name
    for name, value in exact["latency_ms"].items():
        if value is None:
            assert found["latency_ms"][name] is None
        else:
            close = 1e-9 if name == "avg" else 0.01
            assert found["latency_ms"][name]["value"] == pytest.approx(value["value"], rel=close)
            assert found["latency_ms"][name]["at_least"] == value["at_least"]


@pytest.mark.parametrize("limit", ["7.777s", "500ms"])
def test_a_limit_no_bucket_ends_at_is_counted_exactly_all_the_same(store, limit, monkeypatch):
    settings = Settings(limits={"api_timeout": limit})
    exact, found = [], []
    for few, into in ((REQUESTS, exact), (-1, found)):
        monkeypatch.setattr(metrics.many, "FEW", few)
        into.append(to_json(answer(store, LAST_3_DAYS, settings, NOW, Freshness(NOW, NOW, 1))))
    for name in COUNTED:
        assert found[0][name] == exact[0][name], name


def test_the_last_requests_are_always_answered_one_by_one(store, monkeypatch):
    monkeypatch.setattr(metrics.many, "FEW", -1)
    assert summary(store, Selection(last=2000)).receipt.exact
    assert summary(store, Selection(LAST_3_DAYS.span, last=2000)).receipt.exact


def test_a_summary_from_roll_ups_comes_back_from_json_as_it_was(store, monkeypatch):
    monkeypatch.setattr(metrics.many, "FEW", -1)
    found = summary(store, LAST_3_DAYS)
    assert not found.receipt.exact
    assert from_json(json.loads(json.dumps(to_json(found)))).receipt.exact == found.receipt.exact
