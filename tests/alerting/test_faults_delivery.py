"""Faults A01 to A07, A10, A19 to A22 of delivery, each by its id: `pytest -k a03`."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from fake_server import Planned, running
from fake_slack import TOKEN, fake_slack
from fake_vendors import ROUTING_KEY, FakePagerDuty
from post import FIRST, LAST, NOW, Post, slack_at

from alerting.outbox import claim, stuck

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    monkeypatch.setenv("PAGERDUTY_ROUTING_KEY", ROUTING_KEY)


@pytest.fixture
def pager():
    with running(FakePagerDuty()) as server:
        yield server


def pager_at(server: FakePagerDuty) -> str:
    return f"pager: {{type: pagerduty, base_url: '{server.url}', allow_http: true}}"


def waits(post: Post, calls) -> timedelta:
    """How long it waits between its first and its second attempt."""
    start = post.now
    post.sender.round()
    assert calls() == 1
    while calls() == 1 and post.now < start + HOUR:
        post.run(SECOND)
    return post.now - start


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("30", 30, 33),
        ("Tue, 24 Nov 2026 09:00:30 GMT", 30, 33),
        (None, 5, 8),
        ("0", 5, 8),
        ("86400", 900, 903),
        ("soon", 5, 8),
        ("-7", 5, 8),
    ],
)
def test_a01_a_wait_that_was_asked_for_is_kept_and_other_channels_go_on(slack, tmp_path, header, least, most):
    """Told how long in seconds or as a date, not at all, or nonsense: never more than a quarter of an hour."""
    with fake_slack() as other:
        post = Post(tmp_path / "s", f"{slack_at(slack.url)}, {slack_at(other.url, 'mail')}")
        slack.plan = [Planned(429, "", {"Retry-After": header} if header else {})]
        post.put(FIRST)
        if header and header.startswith("Tue"):
            post.sender._channels, kept = {}, post.sender._refresh
            kept()
            post.sender._channels["ops"][1]._clock = lambda: post.now
        waited = waits(post, lambda: slack.calls)
        assert least * SECOND <= waited <= most * SECOND
        assert len(other.posts) == 1
        post.run(MINUTE)
        assert len(slack.posts) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a02_ten_minutes_of_5xx_are_one_message_later(slack, tmp_path, status):
    post = Post(tmp_path / "s", slack_at(slack.url))
    slack.plan = [Planned(status, "down")] * 4
    post.put(FIRST)
    post.run(20 * MINUTE)
    assert (len(slack.posts), slack.calls) == (1, 5)
    assert "possible repeat" not in slack.posts[0]["text"]


@pytest.mark.parametrize(
    "planned",
    [
        *(Planned(status, "no") for status in (400, 401, 403, 404, 410)),
        *(Planned(200, json.dumps({"ok": False, "error": word})) for word in ("invalid_blocks", "channel_not_found")),
    ],
    ids=lambda planned: f"{planned.status} {planned.body[-25:]}",
)
def test_a03_what_cannot_work_is_not_tried_again_and_goes_to_the_fallback(slack, tmp_path, planned):
    with fake_slack() as other:
        post = Post(tmp_path / "s", f"{slack_at(slack.url, more=', fallback: spare')}, {slack_at(other.url, 'spare')}")
        slack.plan = [planned] * 9
        post.put(FIRST, "ops")
        post.run(3 * HOUR)
        assert slack.calls <= 2
        (told,) = other.posts
        assert "ops" in json.dumps(told["blocks"])
        assert post.states()["ops"] in ("failed", "dead")


def test_a04_an_answer_that_was_lost_is_one_incident_at_the_pager_and_marked_in_the_chat(slack, pager, tmp_path):
    """Both took the message and hung up without an answer."""
    post = Post(tmp_path / "s", f"{slack_at(slack.url)}, {pager_at(pager)}")
    slack.plan, pager.plan = [Planned(accept=True, cut=True)], [Planned(accept=True, cut=True)]
    post.put(FIRST)
    post.run(5 * MINUTE)
    assert ["possible repeat" in told["text"] for told in slack.posts] == [False, True]
    assert FIRST.subject in json.dumps(slack.posts[1])
    assert list(pager.incidents.values()) == ["triggered"]


@pytest.mark.parametrize("planned", [Planned(302, "", {"Location": "http://127.0.0.1:1/"}), Planned(204, "")])
def test_a04_a_redirect_is_not_followed_and_is_no_success(pager, tmp_path, planned):
    post = Post(tmp_path / "s", pager_at(pager))
    pager.plan = [planned]
    post.put(FIRST)
    post.sender.round()
    assert post.states() != {"pager": "sent"}


def test_a04_a_host_that_does_not_speak_tls_did_not_get_the_message(pager, tmp_path):
    post = Post(tmp_path / "s", pager_at(pager).replace("http://", "https://").replace("allow_http", "allow_private"))
    post.put(FIRST)
    post.run(10 * SECOND)
    assert post.rows("SELECT state, unsure FROM outbox") == [("queued", 0)]


@pytest.mark.parametrize("body", ["<html>Log in to the wireless network</html>", '{"hello": 1}', ""])
def test_a05_a_captive_portal_is_no_success(slack, pager, tmp_path, body):
    """200 with somebody else's page for half an hour: Slack says ok, PagerDuty 202 and success."""
    post = Post(tmp_path / "s", f"{slack_at(slack.url)}, {pager_at(pager)}")
    slack.plan, pager.plan = [Planned(200, body)] * 4, [Planned(200, body)] * 4
    post.put(FIRST)
    post.run(HOUR)
    assert (len(slack.posts), list(pager.incidents.values())) == (1, ["triggered"])


