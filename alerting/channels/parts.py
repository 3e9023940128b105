"""What every channel for people shares: text that is only text, addresses worth a button, and room inside a limit."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from alerting.message import visible
from core.text import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from alerting.message import Message

TEXTS = Path(__file__).parent.parent / "texts.yaml"
TITLE, SENTENCE, NAME, VALUE, LINE = 200, 2_000, 100, 500, 400
"""The longest of each, in characters: beyond that nobody reads on."""
MOST_FACTS, MOST_SECTIONS, MOST_LINES = 50, 40, 20

_ICONS = {"critical": "🔴", "warning": "🟠", "info": "🔵"}
_JOINER = "\N{WORD JOINER}"
_LINK = re.compile(r"(?i)\b(https?|ftps?|mailto|tel|www)(?=[:.])")
_MENTION = re.compile(r"@(?=\w)|<(?=users/)")


def plain(text: str, limit: int) -> str:
    """At most `limit` characters on show: no control character, and nothing a chat makes a link or a mention of."""
    return cut(_MENTION.sub(rf"\g<0>{_JOINER}", _LINK.sub(rf"\g<0>{_JOINER}", visible(text[: limit * 2]))), limit)


def one_line(text: str, limit: int) -> str:
    """As `plain`, on one line."""
    return " ".join(plain(text, limit).split())


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last one an ellipsis when some are missing."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def icon(message: Message) -> str:
    """The dot before the title: green once it is over, otherwise by severity."""
    if message.event in ("resolved", "closed"):
        return "🟢" if message.event == "resolved" else "⚪"
    return _ICONS.get(message.severity or "", "📝")


def usable(url: str) -> bool:
    """Whether the address may stand behind a link."""
    return url.startswith(("http://", "https://")) and len(url) < 1_000 and not re.search(r"[|<>\"'\s\\^`{}]", url)


def buttons(message: Message) -> tuple[tuple[str, str], ...]:
    """What the message leads to: words and address."""
    found = ((message.link, "open_dashboard"), (message.runbook, "runbook"))
    return tuple((say(TEXTS, key, message.language), url) for url, key in found if usable(url))


def first_step(message: Message) -> str:
    """What to do first, "" when nobody said."""
    return f"{say(TEXTS, 'do_first', message.language)}: {plain(message.action, VALUE)}" if message.action else ""


def remarks(message: Message) -> tuple[str, ...]:
    """The small print: who owns it, notes, and that it may be a repeat."""
    language = message.language
    said = [f"{say(TEXTS, 'owner', language)}: {plain(message.owner, VALUE)}"] if message.owner else []
    said += [plain(message.note, VALUE)] if message.note else []
    said += [say(TEXTS, "possible_repeat", language)] if message.repeat else []
    return tuple(said)


def counted(message: Message, lines: int = MOST_LINES) -> Message:
    """The message with no more facts, sections and `lines` of a section than anybody reads; a note says so."""
    found = replace(
        message,
        facts=message.facts[:MOST_FACTS],
        sections=tuple(replace(part, lines=part.lines[:lines]) for part in message.sections[:MOST_SECTIONS]),
    )
    return found if found == message else _shortened(found)


def fitting(message: Message, written: Callable[[Message], bytes], limit: int) -> bytes:
    """The message as `written`, in at most `limit` bytes: sections go first, then facts, and a note says so.

    Without sections and facts every form must be within its limit, because the other parts are cut where they stand.
    """
    fits = counted(message)
    found = written(fits)
    if len(found) > limit and fits.note == message.note:
        fits = _shortened(fits)
        found = written(fits)
    while len(found) > limit and (fits.sections or fits.facts):
        share = limit / len(found)
        if count := len(fits.sections):
            fits = replace(fits, sections=fits.sections[: min(count - 1, int(count * share))])
        else:
            count = len(fits.facts)
            fits = replace(fits, facts=fits.facts[: min(count - 1, int(count * share))])
        found = written(fits)
    return found


def _shortened(message: Message) -> Message:
    said = say(TEXTS, "shortened", message.language)
    return replace(message, note=f"{message.note[: VALUE - 100]} {said}".strip())


def repeats(message: Message) -> bool:
    """Whether it only gives the first message another form, of which a reply already told."""
    return message.delivery == "edit" and message.event not in ("acknowledged", "closed")
