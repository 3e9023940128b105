"""Many incidents at once are told as one: a storm, whose message is put into a new form as it grows and ends.

Each incident is recorded as always. Critical ones that join are named in the storm's thread, where they are noticed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerting import news
from alerting.dispatch import tell_again, tell_end, tell_first, tell_form, tell_raised
from alerting.message import Message
from alerting.news import Part
from alerting.rules import SEVERITIES
from alerting.state import to_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from alerting.telling import Telling
    from core.settings import Settings

WITHIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Recent:
    """What channels were told of in the last five minutes: how many incidents, and the storm that still takes more."""

    told: int = 0
    storm: str = ""


def recently(db: sqlite3.Connection, now: datetime) -> dict[tuple[str, ...], Recent]:
    """By channels, what `fold` must know; information does not count, because it never interrupts."""
    since, until = to_text(now - WITHIN), to_text(now)
    storms = {
        row["channels"]: row["id"]
        for row in db.execute(
            "SELECT channels, id FROM storms WHERE closed_at IS NULL AND last_at > ? AND last_at <= ?", (since, until)
        )
    }
    counts = {
        row["channels"]: row["n"]
        for row in db.execute(
            "SELECT channels, count(*) AS n FROM incidents WHERE told_at > ? AND told_at <= ? "
            "AND told IN ('warning', 'critical') AND storm = '' GROUP BY 1",
            (since, until),
        )
    }
    return {
        tuple(json.loads(written)): Recent(counts.get(written, 0), storms.get(written, ""))
        for written in counts.keys() | storms.keys()
    }


def fold(
    firsts: Mapping[tuple[str, ...], Sequence[str]],
    recent: Mapping[tuple[str, ...], Recent],
    most: int,
    now: datetime,
) -> dict[str, str]:
    """By incident, the storm it is told in: all that begin now when there is a storm or they would be more than `most`.

    `firsts` are the incidents that would be told for the first time, by channels.
    """
    found: dict[str, str] = {}
    for channels, incidents in firsts.items():
        before = recent.get(channels, Recent())
        if before.storm or before.told + len(incidents) > most:
            found |= dict.fromkeys(incidents, before.storm or storm_id(channels, now))
    return found


def storm_id(channels: Sequence[str], now: datetime) -> str:
    """Names a storm for good."""
    return f"storm-{hashlib.sha256(json.dumps(channels).encode()).hexdigest()[:4]}-{int(now.timestamp())}"


def tell_storm(
    db: sqlite3.Connection,
    storm: str,
    said: Sequence[Telling],
    *,
    channels: Sequence[str],
    settings: Settings,
    now: datetime,
) -> None:
    """Bring the storm's message up to date with its incidents; `said` is what is new about them in this tick."""
    row = db.execute("SELECT * FROM storms WHERE id = ?", (storm,)).fetchone()
    names = _parts(db, storm)
    parts = sorted(names.values(), key=lambda part: (part.over, -SEVERITIES.index(part.severity), part.title))
    severity = max((part.severity for part in parts), key=SEVERITIES.index)
    opened_at = datetime.fromisoformat(row["opened_at"]) if row else now
    channels = tuple(dict.fromkeys((*(json.loads(row["channels"]) if row else ()), *channels)))
    message = news.storm(storm, opened_at, severity, parts, settings)
    over = all(part.over for part in parts)
    joined = any(telling.first for telling in said)
    last_at = to_text(now) if joined or row is None else row["last_at"]
    db.execute(
        "INSERT INTO storms VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET severity = excluded.severity, "
        "last_at = excluded.last_at, closed_at = excluded.closed_at, message = excluded.message",
        (
            storm,
            row["channels"] if row else json.dumps(channels),
            severity,
            to_text(opened_at),
            last_at,
            to_text(now) if over else None,
            message.to_json(),
        ),
    )
    if row is None:
        tell_first(db, message, channels, settings, now)
        return
    if over:
        tell_end(db, news.storm_over(message, opened_at, settings, now), "resolved", settings, now)
        return
    worse = SEVERITIES.index(severity) > SEVERITIES.index(row["severity"])
    unanswered = [telling for telling in said if telling.why == "unanswered"]
    named = [t for t in said if t not in unanswered and (not t.first or t.lead.severity == "critical")]
    if worse:
        tell_raised(db, news.storm_worse(message), channels, settings, now)
    for about, where in ((unanswered, settings.alerting.escalate_to), (() if worse else named, channels)):
        if about:
            titles = [names[telling.incident.id].title for telling in about]
            tell_again(db, news.storm_news(message, about, titles, settings), where, settings, now)
    if message.to_json() != row["message"] and not worse:
        tell_form(db, replace(message, event="escalated"), channels, now)


def _parts(db: sqlite3.Connection, storm: str) -> dict[str, Part]:
    """Its incidents by ID."""
    rows = db.execute("SELECT id, severity, closed_at, message FROM incidents WHERE storm = ?", (storm,))
    return {
        row["id"]: Part(
            news.subject_of(Message.from_json(row["message"])), row["severity"], row["closed_at"] is not None
        )
        for row in rows
    }
