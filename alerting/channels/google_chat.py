"""Google Chat through the webhook of a space: a card, and one thread for everything about an incident."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from alerting.channels.body import as_line, message_id
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

    from alerting.message import Message, Section
    from core.channels import GoogleChatSettings
    from core.timespan import Clock

MOST_BYTES = 30_000
"""A message has 32,000 bytes at most. Of its widgets 100 are shown: MOST_FACTS and MOST_SECTIONS keep below that."""
SPACING = 1.1
"""A space takes 60 messages a minute from all its webhooks."""


class GoogleChatChannel:
    """Posts to one space. Messages cannot be edited through a webhook; a reply joins its incident's thread."""

    def __init__(
        self,
        settings: GoogleChatSettings,
        secret: Callable[[str], str],
        *,
        deadline: float = ATTEMPT_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        url = secret(settings.url_env)
        self._endpoint = Endpoint("Google Chat", url, settings, source=settings.url_env, deadline=deadline, clock=clock)

    def send(self, message: Message) -> Receipt:
        """One POST; Google's yes is the name of the message it made."""
        if message.delivery == "edit":
            return Receipt()
        thread = {
            "threadKey": one_line(message.subject, NAME) or "Burnline",
            "messageReplyOption": "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
        }
        answer = self._endpoint.post(payload(message), query=thread)
        said = answer.json if isinstance(answer.json, dict) else {}
        name = said.get("name")
        if answer.status != 200 or not isinstance(name, str) or not name:
            error = said.get("error")
            raise self._endpoint.refused(answer, str(error.get("message", "")) if isinstance(error, dict) else "")
        return Receipt(name, SPACING)


def payload(message: Message) -> bytes:
    """The body of the POST."""
    return fitting(message, lambda found: as_line(_message(found)), MOST_BYTES)


def _message(message: Message) -> dict[str, Any]:
    title = one_line(message.title, TITLE) or "Burnline"
    card = {"header": {"title": f"{icon(message)} {title}"}, "sections": _sections(message)}
    short = one_line(f"{message.title}: {message.sentence}", VALUE)
    return {"fallbackText": short, "cardsV2": [{"cardId": message_id(message), "card": card}]}


def _sections(message: Message) -> list[dict[str, Any]]:
    first: list[dict[str, Any]] = [
        _paragraph(text)
        for text in (_text(message.sentence, SENTENCE), escape(first_step(message), quote=False))
        if text
    ]
    first += [
        {
            "decoratedText": {
                "topLabel": _text(fact.name, NAME),
                "text": _text(fact.value, VALUE) or "–",
                "wrapText": True,
            }
        }
        for fact in message.facts
    ]
    found: list[dict[str, Any]] = [{"widgets": first}] if first else []
    found += [{"header": _text(part.title, NAME), "widgets": [_paragraph(_lines(part))]} for part in message.sections]
    small = "<br>".join(escape(line, quote=False) for line in remarks(message))
    last: list[dict[str, Any]] = [_paragraph(small)] if small else []
    if leads := buttons(message):
        last.append(
            {"buttonList": {"buttons": [{"text": said, "onClick": {"openLink": {"url": url}}} for said, url in leads]}}
        )
    return [*found, {"widgets": last}] if last else found or [{"widgets": [_paragraph("–")]}]


def _lines(part: Section) -> str:
    lines = [
        f'<a href="{escape(url)}">{_text(line, LINE)}</a>'
        if usable(url := part.links.get(place, ""))
        else _text(line, LINE)
        for place, line in enumerate(part.lines)
    ]
    return "<br>".join(lines) or "–"


def _paragraph(html: str) -> dict[str, Any]:
    return {"textParagraph": {"text": html}}


def _text(text: str, limit: int) -> str:
    """Text for a card, which reads a few HTML tags."""
    return escape(plain(text, limit), quote=False).replace("\n", "<br>")
