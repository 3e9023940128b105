"""PagerDuty through its Events API, version 2: an incident of ours is one alert there, told apart by its dedup key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from alerting.channels.body import as_line
from alerting.channels.channel import DeliveryError, Receipt
from alerting.channels.deadline import ATTEMPT_SECONDS
from alerting.channels.http import Endpoint
from alerting.channels.parts import (
    LINE,
    NAME,
    VALUE,
    buttons,
    cut,
    first_step,
    fitting,
    one_line,
    remarks,
    repeats,
    usable,
)
from alerting.message import visible
from core.timespan import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alerting.message import Message
    from core.channels import PagerDutySettings
    from core.timespan import Clock

MOST_BYTES, SUMMARY, KEY = 500_000, 1_024, 255
_HOSTS = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
_ACTIONS: dict[str, Sequence[str]] = {
    "firing": ("trigger",),
    "escalated": ("trigger",),
    "acknowledged": ("acknowledge",),
    "resolved": ("resolve",),
    "closed": ("resolve",),
    "test": ("trigger", "resolve"),
}
"""Digests, reports and notices wake nobody, and PagerDuty reminds by itself: the rest is left out."""


class PagerDutyChannel:
    """Opens, acknowledges and resolves alerts of one service. Nothing counts twice: a repeat has the same dedup key."""

    def __init__(
        self,
        settings: PagerDutySettings,
        secret: Callable[[str], str],
        *,
        deadline: float = ATTEMPT_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        self._key, self._key_env = secret(settings.routing_key_env), settings.routing_key_env
        url = (settings.base_url or _HOSTS[settings.region]).rstrip("/") + "/v2/enqueue"
        self._endpoint = Endpoint(
            "PagerDuty", url, settings, source="base_url", secrets=(self._key,), deadline=deadline, clock=clock
        )

    def send(self, message: Message) -> Receipt:
        """One event, two for a test; nothing for what is no alert."""
        if repeats(message):
            return Receipt()
        if not self._key:
            raise DeliveryError(f"the environment has no {self._key_env}", retry=False, fixable=True)
        for action in _ACTIONS.get(message.event, ()):
            self._enqueue(event(message, action, self._key))
        return Receipt(dedup_key(message))

    def _enqueue(self, content: bytes) -> None:
        try:
            answer = self._endpoint.post(content)
        except DeliveryError as error:
            error.unsure = False  # it may come again: PagerDuty folds what has the same key
            raise
        said = answer.json if isinstance(answer.json, dict) else {}
        if answer.status == 202 and said.get("status") == "success":
            return
        errors = said.get("errors")
        why = [str(said.get("message", "")), *(map(str, errors) if isinstance(errors, list) else ())]
        refusal = self._endpoint.refused(answer, "; ".join(filter(None, why)))
        refusal.fixable = refusal.fixable or "routing_key" in " ".join(why).lower().replace(" ", "_")
        raise refusal


def dedup_key(message: Message) -> str:
    """One for each incident."""
    return cut(f"burnline/{visible(message.subject)}", KEY)


def event(message: Message, action: str, key: str) -> bytes:
    """The body of one call; `key` is the routing key."""
    head = {"routing_key": key, "event_action": action, "dedup_key": dedup_key(message)}
    if action != "trigger":
        return as_line(head)
    return fitting(message, lambda found: as_line(head | _alert(found)), MOST_BYTES)


def _alert(message: Message) -> dict[str, Any]:
    details: dict[str, Any] = {one_line(fact.name, NAME): one_line(fact.value, VALUE) for fact in message.facts}
    details |= {one_line(part.title, NAME): [one_line(line, LINE) for line in part.lines] for part in message.sections}
    if said := [text for text in (first_step(message), *remarks(message)) if text]:
        details["Burnline"] = said
    summary = one_line(f"{message.title}: {message.sentence}", SUMMARY) or "Burnline"
    payload = {
        "summary": summary,
        "source": urlsplit(message.link).hostname or "burnline",
        "severity": message.severity or "info",
        "custom_details": details,
    }
    if message.since:
        payload["timestamp"] = message.since.isoformat()
    alert: dict[str, Any] = {"payload": payload, "client": "Burnline"}
    if usable(message.link):
        alert["client_url"] = message.link
    alert["links"] = [{"href": url, "text": words} for words, url in buttons(message)]
    return alert
