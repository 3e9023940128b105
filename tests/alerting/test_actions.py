"""What people do about alerts is written down with who and when, and refuses what does not exist."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerting import actions
from alerting.grammar import parse_condition
from alerting.history import keep_incident
from alerting.incidents import Incident
from alerting.message import Message
from alerting.outbox import claim, enqueue, mark_sent
from alerting.rules import Rule
from alerting.silences import Silence, load_silences, silenced
from alerting.state import SCHEMA, StateFile
from core.errors import UsageError
from core.selection import Selection

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def path(tmp_path):
    """A state file with two open incidents, aa-1 and ab-2."""
    found = tmp_path / "state.sqlite"
    state = StateFile.open(found)
    with state.transaction() as db:
        for name, group in (("aa-1", "timeouts"), ("ab-2", "errors")):
            keep_incident(db, Incident(name, group, "critical", NOW, Message("firing", name, "CRITICAL: x", "y")))
    state.close()
    return found


def rows(path, query):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_an_acknowledgement_says_who_and_when_and_is_audited(path):
    assert actions.acknowledge(path, "aa", "lan", NOW) == ("aa-1",)
    (kept,) = rows(path, "SELECT acked_at, acked_by FROM incidents WHERE acked_at IS NOT NULL")
    assert (datetime.fromisoformat(kept[0]), kept[1]) == (NOW, "lan")
    assert rows(path, "SELECT who, action, subject FROM audit") == [("lan", "acknowledge", "aa-1")]


def test_an_acknowledgement_is_said_in_place_where_the_incident_was_told(path):
    """An edit of the first message: it calls nobody; a channel that heard nothing hears nothing."""
    state = StateFile.open(path)
    first = Message("firing", "aa-1", "CRITICAL: x", "y")
    with state.transaction() as db:
        for name in ("pager", "mail"):
            enqueue(db, first, name, f"aa-1:firing:critical:{name}", NOW)
        mark_sent(db, claim(db, NOW), "ref", NOW)
    state.close()
    actions.acknowledge(path, "aa-1", "lan", NOW)
    found = rows(path, "SELECT channel, payload FROM outbox WHERE event = 'acknowledged'")
    ((channel, payload),) = found
    message = Message.from_json(payload)
    assert (channel, message.delivery, message.note) == ("pager", "edit", "Acknowledged by lan.")


def test_a_snooze_says_until_when(path):
    actions.snooze(path, "ab-2", NOW + 2 * HOUR, "lan", NOW)
    (until,) = rows(path, "SELECT snoozed_until FROM incidents WHERE id = 'ab-2'")[0]
    assert datetime.fromisoformat(until) == NOW + 2 * HOUR
    assert rows(path, "SELECT action FROM audit") == [("snooze",)]


def test_a_storm_is_acknowledged_as_a_whole(path):
    connection = sqlite3.connect(path)
    connection.execute("UPDATE incidents SET storm = 'storm-1'")
    connection.commit()
    connection.close()
    assert actions.acknowledge(path, "storm-1", "lan", NOW) == ("aa-1", "ab-2")


REFUSED = {
    "an incident nobody knows": (lambda p: actions.acknowledge(p, "zz", "x", NOW), 'no open incident "zz"'),
    "no name at all": (lambda p: actions.acknowledge(p, "", "x", NOW), 'no open incident ""'),
    "a beginning that fits two": (lambda p: actions.acknowledge(p, "a", "x", NOW), "fits 2 open incidents"),
    "a snooze into the past": (lambda p: actions.snooze(p, "aa", NOW - HOUR, "x", NOW), "ends in the future"),
    "a snooze for a month": (lambda p: actions.snooze(p, "aa", NOW + 31 * 24 * HOUR, "x", NOW), "at most 7 days"),
    "a silence of everything": (
        lambda p: actions.silence(p, {}, start=NOW, end=NOW + HOUR, reason="r", who="x", now=NOW),
        "must say what it silences",
    ),
    "a silence on something no rule has": (
        lambda p: actions.silence(p, {"colour": "red"}, start=NOW, end=NOW + HOUR, reason="r", who="x", now=NOW),
        "cannot match colour",
    ),
    "a silence without a reason": (
        lambda p: actions.silence(p, {"rule": "r"}, start=NOW, end=NOW + HOUR, reason=" ", who="x", now=NOW),
        "needs a reason",
    ),
    "a silence that is over": (
        lambda p: actions.silence(p, {"rule": "r"}, start=NOW - 2 * HOUR, end=NOW - HOUR, reason="r", who="x", now=NOW),
        "ends in the future",
    ),
    "the end of a silence nobody made": (lambda p: actions.end_silence(p, 7, "x", NOW), "no silence 7"),
    "a label on an incident nobody knows": (lambda p: actions.mark_noise(p, "zz", "x", NOW), 'no incident "zz"'),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused_and_changes_nothing(path, name):
    act, said = REFUSED[name]
    with pytest.raises(UsageError, match=said):
        act(path)
    assert rows(path, "SELECT * FROM audit") == []


def test_without_a_state_file_nothing_is_made(tmp_path):
    with pytest.raises(UsageError, match="no alert state at"):
        actions.acknowledge(tmp_path / "none.sqlite", "a", "x", NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_silence_is_in_force_from_its_start_until_its_end_or_until_somebody_ends_it(path):
    number = actions.silence(
        path, {"rule": "r"}, start=NOW + HOUR, end=NOW + 3 * HOUR, reason="deploy", who="lan", now=NOW
    )
    state = StateFile.open(path)
    with state.transaction() as db:
        (found,) = load_silences(db, NOW)
    assert [found.active(NOW + half * HOUR / 2) for half in (1, 2, 5, 6)] == [False, True, True, False]
    actions.end_silence(path, number, "minh", NOW + 2 * HOUR)
    with state.transaction() as db:
        assert load_silences(db, NOW + 2 * HOUR) == ()
    state.close()
    with pytest.raises(UsageError, match="no silence 1"):
        actions.end_silence(path, number, "minh", NOW + 2 * HOUR)
    assert rows(path, "SELECT who, action FROM audit") == [("lan", "silence"), ("minh", "end silence")]


def test_the_last_label_counts(path):
    actions.mark_noise(path, "aa", "lan", NOW)
    actions.mark_useful(path, "aa-1", "minh", NOW)
    assert rows(path, "SELECT incident, verdict, who FROM labels") == [("aa-1", "useful", "minh")]


RULE = Rule(
    "planner_slow",
    parse_condition("p95 > 7s"),
    severity="critical",
    family="latency",
    requests=Selection(agent="planner[1]"),
)
MATCHERS = {
    "its name": ({"rule": "planner_slow"}, True),
    "another name": ({"rule": "planner"}, False),
    "a pattern": ({"rule": "planner*"}, True),
    "its family and severity": ({"family": "latency", "severity": "critical"}, True),
    "its family and another severity": ({"family": "latency", "severity": "warning"}, False),
    "its agent, whose name looks like a pattern": ({"agent": "planner[1]"}, True),
    "an agent that only a pattern of brackets would fit": ({"agent": "planner1"}, False),
    "a label it does not have": ({"model": "*"}, False),
}


@pytest.mark.parametrize("name", MATCHERS)
def test_a_silence_covers_a_rule_that_fits_every_part(name):
    matcher, fits = MATCHERS[name]
    made = Silence(1, matcher, NOW, NOW + HOUR, "r", "x", NOW)
    assert made.covers(RULE) == fits
    assert (silenced(RULE, [replace(made, id=2, ends_at=NOW), made], NOW) is made) == fits


def test_a_file_of_version_1_is_brought_up_to_date_with_everything_in_it(tmp_path):
    """An open incident that was told stays told; a waiting message still waits."""
    path = tmp_path / "old.sqlite"
    old = sqlite3.connect(path)
    old.executescript(SCHEMA[0])
    old.execute("PRAGMA user_version = 1")
    message = Message("firing", "aa-1", "WARNING: x", "y").to_json()
    old.execute(
        "INSERT INTO incidents (id, grp, severity, opened_at, message) VALUES ('aa-1', 'timeouts|agent=p', "
        "'warning', '2026-11-24T08:00:00.000000+00:00', ?)",
        (message,),
    )
    old.execute(
        "INSERT INTO outbox (subject, event, channel, payload, key, state, next_attempt_at, deadline_at, created_at) "
        "VALUES ('aa-1', 'firing', 'ops', ?, 'k', 'queued', 'a', 'b', 'c')",
        (message,),
    )
    old.commit()
    old.close()
    state = StateFile.open(path)
    state.close()
    StateFile.open(path).close()
    assert rows(path, "SELECT id, told, told_at, acked_at, flaps FROM incidents") == [
        ("aa-1", "warning", "2026-11-24T08:00:00.000000+00:00", None, 0)
    ]
    assert rows(path, "SELECT subject, state FROM outbox") == [("aa-1", "queued")]
    fresh = tmp_path / "new.sqlite"
    StateFile.open(fresh).close()
    tables = "SELECT type, name FROM sqlite_master ORDER BY 1, 2"
    assert rows(path, tables) == rows(fresh, tables)
    assert rows(path, "PRAGMA user_version") == rows(fresh, "PRAGMA user_version") == [(len(SCHEMA),)]
