"""Where the time of cut and slow requests went: steps, what is unaccounted, and the step that is to blame."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta

import pytest
import zstandard
from charge_frames import asked, called
from metric_frames import NOW

from core.settings import parse
from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store
from metrics.latency import timed
from metrics.questions import QUESTIONS
from metrics.time_spent import by_speed, time_spent, traces, usual_times
from sample_logs.generate import generate

UNPACK = {".gz": gzip.decompress, ".zst": zstandard.decompress}
END = datetime.fromisoformat("2026-03-04T16:30:00+00:00")


def step(name, start, took, request="r0", kind="tool", **more):
    """A step of a request that began at NOW."""
    began = NOW + timedelta(milliseconds=start)
    return {
        "request_id": request,
        "kind": kind,
        "operation": name,
        "timestamp": began,
        "execution_time_ms": took,
    } | more


def looked(requests, *steps):
    return list(traces(timed(requests, 8000.0), called(*steps), 8000.0))


def rows(requests, *steps, usual=None):
    return {row.step and row.step[1]: row for row in time_spent(looked(requests, *steps), usual or {})}


CUT = {"timestamp": NOW, "status": "timeout", "execution_time_ms": 8600.0, "timeout_ms": 8000.0}


def test_a_cut_request_is_looked_at_until_its_cut():
    """What came after (0.6 s of fallback) is no step's; the gap before it is unaccounted."""
    found = rows(asked(CUT), step("search", 0, 2000.0), step("ask", 2500, 5500.0), step("short", 8050, 500.0))
    assert {name: row.ms for name, row in found.items()} == {"ask": 5500.0, "search": 2000.0, None: 500.0}
    assert sum(row.share for row in found.values()) == pytest.approx(1.0)
    assert {name: row.open_at_cut for name, row in found.items()} == {"ask": 1.0, "search": 0.0, None: 0.0}
    assert (found["ask"].example, found["search"].example) == ("r0", None)


def test_a_step_that_never_said_it_ended_was_open_to_the_end():
    found = rows(asked(CUT), step("search", 0, 2000.0), step("ask", 2000, None))
    assert (found["ask"].ms, found["ask"].open_at_cut, found[None].ms) == (6000.0, 1.0, 0.0)


def test_a_cut_request_without_a_duration_is_looked_at_until_its_limit():
    assert looked(asked(CUT | {"execution_time_ms": None, "timeout_ms": None}), step("a", 0, 1.0))[0].length == 8000.0


def test_requests_without_steps_are_not_looked_at():
    """Their time is not unaccounted for: nobody traced them."""
    assert [trace.request_id for trace in looked(asked(CUT, CUT), step("a", 0, 1.0, "r1"))] == ["r1"]
    assert time_spent([], {}) == ()


def test_a_row_that_stands_for_ten_weighs_ten():
    found = rows(asked(CUT | {"sample_rate": 0.1}, CUT), step("a", 0, 8000.0, "r0"), step("b", 0, 8000.0, "r1"))
    assert (found["a"].open_at_cut, found["a"].share, found["b"].share) == pytest.approx((10.0, 10 / 11, 1 / 11))


def test_what_takes_more_than_usual_comes_first_however_much_the_rest_takes():
    """The model takes most of the time, and always does; the tool takes 3 s more than it should."""
    ordinary = looked(
        asked({"timestamp": NOW, "execution_time_ms": 4700.0}), step("ask", 0, 4500.0), step("tool", 4500, 200.0)
    )
    found = rows(asked(CUT), step("ask", 0, 4600.0), step("tool", 4600, 3400.0), usual=usual_times(ordinary))
    assert list(found) == ["tool", "ask", None]
    assert (found["tool"].usual_ms, found["ask"].usual_ms) == (200.0, 4500.0)


def test_usual_is_that_of_the_same_agent_and_operation_where_there_is_one():
    """Else of all: an agent that always takes long in a step is not slow in it."""
    plain = {"timestamp": NOW, "execution_time_ms": 5000.0}
    ordinary = usual_times(
        looked(
            asked(plain | {"agent_id": "reader"}, plain),
            step("ask", 0, 5000.0, "r0"),
            step("ask", 0, 1000.0, "r1"),
        )
    )
    of = {name: rows(asked(CUT | {"agent_id": name}), step("ask", 0, 8000.0), usual=ordinary)["ask"].usual_ms
          for name in ("reader", "planner", "new")}  # fmt: skip
    assert of == {"reader": 5000.0, "planner": 1000.0, "new": 3000.0}


