"""Incidents and episodes as kept: what was open when, how bad it was, why it ended."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerting.incidents import FLAPS_WITHIN, Incident
from alerting.message import Message
from alerting.state import to_moment, to_text

if TYPE_CHECKING:
    import sqlite3

    from alerting.rules import Severity

_MOMENTS = ("quiet_since", "told_at", "reminded_at", "handed_on_at")


def open_incidents(db: sqlite3.Connection) -> dict[str, Incident]:
    """The open incidents by group."""
    return {
        row["grp"]: Incident(
            row["id"],
            row["grp"],
            row["severity"],
            datetime.fromisoformat(row["opened_at"]),
            Message.from_json(row["message"]),
            told=row["told"],
            channels=tuple(json.loads(row["channels"])),
            hush=row["hush"],
            flaps=bool(row["flaps"]),
            storm=row["storm"],
            **{name: to_moment(row[name]) for name in (*_MOMENTS, "acked_at", "snoozed_until")},
        )
        for row in db.execute("SELECT * FROM incidents WHERE closed_at IS NULL")
    }


def openings(db: sqlite3.Connection, now: datetime) -> dict[str, int]:
    """How often each group opened in the last hour."""
    rows = db.execute(
        "SELECT grp, count(*) AS n FROM incidents WHERE opened_at > ? AND opened_at <= ? GROUP BY 1",
        (to_text(now - FLAPS_WITHIN), to_text(now)),
    )
    return {row["grp"]: row["n"] for row in rows}


def known_ids(db: sqlite3.Connection, now: datetime) -> frozenset[str]:
    """The incidents that began now or later: the clock was set back."""
    rows = db.execute("SELECT id FROM incidents WHERE opened_at >= ?", (to_text(now - timedelta(seconds=1)),))
    return frozenset(row["id"] for row in rows)


def keep_incident(db: sqlite3.Connection, incident: Incident) -> None:
    """Remember an incident as it is now; what people did about it is left as it is."""
    kept = {
        "id": incident.id,
        "grp": incident.group,
        "severity": incident.severity,
        "opened_at": to_text(incident.opened_at),
        "message": incident.message.to_json(),
        "told": incident.told,
        "channels": json.dumps(incident.channels),
        "hush": incident.hush,
        "flaps": incident.flaps,
        "storm": incident.storm,
        **{name: to_text(when) if (when := getattr(incident, name)) else None for name in _MOMENTS},
    }
    names = ", ".join(kept)
    values = ", ".join(f":{name}" for name in kept)
    changes = ", ".join(f"{name} = excluded.{name}" for name in kept if name not in ("id", "grp", "opened_at"))
    db.execute(
        f"INSERT INTO incidents ({names}) VALUES ({values}) ON CONFLICT (id) DO UPDATE SET {changes}",
        kept,
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
