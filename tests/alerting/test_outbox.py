"""Messages wait, follow each other, survive crashes and are given up, all by what is written down."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from alerting.channels.channel import DeliveryError
from alerting.message import Message
from alerting.outbox import (
    claim,
    enqueue,
    expire,
    hold_channel,
    interrupts,
    mark_failed,
    mark_sent,
    next_due,
    release,
    revive,
    supersede,
    told,
)
from alerting.state import SCHEMA, SCHEMA_VERSION, StateFile
from core.errors import StoreCorrupt, StoreUnusable

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FIRST = Message("firing", "i1", "WARNING", "x", severity="warning")
LAST = Message("resolved", "i1", "RESOLVED", "x", delivery="reply")


@pytest.fixture
def db(tmp_path):
    state = StateFile.open(tmp_path / "deep" / "state.sqlite")
    with state.transaction() as connection:
        yield connection
    state.close()


def put(db, message, key, channel="ops", **more):
    assert enqueue(db, message, channel, key, NOW, **more)


def waits(error: DeliveryError, attempts: int) -> list[float]:
    """Seconds between attempts that all fail with `error`; ends where it is given up."""
    found, unsure = [], 0
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.executescript("".join(SCHEMA))
    put(connection, FIRST, "k")
    now = NOW
    for _ in range(attempts):
        claimed = claim(connection, now)
        if claimed is None:
            break
        unsure = claimed.unsure
        mark_failed(connection, claimed, error, now, lambda: 0.0)
        due = next_due(connection)
        if due is None:
            break
        found.append((due - now).total_seconds())
        now = due
    assert unsure <= attempts
    return found


def test_waits_grow_and_stay():
    assert waits(DeliveryError("x", retry=True), 7) == [5, 30, 120, 600, 1800, 1800, 1800]


def test_a_longer_wait_that_was_asked_for_is_kept_up_to_a_quarter_of_an_hour():
    assert waits(DeliveryError("x", retry=True, after=60), 3) == [60, 60, 120]
    assert waits(DeliveryError("x", retry=True, after=86_400), 2) == [900, 900]


def test_attempts_without_an_answer_are_few_and_far_between():
    """Each of them may have arrived: four in all, and then it is given up."""
    assert waits(DeliveryError("x", retry=True, unsure=True), 9) == [30, 600, 1800]


@pytest.mark.parametrize(("fixable", "state"), [(True, "failed"), (False, "dead")])
def test_what_cannot_be_retried_waits_for_a_person_or_is_given_up(db, fixable, state):
    put(db, FIRST, "k")
    mark_failed(db, claim(db, NOW), DeliveryError("wrong", retry=False, fixable=fixable), NOW, lambda: 0.0)
    assert [tuple(row) for row in db.execute("SELECT state, error, attempts FROM outbox")] == [(state, "wrong", 1)]
    assert claim(db, NOW + timedelta(days=9)) is None
    revive(db, "ops", NOW)
    assert (claim(db, NOW) is not None) == fixable


def test_a_key_is_used_once(db):
    assert enqueue(db, FIRST, "ops", "k", NOW)
    assert not enqueue(db, FIRST, "ops", "k", NOW)


def test_the_end_waits_for_the_beginning_and_is_told_where_to_answer(db):
    put(db, FIRST, "a")
    put(db, LAST, "b")
    first = claim(db, NOW)
    assert first.message.event == "firing"
    assert claim(db, NOW) is None
    mark_sent(db, first, "C0:17.1", NOW)
    last = claim(db, NOW)
    assert (last.message.event, last.message.previous) == ("resolved", "C0:17.1")


def test_another_subject_and_another_channel_do_not_wait(db):
    put(db, FIRST, "a")
    put(db, LAST, "b")
    put(db, Message("firing", "i2", "t", "s"), "c")
    put(db, FIRST, "d", channel="mail")
    claimed = [claim(db, NOW) for _ in range(4)]
    assert [(row.message.subject, row.channel) for row in claimed if row] == [
        ("i1", "ops"),
        ("i2", "ops"),
        ("i1", "mail"),
    ]


def test_a_held_channel_waits_and_the_others_do_not(db):
    put(db, FIRST, "a")
    put(db, FIRST, "b", channel="mail")
    hold_channel(db, "ops", NOW + timedelta(seconds=30))
    assert claim(db, NOW).channel == "mail"
    assert claim(db, NOW) is None
    assert next_due(db) is not None
    assert claim(db, NOW + timedelta(seconds=30)).channel == "ops"


def test_a_lease_that_ran_out_is_taken_back_and_marked(db):
    put(db, FIRST, "a")
    claim(db, NOW)
    release(db, NOW + timedelta(seconds=59))
    assert claim(db, NOW + timedelta(seconds=59)) is None
    release(db, NOW + timedelta(seconds=60))
    again = claim(db, NOW + timedelta(seconds=60))
    assert (again.message.repeat, again.attempts, again.unsure) == (True, 2, 1)


def test_a_message_older_than_a_day_is_given_up(db):
    put(db, FIRST, "a")
    expire(db, NOW + timedelta(hours=24) - timedelta(microseconds=1))
    assert db.execute("SELECT state FROM outbox").fetchone()[0] == "queued"
    expire(db, NOW + timedelta(hours=24))
    assert db.execute("SELECT state FROM outbox").fetchone()[0] == "dead"


def test_what_a_channel_has_heard(db):
    assert told(db, "i1", "ops") == "nothing"
    put(db, FIRST, "a", state="capped")
    assert told(db, "i1", "ops") == "capped"
    put(db, FIRST, "b")
    assert told(db, "i1", "ops") == "untold"
    supersede(db, "i1", "ops")
    assert claim(db, NOW) is None
    put(db, FIRST, "c")
    claim(db, NOW)
    assert told(db, "i1", "ops") == "told"


def test_only_new_alerts_of_the_day_are_interruptions(db):
    put(db, FIRST, "a")
    put(db, LAST, "b")
    put(db, FIRST, "c", state="capped")
    put(db, FIRST, "d", channel="mail")
    assert interrupts(db, "ops", NOW, NOW + timedelta(days=1)) == 1
    assert interrupts(db, "ops", NOW + timedelta(microseconds=1), NOW + timedelta(days=1)) == 0


def test_a_transaction_that_fails_leaves_nothing(tmp_path):
    state = StateFile.open(tmp_path / "s.sqlite")

    def broken():
        with state.transaction() as db:
            put(db, FIRST, "a")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        broken()
    with state.transaction() as db:
        assert db.execute("SELECT count(*) FROM outbox").fetchone()[0] == 0
    state.close()


def test_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "s.sqlite"
    StateFile.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(StoreUnusable, match="written by a newer Burnline") as found:
        StateFile.open(path)
    assert not isinstance(found.value, StoreCorrupt)


def test_a_folder_in_its_place_is_refused(tmp_path):
    with pytest.raises(StoreUnusable, match="cannot be used"):
        StateFile.open(tmp_path)


def test_a_damaged_page_is_found_when_the_file_is_opened(tmp_path):
    path = tmp_path / "s.sqlite"
    state = StateFile.open(path)
    with state.transaction() as db:
        for number in range(200):
            put(db, FIRST, f"k{number}")
    state.close()
    content = bytearray(path.read_bytes())
    content[4096 * 6 : 4096 * 9] = b"\xff" * 4096 * 3
    path.write_bytes(content)
    with pytest.raises(StoreCorrupt):
        StateFile.open(path)
