"""A hard limit around one attempt: library timeouts are per socket operation, and a dripping server outlives them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from alerting.channels.channel import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")
ATTEMPT_SECONDS = 4.0
SOCKET_SECONDS = 2.0
"""For one operation on a socket: an attempt against a silent server ends by itself."""
MOST_ABANDONED = 8

_abandoned: list[threading.Thread] = []


def within(seconds: float, attempt: Callable[[], Answer], name: str, cut: Callable[[], None] = lambda: None) -> Answer:
    """What `attempt` returns or raises, or DeliveryError after `seconds`.

    `cut` then breaks the connection, so that the attempt ends; one that cannot be cut is left to end by itself.
    """
    thread_name = f"attempt {name}"
    _abandoned[:] = [thread for thread in _abandoned if thread.is_alive()]
    waiting = sum(thread.name == thread_name for thread in _abandoned)
    if waiting >= MOST_ABANDONED:
        raise DeliveryError(f"{name} still keeps {waiting} earlier attempts waiting", retry=True)
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(attempt())
        except BaseException as error:  # noqa: BLE001 - handed to the caller
            errors.append(error)

    thread = threading.Thread(target=run, name=thread_name, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if answers:
        return answers[0]
    cut()
    _abandoned.append(thread)
    raise DeliveryError(f"{name} did not answer within {seconds:g} s", retry=True, unsure=True)
