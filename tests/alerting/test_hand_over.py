"""A message its channel does not take in time goes to the fallback, once, with the reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from fake_server import Planned, running
from fake_slack import CHANNEL, TOKEN
from fake_vendors import SECRET, FakeGoogleChat, FakeTeams
from hypothesis import given
from hypothesis import strategies as st
from sample_messages import DIGEST, OVER, PLAIN, TEST, WORSE

from alerting.fallback import CHAIN, fall_back, hand_over
from alerting.outbox import enqueue, told
from alerting.sender import Sender
from alerting.state import StateFile, to_text
from core.settings import parse

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


CASES = {
    "just decided": ("queued", 0, 0, "in_time"),
    "waiting for its turn": ("queued", 0, 9.9, "in_time"),
    "ten seconds are over": ("queued", 0, 10, "overdue"),
    "ten seconds are over and nothing was due for long": ("queued", 1800, 10, "overdue"),
    "the second attempt can still end in time": ("queued", 5, 1, "in_time"),
    "the second attempt may end at ten seconds": ("queued", 6, 1, "in_time"),
    "the second attempt would end too late": ("queued", 6.1, 1, "too_late"),
    "told to wait half a minute": ("queued", 30, 0.2, "too_late"),
    "an attempt is on its way": ("sending", 0, 3, "in_time"),
    "an attempt is on its way and late": ("sending", 0, 12, "in_time"),
    "a wrong token": ("failed", 0, 0.2, "given_up"),
    "refused": ("dead", 0, 0.2, "given_up"),
    "sent": ("sent", 0, 60, "gone"),
    "taken back": ("superseded", 0, 60, "gone"),
    "kept for the digest": ("capped", 0, 60, "gone"),
}


@pytest.mark.parametrize("name", CASES)
def test_when_a_message_is_handed_over(name):
    """State, seconds to the next attempt, seconds since the decision: the reason."""
    state, next_attempt, now, reason = CASES[name]
    assert hand_over(state, NOW, after(next_attempt), after(now)) == reason


@given(st.floats(0, 100), st.floats(0, 100))
def test_nothing_that_waits_longer_than_the_chain_stays(next_attempt, now):
    found = hand_over("queued", NOW, after(next_attempt), after(now))
    assert (found == "in_time") <= (timedelta(seconds=now) < CHAIN)


@pytest.fixture
def db(tmp_path):
    state = StateFile.open(tmp_path / "state.sqlite")
    with state.transaction() as connection:
        yield connection
    state.close()


def rows(db):
    return [(row["channel"], row["event"], row["state"]) for row in db.execute("SELECT * FROM outbox ORDER BY id")]


def fail(db, text="slack: invalid_auth", state="failed"):
    db.execute("UPDATE outbox SET state = ?, error = ? WHERE channel = 'ops'", (state, text))


def test_it_is_handed_over_once_with_the_reason_and_the_first_channel_goes_on_trying(db):
    enqueue(db, PLAIN, "ops", "i:firing:critical:ops", NOW)
    db.execute(
        "UPDATE outbox SET error = 'Slack did not answer within 4 s', next_attempt_at = ?", (to_text(after(34)),)
    )
    for seconds in (4, 5, 60):
        fall_back(db, {"ops": "chat"}, after(seconds))
    assert rows(db) == [("ops", "firing", "queued"), ("chat", "firing", "queued")]
    note = json.loads(db.execute("SELECT payload FROM outbox WHERE channel = 'chat'").fetchone()[0])["note"]
    assert note == "ops did not take it (Slack did not answer within 4 s); sent here instead."


def test_a_fallback_that_is_told_anyway_is_told_once(db):
    enqueue(db, PLAIN, "ops", "i:firing:critical:ops", NOW)
    enqueue(db, PLAIN, "chat", "i:firing:critical:chat", NOW)
    fail(db)
    fall_back(db, {"ops": "chat"}, NOW)
    assert len(rows(db)) == 2


def test_forms_tests_and_channels_without_fallback_stay(db):
    enqueue(db, OVER.as_delivered("edit"), "ops", "a:ops", NOW)
    enqueue(db, TEST, "ops", "b:ops", NOW)
    enqueue(db, PLAIN, "alone", "c:alone", NOW)
    fail(db)
    assert fall_back(db, {"ops": "chat", "alone": ""}, after(60)) is None
    assert {channel for channel, _, _ in rows(db)} == {"ops", "alone"}


def test_what_is_worse_is_news_to_a_channel_that_heard_nothing(db):
    """So that the end, too, is said there."""
    enqueue(db, WORSE, "ops", "i:escalated:critical:ops", NOW)
    fail(db)
    fall_back(db, {"ops": "chat"}, NOW)
    assert rows(db)[1] == ("chat", "firing", "queued")
    assert told(db, WORSE.subject, "chat") == "untold"


def test_it_says_when_to_look_again(db):
    enqueue(db, PLAIN, "ops", "a:ops", NOW)
    assert fall_back(db, {"ops": "chat"}, after(1)) == after(10)


def test_chains_end_where_a_channel_takes_it(db):
    enqueue(db, DIGEST, "ops", "digest:2026-11-24:ops", NOW)
    fail(db, "no")
    fall_back(db, {"ops": "chat", "chat": "mail"}, NOW)
    db.execute("UPDATE outbox SET state = 'dead', error = 'never' WHERE channel = 'chat'")
    (row,) = db.execute("SELECT id FROM outbox WHERE channel = 'chat'").fetchone()
    fall_back(db, {"ops": "chat", "chat": "mail"}, NOW, failed=row)
    note = json.loads(db.execute("SELECT payload FROM outbox WHERE channel = 'mail'").fetchone()[0])["note"]
    assert note == (
        "ops không nhận được (no); tin được gửi đến đây thay thế. "
        "chat không nhận được (never); tin được gửi đến đây thay thế."
    )


SETTINGS = """
channels:
  ops: {{type: google_chat, allow_http: true, fallback: teams}}
  teams: {{type: teams, allow_http: true}}
