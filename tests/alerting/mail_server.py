"""A real SMTP server (aiosmtpd) with STARTTLS, a password, and answers that can be told."""

from __future__ import annotations

import logging
import socket
import ssl
import warnings
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

PASSWORD = "p4ssword-of-the-relay"


class Mailbox:
    """What was accepted; `answers` holds replies other than 250, by command."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, wrapped: bool = False, login: bool = False) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.answers: dict[str, str] = {}

        def authenticate(server, session, envelope, mechanism, data):
            right = isinstance(data, LoginPassword) and data.password.decode() == PASSWORD
            return AuthResult(success=right, handled=False)

        more = {"ssl_context": tls} if wrapped else {"tls_context": tls}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # it warns of a password without TLS: that is the test
        warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            require_starttls=bool(tls) and not wrapped,
            authenticator=authenticate if login else None,
            auth_required=login,
            auth_require_tls=bool(tls) and not wrapped,
            **(more if tls else {}),
        )

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server, session, envelope, address, options
    ):
        if answer := self.answers.get("MAIL"):
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server, session, envelope, address, options
    ):
        if answer := self.answers.get(f"RCPT {address}") or self.answers.get("RCPT"):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server, session, envelope
    ):
        if answer := self.answers.get("DATA"):
            return answer
        self.raw.append(envelope.content)
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 accepted"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_) -> None:
        self._controller.stop()
