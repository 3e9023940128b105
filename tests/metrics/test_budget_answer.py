"""The questions `budget` and `what-if`: every objective by name, parts that sum, and limits beside the one in force."""

from __future__ import annotations

import io
import json
import math
from datetime import timedelta

import pytest
from metric_frames import NOW, requests, source
from rich.console import Console

from core.errors import UsageError
from core.selection import Freshness, Selection
from core.settings import parse
from metrics.answer import answer
from metrics.budget_answer import budget_answer
from metrics.questions import QUESTIONS, Asked
from metrics.summary import to_json
from metrics.terminal import show_answer
from metrics.what_if_answer import what_if_answer

MINUTE = timedelta(minutes=1)
ROWS = [
    {
        "timestamp": NOW - MINUTE * (n * 7 + 1),
        "agent_id": ("planner", "search", "pricing")[n % 3],
        "operation": ("answer", None)[n % 2],
        "status": "timeout" if n % 90 == 0 else "success",
        "execution_time_ms": 8000.0 if n % 90 == 0 else 100.0 * (n % 79),
        "error_code": "API_TIMEOUT" if n % 90 == 0 else None,
        "timeout_ms": 8000.0,
    }
    for n in range(5000)
]
FRAME = requests(*reversed(ROWS))
OVERLAPPING = """
objectives:
  - {name: api, target: 99%}
  - {name: quick, target: 90%, limit: 5s, period: 7d}
  - {name: month, target: 99.5%, period: month}
  - {name: availability, target: 99.9%, by: minutes}
"""


def ask(question=budget_answer, settings=OVERLAPPING, frame=FRAME, selection=Selection(), **extra):  # noqa: B008 - a value
    fresh = Freshness(NOW - MINUTE, NOW, 1)
    return question(source(frame), Asked(selection, extra, parse(settings), NOW, fresh))


def test_each_objective_has_its_own_budget_of_the_same_requests():
    """Overlapping objectives do not share: each is what it would be alone."""
    found = ask()["objectives"]
    assert list(found) == ["api", "quick", "month", "availability"]
    for name, shown in found.items():
        assert ask(objective=name)["objectives"] == {name: shown}
    bad = sum(row["status"] == "timeout" for row in ROWS)
    assert (found["api"]["valid"], found["api"]["bad"]) == (5000, bad)
    week = [row for row in ROWS if row["timestamp"] >= NOW - timedelta(days=7)]
    assert found["quick"]["valid"] == len(week)
    assert found["quick"]["bad"] == sum(row["execution_time_ms"] > 5000 for row in week)
    november = [row for row in ROWS if row["timestamp"].month == 11]
    assert found["month"]["valid"] == len(november)
    assert found["month"]["projected"]["valid"] > len(november)
    assert found["availability"]["bad"] == bad  # one request a minute


def test_the_first_objective_is_the_budget_of_the_summary():
    fresh = Freshness(NOW - MINUTE, NOW, 1)
    summary = to_json(answer(source(FRAME), Selection(last=10), parse(OVERLAPPING), NOW, fresh))["budget"]
    assert ask()["objectives"]["api"].items() >= summary.items()


@pytest.mark.parametrize("name", ["incidents", "agents", "operations", "error_codes", "hours"])
@pytest.mark.parametrize("top", ["1", "2", "1000"])
def test_the_rows_shown_and_the_rest_sum_to_what_was_spent(name, top):
    found = ask(top=top)
    for objective, shown in found["objectives"].items():
        rows = [row for row in found[name] if row["objective"] == objective]
        assert math.fsum(row["spent"] for row in rows) == pytest.approx(shown["bad"])
        assert math.fsum(row["of_budget"] for row in rows) == pytest.approx(shown["consumed"])
        assert len(rows) <= int(top) + 1


def test_filters_hold_for_every_part_of_the_answer():
    found = ask(selection=Selection(agent="search"), objective="api")
    assert found["objectives"]["api"]["valid"] == sum(row["agent_id"] == "search" for row in ROWS)
    assert {row["agent_id"] for row in found["agents"]} <= {"search"}


def test_the_sentence_names_each_objective_when_there_are_many():
    assert ask(objective="api")["sentence"].startswith(("The error", "Going", "At the pace"))
    many = ask()["sentence"]
    assert all(f"{name}: " in many for name in ("api", "quick", "month", "availability"))
    assert "ngân sách lỗi" in ask(settings=OVERLAPPING + "language: vi")["sentence"].lower()


def test_pairs_stand_beside_the_objective_they_are_of():
    pairs = ask()["pairs"]
    assert len(pairs) == 4 * 4
    month = [pair["factor"] for pair in pairs if pair["objective"] == "api"]
    assert month == pytest.approx([14.4, 6, 3, 1])
    week = [(pair["factor"], pair["state"]) for pair in pairs if pair["objective"] == "quick"]
    assert [factor for factor, _ in week] == pytest.approx([3.36, 1.4, 0.7, 7 / 30])


@pytest.mark.parametrize("extra", [{"objective": "apy"}, {"top": "0"}, {"top": "many"}, {"top": "1001"}])
def test_a_wrong_parameter_is_answered_with_what_is_allowed(extra):
    with pytest.raises(UsageError, match=r"the settings have api, quick|from 1 to 1000"):
        ask(**extra)


def test_without_requests_there_is_an_answer_of_nulls():
    found = ask(frame=requests())
    assert all((o["sli"], o["consumed"], o["runway"]) == (None, None, None) for o in found["objectives"].values())
    assert found["agents"] == found["incidents"] == []
    assert {pair["state"] for pair in found["pairs"]} <= {"no_traffic", "never"}


def test_limits_from_three_to_twelve_seconds_stand_beside_the_one_in_force():
    found = ask(what_if_answer)
    assert [row["limit_ms"] for row in found["limits"]] == [1000.0 * s for s in range(3, 13)]
    assert [row["exact"] for row in found["limits"]] == [True] * 6 + [False] * 4
    assert "Lower limits are counted, higher ones are ranges." in found["sentence"]


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("6s", "With a limit of 6.0 s, 1,178 (23.6 %) would have timed out; with 8.0 s, 56 (1.1 %) did."),
        ("10s", "With a limit of 10.0 s, between 0 (0.0 %) and 56 (1.1 %) would have timed out; with 8.0 s, 56 (1.1 %) did."),
    ],
)  # fmt: skip
def test_one_limit_is_said_in_a_sentence(limit, said):
    over = sum(row["status"] == "timeout" or row["execution_time_ms"] > 6000 for row in ROWS)
    assert f"{over:,}" == "1,178"
    assert ask(what_if_answer, limit=limit)["sentence"].replace("\N{NO-BREAK SPACE}", " ") == said


@pytest.mark.parametrize("limit", ["", "6", "0s", "-1s", "2d", "9" * 400 + "s"])
def test_what_is_no_limit_is_refused(limit):
    with pytest.raises(UsageError, match="limit"):
        ask(what_if_answer, limit=limit)


@pytest.mark.parametrize("question", [budget_answer, what_if_answer])
def test_the_answer_is_plain_json_and_shows_on_a_terminal(question):
    found = ask(question)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    screen = io.StringIO()
    show_answer(found, Console(file=screen, width=120))
    lists = [name for name, value in found.items() if isinstance(value, list) and value]
    assert lists
    assert all(name in screen.getvalue() for name in lists)


def test_both_are_questions_of_the_command_and_the_url():
    assert QUESTIONS["budget"].answer is budget_answer
    assert QUESTIONS["what-if"].answer is what_if_answer
