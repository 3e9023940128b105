"""Mail through an SMTP server, over TLS unless the settings say otherwise."""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

from alerting.channels.channel import DeliveryError, Receipt
from alerting.channels.deadline import ATTEMPT_SECONDS, SOCKET_SECONDS, within
from alerting.channels.mail_body import mail
from alerting.channels.secret import redacted
from core.timespan import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from alerting.message import Message
    from core.channels import EmailSettings
    from core.timespan import Clock

log = logging.getLogger("burnline.alerting")


class EmailChannel:
    """Sends to fixed addresses. A mail cannot be edited; a reply answers the first mail of its incident."""

    def __init__(
        self,
        settings: EmailSettings,
        secret: Callable[[str], str],
        *,
        deadline: float = ATTEMPT_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        self._settings, self._deadline, self._clock = settings, deadline, clock
        self._password = secret(settings.password_env) if settings.username else ""

    def send(self, message: Message) -> Receipt:
        """One mail to all addresses. Some refused while others took it is a delivery, and a warning in the log."""
        settings = self._settings
        if message.delivery == "edit":
            return Receipt()
        if settings.username and not self._password:
            raise DeliveryError(f"the environment has no {settings.password_env}", retry=False, fixable=True)
        written = mail(message, settings.sender, settings.to, self._clock())
        talk = _Talk(settings, self._password)
        try:
            refused = within(self._deadline, lambda: talk.deliver(written), "the mail server", cut=talk.cut)
        except DeliveryError as error:
            raise DeliveryError(str(error), retry=True, unsure=error.unsure and talk.sending) from None
        except (OSError, smtplib.SMTPException, ValueError) as error:  # ValueError: an answer smtplib cannot read
            raise self._failed(error, sending=talk.sending) from None
        if refused:
            log.warning("The mail server refused %s of %s recipients", refused, len(settings.to))
        return Receipt(str(written["Message-ID"]))

    def _failed(self, error: Exception, *, sending: bool) -> DeliveryError:
        """What the server's answer, or the lack of one, means for another attempt."""
        code, said = _answer(error)
        what = "the mail server" if code else f"the mail server {'was lost' if sending else 'cannot be reached'}"
        text = redacted(f"{what}: {f'{code} ' if code else ''}{said}", (self._password,))
        if code is None:
            wrong = isinstance(error, smtplib.SMTPNotSupportedError)
            return DeliveryError(text, retry=not wrong, unsure=sending and not wrong, fixable=wrong)
        if 400 <= code < 500:
            return DeliveryError(text, retry=True, status=code)
        content = isinstance(error, smtplib.SMTPDataError) and code in (552, 554)
        return DeliveryError(text, retry=False, fixable=not content, status=code)


class _Talk:
    """One conversation with the server, that another thread can cut."""

    def __init__(self, settings: EmailSettings, password: str) -> None:
        self._settings, self._password = settings, password
        self._server: smtplib.SMTP | None = None
        self.sending = False

    def deliver(self, written: EmailMessage) -> int:
        """Hand it over; how many recipients were refused while others were not."""
        settings, tls = self._settings, ssl.create_default_context()
        host_name = socket.gethostname()
        server = (
            smtplib.SMTP_SSL(local_hostname=host_name, timeout=SOCKET_SECONDS, context=tls)
            if settings.security == "tls"
            else smtplib.SMTP(local_hostname=host_name, timeout=SOCKET_SECONDS)
        )
        self._server = server
        # The name TLS checks. Given to the constructor it would connect there, and nothing could cut that.
        server._host = settings.host  # type: ignore[attr-defined] # noqa: SLF001
        code, said = server.connect(settings.host, settings.smtp_port)
        try:
            if code != 220:
                raise smtplib.SMTPConnectError(code, said)
            if server.sock:
                server.sock.settimeout(ATTEMPT_SECONDS)  # a server may think about a log-in; `cut` ends it in time
            if settings.security == "starttls":
                server.starttls(context=tls)
            if settings.username:
                server.login(settings.username, self._password)
            refused = self._hand_over(server, written.as_bytes())
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
        finally:
            server.close()
        return refused

    def _hand_over(self, server: smtplib.SMTP, content: bytes) -> int:
        """As `smtplib.SMTP.sendmail`, but it is known when the mail itself goes."""
        settings = self._settings
        server.ehlo_or_helo_if_needed()
        code, said = server.mail(settings.sender)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, said, settings.sender)
        answers = {address: server.rcpt(address) for address in settings.to}
        refused = {address: answer for address, answer in answers.items() if answer[0] not in (250, 251)}
        if len(refused) == len(answers):
            raise smtplib.SMTPRecipientsRefused(refused)
        self.sending = True
        code, said = server.data(content)
        if code != 250:
            raise smtplib.SMTPDataError(code, said)
        return len(refused)

    def cut(self) -> None:
        """Break the connection under whoever waits on it."""
        found = self._server.sock if self._server else None
        if found is not None:
            with suppress(OSError):
                socket.socket.shutdown(found, socket.SHUT_RDWR)


def _answer(error: Exception) -> tuple[int | None, str]:
    """The server's code and words, when it answered."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [(code, said) for code, said in error.recipients.values()]
        code, said = min(codes)  # 4xx before 5xx: as long as one may be taken later, it is tried again
        return code, _words(said)
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code if error.smtp_code > 0 else None, _words(error.smtp_error)
    return None, f"{type(error).__name__} {error}"


def _words(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
