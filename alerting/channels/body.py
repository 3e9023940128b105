"""A message as JSON for programs: what the webhook and the file send. Documented in docs/channels.md."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any

from alerting.channels.parts import cut, fitting

if TYPE_CHECKING:
    from alerting.message import Message

MOST_BYTES, LONGEST = 250_000, 4_000
VERSION = 1
"""Fields may be added under the same version; one that goes or changes its meaning makes the next."""


def as_body(message: Message, name: str, **more: str) -> bytes:
    """The message as one line of JSON, named by `message_id`; text is as it was found, not defused for any reader.

    Files are left out, and what does not fit into MOST_BYTES.
    """
    return fitting(message, lambda found: as_line({**more, **_body(found, name)}), MOST_BYTES)


def _body(message: Message, name: str) -> dict[str, Any]:
    return {
        "version": VERSION,
        "id": name,
        "type": f"burnline.{message.event}",
        "subject": cut(message.subject, LONGEST),
        "severity": message.severity,
        "title": cut(message.title, LONGEST),
        "sentence": cut(message.sentence, LONGEST),
        "facts": [{"name": cut(fact.name, LONGEST), "value": cut(fact.value, LONGEST)} for fact in message.facts],
        "sections": [
            {"title": cut(part.title, LONGEST), "lines": [cut(line, LONGEST) for line in part.lines]}
            for part in message.sections
        ],
        "since": message.since.isoformat() if message.since else None,
        "action": cut(message.action, LONGEST),
        "owner": cut(message.owner, LONGEST),
        "runbook": cut(message.runbook, LONGEST),
        "link": cut(message.link, LONGEST),
        "note": cut(message.note, LONGEST),
        "language": message.language,
        "possible_repeat": message.repeat,
    }


def message_id(message: Message) -> str:
    """32 hexadecimal digits: the same for every attempt at a message of the outbox, and another for any other."""
    if not message.key:
        return uuid.uuid4().hex
    return hashlib.sha256(message.key.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def as_line(tree: dict[str, Any]) -> bytes:
    """Compact JSON in UTF-8, without a line break."""
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
