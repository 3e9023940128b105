"""Messages on their way: written in the transaction of the state they tell of, sent at least once, in order.

A message may be sent twice only when an attempt ended without an answer (a crash, a lost connection); the second one
then says so. Source of the waits: docs/alerting.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from alerting.message import Message
from alerting.state import to_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from alerting.channels.channel import DeliveryError

RowState = Literal["queued", "sending", "sent", "failed", "dead", "superseded", "capped"]

BACKOFF = (5.0, 30.0, 120.0, 600.0, 1800.0)
UNSURE_BACKOFF = (30.0, 600.0, 1800.0)
"""Waits after an attempt that may have arrived: longer, because each one risks a repeat, and not for ever."""
MOST_UNSURE = 4
LONGEST_WAIT_TOLD = 900.0
LEASE = timedelta(seconds=60)
EXPIRES = timedelta(hours=24)
STUCK_AFTER = timedelta(minutes=9)
"""So that a watch outside notices within ten minutes that nobody is told anything."""
LONGEST_WAIT = timedelta(seconds=BACKOFF[-1] * 1.2)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row taken for one attempt."""

    id: int
    channel: str
    message: Message
    attempts: int
    unsure: int


def enqueue(
    db: sqlite3.Connection,
    message: Message,
    channel: str,
    key: str,
    now: datetime,
    *,
    state: RowState = "queued",
    expires: timedelta = EXPIRES,
) -> bool:
    """Add a message; False when one with this key is already there."""
    found = db.execute(
        "INSERT INTO outbox (subject, event, channel, payload, key, state, next_attempt_at, deadline_at, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
        (
            message.subject,
            message.event,
            channel,
            message.to_json(),
            key,
            state,
            to_text(now),
            to_text(now + expires),
            to_text(now),
        ),
    )
    return found.rowcount == 1


def told(db: sqlite3.Connection, subject: str, channel: str) -> Literal["told", "untold", "capped", "nothing"]:
    """Whether this channel heard (or may have heard) of the subject.

    `untold`: its first message has surely not arrived; `capped`: it was kept for the digest.
    """
    rows = db.execute(
        "SELECT state, unsure FROM outbox WHERE subject = ? AND channel = ? AND event = 'firing' ORDER BY id DESC",
        (subject, channel),
    ).fetchall()
    states = {row["state"] for row in rows}
    if states & {"sent", "sending"} or any(row["unsure"] for row in rows):
        return "told"
    if states - {"capped"}:
        return "untold"
    return "capped" if rows else "nothing"


def supersede(db: sqlite3.Connection, subject: str, channel: str) -> None:
    """Take back what has surely not been sent about the subject."""
    db.execute(
        "UPDATE outbox SET state = 'superseded' WHERE subject = ? AND channel = ? AND state IN ('queued', 'failed') "
        "AND unsure = 0",
        (subject, channel),
    )


def supersede_form(db: sqlite3.Connection, key: str) -> None:
    """Take back the edits that have not been sent and whose keys begin like this: a newer form follows."""
    db.execute(
        "UPDATE outbox SET state = 'superseded' WHERE substr(key, 1, length(?1)) = ?1 "
        "AND state IN ('queued', 'failed')",
        (key,),
    )


def interrupts(db: sqlite3.Connection, channel: str, start: datetime, end: datetime) -> int:
    """How many new alerts went to the channel between these moments: not updates, endings or digests."""
    (count,) = db.execute(
        "SELECT count(*) FROM outbox WHERE channel = ? AND event = 'firing' AND state NOT IN ('capped', 'superseded') "
        "AND created_at >= ? AND created_at < ?",
        (channel, to_text(start), to_text(end)),
    ).fetchone()
    return int(count)


def claim(db: sqlite3.Connection, now: datetime) -> Claimed | None:
    """Take the oldest message that is due; one behind an unsent message about the same subject is not due."""
    row = db.execute(
        "SELECT * FROM outbox AS mine WHERE state = 'queued' AND next_attempt_at <= ? AND NOT EXISTS ("
        "SELECT 1 FROM outbox AS earlier WHERE earlier.subject = mine.subject AND earlier.channel = mine.channel "
        "AND earlier.id < mine.id AND earlier.state IN ('queued', 'sending', 'failed')) ORDER BY id LIMIT 1",
        (to_text(now),),
    ).fetchone()
    if row is None:
        return None
    db.execute(
        "UPDATE outbox SET state = 'sending', attempts = attempts + 1, lease_until = ? WHERE id = ?",
        (to_text(now + LEASE), row["id"]),
    )
    first = db.execute(
        "SELECT reference FROM outbox WHERE subject = ? AND channel = ? AND state = 'sent' AND reference != '' "
        "ORDER BY id LIMIT 1",
        (row["subject"], row["channel"]),
    ).fetchone()
    message = replace(
        Message.from_json(row["payload"]),
        previous=first["reference"] if first else "",
        repeat=row["unsure"] > 0,
        key=row["key"],
    )
    return Claimed(row["id"], row["channel"], message, row["attempts"] + 1, row["unsure"])


