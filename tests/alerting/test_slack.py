"""What Slack's answers mean, and how a message looks there."""

from __future__ import annotations

import json
import socket
from datetime import timedelta

import pytest
from fake_slack import CHANNEL, TOKEN, FakeSlack, Planned, fault_in
from hypothesis import given
from hypothesis import strategies as st
from sample_messages import DIGEST, HOSTILE, PLAIN, SINCE

from alerting.channels.channel import DeliveryError
from alerting.channels.slack import SlackChannel
from alerting.channels.slack_blocks import escape, payload
from alerting.message import Fact, Message, Section


def of(server: FakeSlack, token: str = TOKEN, channel: str = CHANNEL, **changes) -> SlackChannel:
    return SlackChannel(channel, token, base_url=server.url, **changes)


def test_a_firing_message_is_one_post_and_its_reply_is_threaded(slack):
    first = of(slack).send(PLAIN)
    assert first.reference == f"{CHANNEL}:{slack.posts[0]['ts']}"
    reply = Message("resolved", "1a2b", "RESOLVED", "Lasted 14 min.", delivery="reply", previous=first.reference)
    of(slack).send(reply)
    assert [post.get("thread_ts") for post in slack.posts] == [None, slack.posts[0]["ts"]]
    of(slack).send(reply.as_delivered("edit"))
    assert [edit["ts"] for edit in slack.edits] == [slack.posts[0]["ts"]]
    assert ":large_green_circle:" in json.dumps(slack.edits[0])


def test_files_are_shared_in_the_thread_of_their_message(slack):
    of(slack).send(DIGEST)
    (shared,) = slack.shared
    assert shared["thread_ts"] == slack.posts[0]["ts"]
    assert [file["title"] for file in shared["files"]] == ["Timeout rate by hour", "The digest", "The digest"]
    assert list(slack.uploads.values()) == [file.content for file in DIGEST.files]


@pytest.mark.parametrize("fault", ["scope", "drip"])
def test_a_message_counts_without_its_files(slack, caplog, fault):
    """It is said in the log, and nothing is sent twice for it."""
    if fault == "scope":
        slack.scopes.discard("files:write")
    else:
        slack.plan += [Planned(accept=True), Planned(drip=True)]
    assert of(slack, deadline=1.0).send(DIGEST).reference
    assert "The files of a message were not shared in Slack" in caplog.text
    assert (len(slack.posts), slack.shared) == (1, [])


def test_a_line_that_leads_somewhere_has_its_link(slack):
    of(slack).send(PLAIN)
    said = json.dumps(slack.posts[0], ensure_ascii=False)
    assert "req-1: 8.0 s, API_TIMEOUT <https://dash.example/request?id=req-1|↗>" in said
    assert "*First*: Look at the step retrieve of planner." in said


def test_an_edit_of_a_deleted_message_is_done(slack):
    first = of(slack).send(PLAIN)
    slack.deleted.add(slack.posts[0]["ts"])
    edit = Message("resolved", "1a2b", "RESOLVED", "x", delivery="edit", previous=first.reference)
    of(slack).send(edit)
    assert (len(slack.posts), slack.edits) == (1, [])


def test_no_text_of_a_log_pings_or_links(slack):
    of(slack).send(HOSTILE)
    sent = json.dumps(slack.posts[0], ensure_ascii=False)
    for token in (
        "<!channel",
        "<!here",
        "<!subteam",
        "<@U",
        "<http://evil",
        "@channel",
        "@here",
        "@everyone",
        "javascript",
    ):
        assert token not in sent
    assert all(part.get("verbatim", True) for block in slack.posts[0]["blocks"] for part in block.get("fields", []))


@given(st.text(max_size=300), st.integers(0, 60))
def test_a_message_is_within_the_limits_whatever_it_says(text, sections):
    message = Message(
        "digest",
        "d",
        text,
        text * 20,
        facts=(Fact(text, text * 9),) * 15,
        sections=(Section(text, (text,) * 40),) * sections,
        note=text * 9,
    )
    assert fault_in(payload(message)) == ""


@given(st.text(alphabet="&<>@channelhere!^ab\x00\u200b", max_size=80))
def test_escaped_text_has_no_bracket_and_no_mention(text):
    found = escape(text)
    assert not set("<>") & set(found)
    assert "@channel" not in found
    assert "@here" not in found


