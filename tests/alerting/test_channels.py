"""One contract for every kind of channel, each against a server that enforces its vendor's limits."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from certificate import certificate
from fake_server import FakeServer, Planned, running
from fake_slack import CHANNEL, TOKEN, FakeSlack
from fake_vendors import (
    ROUTING_KEY,
    SECRET,
    SIGNING,
    FakeAppriseTarget,
    FakeGoogleChat,
    FakePagerDuty,
    FakeReceiver,
    FakeSlackWebhook,
    FakeTeams,
)
from sample_messages import DIGEST, HOSTILE, MESSAGES, OVER, PLAIN, SINCE, WORSE

from alerting.channels import CHANNELS
from alerting.channels.channel import Channel, DeliveryError, Receipt
from alerting.message import Message
from core.channels import CHANNEL_TYPES, ChannelSettings
from core.settings import parse


@dataclass
class Rig:
    """A channel with the real thing, or its stand-in, behind it."""

    kind: str
    settings: ChannelSettings
    secrets: dict[str, str]
    server: Any
    took: Callable[[], list]
    hidden: tuple[str, ...] = field(default=())

    def channel(self, **changes) -> Channel:
        made = CHANNELS[self.kind]
        made = made.__self__.from_settings if self.kind == "slack" else made
        return made(self.settings, lambda name: self.secrets.get(name, ""), **changes)


POSTING: dict[str, tuple[type[FakeServer], str, dict[str, str]]] = {
    "slack_webhook": (FakeSlackWebhook, "", {"SLACK_WEBHOOK_URL": "{url}"}),
    "pagerduty": (FakePagerDuty, "base_url: '{url}', ", {"PAGERDUTY_ROUTING_KEY": ROUTING_KEY}),
    "google_chat": (FakeGoogleChat, "", {"GOOGLE_CHAT_WEBHOOK_URL": "{url}"}),
    "teams": (FakeTeams, "", {"TEAMS_WEBHOOK_URL": "{url}"}),
    "webhook": (FakeReceiver, "", {"BURNLINE_WEBHOOK_URL": "{url}", "BURNLINE_WEBHOOK_SECRET": SIGNING}),
}


def posting(kind: str, server: FakeServer, *, more: str = "allow_http: true") -> Rig:
    _, fields, secrets = POSTING[kind]
    text = f"channels: {{ops: {{type: {kind}, {fields.format(url=server.url)}{more}}}}}"
    found = {name: value.format(url=server.url) for name, value in secrets.items()}
    hidden = tuple(found.values()) if kind == "pagerduty" else (SECRET, SIGNING)
    return Rig(kind, parse(text).channels["ops"], found, server, lambda: server.posts, hidden)


def rig_of(kind: str, stack: ExitStack, folder: Path) -> Rig:
    if kind in POSTING:
        return posting(kind, stack.enter_context(running(POSTING[kind][0]())))
    if kind == "slack":
        server = stack.enter_context(running(FakeSlack()))
        text = f"channels: {{ops: {{type: slack, channel: {CHANNEL}, base_url: '{server.url}'}}}}"
        return Rig(
            kind, parse(text).channels["ops"], {"SLACK_BOT_TOKEN": TOKEN}, server, lambda: server.posts, (TOKEN,)
        )
    if kind == "email":
        mail_server = pytest.importorskip("mail_server", reason="aiosmtpd is not installed", exc_type=ImportError)
        box = stack.enter_context(mail_server.Mailbox(login=True))
        text = (
            "channels: {ops: {type: email, host: 127.0.0.1, security: none, username: burn, from: burn@ops.example, "
            f"to: [lan@ops.example, minh@ops.example], port: {box.port}}}}}"
        )
        secrets = {"SMTP_PASSWORD": mail_server.PASSWORD}
        return Rig(kind, parse(text).channels["ops"], secrets, box, lambda: box.mails, tuple(secrets.values()))
    if kind == "apprise":
        pytest.importorskip("apprise", reason="Apprise is an optional package")
        server = stack.enter_context(running(FakeAppriseTarget()))
        settings = parse("channels: {ops: {type: apprise}}").channels["ops"]
        return Rig(kind, settings, {"APPRISE_URL": server.url}, server, lambda: server.posts, (SECRET,))
    path = folder / "deep" / "alerts.jsonl"
    text = f"channels: {{ops: {{type: {kind}{f', path: {path}' if kind == 'file' else ''}}}}}"
    lines = lambda: [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []  # noqa: E731
    return Rig(kind, parse(text).channels["ops"], {}, None, lines)


@pytest.fixture
def rig(request, tmp_path) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield rig_of(request.param, stack, tmp_path)


every = pytest.mark.parametrize("rig", CHANNELS, indirect=True)
every_posting = pytest.mark.parametrize("rig", POSTING, indirect=True)


def test_every_kind_in_the_settings_has_a_channel():
    assert set(CHANNELS) == set(CHANNEL_TYPES)


@every
def test_any_message_is_accepted(rig, capsys):
    """Whatever stands in a message, a channel delivers it inside its vendor's limits; the stand-in refuses others."""
    channel = rig.channel()
    for name, message in MESSAGES.items():
        assert isinstance(channel.send(message), Receipt), name


