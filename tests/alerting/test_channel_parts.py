"""The small decisions behind the channels: addresses, secrets, text, signatures, dedup keys."""

from __future__ import annotations

import base64
import json
import threading

import pytest
from fake_server import running
from fake_slack import fault_in
from fake_vendors import ROUTING_KEY, FakePagerDuty, google_chat_fault, pagerduty_faults, teams_fault
from hypothesis import given
from hypothesis import strategies as st
from sample_messages import ACKNOWLEDGED, CLOSED, DIGEST, HOSTILE, OVER, PLAIN, TEST, WORSE

from alerting.channels import google_chat, missing_secrets, pagerduty, slack_blocks, teams
from alerting.channels.address import address_fault, url_fault
from alerting.channels.channel import DeliveryError
from alerting.channels.deadline import MOST_ABANDONED, within
from alerting.channels.file import FileChannel
from alerting.channels.pagerduty import PagerDutyChannel
from alerting.channels.parts import plain, usable
from alerting.channels.secret import redacted
from alerting.channels.webhook import signature, signing_key
from alerting.message import Fact, Message, Section
from core.settings import parse

ADDRESSES = {
    "93.184.216.34": ("", "", "not this machine"),
    "2606:2800:220:1::1": ("", "", "not this machine"),
    "10.1.2.3": ("private", "", "not this machine"),
    "192.168.0.1": ("private", "", "not this machine"),
    "172.31.255.1": ("private", "", "not this machine"),
    "100.64.0.1": ("private", "", "not this machine"),
    "127.0.0.1": ("private", "", ""),
    "::1": ("private", "", ""),
    "fd12::1": ("private", "", "not this machine"),
    "0.0.0.0": ("link-local", "link-local", "link-local"),
    "169.254.169.254": ("metadata", "metadata", "metadata"),
    "169.254.1.1": ("link-local", "link-local", "link-local"),
    "fe80::1%eth0": ("link-local", "link-local", "link-local"),
    "fd00:ec2::254": ("metadata", "metadata", "metadata"),
    "100.100.100.200": ("metadata", "metadata", "metadata"),
    "224.0.0.1": ("link-local", "link-local", "link-local"),
    "::ffff:10.0.0.1": ("private", "", "not this machine"),
    "::ffff:169.254.169.254": ("metadata", "metadata", "metadata"),
    "64:ff9b::a9fe:a9fe": ("metadata", "metadata", "metadata"),
    "64:ff9b::a00:1": ("private", "", "not this machine"),
    "2002:a00:1::": ("private", "", "not this machine"),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_which_addresses_are_talked_to(address):
    """Usually; with allow_private; without TLS, when http is allowed for this machine."""
    found = (
        address_fault(address),
        address_fault(address, allow_private=True),
        address_fault(address, allow_private=True, plain=True),
    )
    for fault, part in zip(found, ADDRESSES[address], strict=True):
        assert (part in fault) if part else fault == ""


@given(st.text(max_size=60))
def test_a_url_is_judged_whatever_it_is(text):
    """No error, and an answer that quotes nothing."""
    assert url_fault(text) in {
        "is not a URL", "holds spaces or control characters", "does not begin with https:// and a host",
        "begins with http://; messages go over https:// only", "holds a user name or password; leave them out", "",
    }  # fmt: skip


URLS = [
    "https://hooks.example/services/T012/B034/abcDEF123",
    "https://chat.example/v1/spaces/AAAA/messages?key=AIza-key&token=tok%2Ben%3D",
    "https://prod.example:443/workflows/0a1b2c/triggers/manual/paths/invoke?api-version=2016&sig=s_i-g",
]


@given(st.sampled_from(URLS), st.text(max_size=40), st.data())
def test_no_part_of_a_secret_address_is_left_in_a_text(url, around, data):
    """Wherever it is quoted: whole, its path, a long enough part of it, a value of its query, decoded or not."""
    parts = ["services/T012/B034/abcDEF123", "abcDEF123", "AIza-key", "tok%2Ben%3D", "tok+en=", "0a1b2c", "s_i-g", "/v1/spaces/AAAA/messages"]  # fmt: skip
    part = data.draw(
        st.sampled_from([url, *(part for part in parts if part in url or (part == "tok+en=" and "tok" in url))])
    )
    assert part not in redacted(f"{around} {part} {around}", (url,))


@pytest.mark.parametrize(
    "token",
    ["xoxb-12-ab", "Bearer abc.def", "bearer x", "whsec_c2VjcmV0c2VjcmV0c2VjcmV0", "R0UTINGKEY0OF0THIRTY0TWO0CHARS0A"],
)
def test_what_looks_like_a_token_is_taken_out_even_when_it_is_none_of_ours(token):
    assert token not in redacted(f"refused: {token}, sorry", ())
    assert redacted("Google Chat: HTTP 403, The caller does not have permission", ()) == (
        "Google Chat: HTTP 403, The caller does not have permission"
    )


@given(st.text(max_size=200))
def test_defused_text_links_and_mentions_nothing(text):
    found = plain(f"{text}@here https://x.example <users/all>", 4_000)
    assert "@here" not in found
    assert "https:" not in found
    assert "<users/" not in found


@pytest.mark.parametrize(
    ("url", "is_usable"),
    [
        ("https://wiki.example/timeouts?a=1&b=2", True),
        ("http://dash:8501/", True),
        ("javascript:alert(1)", False),
        ("https://x/|<!channel>", False),
        ('https://x/" onclick="x', False),
        ("https://x/\n", False),
        ("https://x/" + "a" * 2000, False),
        ("", False),
    ],
)
def test_what_may_stand_behind_a_link(url, is_usable):
    assert usable(url) == is_usable


texts = st.text(max_size=400)
links = st.dictionaries(st.integers(0, 40), texts.map(lambda text: f"https://dash.example/{text}") | texts, max_size=9)
messages = st.builds(
    Message,
    st.sampled_from(["firing", "resolved", "digest", "test"]),
    texts,
    texts,
    texts,
    severity=st.sampled_from(["critical", "warning", "info", None]),
    facts=st.lists(st.builds(Fact, texts, texts), max_size=30).map(tuple),
    sections=st.lists(st.builds(Section, texts, st.lists(texts, max_size=40).map(tuple), links), max_size=60).map(
        tuple
    ),
    owner=texts,
    action=texts,
    note=texts,
    runbook=texts,
    link=texts,
    language=st.sampled_from(["en", "vi"]),
    repeat=st.booleans(),
)


@given(messages)
def test_a_message_is_within_every_vendors_limits_whatever_it_says(message):
    chat, card = google_chat.payload(message), teams.payload(message)
    event = pagerduty.event(message, "trigger", ROUTING_KEY)
    assert fault_in(slack_blocks.payload(message)) == ""
    assert (len(chat) <= 32_000, google_chat_fault(json.loads(chat))) == (True, "")
    assert (len(card) <= 28 * 1024, teams_fault(json.loads(card))) == (True, "")
    assert (len(event) <= 512 * 1024, pagerduty_faults(json.loads(event))) == (True, [])


def test_a_card_that_was_cut_says_so():
    long = Message("digest", "d", "t", "s", sections=(Section("Agents", ("x" * 300,) * 20),) * 30)
    assert "Shortened; the dashboard has the rest." in google_chat.payload(long).decode()
    assert "Shortened" not in google_chat.payload(PLAIN).decode()


def test_a_signature_is_the_one_of_the_published_example():
    """Of standardwebhooks.com: the secret, message id, timestamp and body of its reference tests."""
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        ("whsec_!!!", "no base64"),
        ("short", "has 5 bytes"),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), "23 bytes"),
    ],
)
def test_a_signing_secret_that_is_too_weak_is_refused_and_named_at_the_start(secret, fault, monkeypatch):
    monkeypatch.setenv("BURNLINE_WEBHOOK_URL", "http://hooks.example/x")
    monkeypatch.setenv("BURNLINE_WEBHOOK_SECRET", secret)
    with pytest.raises(ValueError, match=fault):
        signing_key(secret)
    named = missing_secrets(parse("channels: {hook: {type: webhook}}"))
    assert len(named) == 2
    assert "the URL in BURNLINE_WEBHOOK_URL begins with http://" in named[0]
    assert fault in named[1]
    assert secret not in " ".join(named)


