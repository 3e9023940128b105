"""A program of the team's own: signed JSON, in the manner of standardwebhooks.com."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

from alerting.channels.body import as_body, message_id
from alerting.channels.channel import DeliveryError, Receipt
from alerting.channels.deadline import ATTEMPT_SECONDS
from alerting.channels.http import Endpoint
from alerting.channels.parts import repeats
from core.timespan import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerting.message import Message
    from core.channels import WebhookSettings
    from core.timespan import Clock

SHORTEST_SECRET = 24


class WebhookChannel:
    """Posts `body.as_body`. Any 2xx accepts it; `webhook-id` is the same for every attempt at a message."""

    def __init__(
        self,
        settings: WebhookSettings,
        secret: Callable[[str], str],
        *,
        deadline: float = ATTEMPT_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        self._secret, self._secret_env, self._clock = secret(settings.secret_env), settings.secret_env, clock
        self._endpoint = Endpoint(
            "the webhook",
            secret(settings.url_env),
            settings,
            source=settings.url_env,
            secrets=(self._secret,),
            deadline=deadline,
            clock=clock,
        )

    def send(self, message: Message) -> Receipt:
        """One POST."""
        if repeats(message):
            return Receipt()
        if not self._secret:
            raise DeliveryError(f"the environment has no {self._secret_env}", retry=False, fixable=True)
        try:
            key = signing_key(self._secret)
        except ValueError as error:
            raise DeliveryError(f"the secret in {self._secret_env} {error}", retry=False, fixable=True) from None
        name, at = message_id(message), int(self._clock().timestamp())
        content = as_body(message, name)
        answer = self._endpoint.post(
            content,
            {
                "webhook-id": name,
                "webhook-timestamp": str(at),
                "webhook-signature": signature(key, name, at, content),
            },
        )
        if not 200 <= answer.status < 300:
            raise self._endpoint.refused(answer, answer.text)
        return Receipt(name)


def signing_key(secret: str) -> bytes:
    """The bytes to sign with: "whsec_" and base64, or any text; ValueError for fewer than SHORTEST_SECRET bytes."""
    coded = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(coded, validate=True) if coded != secret else secret.encode()
    except binascii.Error:
        raise ValueError("begins with whsec_ and is no base64 after that") from None
    if len(key) < SHORTEST_SECRET:
        raise ValueError(f"has {len(key)} bytes; it needs {SHORTEST_SECRET} at least")
    return key


def signature(key: bytes, name: str, at: int, content: bytes) -> str:
    """HMAC-SHA256 over id, timestamp (Unix seconds) and body."""
    signed = hmac.new(key, f"{name}.{at}.".encode() + content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"
