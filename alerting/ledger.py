"""Which digests were sent, and what of the day's alerts belongs into one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from alerting.digest import Past
from alerting.message import Message
from alerting.outbox import enqueue
from alerting.state import to_text
from core.text import moment

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from core.settings import Settings
    from core.timespan import TimeSpan

KIND = "daily"
EXPIRES = timedelta(hours=12)


def sent_dates(db: sqlite3.Connection, channel: str, kind: str = KIND) -> set[date]:
    """The local dates on which the channel got its digest, or another `kind` of report."""
    rows = db.execute("SELECT local_date FROM digests WHERE kind = ? AND channel = ?", (kind, channel))
    return {date.fromisoformat(row["local_date"]) for row in rows}


def enter(
    db: sqlite3.Connection,
    on: date,
    channel: str,
    message: Message,
    now: datetime,
    *,
    late: bool,
    kind: str = KIND,
) -> bool:
    """Enter the digest and put it into the outbox, both or neither; False when the date already has one."""
    entered = db.execute(
        "INSERT INTO digests VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (kind, on.isoformat(), channel, to_text(now), late),
    )
    key = f"{message.event}:{on}:{channel}" if kind == KIND else f"{message.event}:{kind}:{on}:{channel}"
    return entered.rowcount == 1 and enqueue(db, message, channel, key, now, expires=EXPIRES)


def past_of(db: sqlite3.Connection, span: TimeSpan, on: date, settings: Settings) -> Past:
    """What happened to alerts in `span`, and which days before `on` had no digest although digests had begun."""
    start, end = to_text(span.start), to_text(span.end)
    rows = db.execute(
        "SELECT payload, created_at, state FROM outbox WHERE event = 'firing' AND created_at >= ? AND created_at < ? "
        "ORDER BY id",
        (start, end),
    ).fetchall()
    held: dict[str, str] = {}
    for row in rows:
        if row["state"] == "capped":
            message = Message.from_json(row["payload"])
            held.setdefault(message.subject, _held_line(message, settings.zone, settings))
    sent = {Message.from_json(row["payload"]).subject for row in rows if row["state"] != "capped"}
    (opened,) = db.execute(
        "SELECT count(*) FROM incidents WHERE opened_at < ? AND (closed_at IS NULL OR closed_at >= ?)", (end, end)
    ).fetchone()
    return Past(len(sent), tuple(held.values()), opened, _missed(db, on))


def _held_line(message: Message, zone: ZoneInfo, settings: Settings) -> str:
    since = f"{moment(message.since, zone, settings.language)} " if message.since else ""
    return f"{since}{message.title}"


def _missed(db: sqlite3.Connection, on: date) -> tuple[date, ...]:
    """Days between the last digest and this one: each told of the day before it."""
    (last,) = db.execute("SELECT max(local_date) FROM digests WHERE kind = ?", (KIND,)).fetchone()
    if last is None:
        return ()
    gap = (on - date.fromisoformat(last)).days
    missed: Sequence[int] = range(1, min(gap, 32))
    return tuple(date.fromisoformat(last) + timedelta(days=back - 1) for back in missed)
