"""What is said, without a word of any vendor: channels turn it into their own form. Survives the outbox as JSON."""

from __future__ import annotations

import base64
import json
import unicodedata
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerting.rules import Severity
    from core.text import Language

Event = Literal[
    "firing", "escalated", "reminder", "acknowledged", "resolved", "closed", "digest", "report", "notice", "test"
]
Delivery = Literal["new", "reply", "edit"]
"""`reply` answers the subject's first message and is itself new; `edit` puts the first message into another form."""


MOST_BYTES = 2_000_000
"""Of the files of one message: it lies in the outbox once for every channel."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a value, both as shown."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """A titled list of lines, as shown; `links` are the addresses some of them lead to, by the place of the line."""

    title: str
    lines: tuple[str, ...]
    links: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """Something that goes along: a picture is shown where a channel can, anything else attached where it can.

    `media` is its type ("image/png", "application/pdf"), `text` what it shows, in words for who cannot see it. What is
    in the sentence and the facts does not depend on it: a channel may leave it out.
    """

    name: str
    media: str
    content: bytes
    text: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message about one `subject` (an incident, a day). All text is plain: it may quote logs, so it is hostile.

    `previous` is the channel's own reference to the subject's first message, filled in by the sender; `repeat` says
    that an earlier attempt may have arrived; `key` names the message in the outbox, "" for one outside. `action` is
    what to do first. `files` are at most MOST_BYTES together.
    """

    event: Event
    subject: str
    title: str
    sentence: str
    delivery: Delivery = "new"
    severity: Severity | None = None
    facts: tuple[Fact, ...] = ()
    sections: tuple[Section, ...] = ()
    owner: str = ""
    runbook: str = ""
    action: str = ""
    link: str = ""
    since: datetime | None = None
    note: str = ""
    language: Language = "en"
    previous: str = ""
    repeat: bool = False
    key: str = ""
    files: tuple[File, ...] = ()

    def to_json(self) -> str:
        """As stored in the outbox."""
        tree = asdict(self)
        for file in tree["files"]:
            file["content"] = base64.b64encode(file["content"]).decode("ascii")
        tree["since"] = self.since.isoformat() if self.since else None
        return json.dumps(tree, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Message:
        """As it was given to `to_json`."""
        tree = json.loads(text)
        tree["facts"] = tuple(Fact(**fact) for fact in tree["facts"])
        tree["sections"] = tuple(_section(part) for part in tree["sections"])
        tree["files"] = tuple(
            File(**(file | {"content": base64.b64decode(file["content"])})) for file in tree.get("files", ())
        )
        tree["since"] = datetime.fromisoformat(tree["since"]) if tree["since"] else None
        return cls(**tree)

    def as_delivered(self, delivery: Delivery) -> Message:
        """The same words, delivered another way."""
        return replace(self, delivery=delivery)


def _section(part: dict[str, Any]) -> Section:
    links = {int(place): address for place, address in part.get("links", {}).items()}
    return Section(part["title"], tuple(part["lines"]), links)


def visible(text: str) -> str:
    """Control and format characters (escapes, bidirectional overrides) spelled out; lines and spaces stay."""
    if text.replace("\n", " ").isprintable():
        return text
    return "".join(
        character
        if character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
        else f"\\x{ord(character):02x}"
        for character in text
    )