ANSWERS = {
    "429 with a time": (Planned(429, "", {"Retry-After": "30"}), {"retry": True, "after": 30.0}),
    "429 with a date": (
        Planned(429, "", {"Retry-After": "Tue, 24 Nov 2026 02:03:00 GMT"}),
        {"retry": True, "after": 60.0},
    ),
    "429 without a time": (Planned(429, "{}"), {"retry": True, "after": None}),
    "429 with 0": (Planned(429, "{}", {"Retry-After": "0"}), {"retry": True, "after": None}),
    "429 with nonsense": (Planned(429, "{}", {"Retry-After": "soon"}), {"retry": True, "after": None}),
    "429 with infinity": (Planned(429, "{}", {"Retry-After": "inf"}), {"retry": True, "after": None}),
    "ratelimited in a 200": (
        Planned(200, '{"ok":false,"error":"ratelimited"}', {"Retry-After": "5"}),
        {"retry": True, "after": 5.0},
    ),
    "500": (Planned(500, "oops"), {"retry": True, "unsure": False}),
    "502": (Planned(502, "<html>"), {"retry": True}),
    "503": (Planned(503, "{}"), {"retry": True}),
    "504": (Planned(504, ""), {"retry": True}),
    "internal error": (Planned(200, '{"ok":false,"error":"internal_error"}'), {"retry": True}),
    "a captive portal": (Planned(200, "<html>Please log in</html>"), {"retry": True, "unsure": False}),
    "a JSON list": (Planned(200, "[]"), {"retry": True}),
    "wrong token": (Planned(200, '{"ok":false,"error":"invalid_auth"}'), {"retry": False, "fixable": True}),
    "not in the channel": (Planned(200, '{"ok":false,"error":"not_in_channel"}'), {"retry": False, "fixable": True}),
    "401": (Planned(401, ""), {"retry": False, "fixable": True}),
    "403": (Planned(403, "no"), {"retry": False, "fixable": True}),
    "404": (Planned(404, "no"), {"retry": False, "fixable": True}),
    "410": (Planned(410, "no"), {"retry": False, "fixable": True}),
    "400": (Planned(400, "no"), {"retry": False, "fixable": False}),
    "refused content": (Planned(200, '{"ok":false,"error":"invalid_blocks"}'), {"retry": False, "fixable": False}),
    "a lost answer": (Planned(cut=True, accept=True), {"retry": True, "unsure": True}),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_says_whether_to_try_again(slack, name):
    planned, expected = ANSWERS[name]
    slack.plan.append(planned)
    with pytest.raises(DeliveryError) as found:
        of(slack, clock=lambda: SINCE).send(PLAIN)
    assert {key: getattr(found.value, key) for key in expected} == expected
    assert slack.calls == 1


def test_a_server_that_drips_is_left_at_the_deadline_and_may_have_accepted(slack):
    slack.plan.append(Planned(drip=True))
    with pytest.raises(DeliveryError, match="did not answer within") as found:
        of(slack, deadline=0.3).send(PLAIN)
    assert (found.value.retry, found.value.unsure) == (True, True)


def test_a_closed_port_is_retried_and_surely_did_not_arrive():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/api/"
        with pytest.raises(DeliveryError, match="cannot be reached") as found:
            SlackChannel(CHANNEL, TOKEN, base_url=url).send(PLAIN)
    assert (found.value.retry, found.value.unsure) == (True, False)


def test_without_a_token_or_a_channel_nothing_is_called(slack):
    for made in (of(slack, token=""), of(slack, channel="")):
        with pytest.raises(DeliveryError) as found:
            made.send(PLAIN)
        assert (found.value.retry, found.value.fixable) == (False, True)
    assert slack.calls == 0


@pytest.mark.parametrize(
    "body",
    [f"you sent {TOKEN}", '{"ok":false,"error":"xoxb-999-other"}', f'{{"ok":false,"error":"Bearer {TOKEN} is bad"}}'],
)
def test_no_error_quotes_a_secret(slack, body, caplog):
    slack.plan.append(Planned(500, body))
    with pytest.raises(DeliveryError) as found:
        of(slack).send(PLAIN)
    assert "xox" not in f"{found.value!r} {found.value} {caplog.text}"
    assert found.value.__cause__ is None


def test_a_date_in_the_past_asks_for_no_wait(slack):
    slack.plan.append(Planned(429, "", {"Retry-After": "Tue, 24 Nov 2026 02:03:00 GMT"}))
    with pytest.raises(DeliveryError) as found:
        of(slack, clock=lambda: SINCE + timedelta(hours=1)).send(PLAIN)
    assert found.value.after is None
