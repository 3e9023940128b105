"""Slack through an incoming webhook: no bot to install, but nothing can be edited and no reply is threaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from alerting.channels.channel import Receipt
from alerting.channels.deadline import ATTEMPT_SECONDS
from alerting.channels.http import Endpoint
from alerting.channels.slack_blocks import payload
from core.timespan import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerting.message import Message
    from core.channels import SlackWebhookSettings
    from core.timespan import Clock

SPACING = 1.1
"""Slack takes about one message per second and webhook."""


class SlackWebhookChannel:
    """Posts to the one Slack channel the webhook was made for."""

    def __init__(
        self,
        settings: SlackWebhookSettings,
        secret: Callable[[str], str],
        *,
        deadline: float = ATTEMPT_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        url = secret(settings.url_env)
        self._endpoint = Endpoint("Slack", url, settings, source=settings.url_env, deadline=deadline, clock=clock)

    def send(self, message: Message) -> Receipt:
        """One POST; only 200 with the word ok is Slack's yes."""
        if message.delivery == "edit":
            return Receipt()
        words = payload(message) | {"unfurl_links": False, "unfurl_media": False}
        answer = self._endpoint.post(json.dumps(words, ensure_ascii=False).encode("utf-8", "backslashreplace"))
        if answer.status != 200 or answer.text.strip() != "ok":
            raise self._endpoint.refused(answer, answer.text)
        return Receipt("", SPACING)