@every
def test_no_control_character_of_a_log_is_obeyed(rig, capsys):
    """Escapes and bidirectional overrides are spelled out, except in JSON for programs, where JSON escapes them."""
    rig.channel().send(Message.from_json(HOSTILE.to_json()))
    shown = capsys.readouterr().err
    if rig.kind == "email":
        (mail,) = rig.took()
        shown = "".join(part.get_content() for part in mail.walk() if part.get_content_type().startswith("text/"))
        shown = shown.replace("\r\n", "\n").replace("\n", " ")
    elif rig.kind != "console":
        shown = json.dumps(rig.took()[0], ensure_ascii=rig.kind in ("file", "webhook")).replace("\\n", " ")
    assert not {"\x1b", "\u202e", "\x00", "\x07", "\r"} & set(shown)
    assert "evil.example" in shown


@every
def test_an_edit_that_repeats_a_reply_is_no_second_message(rig, capsys):
    """Where nothing can be edited, the reply has said it."""
    channel = rig.channel()
    channel.send(OVER)
    before = len(rig.took())
    channel.send(OVER.as_delivered("edit"))
    channel.send(WORSE.as_delivered("edit"))
    assert len(rig.took()) == before


@every_posting
def test_a_repeat_is_marked(rig):
    """An attempt that may have arrived is told from the first, or folded into it."""
    message = Message.from_json(PLAIN.to_json())
    rig.channel().send(message)
    rig.channel().send(Message(**{**{n: getattr(message, n) for n in message.__dataclass_fields__}, "repeat": True}))
    if rig.kind == "webhook":
        assert len(rig.took()) == 1
    else:
        assert "possible repeat" in json.dumps(rig.took()[1])


ANSWERS: dict[str, tuple[Planned, dict]] = {
    "429 with a time": (Planned(429, "", {"Retry-After": "30"}), {"retry": True, "after": 30.0}),
    "429 with a date": (
        Planned(429, "", {"Retry-After": "Tue, 24 Nov 2026 02:03:00 GMT"}),
        {"retry": True, "after": 60.0},
    ),
    "429 without a time": (Planned(429, "{}"), {"retry": True, "after": None}),
    "429 with nonsense": (Planned(429, "{}", {"Retry-After": "soon"}), {"retry": True, "after": None}),
    "429 with infinity": (Planned(429, "{}", {"Retry-After": "inf"}), {"retry": True, "after": None}),
    "500": (Planned(500, "oops"), {"retry": True, "unsure": False}),
    "503 with a time": (Planned(503, "", {"Retry-After": "7"}), {"retry": True, "after": 7.0}),
    "504": (Planned(504, ""), {"retry": True}),
    "400": (Planned(400, f"no {SECRET} {SIGNING}"), {"retry": False, "fixable": False}),
    "401": (Planned(401, ""), {"retry": False, "fixable": True}),
    "403": (Planned(403, f'{{"error": {{"message": "{SECRET}"}}}}'), {"retry": False, "fixable": True}),
    "404": (Planned(404, "no"), {"retry": False, "fixable": True}),
    "410": (Planned(410, "no"), {"retry": False, "fixable": True}),
    "a redirect": (Planned(302, "", {"Location": "http://169.254.169.254/"}), {"retry": False, "fixable": True}),
    "a lost answer": (Planned(cut=True, accept=True), {"retry": True}),
}


