"""The shape of a channel: one method. It makes one attempt and says whether another one makes sense; it never waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from core.errors import BurnlineError

if TYPE_CHECKING:
    from alerting.message import Message


@dataclass(frozen=True, slots=True)
class Receipt:
    """The message was accepted. `reference` finds it again; `spacing` seconds must pass before the next one."""

    reference: str = ""
    spacing: float = 0.0


class DeliveryError(BurnlineError):
    """One attempt failed; the text holds no secret.

    `retry`: trying again may help; `after` is how many seconds the other side asked to wait. `fixable`: trying again
    helps once a setting or a secret is changed. `unsure`: the message may have arrived all the same.
    """

    def __init__(
        self,
        text: str,
        *,
        retry: bool,
        after: float | None = None,
        fixable: bool = False,
        unsure: bool = False,
        status: int | None = None,
    ) -> None:
        super().__init__(text)
        self.retry, self.after, self.fixable, self.unsure, self.status = retry, after, fixable, unsure, status


class Channel(Protocol):
    """A place messages go to."""

    def send(self, message: Message) -> Receipt:
        """Deliver once, within a few seconds in all; DeliveryError says what to do about a failure."""
        ...
