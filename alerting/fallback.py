"""A message its channel did not take in time goes to the channel that is named as its fallback, saying why.

The first channel goes on trying: its readers get the message late rather than never.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from alerting.channels.deadline import ATTEMPT_SECONDS
from alerting.message import Message
from alerting.outbox import enqueue, told
from alerting.words import TEXTS
from core.text import say

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from alerting.outbox import RowState

CHAIN = timedelta(seconds=10)
"""From the decision to the moment a message must have been accepted somewhere."""
_ATTEMPT = timedelta(seconds=ATTEMPT_SECONDS)

Reason = Literal["given_up", "too_late", "overdue", "in_time", "gone"]


def hand_over(state: RowState, decided_at: datetime, next_attempt_at: datetime, now: datetime) -> Reason:
    """Whether the message must go to the fallback now, and why.

    `given_up`: no further attempt is made without a person. `too_late`: the next attempt could not end in time.
    `overdue`: the time is over. Not: `in_time`, and `gone` for what was sent, taken back or kept for the digest.
    """
    if state in ("failed", "dead"):
        return "given_up"
    if state not in ("queued", "sending"):
        return "gone"
    if now >= decided_at + CHAIN:
        return "overdue" if state == "queued" else "in_time"  # an attempt on its way is waited for
    if state == "queued" and next_attempt_at > now and next_attempt_at + _ATTEMPT > decided_at + CHAIN:
        return "too_late"
    return "in_time"


def fall_back(
    db: sqlite3.Connection, fallbacks: Mapping[str, str], now: datetime, *, failed: int | None = None
) -> datetime | None:
    """Hand over what must be; `failed` is the row whose attempt just failed. Returns when to look again.

    Doing it twice does no harm: a row on the fallback has the key that a message of its own would have, so that one
    that is a fallback and a channel of the rule at once is told once.
    """
    again: list[datetime] = []
    for row in db.execute(
        "SELECT * FROM outbox WHERE state IN ('queued', 'failed') UNION SELECT * FROM outbox WHERE id = ? ORDER BY id",
        (failed,),
    ).fetchall():
        following = fallbacks.get(row["channel"], "")
        if not following:
            continue
        message = Message.from_json(row["payload"])
        if message.delivery == "edit" or message.event == "test":
            continue
        decided_at = datetime.fromisoformat(row["created_at"])
        reason = hand_over(row["state"], decided_at, datetime.fromisoformat(row["next_attempt_at"]), now)
        if reason == "in_time":
            again.append(decided_at + CHAIN)
        elif reason != "gone":
            key = f"{row['key'].removesuffix(':' + row['channel'])}:{following}"
            enqueue(db, _handed_over(db, message, row["channel"], row["error"], following), following, key, now)
    return min(again, default=None)


def _handed_over(db: sqlite3.Connection, message: Message, channel: str, error: str, following: str) -> Message:
    said = say(
        TEXTS,
        "sent_instead" if error else "sent_instead_unheard",
        message.language,
        channel=channel,
        error=error,
        seconds=int(CHAIN.total_seconds()),
    )
    if message.event in ("escalated", "reminder") and told(db, message.subject, following) in ("nothing", "capped"):
        message = replace(message, event="firing", delivery="new")  # it is the first this channel hears of it
    return replace(message, note=f"{message.note} {said}".strip())