@every_posting
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_says_whether_to_try_again_and_quotes_no_secret(rig, name, caplog):
    """One call per attempt; nothing of the address, token or signing secret is in the error or in any log line."""
    planned, expected = ANSWERS[name]
    rig.server.plan.append(planned)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(DeliveryError) as found:
        rig.channel(clock=lambda: SINCE).send(PLAIN)
    assert {key: getattr(found.value, key) for key in expected} == expected
    assert rig.server.calls == 1
    assert_nothing_hidden(rig, found.value, caplog.text)


def assert_nothing_hidden(rig, error, *more):
    said = " ".join([str(error), repr(error), repr(vars(error)), repr(rig.settings), *more])
    for secret in (*rig.hidden, "workflows/abc", "api-key-of-the-space"):
        assert secret not in said
    assert error.__cause__ is None


@every_posting
def test_only_pagerduty_is_sure_after_a_lost_answer(rig):
    """It folds a repeat into the same alert; anywhere else the message may have arrived."""
    rig.server.plan.append(Planned(cut=True, accept=True))
    with pytest.raises(DeliveryError) as found:
        rig.channel().send(PLAIN)
    assert found.value.unsure == (rig.kind != "pagerduty")


@every_posting
@pytest.mark.parametrize("how", ["drip", "drip_head"])
def test_a_server_that_drips_is_left_at_the_deadline_and_the_connection_cut(rig, how):
    """No thread of ours goes on waiting: the server sees the line go dead."""
    rig.server.plan.append(Planned(**{how: True}))
    with pytest.raises(DeliveryError, match=r"did not answer within 0\.3 s") as found:
        rig.channel(deadline=0.3).send(PLAIN)
    assert (found.value.retry, found.value.unsure) == (True, rig.kind != "pagerduty")
    assert rig.server.dripped.wait(5)
    for thread in threading.enumerate():
        if thread.name.startswith("attempt "):
            thread.join(5)
            assert not thread.is_alive()


@every_posting
def test_a_page_of_somebody_else_is_no_yes(rig):
    """A captive portal answers 200 with HTML; a program of the team's own may answer so, too."""
    rig.server.plan.append(Planned(200, "<html>Please log in</html>", {"Content-Type": "text/html; charset=utf-8"}))
    if rig.kind == "webhook":
        rig.channel().send(PLAIN)
        return
    with pytest.raises(DeliveryError) as found:
        rig.channel().send(PLAIN)
    assert (found.value.retry, found.value.unsure) == (True, False)


@pytest.mark.parametrize("kind", [*POSTING, "email"])
def test_a_closed_port_is_retried_and_surely_did_not_arrive(kind, tmp_path):
    with ExitStack() as stack:
        rig = rig_of(kind, stack, tmp_path)
    with pytest.raises(DeliveryError, match="cannot be reached") as found:
        rig.channel().send(PLAIN)
    assert (found.value.retry, found.value.unsure) == (True, False)
    assert_nothing_hidden(rig, found.value)


@pytest.mark.parametrize("kind", POSTING)
def test_a_certificate_nobody_vouches_for_is_refused_and_one_that_is_trusted_taken(kind, tmp_path, monkeypatch):
    """Nothing is sent before the certificate was checked."""
    papers = certificate(tmp_path)
    with running(POSTING[kind][0](papers.server)) as server:
        rig = posting(kind, server, more="allow_private: true")
        with pytest.raises(DeliveryError, match=r"(?i)certificate") as found:
            rig.channel().send(PLAIN)
        assert (found.value.retry, found.value.unsure, server.calls) == (True, False, 0)
        assert_nothing_hidden(rig, found.value)
        monkeypatch.setenv("SSL_CERT_FILE", str(papers.authority))
        rig.channel().send(PLAIN)
        assert len(server.posts) == 1


@every
def test_a_missing_secret_is_a_setting_to_mend(rig, monkeypatch):
    if not rig.secrets:
        pytest.skip("this kind has no secret")
    for name in rig.secrets:
        secrets = rig.secrets | {name: ""}
        with pytest.raises(DeliveryError, match=f"the environment has no {name}") as found:
            Rig(rig.kind, rig.settings, secrets, None, list).channel().send(PLAIN)
        assert (found.value.retry, found.value.fixable) == (False, True)
    assert not rig.took()


