"""Silences, escalation, reminders, storms and flapping through the whole checker, and the commands beside it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from traffic import START, Stage, Traffic, frame, minutes, settings, steady

from alerting import actions
from alerting.__main__ import cli

BASE = "digest: {enabled: false}\n"
SLOW = BASE + "alerting: {interval: 1m}\n"
BAD = [*steady(START - minutes(10), minutes(11)), *steady(START + minutes(1), minutes(100), bad=0.5, every=2)]
OVER = [*BAD[: 660 + 30 * 40], *steady(START + minutes(41), minutes(60))]


@pytest.fixture
def stage(tmp_path, capfd):
    def made(rows, text=SLOW):
        return Stage(Traffic(frame(rows)), tmp_path / "state.sqlite", settings(text))

    return made


def said(played: Stage) -> list[tuple[str, str]]:
    """Event and channel of everything that interrupts, in order."""
    query = (
        "SELECT event, channel FROM outbox WHERE state = 'sent' AND json_extract(payload, '$.delivery') != 'edit' "
        "ORDER BY id"
    )
    return played.rows(query)


def note_of(played: Stage, event: str) -> str:
    query = f"SELECT json_extract(payload, '$.note') FROM outbox WHERE event = '{event}'"
    return played.rows(query)[-1][0]


def incident_of(played: Stage) -> str:
    return played.rows("SELECT id FROM incidents")[0][0]


def silence_all(played: Stage, length: timedelta) -> int:
    now = played.traffic.now
    return actions.silence(
        played.path, {"rule": "*"}, start=now, end=now + length, reason="load test", who="lan", now=now
    )


def test_a_silenced_incident_is_recorded_and_told_when_the_silence_ends(stage):
    played = stage(BAD)
    played.run(minutes(1))
    silence_all(played, minutes(20))
    played.run(minutes(18))
    assert said(played) == []
    assert played.rows("SELECT severity, told, hush FROM incidents") == [("critical", None, "silence 1")]
    assert "CRITICAL" in played.rows("SELECT json_extract(message, '$.title') FROM incidents")[0][0]
    played.run(minutes(3))
    assert said(played) == [("firing", "console")]
    assert "while it was silenced" in note_of(played, "firing")


def test_an_incident_that_ends_in_its_silence_is_never_told(stage):
    played = stage(OVER)
    played.run(minutes(1))
    silence_all(played, minutes(70))
    played.run(minutes(75))
    assert played.rows("SELECT close_reason FROM incidents") == [("resolved",)]
    assert played.rows("SELECT count(*) FROM outbox") == [(0,)]


def test_one_that_was_told_before_ends_in_a_silence_without_a_word_but_in_its_form(stage):
    played = stage(OVER)
    played.run(minutes(10))
    number = silence_all(played, minutes(70))
    played.run(minutes(65))
    assert said(played) == [("firing", "console")]
    forms = "SELECT event FROM outbox WHERE json_extract(payload, '$.delivery') = 'edit'"
    assert played.rows(forms) == [("closed",)]
    actions.end_silence(played.path, number, "lan", played.traffic.now)


def test_a_silence_that_is_ended_early_reminds_of_what_goes_on(stage):
    played = stage(BAD)
    played.run(minutes(10))
    number = silence_all(played, minutes(60))
    played.run(minutes(2))
    actions.end_silence(played.path, number, "lan", played.traffic.now)
    played.run(minutes(2))
    assert said(played) == [("firing", "console"), ("reminder", "console")]


ESCALATE = BASE + "channels: {ops: {type: console}, pager: {type: console}}\n"
TO_PAGER = """
alerting: {interval: 1m, packs: [], escalate_to: [pager], repeat_interval: 30m}
alerts: [{name: timeout_critical, condition: timeout_rate > 5%, for: 1m, severity: critical, action: ops}]
"""


def test_a_critical_nobody_answers_goes_to_the_others_once_and_they_hear_the_end(stage):
    played = stage(OVER, ESCALATE + TO_PAGER)
    played.run(minutes(16))
    assert said(played) == [("firing", "ops")]
    played.run(minutes(10))
    assert said(played) == [("firing", "ops"), ("firing", "pager")]
    assert note_of(played, "firing").startswith("Nobody has acknowledged it")
    played.run(minutes(40))
    assert said(played)[2:] == [
        ("reminder", "ops"),
        ("reminder", "pager"),
        ("resolved", "ops"),
        ("resolved", "pager"),
    ]


def test_an_acknowledged_critical_goes_nowhere_else_and_is_not_repeated(stage):
    played = stage(BAD, ESCALATE + TO_PAGER)
    played.run(minutes(10))
    actions.acknowledge(played.path, incident_of(played), "lan", played.traffic.now)
    played.run(minutes(80))
    assert said(played) == [("firing", "ops")]


def test_a_snoozed_critical_comes_back_when_the_snooze_is_over(stage):
    played = stage(BAD, ESCALATE + TO_PAGER)
    played.run(minutes(10))
    now = played.traffic.now
    actions.snooze(played.path, incident_of(played), now + minutes(20), "lan", now)
    played.run(minutes(19))
    assert said(played) == [("firing", "ops")]
    played.run(minutes(2))
    assert said(played) == [("firing", "ops"), ("reminder", "ops")]
    assert note_of(played, "reminder").startswith("The snooze is over")


def agents(number: int, bad_from: float, bad_for: float) -> list[dict]:
    rows = []
    for place in range(number):
        start = START + minutes(bad_from)
        rows += steady(START - minutes(6), minutes(6 + bad_from), every=10, agent=f"a{place:02}")
        rows += steady(start, minutes(bad_for), every=5, bad=1.0, agent=f"a{place:02}")
        rows += steady(start + minutes(bad_for), minutes(20), every=10, agent=f"a{place:02}")
    return rows


def per_agent(severity: str) -> str:
    return (
        BASE + "alerting: {packs: [], settle: 1m, interval: 30s}\nalerts: [{name: slow, condition: timeout_rate > 20%, "
        f"severity: {severity}, group_by: agent}}]"
    )


def test_many_incidents_at_once_are_one_message_and_one_end(stage):
    """Twelve agents time out in the same minute: one message names them all, and one says that it is over."""
    played = stage(agents(12, 1, 4), per_agent("critical"))
    played.run(minutes(20))
    assert played.rows("SELECT count(*), count(closed_at) FROM incidents") == [(12, 12)]
    assert said(played) == [("firing", "console"), ("resolved", "console")]
    first, *_ = played.rows("SELECT payload FROM outbox ORDER BY id")
    message = json.loads(first[0])
    assert message["title"] == "CRITICAL: 12 incidents at once"
    assert len(message["sections"][0]["lines"]) == 12
    assert played.rows("SELECT count(*) FROM storms WHERE closed_at IS NOT NULL") == [(1,)]


def test_a_critical_that_joins_a_storm_is_named_where_it_is_noticed(stage):
    rows = agents(12, 1, 12) + [row | {"agent_id": "late"} for row in agents(1, 4, 9)]
    played = stage(rows, per_agent("critical"))
    played.run(minutes(9))
    assert said(played) == [("firing", "console"), ("escalated", "console")]
    (line,) = played.rows("SELECT payload FROM outbox WHERE event = 'escalated' AND payload LIKE '%1 more critical%'")
    assert json.loads(line[0])["delivery"] == "reply"
    forms = played.rows("SELECT payload FROM outbox WHERE json_extract(payload, '$.delivery') = 'edit' ORDER BY id")
    assert json.loads(forms[-1][0])["title"] == "CRITICAL: 13 incidents at once"


def test_a_storm_of_warnings_beyond_the_daily_cap_stands_in_the_digest(stage):
    text = per_agent("warning").replace("settle: 1m", "settle: 1m, max_interrupts_per_day: 1")
    rows = agents(12, 1, 4) + [row | {"agent_id": "early"} for row in agents(1, 0, 5)]
    played = stage(rows, text)
    played.run(minutes(8))
    assert said(played)[0] == ("firing", "console")
    held = played.rows("SELECT json_extract(payload, '$.title') FROM outbox WHERE state = 'capped'")
    assert held == [("WARNING: 12 incidents at once",)]


def test_what_comes_and_goes_is_told_four_times_at_most_and_once_more_when_it_is_over(stage):
    """Two minutes bad, four good, for an hour, with almost no settling: pairs three times, then one lasting incident."""
    rows = steady(START - minutes(10), minutes(10))
    for turn in range(10):
        rows += steady(START + minutes(6 * turn), minutes(2), bad=1.0)
        rows += steady(START + minutes(6 * turn + 2), minutes(4))
    rows += steady(START + minutes(60), minutes(50))
    text = BASE + (
        "alerting: {packs: [], settle: 15s, interval: 30s}\nalerts: [{name: slow, condition: timeout_rate > 50%, "
        "window: 1m, keep_firing_for: 0s}]"
    )
    played = stage(rows, text)
    played.run(minutes(100))
    assert [event for event, _ in said(played)] == ["firing", "resolved"] * 4
    assert note_of(played, "firing").startswith("It comes and goes: 4 times within an hour")
    assert played.rows("SELECT count(*) FROM episodes") == [(10,)]
    closed = played.rows("SELECT closed_at FROM incidents ORDER BY opened_at DESC LIMIT 1")[0][0]
    assert closed > (START + minutes(60 + 25)).isoformat()


def test_a_clock_set_back_blocks_nothing(stage):
    """It was a day ahead for five minutes: what is due then is due now, and the incident still ends."""
    played = stage(OVER)
    played.run(minutes(10))
    played.traffic.now += timedelta(days=1)
    played.run(minutes(1))
    played.traffic.now -= timedelta(days=1)
    played.run(minutes(70))
    assert played.rows("SELECT count(*) FROM incidents WHERE closed_at IS NULL") == [(0,)]
    assert played.rows("SELECT count(*) FROM outbox WHERE state NOT IN ('sent', 'superseded')") == [(0,)]


@pytest.fixture
def place(stage, tmp_path, monkeypatch):
    """A folder with an open incident in its state; returns the played stage."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BURNLINE_STATE", str(tmp_path / "state.sqlite"))
    played = stage(BAD)
    played.run(minutes(5))
    return played


