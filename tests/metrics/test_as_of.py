"""`at`: a question as it stood at an earlier moment; and every question as a command."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from metric_frames import NOW

from core.errors import UsageError
from core.settings import parse
from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store
from metrics.__main__ import cli
from metrics.questions import QUESTIONS

NOON = NOW - timedelta(hours=12)


@pytest.fixture
def path(tmp_path):
    """Ten successes an hour before NOON, then ten timeouts an hour before NOW."""
    path = tmp_path / "burnline.duckdb"
    lines = []
    for status, end in (("success", NOON), ("timeout", NOW)):
        for place in range(10):
            began = (end - timedelta(minutes=60 - place)).isoformat()
            record = {"v": 1, "request_id": f"{status}{place}", "timestamp": began, "agent_id": "planner"}
            lines.append(json.dumps(record | {"status": status, "execution_time_ms": 100.0}))
    data = ("\n".join(lines) + "\n").encode()
    with Store.open(path, clock=lambda: NOW) as store:
        account = store.open_generation(tmp_path / "a.jsonl", Identity(0, 0), "v1")
        store.append(Chunk(account.id, 0, 1, data, Windows(), len(data)))
    return path


@pytest.mark.parametrize("asked", [{}, {"last_requests": "10"}, {"last_requests": "10", "agent": "planner"}])
def test_the_last_requests_at_a_moment_are_those_before_it(asked, path):
    with Store.open(path, clock=lambda: NOW) as store:
        then = QUESTIONS["summary"].ask(store, asked | {"at": NOON.isoformat()}, parse(""), NOW)
        now = QUESTIONS["summary"].ask(store, asked | {"last_requests": "10"}, parse(""), NOW)
    assert (then["requests"], then["timeout"], then["success"]) == (10, 0, 10)
    assert (now["requests"], now["timeout"]) == (10, 10)


def test_a_day_that_was_not_over_then_is_the_part_of_it_before(path):
    """A day holds both halves; asked as it stood at noon, it holds the first."""
    day = {"day": NOON.date().isoformat()}
    with Store.open(path, clock=lambda: NOW) as store:
        then = QUESTIONS["summary"].ask(store, day | {"at": (NOON - timedelta(minutes=55)).isoformat()}, parse(""), NOW)
        whole = QUESTIONS["summary"].ask(store, day, parse(""), NOW)
    assert (then["requests"], whole["requests"]) == (5, 10)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+00:00", "1969-12-31T00:00:00Z", "9999-12-31T23:59:59+00:00"])
def test_a_moment_no_period_fits_around_is_refused(at, path):
    with Store.open(path, clock=lambda: NOW) as store, pytest.raises(UsageError, match="years 1970 to 9000"):
        QUESTIONS["summary"].ask(store, {"at": at}, parse(""), NOW)


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("how", [(), ("--json",)], ids=["as text", "as JSON"])
@pytest.mark.parametrize("when", ["1970-01-01T00:00:00Z", "9000-12-31T00:00:00Z", NOW.isoformat()])
def test_every_question_is_answered_at_any_moment(name, how, when, path):
    done = CliRunner().invoke(cli, [name, "--store", str(path), "--at", when, *how], catch_exceptions=False)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout
    if how:
        json.loads(done.stdout, parse_constant=pytest.fail)  # NaN is no JSON


@pytest.mark.parametrize(
    ("name", "parameter"), [(name, parameter) for name, found in QUESTIONS.items() for parameter in found.extra]
)
def test_a_parameter_of_its_own_that_means_nothing_is_a_wrong_use(name, parameter, path):
    command = [name, "--store", str(path), f"--{parameter.replace('_', '-')}", "nonsense"]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