def test_a05_a_name_that_does_not_resolve_is_tried_again_and_again(tmp_path):
    post = Post(tmp_path / "s", slack_at("https://burnline-nowhere.invalid/"))
    post.put(FIRST)
    post.run(3 * HOUR)
    (row,) = post.rows("SELECT state, unsure, attempts, error FROM outbox")
    assert row[:2] == ("queued", 0)
    assert row[2] > 8
    assert "cannot be reached" in row[3]


@pytest.mark.parametrize("arrived", [True, False])
def test_a06_a07_a_process_that_died_while_sending_loses_nothing_and_marks_the_repeat(slack, pager, tmp_path, arrived):
    post = Post(tmp_path / "s", f"{slack_at(slack.url)}, {pager_at(pager)}")
    post.put(FIRST)
    with post.state.transaction() as db:
        taken = [claim(db, post.now), claim(db, post.now)]
    if arrived:
        for each in taken:
            post.sender._channels or post.sender._refresh()
            post.sender._attempt(each)
    post.restart()
    post.run(MINUTE)
    assert list(pager.incidents.values()) == ["triggered"]
    assert ["possible repeat" in told["text"] for told in slack.posts] == ([False, True] if arrived else [True])


def test_a10_the_end_never_comes_before_the_beginning(slack, tmp_path):
    post = Post(tmp_path / "s", slack_at(slack.url))
    slack.plan = [Planned(503, "")] * 3
    post.put(FIRST)
    post.put(LAST)
    post.run(HOUR)
    assert [told["text"].split(":")[0] for told in slack.posts] == ["CRITICAL", "RESOLVED"]
    assert slack.posts[1]["thread_ts"] == slack.posts[0]["ts"]


def test_a10_an_end_that_was_lost_in_a_crash_is_sent_after_it(slack, tmp_path):
    post = Post(tmp_path / "s", slack_at(slack.url))
    post.put(FIRST)
    post.run(SECOND)
    post.put(LAST)
    post.state.close()
    post.restart()
    post.run(MINUTE)
    assert len(slack.posts) == 2


def test_a19_a_message_waits_for_its_secret_and_none_of_it_is_in_any_note(slack, tmp_path, monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1234-rotated-away")
    post = Post(tmp_path / "s", slack_at(slack.url))
    post.put(FIRST)
    post.run(23 * HOUR)
    (row,) = post.rows("SELECT state, attempts, error FROM outbox")
    assert row[:2] == ("failed", 1)
    assert "rotated-away" not in row[2]
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    post.run(MINUTE)
    assert len(slack.posts) == 1


def test_a20_what_became_too_old_is_one_notice_when_the_channel_is_back(slack, tmp_path):
    """A day and a half away, a new incident every twelve hours: each old one is given up, and one message names them."""
    post = Post(tmp_path / "s", slack_at(slack.url))
    slack.plan = [Planned(503, "")] * 10_000
    for number in range(3):
        post.put(type(FIRST)("firing", f"i-{number}", f"CRITICAL: number {number}", "x", severity="critical"))
        post.run(12 * HOUR)
    slack.plan = []
    post.run(2 * HOUR)
    texts = [told["text"] for told in slack.posts]
    notices = [told for told in slack.posts if "could not be delivered in time" in told["text"]]
    assert len(notices) == 1
    lost = [number for number in range(3) if f"number {number}" in json.dumps(notices[0])]
    assert lost == [0, 1]
    assert [text for text in texts if "number" in text and text.startswith("CRITICAL")] == ["CRITICAL: number 2: x"]


def test_a20_ten_thousand_old_rows_are_given_up_at_once(slack, tmp_path):
    post = Post(tmp_path / "s", slack_at(slack.url))
    with post.state.transaction() as db:
        db.executemany(
            "INSERT INTO outbox (subject, event, channel, payload, key, state, next_attempt_at, deadline_at, "
            "created_at) VALUES (?, 'firing', 'ops', ?, ?, 'queued', '2026-11-01', '2026-11-02', '2026-11-01')",
            [(f"i{number}", FIRST.to_json(), f"k{number}") for number in range(10_000)],
        )
    post.run(MINUTE)
    assert len(slack.posts) == 1
    assert slack.posts[0]["text"].startswith("10,000 messages could not be delivered in time")


def test_a22_an_outbox_that_does_not_move_is_noticed_within_ten_minutes(slack, tmp_path):
    post = Post(tmp_path / "s", slack_at(slack.url))
    slack.plan = [Planned(503, "")] * 100
    post.put(FIRST)
    post.run(8 * MINUTE)
    with post.state.transaction() as db:
        assert stuck(db, post.now) is None
    post.run(2 * MINUTE)
    with post.state.transaction() as db:
        assert stuck(db, post.now) == NOW
    slack.plan = []
    post.run(HOUR)
    with post.state.transaction() as db:
        assert stuck(db, post.now) is None


def test_a22_one_channel_that_fails_beside_one_that_works_is_a_note_not_a_standstill(slack, tmp_path):
    with fake_slack() as other:
        post = Post(tmp_path / "s", f"{slack_at(slack.url)}, {slack_at(other.url, 'spare')}")
        slack.plan = [Planned(503, "")] * 100
        post.put(FIRST)
        post.run(HOUR)
        with post.state.transaction() as db:
            assert stuck(db, post.now) is None


def test_a_clock_set_back_a_day_does_not_hold_messages_for_a_day(slack, tmp_path):
    post = Post(tmp_path / "s", slack_at(slack.url))
    post.now += timedelta(days=1)
    slack.plan = [Planned(503, "")]
    post.put(FIRST)
    post.sender.round()
    post.now -= timedelta(days=1)
    post.run(MINUTE)
    assert len(slack.posts) == 1
