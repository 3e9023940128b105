"""What is said, without a word of any vendor: channels turn it into their own form. Survives the outbox as JSON."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from alerting.rules import Severity
    from core.text import Language

Event = Literal["firing", "escalated", "resolved", "closed", "digest", "notice", "test"]
Delivery = Literal["new", "reply", "edit"]
"""`reply` answers the subject's first message and is itself new; `edit` puts the first message into another form."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a value, both as shown."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Section:
    """A titled list of lines, as shown."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message about one `subject` (an incident, a day). All text is plain: it may quote logs, so it is hostile.

    `previous` is the channel's own reference to the subject's first message, filled in by the sender; `repeat` says
    that an earlier attempt may have arrived.
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
    link: str = ""
    since: datetime | None = None
    note: str = ""
    language: Language = "en"
    previous: str = ""
    repeat: bool = False

    def to_json(self) -> str:
        """As stored in the outbox."""
        tree = asdict(self)
        tree["since"] = self.since.isoformat() if self.since else None
        return json.dumps(tree, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Message:
        """As it was given to `to_json`."""
        tree = json.loads(text)
        tree["facts"] = tuple(Fact(**fact) for fact in tree["facts"])
        tree["sections"] = tuple(Section(part["title"], tuple(part["lines"])) for part in tree["sections"])
        tree["since"] = datetime.fromisoformat(tree["since"]) if tree["since"] else None
        return cls(**tree)

    def as_delivered(self, delivery: Delivery) -> Message:
        """The same words, delivered another way."""
        return replace(self, delivery=delivery)


def visible(text: str) -> str:
    """Control and format characters (escapes, bidirectional overrides) spelled out; lines and spaces stay."""
    return "".join(
        character
        if character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
        else f"\\x{ord(character):02x}"
        for character in text
    )
