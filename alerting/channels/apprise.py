"""Services Burnline has no channel for, through Apprise, an optional package: https://github.com/caronc/apprise.

Apprise says yes or no, and no more: no wait that was asked for, no reason, no thread.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from alerting.channels.channel import DeliveryError, Receipt
from alerting.channels.console import plain_text
from alerting.channels.deadline import ATTEMPT_SECONDS, within
from alerting.channels.parts import icon, one_line
from core.timespan import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerting.message import Message
    from core.channels import AppriseSettings
    from core.timespan import Clock

SPACING = 1.2
LONGEST = 3_500
_KINDS = {"critical": "failure", "warning": "warning"}


class AppriseChannel:
    """Posts to one service."""

    def __init__(
        self,
        settings: AppriseSettings,
        secret: Callable[[str], str],
        *,
        deadline: float = ATTEMPT_SECONDS,
        clock: Clock = utc_now,  # noqa: ARG002 - every channel is made alike
    ) -> None:
        self._url, self._url_env, self._deadline = secret(settings.url_env), settings.url_env, deadline

    def send(self, message: Message) -> Receipt:
        """One message, as text."""
        if message.delivery == "edit":
            return Receipt()
        if not self._url:
            raise DeliveryError(f"the environment has no {self._url_env}", retry=False, fixable=True)
        service = self._service()
        kind = "success" if message.event == "resolved" else _KINDS.get(message.severity or "", "info")
        title, _, text = plain_text(message).partition("\n")
        words = {"title": f"{icon(message)} {one_line(title, 200)}", "body": text[:LONGEST].strip() or "–"}
        try:
            accepted = within(
                self._deadline, lambda: service.notify(**words, notify_type=kind, body_format="text"), "Apprise"
            )
        except DeliveryError:
            raise
        except Exception as error:  # noqa: BLE001 - a hundred plug-ins, whose words may hold the address
            raise DeliveryError(f"Apprise failed: {type(error).__name__}", retry=True) from None
        if not accepted:
            raise DeliveryError("Apprise could not deliver it; its log may say why", retry=True)
        return Receipt("", SPACING)

    def _service(self) -> Any:
        try:
            apprise = importlib.import_module("apprise")
        except ImportError:
            raise DeliveryError(
                "Apprise is not installed: pip install apprise, and start again", retry=False, fixable=True
            ) from None
        logging.getLogger("apprise").addFilter(_warnings_alone)
        try:
            service = apprise.Apprise.instantiate(self._url, suppress_exceptions=True)
        except Exception:  # noqa: BLE001 - whatever its plug-ins make of a wrong address
            service = None
        if service is None:
            raise DeliveryError(
                f"Apprise knows no service for the address in {self._url_env}", retry=False, fixable=True
            )
        service.request_rate_per_sec = 0  # the outbox does the waiting
        return service


def _warnings_alone(record: logging.LogRecord) -> bool:
    """What Apprise logs below a warning holds whole addresses."""
    return record.levelno >= logging.WARNING
