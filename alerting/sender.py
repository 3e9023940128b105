"""Takes messages out of the outbox and gives each one attempt at a time. Waiting is written down, not slept."""

from __future__ import annotations

import hashlib
import logging
import random
from datetime import timedelta
from typing import TYPE_CHECKING

from alerting.channels import make_channel, secret_of
from alerting.channels.channel import DeliveryError
from alerting.fallback import fall_back
from alerting.news import undelivered
from alerting.outbox import (
    BACKOFF,
    EXPIRES,
    LONGEST_WAIT_TOLD,
    claim,
    enqueue,
    expire,
    hold_channel,
    mark_failed,
    mark_sent,
    next_due,
    release,
    revive,
    supersede,
)
from alerting.state import to_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from alerting.channels.channel import Channel, Receipt
    from alerting.message import Message
    from alerting.outbox import Claimed
    from alerting.state import StateFile
    from core.settings import Settings
    from core.timespan import Clock

log = logging.getLogger("burnline.alerting")

NOTICE_EXPIRES = 30 * EXPIRES
"""That messages were lost is worth knowing whenever the channel comes back."""


class Sender:
    """Delivers what is due through the channels of the settings in force."""

    def __init__(
        self,
        state: StateFile,
        settings: Callable[[], Settings],
        clock: Clock,
        jitter: Callable[[], float] = lambda: random.uniform(-1, 1),  # noqa: S311 - spreads retries, guards nothing
    ) -> None:
        self._state, self._settings, self._clock, self._jitter = state, settings, clock, jitter
        self._channels: dict[str, tuple[str, Channel]] = {}

    def take_over(self) -> None:
        """Before the first round of this process: what an earlier one was sending may or may not have arrived."""
        with self._state.transaction() as db:
            release(db, self._clock(), every=True)

    def round(self) -> datetime | None:
        """Send everything that is due; returns when there is something to do again."""
        self._refresh()
        with self._state.transaction() as db:
            release(db, self._clock())
            for channel, lost in expire(db, self._clock()).items():
                self._tell_lost(db, channel, lost)
        while True:
            with self._state.transaction() as db:
                claimed = claim(db, self._clock())
                if claimed is None:
                    again = fall_back(db, self._fallbacks(), self._clock())
                    claimed = claim(db, self._clock())
                due = next_due(db)
            if claimed is None:
                return min((when for when in (again, due) if when is not None), default=None)
            self._deliver(claimed)

    def _tell_lost(self, db: sqlite3.Connection, channel: str, lost: Sequence[Message]) -> None:
        """One notice of everything that became too old, for when the channel takes messages again."""
        now, subject = self._clock(), f"undelivered {channel}"
        supersede(db, subject, channel)
        notice = undelivered(subject, [message.title for message in lost], self._settings())
        enqueue(db, notice, channel, f"{subject}:{to_text(now)}", now, expires=NOTICE_EXPIRES)

    def _fallbacks(self) -> dict[str, str]:
        return {name: channel.fallback for name, channel in self._settings().channels.items()}

    def _deliver(self, claimed: Claimed) -> None:
        try:
            receipt = self._attempt(claimed)
        except DeliveryError as error:
            now = self._clock()
            with self._state.transaction() as db:
                mark_failed(db, claimed, error, now, self._jitter)
                if error.retry:
                    wait = max(BACKOFF[0], min(error.after or 0.0, LONGEST_WAIT_TOLD))
                    hold_channel(db, claimed.channel, now + timedelta(seconds=wait))
                fall_back(db, self._fallbacks(), now, failed=claimed.id)
            log.warning('A message to "%s" was not delivered: %s', claimed.channel, error)
            return
        now = self._clock()
        with self._state.transaction() as db:
            mark_sent(db, claimed, receipt.reference, now)
            if receipt.spacing:
                hold_channel(db, claimed.channel, now + timedelta(seconds=receipt.spacing))

    def _attempt(self, claimed: Claimed) -> Receipt:
        known = self._channels.get(claimed.channel)
        if known is None:
            raise DeliveryError(f'the settings have no channel "{claimed.channel}"', retry=False, fixable=True)
        try:
            return known[1].send(claimed.message)
        except DeliveryError:
            raise
        except Exception as error:
            log.exception('The channel "%s" failed unexpectedly', claimed.channel)
            raise DeliveryError(f"{type(error).__name__} in the channel", retry=True, unsure=True) from None

    def _refresh(self) -> None:
        """Make the channels anew whose settings or secret changed, and try again what waited for that."""
        found: dict[str, tuple[str, Channel]] = {}
        for name, settings in self._settings().channels.items():
            print_ = hashlib.sha256(f"{settings.model_dump_json()} {secret_of(settings)}".encode()).hexdigest()
            known = self._channels.get(name)
            if known is not None and known[0] == print_:
                found[name] = known
                continue
            found[name] = (print_, make_channel(settings))
            with self._state.transaction() as db:
                revive(db, name, self._clock())
        self._channels = found
