"""What a person may do about alerts: acknowledge, snooze, silence, judge. Each leaves an audit row saying who and when.

Any process may call these while the checker runs: the state file is shared, and the checker sees the change with its
next tick. Each raises UsageError for something that does not exist or makes no sense, naming what does.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from alerting.dispatch import tell_acknowledged
from alerting.message import Message
from alerting.silences import MATCHES
from alerting.state import StateFile, to_text
from core.errors import UsageError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

Verdict = Literal["useful", "noise"]
LONGEST_SILENCE = timedelta(days=7)
LONGEST_SNOOZE = timedelta(days=7)


def acknowledge(state: Path, incident: str, who: str, now: datetime) -> tuple[str, ...]:
    """Somebody is on it: no reminders and no escalation, unless it gets worse. Ends with the incident.

    Channels that can say so in place do (Slack in the first message, PagerDuty by an acknowledgement).

    `incident` is an ID or its unambiguous beginning; that of a storm acknowledges every open incident in it. Returns
    the IDs acknowledged.
    """
    with _open(state) as db:
        found = _open_incidents(db, incident)
        for name in found:
            db.execute("UPDATE incidents SET acked_at = ?, acked_by = ? WHERE id = ?", (to_text(now), who, name))
            (message,) = db.execute("SELECT message FROM incidents WHERE id = ?", (name,)).fetchone()
            tell_acknowledged(db, Message.from_json(message), who, now)
            _note(db, now, who, "acknowledge", name)
    return found


def snooze(state: Path, incident: str, until: datetime, who: str, now: datetime) -> tuple[str, ...]:
    """No reminders and no escalation before `until`; then one reminder if it is still going on. IDs as above."""
    _in_the_future(until - now, LONGEST_SNOOZE, "a snooze")
    with _open(state) as db:
        found = _open_incidents(db, incident)
        for name in found:
            db.execute("UPDATE incidents SET snoozed_until = ? WHERE id = ?", (to_text(until), name))
            _note(db, now, who, "snooze", name, detail=f"until {to_text(until)}")
    return found


def silence(
    state: Path, matcher: Mapping[str, str], *, start: datetime, end: datetime, reason: str, who: str, now: datetime
) -> int:
    """Rules that match every part of `matcher` tell nothing from `start` to `end`; returns the number of the silence.

    `matcher` maps names of `alerting.silences.MATCHES` to a value or a pattern with `*`. Incidents are recorded and
    shown; one that still goes on when the silence ends is told then.
    """
    unknown = sorted(set(matcher) - set(MATCHES))
    if unknown or not matcher or not all(matcher.values()):
        found = f"cannot match {', '.join(unknown)}" if unknown else "a silence must say what it silences"
        raise UsageError(f"{found}; name one or more of {', '.join(MATCHES)}, each with a value")
    if not reason.strip():
        raise UsageError("a silence needs a reason: whoever is on call tonight will read it")
    _in_the_future(end - max(start, now), LONGEST_SILENCE, "a silence")
    with _open(state) as db:
        row = db.execute(
            "INSERT INTO silences (matcher, starts_at, ends_at, reason, who, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            (json.dumps(dict(matcher)), to_text(start), to_text(end), reason.strip(), who, to_text(now)),
        )
        number = int(row.lastrowid or 0)
        asked = ", ".join(f"{name} {value}" for name, value in matcher.items())
        _note(db, now, who, "silence", f"silence {number}", detail=f"{asked} until {to_text(end)}: {reason.strip()}")
    return number


def end_silence(state: Path, number: int, who: str, now: datetime) -> None:
    """End a silence now; one that has not begun never begins."""
    with _open(state) as db:
        row = db.execute("SELECT ends_at FROM silences WHERE id = ?", (number,)).fetchone()
        if row is None or row["ends_at"] <= to_text(now):
            raise UsageError(f"no silence {number} is in force or to come; see `python -m alerting silences`")
        db.execute("UPDATE silences SET ends_at = ? WHERE id = ?", (to_text(now), number))
        _note(db, now, who, "end silence", f"silence {number}")


def mark_useful(state: Path, incident: str, who: str, now: datetime) -> str:
    """Label an incident (open or over) as worth the interruption; returns its ID. The last label counts."""
    return _label(state, incident, "useful", who, now)


def mark_noise(state: Path, incident: str, who: str, now: datetime) -> str:
    """Label an incident as a false alarm; returns its ID."""
    return _label(state, incident, "noise", who, now)


def _label(state: Path, incident: str, verdict: Verdict, who: str, now: datetime) -> str:
    with _open(state) as db:
        name = _one(db, incident, "SELECT id FROM incidents", "incident")
        db.execute(
            "INSERT INTO labels VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET verdict = excluded.verdict, "
            "who = excluded.who, at = excluded.at",
            (name, verdict, who, to_text(now)),
        )
        _note(db, now, who, verdict, name)
    return name


def _open_incidents(db: sqlite3.Connection, asked: str) -> tuple[str, ...]:
    if asked.startswith("storm-"):
        rows = db.execute("SELECT id FROM incidents WHERE storm = ? AND closed_at IS NULL ORDER BY id", (asked,))
        if found := tuple(row["id"] for row in rows):
            return found
    return (_one(db, asked, "SELECT id FROM incidents WHERE closed_at IS NULL", "open incident"),)


def _one(db: sqlite3.Connection, asked: str, query: str, what: str) -> str:
    names = [row["id"] for row in db.execute(query)]
    found = [name for name in names if name == asked] or [name for name in names if asked and name.startswith(asked)]
    if len(found) == 1:
        return str(found[0])
    if found:
        raise UsageError(f'"{asked}" fits {len(found)} {what}s: {", ".join(sorted(found)[:5])}')
    there = f"; there is {', '.join(sorted(names)[-5:])}" if names else "; there is none"
    raise UsageError(f'no {what} "{asked}"{there}')


def _in_the_future(length: timedelta, longest: timedelta, what: str) -> None:
    if not timedelta(0) < length <= longest:
        raise UsageError(f"{what} ends in the future and lasts at most {longest.days} days")


def _note(db: sqlite3.Connection, now: datetime, who: str, action: str, subject: str, *, detail: str = "") -> None:
    db.execute(
        "INSERT INTO audit (at, who, action, subject, detail) VALUES (?, ?, ?, ?, ?)",
        (to_text(now), who, action, subject, detail),
    )


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.exists():
        raise UsageError(f"there is no alert state at {path}; start the dashboard, or say where it is with --state")
    state = StateFile.open(path)
    try:
        with state.transaction() as db:
            yield db
    finally:
        state.close()