@pytest.fixture
def pager():
    with running(FakePagerDuty()) as server:
        text = f"channels: {{ops: {{type: pagerduty, base_url: '{server.url}', allow_http: true}}}}"
        yield server, PagerDutyChannel(parse(text).channels["ops"], lambda _: ROUTING_KEY)


def test_an_incident_is_one_alert_from_first_to_last(pager):
    """Worse is the same alert, a repeat too; the end closes it, and wakes nobody."""
    server, channel = pager
    for message in (PLAIN, PLAIN, WORSE, WORSE.as_delivered("edit")):
        channel.send(message)
    assert server.incidents == {"burnline/1a2b": "triggered"}
    channel.send(ACKNOWLEDGED)
    assert server.incidents == {"burnline/1a2b": "acknowledged"}
    for message in (OVER, OVER.as_delivered("edit")):
        channel.send(message)
    assert server.incidents == {"burnline/1a2b": "resolved"}
    assert [post["event_action"] for post in server.posts] == [
        "trigger", "trigger", "trigger", "acknowledge", "resolve",
    ]  # fmt: skip
    assert server.posts[-1].keys() == {"routing_key", "event_action", "dedup_key"}


def test_an_incident_closed_unseen_is_closed_there_too(pager):
    server, channel = pager
    channel.send(PLAIN)
    channel.send(CLOSED)
    assert server.incidents == {"burnline/1a2b": "resolved"}