"""


@pytest.fixture
def two(tmp_path, monkeypatch):
    """A primary and its fallback, a sender between them, and a clock told by hand."""
    with running(FakeGoogleChat()) as chat, running(FakeTeams()) as teams:
        monkeypatch.setenv("GOOGLE_CHAT_WEBHOOK_URL", chat.url)
        monkeypatch.setenv("TEAMS_WEBHOOK_URL", teams.url)
        state = StateFile.open(tmp_path / "state.sqlite")
        clock = {"now": NOW}
        sender = Sender(state, lambda: parse(SETTINGS.format()), lambda: clock["now"], lambda: 0.0)
        yield chat, teams, state, sender, clock
        state.close()


def put(state, message, key):
    with state.transaction() as db:
        enqueue(db, message, "ops", f"{key}:ops", NOW)


FAULTS = {
    "a dripping server": (Planned(drip=True), "did not answer within 4 s"),
    "a wait of a minute": (Planned(429, "", {"Retry-After": "60"}), "HTTP 429"),
    "a wrong address": (Planned(403, ""), "HTTP 403"),
    "a refused message": (Planned(400, "{}"), "HTTP 400"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_fallback_has_it_in_the_same_round(two, name):
    """Within the attempt's 4 s: the round that sees the failure delivers it elsewhere. No secret is in the reason."""
    chat, teams, state, sender, _ = two
    planned, said = FAULTS[name]
    chat.plan.append(planned)
    put(state, PLAIN, "i:firing:critical")
    sender.round()
    assert (len(chat.posts), len(teams.posts)) == (0, 1)
    text = json.dumps(teams.posts[0], ensure_ascii=False)
    assert f"ops did not take it (Google Chat{' ' if 'answer' in said else ': '}{said}); sent here instead." in text
    assert SECRET not in text


def test_one_outage_of_a_moment_is_no_reason_to_tell_the_fallback(two):
    """A 500 is tried again after 5 s, in time."""
    chat, teams, state, sender, clock = two
    chat.plan.append(Planned(500, ""))
    put(state, PLAIN, "i:firing:critical")
    assert sender.round() == after(5)
    clock["now"] = after(5)
    sender.round()
    assert (len(chat.posts), len(teams.posts)) == (1, 0)


def test_after_downtime_the_first_channel_is_tried_first(two):
    chat, teams, state, sender, clock = two
    put(state, PLAIN, "i:firing:critical")
    clock["now"] = after(3600)
    sender.round()
    assert (len(chat.posts), len(teams.posts)) == (1, 0)


def test_the_first_channel_gets_it_late_and_both_hear_the_end(two):
    chat, teams, state, sender, clock = two
    chat.plan.append(Planned(429, "", {"Retry-After": "60"}))
    put(state, PLAIN, "i:firing:critical")
    sender.round()
    clock["now"] = after(60)
    sender.round()
    assert (len(chat.posts), len(teams.posts)) == (1, 1)
    with state.transaction() as db:
        assert [told(db, PLAIN.subject, name) for name in ("ops", "teams")] == ["told", "told"]


def test_a_slack_without_its_token_is_stood_in_for(tmp_path, monkeypatch):
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    path = tmp_path / "alerts.jsonl"
    text = (
        f"channels: {{ops: {{type: slack, channel: {CHANNEL}, fallback: disk}}, disk: {{type: file, path: '{path}'}}}}"
    )
    state = StateFile.open(tmp_path / "state.sqlite")
    put(state, PLAIN, "i:firing:critical")
    Sender(state, lambda: parse(text), lambda: NOW).round()
    (line,) = map(json.loads, path.read_text().splitlines())
    assert line["note"] == "ops did not take it (the environment has no SLACK_BOT_TOKEN); sent here instead."
    assert TOKEN not in path.read_text()
    state.close()
