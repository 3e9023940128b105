"""A message in Slack's form, inside Slack's limits: what is too long is cut, what could ping or format is defused.

Limits: 50 blocks, section text 3,000 characters, 10 fields of 2,000, header 150, context 10 elements; the sum is kept
under 10,000, because Slack refuses messages somewhere above it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from alerting.channels.parts import TEXTS, buttons, usable
from alerting.message import visible
from core.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alerting.message import Message, Section

MOST_BLOCKS, MOST_FIELDS, MOST_TOTAL = 50, 10, 9_500
HEADER, SECTION, FIELD, FALLBACK = 150, 3_000, 2_000, 1_000

_ICONS = {"critical": ":red_circle:", "warning": ":large_orange_circle:", "info": ":large_blue_circle:"}
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_PING = re.compile(r"@(?=channel|here|everyone|group)", re.IGNORECASE)
_JOINER = "\N{WORD JOINER}"


def payload(message: Message) -> dict[str, Any]:
    """`text` (the notification) and `blocks` for chat.postMessage and chat.update."""
    last = {"type": "context", "elements": [_mrkdwn(_last_line(message))]}
    return {"text": _fallback(message), "blocks": _fitting(_blocks(message), last, message)}


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    title = f"{icon(message)} {clip(message.title, HEADER - 30)}"
    yield {"type": "header", "text": {"type": "plain_text", "text": title}}
    yield _section(clip(message.sentence, SECTION))
    if message.facts:
        facts = message.facts[:MOST_FIELDS]
        fields = [_mrkdwn(f"*{clip(fact.name, 200)}*\n{clip(fact.value, FIELD - 300)}") for fact in facts]
        yield {"type": "section", "fields": fields}
    if message.action:
        yield _section(f"*{say(TEXTS, 'do_first', message.language)}*: {clip(message.action, FIELD)}")
    for part in message.sections:
        yield _section(_titled(part))


def icon(message: Message) -> str:
    """The coloured dot: green once it is over, otherwise by severity."""
    if message.event in ("resolved", "closed"):
        return ":large_green_circle:" if message.event == "resolved" else ":white_circle:"
    return _ICONS.get(message.severity or "", ":memo:")


def escape(text: str) -> str:
    """Text that Slack shows as it is: no mention, no link, no control character."""
    return _PING.sub(f"@{_JOINER}", "".join(_ENTITIES.get(character, character) for character in visible(text)))


def clip(text: str, limit: int) -> str:
    """`text` escaped and at most `limit` characters long, an entity never cut in two."""
    whole = escape(text[: limit + 1])
    if len(whole) <= limit:
        return whole
    kept, length = [], 1
    for character in visible(text[:limit]):
        part = escape(character)
        if length + len(part) > limit - 20:  # room for what breaks up a mention
            break
        kept.append(character)
        length += len(part)
    return escape("".join(kept))[: limit - 1] + "…"


def _titled(part: Section) -> str:
    """The title and as many whole lines as fit, a line that leads somewhere with its link."""
    text, room = f"*{clip(part.title, 200)}*", SECTION - 300
    for place, line in enumerate(part.lines):
        url = part.links.get(place, "")
        shown = "\n" + clip(line, 600) + (f" <{url.replace('&', '&amp;')}|↗>" if usable(url) else "")
        room -= len(shown)
        if room < 0:
            return f"{text}\n…"
        text += shown
    return text


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(text or " ")}


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _last_line(message: Message) -> str:
    def words(key: str) -> str:
        return say(TEXTS, key, message.language)

    parts = [f"{words('owner')}: {clip(message.owner, 100)}"] if message.owner else []
    parts += [f"<{url.replace('&', '&amp;')}|{said}>" for said, url in buttons(message)]
    parts += [clip(message.note, 500)] if message.note else []
    parts += [f"*{words('possible_repeat')}*"] if message.repeat else []
    return " | ".join([*parts, clip(message.subject, 100)])


def _fallback(message: Message) -> str:
    repeat = f" ({say(TEXTS, 'possible_repeat', message.language)})" if message.repeat else ""
    return clip(f"{message.title}: {message.sentence}", FALLBACK) + repeat


def _fitting(blocks: Iterator[dict[str, Any]], last: dict[str, Any], message: Message) -> list[dict[str, Any]]:
    """As many blocks as fit, and a word when some do not."""
    cut = _section(say(TEXTS, "shortened", message.language))
    room = MOST_TOTAL - FALLBACK - _size(last) - _size(cut)
    fitting: list[dict[str, Any]] = []
    for block in blocks:
        room -= _size(block)
        if room < 0 or len(fitting) == MOST_BLOCKS - 2:
            return [*fitting, cut, last]
        fitting.append(block)
    return [*fitting, last]


def _size(block: dict[str, Any]) -> int:
    return len(json.dumps(block, ensure_ascii=False))