def test_a_digest_wakes_nobody_and_a_test_leaves_nothing_open(pager):
    server, channel = pager
    channel.send(DIGEST)
    assert server.calls == 0
    channel.send(TEST)
    assert server.incidents == {"burnline/test ops": "resolved"}


def test_a_pager_is_told_what_it_needs(pager):
    server, channel = pager
    channel.send(PLAIN)
    (post,) = server.posts
    assert post["payload"]["summary"].startswith("CRITICAL: timeout rate 7.2 % (limit > 5 %): 36 of 500 requests")
    assert (post["payload"]["severity"], post["payload"]["source"]) == ("critical", "dash.example")
    assert post["payload"]["custom_details"]["Top agents"] == "planner 21, search 9, pricing 6"
    assert post["client_url"] == "https://dash.example/?range=1h&agent=planner"
    assert {link["text"] for link in post["links"]} == {"Open the dashboard", "Runbook"}


def test_a_wrong_routing_key_is_a_setting_to_mend(pager):
    server, _ = pager
    text = f"channels: {{ops: {{type: pagerduty, base_url: '{server.url}', allow_http: true}}}}"
    with pytest.raises(DeliveryError, match="Invalid routing key") as found:
        PagerDutyChannel(parse(text).channels["ops"], lambda _: "wrong" * 6).send(PLAIN)
    assert (found.value.retry, found.value.fixable) == (False, True)


def test_attempts_that_hang_at_one_vendor_do_not_stop_another():
    """Each has its own count of attempts that never came back."""
    stuck = threading.Event()
    for _ in range(MOST_ABANDONED):
        with pytest.raises(DeliveryError, match="did not answer"):
            within(0.001, stuck.wait, "one")
    with pytest.raises(DeliveryError, match="still keeps 8 earlier attempts waiting"):
        within(1, lambda: 1, "one")
    assert within(1, lambda: 1, "another") == 1
    stuck.set()


def test_a_line_cut_by_a_crash_is_closed_before_the_next(tmp_path):
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(b'{"half": ')
    channel = FileChannel(parse(f"channels: {{ops: {{type: file, path: '{path}'}}}}").channels["ops"], str)
    channel.send(HOSTILE)
    channel.send(PLAIN)
    half, *lines = path.read_text("utf-8").splitlines()
    assert half == '{"half": '
    assert [json.loads(line)["subject"] for line in lines] == [HOSTILE.subject, PLAIN.subject]


def test_a_folder_in_the_place_of_the_file_is_a_setting_to_mend(tmp_path):
    channel = FileChannel(parse(f"channels: {{ops: {{type: file, path: '{tmp_path}'}}}}").channels["ops"], str)
    with pytest.raises(DeliveryError, match="Is a directory") as found:
        channel.send(PLAIN)
    assert found.value.fixable