def mark_sent(db: sqlite3.Connection, claimed: Claimed, reference: str, now: datetime) -> None:
    """The message was accepted."""
    db.execute(
        "UPDATE outbox SET state = 'sent', sent_at = ?, reference = ?, lease_until = NULL, error = '' WHERE id = ?",
        (to_text(now), reference, claimed.id),
    )


def mark_failed(
    db: sqlite3.Connection, claimed: Claimed, error: DeliveryError, now: datetime, jitter: Callable[[], float]
) -> None:
    """The attempt failed: wait and try again, wait for a person, or give up. `jitter` is a number from -1 to 1."""
    unsure = claimed.unsure + error.unsure
    given_up: RowState = "failed" if error.fixable else "dead"
    state: RowState = "queued" if error.retry and unsure < MOST_UNSURE else given_up
    waits = UNSURE_BACKOFF[unsure - 1 :] if error.unsure else BACKOFF[claimed.attempts - 1 :]
    wait = (waits[0] if waits else BACKOFF[-1]) * (1 + 0.2 * jitter())
    if error.after is not None:
        wait = max(wait, min(error.after, LONGEST_WAIT_TOLD))
    db.execute(
        "UPDATE outbox SET state = ?, unsure = ?, error = ?, status = ?, next_attempt_at = ?, lease_until = NULL "
        "WHERE id = ?",
        (state, unsure, str(error), error.status, to_text(now + timedelta(seconds=wait)), claimed.id),
    )


def hold_channel(db: sqlite3.Connection, channel: str, until: datetime) -> None:
    """Nothing goes to the channel before `until`: it said so, or it just failed."""
    db.execute(
        "UPDATE outbox SET next_attempt_at = ? WHERE channel = ? AND state = 'queued' AND next_attempt_at < ?",
        (to_text(until), channel, to_text(until)),
    )


def revive(db: sqlite3.Connection, channel: str, now: datetime) -> None:
    """The channel's settings or secret changed: what waited for that is due."""
    db.execute(
        "UPDATE outbox SET state = 'queued', next_attempt_at = ? WHERE channel = ? AND state = 'failed'",
        (to_text(now), channel),
    )


def stuck(db: sqlite3.Connection, now: datetime) -> datetime | None:
    """Since when a message waits while nothing at all was delivered, None while the outbox moves."""
    (waits,) = db.execute(
        "SELECT min(created_at) FROM outbox WHERE state IN ('queued', 'sending', 'failed')"
    ).fetchone()
    (sent,) = db.execute("SELECT max(sent_at) FROM outbox WHERE state = 'sent'").fetchone()
    if waits is None or waits > to_text(now - STUCK_AFTER) or (sent is not None and sent >= waits):
        return None
    return datetime.fromisoformat(waits)


def release(db: sqlite3.Connection, now: datetime, *, every: bool = False) -> None:
    """Take back messages whose sender died: those past their lease, or (`every`, after a take-over) all of them.

    A lease or a wait longer than any is of a clock that was set back since; it blocks nothing.
    """
    db.execute(
        "UPDATE outbox SET state = 'queued', unsure = unsure + 1, lease_until = NULL "
        "WHERE state = 'sending' AND (? OR lease_until <= ? OR lease_until > ?)",
        (every, to_text(now), to_text(now + LEASE)),
    )
    db.execute(
        "UPDATE outbox SET next_attempt_at = ? WHERE state = 'queued' AND next_attempt_at > ?",
        (to_text(now), to_text(now + LONGEST_WAIT)),
    )


def expire(db: sqlite3.Connection, now: datetime) -> dict[str, list[Message]]:
    """Give up on what is too old to be worth saying.

    Returns, for each channel that lost something just now, all it lost since it last took a message: one notice says
    so, however long the channel stays away.
    """
    lost = db.execute(
        "UPDATE outbox SET state = 'dead' WHERE state IN ('queued', 'failed') AND deadline_at <= ? "
        "RETURNING channel, event",
        (to_text(now),),
    ).fetchall()
    found = {}
    for channel in sorted({row["channel"] for row in lost if row["event"] != "notice"}):
        rows = db.execute(
            "SELECT payload FROM outbox WHERE channel = ?1 AND state = 'dead' AND deadline_at <= ?2 "
            "AND event != 'notice' AND created_at > "
            "coalesce((SELECT max(sent_at) FROM outbox WHERE channel = ?1 AND state = 'sent'), '') ORDER BY id",
            (channel, to_text(now)),
        )
        messages = [Message.from_json(row["payload"]) for row in rows]
        found[channel] = [message for message in messages if message.delivery != "edit"]
    return {channel: messages for channel, messages in found.items() if messages}


def next_due(db: sqlite3.Connection) -> datetime | None:
    """When the sender must look again."""
    (due,) = db.execute(
        "SELECT min(coalesce(lease_until, next_attempt_at)) FROM outbox WHERE state IN ('queued', 'sending')"
    ).fetchone()
    return datetime.fromisoformat(due) if due else None
