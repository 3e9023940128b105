"""Mail against a real SMTP server, and what no log can do to its headers."""

from __future__ import annotations

import logging
import socket
import threading
from email import message_from_bytes
from email.policy import default
from typing import Self

import pytest
from certificate import certificate
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_messages import DIGEST, HOSTILE, OVER, PIXEL, PLAIN, SINCE, TEST

from alerting.channels.channel import DeliveryError
from alerting.channels.email import EmailChannel
from alerting.channels.mail_body import mail
from alerting.message import Message
from core.settings import parse

mail_server = pytest.importorskip("mail_server", reason="aiosmtpd is not installed", exc_type=ImportError)
Mailbox, PASSWORD = mail_server.Mailbox, mail_server.PASSWORD
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "References", "List-Id", "Auto-Submitted",
    "X-Auto-Response-Suppress", "MIME-Version", "Content-Type",
}  # fmt: skip


def channel(port: int, security: str = "none", password: str = PASSWORD, login: str = "", **changes) -> EmailChannel:
    text = (
        f"channels: {{ops: {{type: email, host: localhost, port: {port}, security: {security}, username: '{login}', "
        "from: burn@ops.example, to: [lan@ops.example, minh@ops.example]}}"
    )
    return EmailChannel(parse(text).channels["ops"], lambda _: password, **changes)


def test_it_is_written_in_text_and_html_with_the_picture_inside_and_the_rest_attached():
    written = message_from_bytes(
        mail(DIGEST, "burn@ops.example", ("lan@ops.example",), SINCE).as_bytes(), policy=default
    )
    kinds = [part.get_content_type() for part in written.walk()]
    assert kinds == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "application/pdf", "text/html",
    ]  # fmt: skip
    picture = next(part for part in written.walk() if part.get_content_type() == "image/png")
    html = next(part for part in written.walk() if part.get_content_type() == "text/html").get_content()
    assert picture.get_content() == PIXEL
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html
    assert 'alt="Timeout rate by hour"' in html
    assert written["Subject"] == "📝 Bản tin ngày 23/11/2026 (Asia/Ho_Chi_Minh)"
    text = written.get_body(("plain",)).get_content()
    for part in ("48.120 yêu cầu", "Quá hạn: 914 = 1,90 %", "1. planner", "https://dash.example/?range=24h"):
        assert part in text
    assert "https://dash.example/?range=24h" in html


def test_everything_about_an_incident_is_one_thread():
    """A reply answers the first mail, and both refer to the same root; another attempt has the same Message-ID."""
    first = mail(PLAIN, "burn@ops.example", ("lan@ops.example",), SINCE)
    again = mail(PLAIN, "burn@ops.example", ("lan@ops.example",), SINCE)
    reply = mail(
        Message(**{name: getattr(OVER, name) for name in OVER.__dataclass_fields__} | {"previous": first["Message-ID"]}),
        "burn@ops.example", ("lan@ops.example",), SINCE,
    )  # fmt: skip
    assert first["Message-ID"] == again["Message-ID"] != reply["Message-ID"]
    assert reply["In-Reply-To"] == first["Message-ID"]
    assert reply["References"].split() == [first["References"], first["Message-ID"]]
    assert (first["Importance"], reply["Importance"]) == ("high", None)
    assert mail(TEST, "a@b", ("c@d",), SINCE)["Message-ID"] != mail(TEST, "a@b", ("c@d",), SINCE)["Message-ID"]


@settings(max_examples=60)
@given(
    st.text(st.characters(codec=None), max_size=120), st.text(st.sampled_from("a\r\n\x0b\x85\u2028:<> "), max_size=40)
)
def test_no_text_of_a_log_makes_a_header_or_a_recipient(text, breaks):
    """Whatever stands in it: the same header names, the same recipients, one subject line."""
    message = Message("test", text + breaks, breaks + text, text, owner=breaks, note=text, key=breaks + text)
    written = mail(message, "burn@ops.example", ("lan@ops.example",), SINCE)
    raw = written.as_bytes()
    found = message_from_bytes(raw, policy=default)
    assert set(found) == HEADERS
    assert found["To"] == "lan@ops.example"
    assert "\n" not in found["Subject"]