def run(*words):
    return CliRunner().invoke(cli, list(words))


def test_an_incident_is_listed_acknowledged_and_judged_from_the_command_line(place):
    listed = run("incidents")
    assert listed.exit_code == 1
    name = incident_of(place)
    assert listed.stdout.startswith(name)
    assert "1 open, 0 closed" in listed.stdout
    assert run("ack", name[:6], "--by", "lan").stdout == f"Acknowledged: {name}.\n"
    assert run("snooze", name, "--for", "2h", "--by", "lan").exit_code == 0
    assert run("label", name, "noise", "--by", "lan").stdout == f"{name} is marked as noise.\n"
    (found,) = json.loads(run("incidents", "--json").stdout)
    assert (found["acked_by"], found["verdict"], found["severity"]) == ("lan", "noise", "critical")
    assert found["snoozed_until"]


def test_a_silence_is_made_listed_and_ended_from_the_command_line(place):
    made = run("silence", "timeout_*", "--agent", "planner", "--for", "1h", "--reason", "load test", "--by", "lan")
    assert made.exit_code == 0, made.stderr
    assert made.stdout.startswith("Silence 1: agent planner, rule timeout_*, from ")
    assert "by lan: load test" in run("silences").stdout
    assert json.loads(run("silences", "--json").stdout)[0]["matcher"] == {"rule": "timeout_*", "agent": "planner"}
    assert run("unsilence", "1", "--by", "lan").exit_code == 0
    assert run("silences").stdout == "No silence is in force.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("silence", "timeout_critcal", "--for", "1h", "--reason", "x"), 'did you mean "timeout_critical"?'),
        (("silence", "timeout_critical", "--for", "soon", "--reason", "x"), '"soon" is not a duration'),
        (("silence", "--for", "1h", "--reason", "x"), "must say what it silences"),
        (("silence", "timeout_critical", "--for", "1h", "--reason", "x", "--from", "noon"), '"noon" is not a time'),
        (("ack", "zz"), 'no open incident "zz"; there is '),
        (("unsilence", "9"), "no silence 9"),
    ],
)
def test_wrong_use_says_what_would_be_right(place, words, told):
    found = run(*words, "--by", "lan")
    assert found.exit_code == 2
    assert told in found.stderr


def test_without_a_state_file_there_is_nothing_open(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = run("incidents", "--state", str(tmp_path / "none.sqlite"))
    assert (found.exit_code, found.stdout) == (0, "0 open, 0 closed in the last 7 days\n")
    assert run("ack", "x", "--state", str(tmp_path / "none.sqlite")).exit_code == 2
