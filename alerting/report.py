"""What pages, routes and commands may know of alerts and digests, as plain JSON types. Reads only."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from alerting.channels.console import plain_text
from alerting.digest import Past, build_digest, digest_json
from alerting.digest_message import digest_message
from alerting.ledger import past_of
from alerting.message import Message
from alerting.state import read_meta
from core.errors import UsageError
from core.timespan import local_day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from core.selection import Freshness, RequestSource
    from core.settings import Settings

RECENT = 20
FIRST_DAY = date(1970, 1, 1)


def alerts_report(state: Path) -> dict[str, Any]:
    """Rules with their states, open and recent incidents, and deliveries by channel; times are ISO 8601.

    `last_tick` is when the rules were last evaluated, `fresh_at` when data was last seen to arrive.

    Readable by any process at any time; empty when no checker ever ran here.
    """
    with reading(state) as db:
        if db is None:
            return {"last_tick": None, "fresh_at": None, "rules": [], "open": [], "recent": [], "deliveries": []}
        rules = db.execute(
            "SELECT key AS rule, state, since, fired_at, reason, observed, shown FROM instances ORDER BY key"
        ).fetchall()
        opened = db.execute("SELECT * FROM incidents WHERE closed_at IS NULL ORDER BY opened_at").fetchall()
        recent = db.execute(
            "SELECT * FROM incidents WHERE closed_at IS NOT NULL ORDER BY closed_at DESC LIMIT ?", (RECENT,)
        ).fetchall()
        deliveries = db.execute(
            "SELECT channel, state, count(*) AS messages, max(error) AS error FROM outbox GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        return {
            "last_tick": read_meta(db, "last_tick"),
            "fresh_at": read_meta(db, "fresh_at"),
            "rules": [dict(row) for row in rules],
            "open": [_incident(row) for row in opened],
            "recent": [_incident(row) for row in recent],
            "deliveries": [dict(row) for row in deliveries],
        }


def digest_report(
    source: RequestSource,
    settings: Settings,
    state: Path,
    now: datetime,
    freshness: Freshness,
    *,
    day: date | None = None,
) -> dict[str, Any]:
    """The digest of a local day (yesterday when None): its numbers, the message as sent, and that message as text.

    Raises:
        UsageError: the day has not begun, or lies before 1970.
    """
    today = now.astimezone(settings.zone).date()
    told = day or today - timedelta(days=1)
    if told > today:
        raise UsageError(
            f"{told} has not begun in {settings.timezone}, where it is {today}; ask for today or a day before it"
        )
    if told < FIRST_DAY:
        raise UsageError(f"{told} is before any request; ask for a day from {FIRST_DAY} to today, {today}")
    with reading(state) as db:
        past = Past() if db is None else past_of(db, local_day(told, settings.zone), told + timedelta(days=1), settings)
    digest = build_digest(source, settings, now, freshness, told, past=past)
    message = digest_message(digest, settings)
    return digest_json(digest) | {"message": json.loads(message.to_json()), "text": plain_text(message)}


def _incident(row: sqlite3.Row) -> dict[str, Any]:
    message = Message.from_json(row["message"])
    return {
        "id": row["id"],
        "group": row["grp"],
        "severity": row["severity"],
        "since": message.since.isoformat() if message.since else None,
        "opened_at": row["opened_at"],
        "closed_at": row["closed_at"],
        "close_reason": row["close_reason"],
        "title": message.title,
        "sentence": message.sentence,
        "facts": [{"name": fact.name, "value": fact.value} for fact in message.facts],
        "owner": message.owner,
        "runbook": message.runbook,
    }


@contextmanager
def reading(state: Path) -> Iterator[sqlite3.Connection | None]:
    """The state file, to read from; None when there is none yet."""
    if not state.exists():
        yield None
        return
    connection = sqlite3.connect(f"{state.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
    connection.row_factory = sqlite3.Row
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        yield connection if version else None
    finally:
        connection.close()
