"""Targets beside their numbers: what is not known is never ok."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW

from core.settings import parse
from core.targets import DEFAULT, TargetName, TargetSettings
from core.text import catalogue as texts
from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store
from metrics.figures import Figure
from metrics.questions import QUESTIONS
from metrics.scorecard import sentence, standing
from metrics.sentence import TEXTS

LOW = TargetSettings(metric="error_rate", target=0.02, threshold=0.03, direction="lower")
HIGH = TargetSettings(metric="uptime", target=0.999, threshold=0.995, direction="higher")
WITHIN = TargetSettings(metric="daily_cost_change", target=0.2, threshold=0.5, direction="within")
P95 = TargetSettings.model_validate({"metric": "p95", "target": "2s", "threshold": "3s", "direction": "lower"})

COST = TargetSettings(metric="cost_per_active_user", target=5, direction="lower")


def share(value, low=None, high=None, n=1000):
    return Figure(value, "share", n, value if low is None else low, value if high is None else high)


def ms(value, *, at_least=False, n=1000):
    return Figure(value, "ms", n, value, value, at_least)


CASES = {
    "below a target of which less is better": (LOW, share(0.01), {}, ("ok", None)),
    "exactly the target is met": (LOW, share(0.02), {}, ("ok", None)),
    "beyond the target": (LOW, share(0.025), {}, ("warning", None)),
    "exactly the threshold is not crossed": (LOW, share(0.03), {}, ("warning", None)),
    "beyond the threshold": (LOW, share(0.031), {}, ("breached", None)),
    "7 bad minutes of a day": (HIGH, share(1433 / 1440), {}, ("warning", None)),
    "8 bad minutes of a day": (HIGH, share(1432 / 1440), {}, ("breached", None)),
    "a cost that fell as far as it may": (WITHIN, Figure(-0.2, "share", 4), {}, ("ok", None)),
    "a cost that fell further is looked at": (WITHIN, Figure(-0.9, "share", 4), {}, ("warning", None)),
    "a cost that rose too far": (WITHIN, Figure(0.51, "share", 4), {}, ("breached", None)),
    "a metric nobody logs": (LOW, None, {"why": "not_logged"}, ("unknown", "not_logged")),
    "a metric without traffic": (LOW, None, {"why": "no_traffic"}, ("unknown", "no_traffic")),
    "none of three requests failed": (LOW, share(0.0, 0.0, 0.56, 3), {}, ("unknown", "too_few")),
    "all of three requests failed": (LOW, share(1.0, 0.44, 1.0, 3), {}, ("unknown", "too_few")),
    "a percentile of 19": (P95, ms(100.0, n=19), {}, ("unknown", "too_few")),
    "a bound below the target may be anything": (P95, ms(1500.0, at_least=True), {}, ("unknown", "at_least")),
    "a bound beyond the target is missed, by how much nobody knows": (
        P95,
        ms(2500.0, at_least=True),
        {},
        ("warning", None),
    ),
    "a bound beyond a target without a threshold": (
        COST,
        Figure(21.3, "USD", 30, at_least=True),
        {},
        ("warning", None),
    ),
    "a bound beyond the threshold is beyond it": (P95, ms(8000.0, at_least=True), {}, ("breached", None)),
    "good, but of old data": (LOW, share(0.01), {"stale": True}, ("unknown", "stale")),
    "bad is bad, of old data, too": (LOW, share(0.5), {"stale": True}, ("breached", None)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_status_of_a_target(case):
    target, figure, more, expected = CASES[case]
    found = standing(target, figure, **more)
    assert (found.status, found.because) == expected


def test_a_missed_bound_is_not_certain_while_it_may_be_beyond_the_threshold():
    bound = ms(2500.0, at_least=True)
    assert standing(P95, bound).certain is False
    assert standing(P95.model_copy(update={"threshold": None}), bound).certain is True


@pytest.mark.parametrize(
    ("low", "high", "certain"), [(0.005, 0.015, True), (0.005, 0.021, False), (0.005, 0.02, True), (0.001, 0.15, False)]
)
def test_a_status_is_certain_when_the_whole_range_has_it(low, high, certain):
    assert standing(LOW, share(0.01, low, high)).certain == certain


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1))
def test_a_better_number_never_has_a_worse_status(a, b):
    order = ["ok", "warning", "breached"]
    low, high = sorted((a, b))
    for target, better, worse in ((LOW, low, high), (HIGH, high, low)):
        found = [order.index(standing(target, share(value)).status) for value in (better, worse)]
        assert found[0] <= found[1]


def test_every_metric_that_can_have_a_target_is_named_in_both_languages():
    known = texts(TEXTS)
    for name in get_args(TargetName):
        assert {"en", "vi"} <= known[f"metric_{name}"].keys(), name


def test_the_sentence_names_what_is_breached_missed_and_unknown():
    found = [standing(LOW, share(0.01)), standing(HIGH, share(0.9)), standing(P95, ms(2500.0)), standing(WITHIN, None)]
    assert sentence(found, "en") == (
        "1 of 4 targets are met. Beyond the threshold: uptime. Missed: P95 latency. Not known: change of the daily cost."
    )
    assert sentence(found, "vi").startswith("Đạt 1 trên 4 mục tiêu. Vượt ngưỡng: thời gian hoạt động.")
    assert sentence([], "en") == "No targets are set."


def stored(path, lines):
    store = Store.open(path / "burnline.duckdb", clock=lambda: NOW, threads=1)
    data = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    account = store.open_generation("a.jsonl", Identity(0, 0), "v1")
    store.append(Chunk(account.id, 0, 1, data, Windows(), len(data)))
    return store


def line(seconds, **fields):
    return {
        "v": 1, "request_id": f"r{seconds}", "timestamp": (NOW - timedelta(seconds=seconds)).isoformat(),
        "execution_time_ms": 400, "status": "success", "agent_id": "planner", **fields,
    }  # fmt: skip


def standings(store, text="", **asked):
    found = QUESTIONS["scorecard"].ask(store, asked or {"since": "1h"}, parse(text), NOW)
    return {row["metric"]: row for row in found["targets"]}


def test_a_service_that_logs_everything_has_every_target_told(tmp_path):
    """600 requests in 10 hours of 10 users, each with tokens, a cent of cost, confidence and a source."""
    rows = []
    for number in range(600):
        rows.append(
            line(
                60 * number + 1, user_id=f"u{number % 10}", tokens_used={"input": 2000, "output": 500}, cost_usd=0.01,
                confidence=0.9, sources=[{"document": "10-K.pdf"}], feedback=1 if number % 10 else -1,
            )
        )  # fmt: skip
        judged = {"eval_score": {"accuracy": 0.95}, "hallucination": number % 100 == 0}
        rows.append(line(60 * number + 0.5, kind="eval", request_id=f"r{60 * number + 1}", **judged))
    with stored(tmp_path, rows) as store:
        found = standings(store, "users_total: 12", since="10h")
        assert standings(store, since="10h")["adoption"]["because"] == "no_users_total"
    expected = {
        "uptime": ("ok", 1.0), "p95": ("ok", 400.0), "error_rate": ("ok", 0.0), "hallucination_rate": ("ok", 0.01),
        "accuracy": ("ok", 0.95), "tokens_per_request": ("ok", 2500.0), "nps": ("ok", 80.0),
        "source_attribution": ("ok", 1.0), "confidence_median": ("ok", 0.9), "adoption": ("ok", 10 / 12),
        "cost_per_active_user": ("ok", 0.6),
    }  # fmt: skip
    assert {name: (found[name]["status"], pytest.approx(found[name]["value"])) for name in expected} == expected
    assert found["drift"]["because"] == "no_baseline"
    assert found["daily_cost_change"]["status"] == "unknown"
    assert {row["n"] for name, row in found.items() if name in ("error_rate", "accuracy", "nps")} == {600}


def test_a_service_that_logs_only_what_it_must_is_not_called_good(tmp_path):
    with stored(tmp_path, [line(n) for n in range(1, 1500)]) as store:
        found = standings(store)
    known = {"uptime", "p95", "error_rate"}
    assert {name for name, row in found.items() if row["status"] == "ok"} == known
    assert {row["because"] for name, row in found.items() if name not in known} <= {"not_logged", "no_baseline"}


def test_old_data_is_unknown_and_a_day_that_is_over_is_settled(tmp_path):
    with stored(tmp_path, [line(n + 7200) for n in range(3000)]) as store:
        assert standings(store, since="3h")["error_rate"]["because"] == "stale"
        end = (NOW - timedelta(hours=2, minutes=1)).isoformat()
        start = (NOW - timedelta(hours=4)).isoformat()
        assert standings(store, start=start, end=end)["error_rate"]["status"] == "ok"


def test_a_settled_day_does_not_make_what_is_told_of_now_fresh(tmp_path):
    """The users and the cost are those of the days before now, of which the newest two hours are not known."""
    rows = [line(n + 7200, user_id=f"u{n % 10}", cost_usd=0.01) for n in range(3000)]
    start, end = ((NOW - timedelta(hours=hours)).isoformat() for hours in (4, 2.1))
    with stored(tmp_path, rows) as store:
        found = standings(store, "users_total: 12", start=start, end=end)
    assert {found[name]["because"] for name in ("adoption", "cost_per_active_user")} == {"stale"}
    assert found["error_rate"]["status"] == "ok"


def test_a_cost_per_user_with_unknown_costs_in_it_is_a_lower_bound(tmp_path):
    rows = [line(n, user_id="u", cost_usd=0.01) for n in range(1, 30)] + [line(30, user_id="u", model="new")]
    with stored(tmp_path, rows) as store:
        found = standings(store)["cost_per_active_user"]
    assert (found["status"], found["because"], found["at_least"]) == ("unknown", "at_least", True)


def test_a_target_of_each_metric_is_answered(tmp_path):
    names = get_args(TargetName)
    written = [{"metric": name, "target": "1s" if name[0] == "p" or "latency" in name else 1} for name in names]
    text = json.dumps({"targets": [{**each, "direction": "lower"} for each in written]})
    with stored(tmp_path, [line(n, status="timeout") for n in range(1, 100)]) as store:
        found = standings(store, text)
    assert list(found) == list(names)
    assert found["timeout_rate"]["value"] == 1.0
    assert found["p50"]["because"] == "at_least", "cut at 400 ms: the truth may be longer than the 1 s of the target"


def test_the_targets_of_who_sets_none_are_those_of_the_three_tiers():
    tiers = {tier: [each.metric for each in DEFAULT if each.tier == tier] for tier in ("24/7", "daily", "weekly")}
    assert {tier: len(names) for tier, names in tiers.items()} == {"24/7": 5, "daily": 4, "weekly": 4}
