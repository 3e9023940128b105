"""Microsoft Teams through a webhook of its Workflows app: an Adaptive Card.

Whatever may quote a log stands in text runs, because only those are shown as they are: blocks of text and fact sets
read Markdown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alerting.channels.body import as_line
from alerting.channels.channel import Receipt
from alerting.channels.deadline import ATTEMPT_SECONDS
from alerting.channels.http import Endpoint
from alerting.channels.parts import (
    LINE,
    NAME,
    SENTENCE,
    TITLE,
    VALUE,
    buttons,
    first_step,
    fitting,
    icon,
    one_line,
    plain,
    remarks,
    usable,
)
from core.timespan import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerting.message import Message
    from core.channels import TeamsSettings
    from core.timespan import Clock

MOST_BYTES = 25_000
"""Teams drops a message of about 28 KB without a word."""
SPACING = 0.3
"""Teams takes four messages a second."""
_COLOURS = {"critical": "Attention", "warning": "Warning", "info": "Accent"}


class TeamsChannel:
    """Posts to one channel or chat. A workflow cannot thread or edit: a reply is a message of its own."""

    def __init__(
        self,
        settings: TeamsSettings,
        secret: Callable[[str], str],
        *,
        deadline: float = ATTEMPT_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        url = secret(settings.url_env)
        self._endpoint = Endpoint("Teams", url, settings, source=settings.url_env, deadline=deadline, clock=clock)

    def send(self, message: Message) -> Receipt:
        """One POST. Teams accepts before it posts: any 2xx is its yes, except a page in HTML: not Teams'."""
        if message.delivery == "edit":
            return Receipt()
        answer = self._endpoint.post(payload(message), {"Content-Type": "application/json; charset=utf-8"})
        page = answer.headers.get("content-type", "").lower().startswith("text/html")
        if not 200 <= answer.status < 300 or page:
            raise self._endpoint.refused(answer, "" if page else answer.text)
        return Receipt("", SPACING)


def payload(message: Message) -> bytes:
    """The body of the POST."""
    return fitting(message, lambda found: as_line(_message(found)), MOST_BYTES)


def _message(message: Message) -> dict[str, Any]:
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "full"},
        "fallbackText": one_line(message.title, TITLE) or "Burnline",
        "body": _body(message),
    }
    if leads := buttons(message):
        card["actions"] = [{"type": "Action.OpenUrl", "title": said, "url": url} for said, url in leads]
    attached = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attached]}


def _body(message: Message) -> list[dict[str, Any]]:
    over = {"resolved": "Good", "closed": "Default"}.get(message.event)
    colour = over or _COLOURS.get(message.severity or "", "Default")
    title = f"{icon(message)} {one_line(message.title, TITLE) or 'Burnline'}"
    found = [_block(_run(title, weight="Bolder", size="Medium", color=colour))]
    if message.sentence:
        found.append(_block(_run(plain(message.sentence, SENTENCE))))
    if message.action:
        found.append(_block(_run(first_step(message), weight="Bolder")))
    found += [
        _block(_run(f"{one_line(fact.name, NAME)}: ", weight="Bolder"), _run(plain(fact.value, VALUE)))
        for fact in message.facts
    ]
    for part in message.sections:
        found.append(_block(_run(one_line(part.title, NAME), weight="Bolder"), spacing="Medium"))
        found += [
            _block(_run(plain(line, LINE), link=part.links.get(place, ""))) for place, line in enumerate(part.lines)
        ]
    said = " · ".join(remarks(message))
    return [*found, _block(_run(said, isSubtle=True), spacing="Medium")] if said else found


def _block(*runs: dict[str, Any], spacing: str = "Small") -> dict[str, Any]:
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": list(runs)}


def _run(text: str, *, link: str = "", **look: Any) -> dict[str, Any]:
    run = {"type": "TextRun", "text": text or "–", **look}
    if usable(link):
        run["selectAction"] = {"type": "Action.OpenUrl", "url": link}
    return run