@pytest.mark.parametrize("kind", ["slack_webhook", "google_chat", "teams", "webhook"])
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example/{}", "https:// only"),
        ("ftp://hooks.example/{}", "does not begin with https://"),
        ("hooks.example/{}", "does not begin with https://"),
        ("https:///{}", "does not begin with https:// and a host"),
        ("https://user:{}@hooks.example/", "user name or password"),
        ("https://[::1/{}", "is not a URL"),
        ("https://hooks.example:port/{}", "is not a URL"),
        ("https://hooks.example/{}\nHost: evil", "control characters"),
    ],
)
def test_an_address_that_cannot_be_used_is_a_setting_to_mend(kind, url, reason):
    settings = parse(f"channels: {{ops: {{type: {kind}}}}}").channels["ops"]
    secrets = {settings.url_env: url.format(SECRET), "BURNLINE_WEBHOOK_SECRET": SIGNING}
    rig = Rig(kind, settings, secrets, None, list, (SECRET,))
    with pytest.raises(DeliveryError, match=reason) as found:
        rig.channel().send(PLAIN)
    assert (found.value.retry, found.value.fixable) == (False, True)
    assert_nothing_hidden(rig, found.value)


@every_posting
def test_a_private_address_is_refused_before_anything_is_sent(rig):
    """Over https to this machine without allow_private: the connection is closed as soon as its address is known."""
    rig.settings = rig.settings.model_copy(update={"allow_http": False})
    at = rig.server.url.replace("http://", "https://")
    rig.secrets = {name: value.replace(rig.server.url, at) for name, value in rig.secrets.items()}
    if rig.kind == "pagerduty":
        rig.settings = rig.settings.model_copy(update={"base_url": at})
    with pytest.raises(DeliveryError, match=r"127\.0\.0\.1, which is private; allow_private: true permits it") as found:
        rig.channel().send(PLAIN)
    assert (found.value.retry, found.value.fixable, rig.server.calls) == (False, True, 0)


@every_posting
def test_the_address_that_counts_is_the_one_connected_to(rig, monkeypatch):
    """A name that resolves to a private address, at whatever moment, is refused: what was looked up is not trusted."""
    port = rig.server._server.server_port
    connect = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda *_, **more: connect(("127.0.0.1", port), **more))
    at = f"https://hooks.example/{SECRET}"
    rig.settings = rig.settings.model_copy(update={"base_url": at} if rig.kind == "pagerduty" else {})
    rig.secrets = rig.secrets | {name: at for name in rig.secrets if name.endswith("_URL")}
    with pytest.raises(DeliveryError, match=r"127\.0\.0\.1, which is private") as found:
        rig.channel().send(PLAIN)
    assert rig.server.calls == 0
    assert_nothing_hidden(rig, found.value)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (f"nosuch://{SECRET}@host/{SECRET}", "knows no service"),
        (f"json://127.0.0.1:9/{SECRET}", "could not deliver"),
        ("", "the environment has no APPRISE_URL"),
    ],
)
def test_apprise_says_no_without_its_address(url, reason, caplog):
    pytest.importorskip("apprise", reason="Apprise is an optional package")
    caplog.set_level(logging.DEBUG)
    settings = parse("channels: {ops: {type: apprise}}").channels["ops"]
    rig = Rig("apprise", settings, {"APPRISE_URL": url}, None, list, (SECRET,))
    with pytest.raises(DeliveryError, match=reason) as found:
        rig.channel().send(PLAIN)
    assert found.value.retry == ("deliver" in reason)
    assert_nothing_hidden(rig, found.value, caplog.text)


def test_without_the_package_apprise_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    settings = parse("channels: {ops: {type: apprise}}").channels["ops"]
    with pytest.raises(DeliveryError, match="pip install apprise") as found:
        Rig("apprise", settings, {"APPRISE_URL": "json://host"}, None, list).channel().send(PLAIN)
    assert found.value.fixable


def test_a_proxy_of_the_environment_gets_nothing(monkeypatch):
    """The address of a webhook, a secret, goes to its own host alone."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with running(FakeTeams()) as server:
        posting("teams", server).channel().send(DIGEST)
        assert len(server.posts) == 1
