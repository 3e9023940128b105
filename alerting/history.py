"""Incidents and episodes as kept: what was open when, how bad it was, why it ended."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from alerting.incidents import Incident
from alerting.message import Message
from alerting.state import to_moment, to_text

if TYPE_CHECKING:
    import sqlite3

    from alerting.rules import Severity


def open_incidents(db: sqlite3.Connection) -> dict[str, Incident]:
    """The open incidents by group."""
    return {
        row["grp"]: Incident(
            row["id"],
            row["grp"],
            row["severity"],
            datetime.fromisoformat(row["opened_at"]),
            Message.from_json(row["message"]),
            to_moment(row["quiet_since"]),
        )
        for row in db.execute("SELECT * FROM incidents WHERE closed_at IS NULL")
    }


def keep_incident(db: sqlite3.Connection, incident: Incident) -> None:
    """Remember an incident as it is now."""
    db.execute(
        "INSERT INTO incidents (id, grp, severity, opened_at, message, quiet_since) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, message = excluded.message, "
        "quiet_since = excluded.quiet_since, closed_at = NULL",
        (
            incident.id,
            incident.group,
            incident.severity,
            to_text(incident.opened_at),
            incident.message.to_json(),
            to_text(incident.quiet_since) if incident.quiet_since else None,
        ),
    )


def close_incident(db: sqlite3.Connection, incident: str, reason: str, message: Message, now: datetime) -> None:
    """Remember the end, and what was said about it."""
    db.execute(
        "UPDATE incidents SET closed_at = ?, close_reason = ?, message = ? WHERE id = ?",
        (to_text(now), reason, message.to_json(), incident),
    )


def start_episode(db: sqlite3.Connection, key: str, severity: Severity, incident: str, now: datetime) -> None:
    """A rule began to fire."""
    db.execute(
        "INSERT INTO episodes (instance, severity, incident, fired_at) VALUES (?, ?, ?, ?)",
        (key, severity, incident, to_text(now)),
    )


def end_episode(db: sqlite3.Connection, key: str, reason: str, now: datetime) -> None:
    """It stopped."""
    db.execute(
        "UPDATE episodes SET ended_at = ?, end_reason = ? WHERE instance = ? AND ended_at IS NULL",
        (to_text(now), reason, key),
    )


def note_worst(db: sqlite3.Connection, key: str, value: float, shown: str, *, more_is_worse: bool) -> None:
    """Keep the worst value a firing rule has seen."""
    worse = ">" if more_is_worse else "<"
    db.execute(
        f"UPDATE episodes SET worst = ?1, worst_shown = ?2 WHERE instance = ?3 AND ended_at IS NULL "
        f"AND (worst IS NULL OR ?1 {worse} worst)",
        (value, shown, key),
    )


def worst_of(db: sqlite3.Connection, incident: str) -> str:
    """The worst value of the incident's most severe rule, as shown; "" when there is none."""
    row = db.execute(
        "SELECT worst_shown FROM episodes WHERE incident = ? AND worst_shown != '' "
        "ORDER BY severity = 'critical' DESC, severity = 'warning' DESC, id LIMIT 1",
        (incident,),
    ).fetchone()
    return row["worst_shown"] if row else ""
