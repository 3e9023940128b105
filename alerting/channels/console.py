"""The terminal Burnline runs in (standard error): one paragraph per message, for a team without a chat."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from alerting.channels.channel import Receipt
from alerting.channels.parts import cut, repeats
from alerting.message import visible

if TYPE_CHECKING:
    from alerting.message import Message

LONGEST_LINE = 4_000


class ConsoleChannel:
    """Prints; control characters from logs are shown, not obeyed."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def send(self, message: Message) -> Receipt:
        """Print the message; an edit that repeats what a reply says is left out."""
        if not repeats(message):
            print(plain_text(message), file=self._stream or sys.stderr, flush=True)
        return Receipt()


def plain_text(message: Message) -> str:
    """The message as text for a terminal."""
    lines = [message.title, f"  {message.sentence}"]
    if message.facts:
        lines.append("  " + "; ".join(f"{fact.name}: {fact.value}" for fact in message.facts))
    for section in message.sections:
        lines += [f"  {section.title}", *(f"    {line}" for line in section.lines)]
    lines += [
        f"  {text}" for text in (message.action, message.owner, message.runbook, message.link, message.note) if text
    ]
    return "\n".join(visible(cut(line, LONGEST_LINE)) for line in lines)
