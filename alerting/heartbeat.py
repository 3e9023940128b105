"""The dead man's switch: an address is asked while all is well, so that its silence wakes somebody outside."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from alerting.channels.channel import DeliveryError
from alerting.channels.http import Endpoint

if TYPE_CHECKING:
    from datetime import datetime

    from core.sections import HeartbeatSettings

AGAIN = timedelta(seconds=30)


class Heartbeat:
    """Asks when it is due; `problem` is why the last time failed, "" when it did not."""

    def __init__(self) -> None:
        self._asked_at: datetime | None = None
        self.problem = ""

    def beat(self, settings: HeartbeatSettings, now: datetime) -> bool:
        """Ask the address (an empty POST, at most 4 s) when it is due; returns whether it was asked."""
        wait = min(AGAIN, settings.every) if self.problem else settings.every
        if self._asked_at is not None and timedelta(0) <= now - self._asked_at < wait:
            return False
        self._asked_at = now
        url = os.environ.get(settings.url_env, "").strip()
        endpoint = Endpoint("The heartbeat address", url, settings, source=settings.url_env)
        try:
            answer = endpoint.post(b"")
            if not 200 <= answer.status < 300:
                raise endpoint.refused(answer)
        except DeliveryError as error:
            self.problem = f"The heartbeat was not heard: {error}. The watch over Burnline may wake somebody."
        else:
            self.problem = ""
        return True