def test_a_line_break_in_a_title_adds_no_recipient():
    with Mailbox() as box:
        channel(box.port).send(HOSTILE)
    (found,) = box.mails
    assert (found["To"], found["Bcc"]) == ("lan@ops.example, minh@ops.example", None)
    html = found.get_body(("html",)).get_content()
    for markup in ("<script", "<b>bold", "javascript:", 'href="https://evil'):
        assert markup not in html


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_it_goes_over_tls_with_a_password(security, tmp_path, monkeypatch):
    papers = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(papers.authority))
    with Mailbox(papers.server, wrapped=security == "tls", login=True) as box:
        receipt = channel(box.port, security, login="burn").send(PLAIN)
        assert receipt.reference == box.mails[0]["Message-ID"]
        with pytest.raises(DeliveryError, match="535") as found:
            channel(box.port, security, "not the p4ssword", login="burn").send(PLAIN)
    assert (found.value.retry, found.value.fixable) == (False, True)
    assert "not the p4ssword" not in str(found.value)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_nobody_vouches_for_gets_neither_password_nor_mail(security, tmp_path):
    papers = certificate(tmp_path)
    box = Mailbox(papers.server, wrapped=security == "tls", login=True)
    with box, pytest.raises(DeliveryError, match=r"(?i)certificate") as found:
        channel(box.port, security, login="burn").send(PLAIN)
    assert (found.value.retry, found.value.unsure, box.mails) == (True, False, [])


def test_a_server_without_starttls_is_a_setting_to_mend():
    """Nothing is sent in the clear because TLS is not offered."""
    with Mailbox() as box, pytest.raises(DeliveryError, match="STARTTLS") as found:
        channel(box.port, "starttls").send(PLAIN)
    assert (found.value.retry, found.value.fixable, box.mails) == (False, True, [])


ANSWERS = {
    "sender refused": ({"MAIL": "550 not allowed to send as that"}, {"retry": False, "fixable": True}),
    "every recipient refused": ({"RCPT": "550 no such user"}, {"retry": False, "fixable": True}),
    "every recipient later": ({"RCPT": "450 greylisted"}, {"retry": True}),
    "one later, one never": (
        {"RCPT lan@ops.example": "550 no such user", "RCPT minh@ops.example": "451 later"},
        {"retry": True},
    ),
    "too busy": ({"DATA": "451 try later"}, {"retry": True, "unsure": False}),
    "content refused": ({"DATA": "554 looks like spam"}, {"retry": False, "fixable": False}),
    "too large": ({"DATA": "552 too large"}, {"retry": False, "fixable": False}),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_says_whether_to_try_again(name):
    answers, expected = ANSWERS[name]
    with Mailbox() as box:
        box.answers = answers
        with pytest.raises(DeliveryError) as found:
            channel(box.port).send(PLAIN)
    assert {key: getattr(found.value, key) for key in expected} == expected


def test_a_recipient_refused_beside_others_is_a_warning_not_a_repeat(caplog):
    with Mailbox() as box:
        box.answers = {"RCPT minh@ops.example": "550 no such user"}
        with caplog.at_level(logging.WARNING):
            channel(box.port).send(PLAIN)
    assert len(box.mails) == 1
    assert "The mail server refused 1 of 2 recipients" in caplog.text


class Slow:
    """A server that greets, and takes the conversation as far as told: then it drips, or hangs up."""

    def __init__(self, greeting: bytes = b"", *, drip: bool = False) -> None:
        self._greeting, self._drip = greeting, drip
        self.hung_up = threading.Event()
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        line, _ = self._listener.accept()
        with line:
            line.sendall(self._greeting)
            replies = {b"ehlo": b"250 here", b"mail": b"250 OK", b"rcpt": b"250 OK", b"data": b"354 go on"}
            asked = line.makefile("rb")
            try:
                while self._greeting and not self._drip:
                    word = asked.readline()[:4].lower()
                    line.sendall(replies[word] + b"\r\n")
                    if word == b"data":
                        while asked.readline() not in (b".\r\n", b""):
                            pass
                        return
                while not self._closing.wait(0.05):
                    line.sendall(b"2")
            except OSError:
                self.hung_up.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._closing.set()
        self._thread.join()
        self._listener.close()


def test_a_server_that_drips_its_greeting_is_left_and_the_connection_cut():
    with Slow(drip=True) as server:
        with pytest.raises(DeliveryError, match=r"did not answer within 0\.3 s") as found:
            channel(server.port, deadline=0.3).send(PLAIN)
        assert (found.value.retry, found.value.unsure) == (True, False)
        assert server.hung_up.wait(5)


def test_a_mail_whose_receipt_was_lost_may_have_arrived():
    with Slow(b"220 hello\r\n") as server, pytest.raises(DeliveryError, match="was lost") as found:
        channel(server.port).send(PLAIN)
    assert (found.value.retry, found.value.unsure) == (True, True)