def test_cut_and_slow_and_ordinary_requests_are_told_apart():
    """Exactly near is slow; a success above the limit was not cut; a failure is none unless it is slow."""
    made = [
        ("success", 5999.0), ("success", 6000.0), ("success", 9000.0), ("timeout", 8000.0), ("timeout", None),
        ("failed", 10.0), ("failed", 7000.0), ("cancelled", 7000.0), ("success", None),
    ]  # fmt: skip
    found = by_speed(asked(*({"status": status, "execution_time_ms": ms} for status, ms in made)), 8000.0, 6000.0)
    assert {name: frame["request_id"].to_list() for name, frame in found.items()} == {
        "cut": ["r3", "r4"], "slow": ["r1", "r2", "r6"], "ordinary": ["r0"],
    }  # fmt: skip


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Four days of the sample in a store, and what was planted in it."""
    out = tmp_path_factory.mktemp("sample")
    truth = generate(out, days=4, seed=5, end=END, requests=20_000)
    with Store.open(out / "burnline.duckdb", clock=lambda: END, threads=1) as store:
        for path in sorted((out / "logs").iterdir()):
            data = UNPACK.get(path.suffix, bytes)(path.read_bytes())
            account = store.open_generation(path.name, Identity(0, 0), "v1")
            store.append(Chunk(account.id, 0, 1, data, Windows(), len(data)))
        yield store, truth


@pytest.mark.parametrize("kind", ["agent_slow", "model_regression", "near_timeouts_growing"])
def test_the_planted_slow_step_is_the_first(kind, sample):
    """Of the cut requests it hit; all of those are traced."""
    store, truth = sample
    planted = next(one for one in truth.incidents if one.kind == kind)
    asked = {"start": planted.start.isoformat(), "end": planted.end.isoformat()}
    asked |= {name: value for name in ("agent", "model") if (value := getattr(planted, name))}
    found = QUESTIONS["time"].ask(store, asked, parse(""), END)
    first = found["cut_steps"][0]
    assert found["cut"]["traced"] == found["cut"]["requests"] >= 3
    assert first["step"] == planted.step
    assert first["ms"] > 2 * first["usual_ms"]
    assert sum(row["open_at_cut"] for row in found["cut_steps"]) == found["cut"]["traced"]
    for name in ("cut", "slow"):
        if found[name]["traced"]:
            assert sum(row["share"] for row in found[f"{name}_steps"]) == pytest.approx(1.0)
            assert sum(row["ms"] for row in found[f"{name}_steps"]) == pytest.approx(found[name]["mean_ms"])


def test_the_sentence_names_the_step_as_text_in_both_languages(sample):
    store, truth = sample
    planted = next(one for one in truth.incidents if one.kind == "agent_slow")
    asked = {"start": planted.start.isoformat(), "end": planted.end.isoformat(), "agent": planted.agent}
    for language, said in (("en", "was open at the cut in"), ("vi", "đang chạy lúc bị cắt ở")):
        found = QUESTIONS["time"].ask(store, asked, parse(f"language: {language}"), END)
        assert found["sentence"].startswith("`tool`")
        assert said in found["sentence"]


def test_of_many_requests_all_are_counted_and_the_newest_looked_at(sample, monkeypatch):
    store, _ = sample
    ask = {"start": (END - timedelta(days=2)).isoformat(), "end": END.isoformat()}
    whole = QUESTIONS["time"].ask(store, ask, parse(""), END)
    monkeypatch.setattr("metrics.time_answer.FEW", 2000)
    found = QUESTIONS["time"].ask(store, ask, parse(""), END)
    for name in ("cut", "slow"):
        assert found[name]["requests"] == whole[name]["requests"]
        assert 0 < found[name]["looked_at"] < whole[name]["looked_at"]
