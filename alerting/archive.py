"""What the state file holds, as values for people: incidents with their story, rules, silences, deliveries. Reads only.

Readable by any process at any time, also while the checker writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alerting.message import Message
from alerting.report import reading
from alerting.silences import Silence, load_silences
from alerting.state import read_meta, to_moment, to_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from alerting.actions import Verdict
    from alerting.rules import Severity

UNSENT = ("capped", "superseded")
"""Messages of these states were never meant to interrupt anybody."""


@dataclass(frozen=True, slots=True)
class Episode:
    """A rule fired, from when to when, how bad it got (as shown) and why it ended."""

    rule: str
    severity: Severity
    fired_at: datetime
    ended_at: datetime | None
    end_reason: str
    worst: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one channel and what became of it: decided, and accepted (None: not, or not yet).

    `event`, `title` and `delivery` are the message's.
    """

    subject: str
    event: str
    channel: str
    state: str
    attempts: int
    error: str
    decided_at: datetime
    accepted_at: datetime | None
    title: str
    delivery: str


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did about an incident."""

    at: datetime
    who: str
    action: str
    detail: str


@dataclass(frozen=True, slots=True)
class Story:
    """An incident from its first sign to its end, with all that was said and done about it.

    `since` is when its first rule saw it first, `ended_at` the first moment the last of them did not any more,
    `closed_at` when that had lasted. `message` is what its first message says now; text in it may quote logs.
    """

    id: str
    group: str
    severity: Severity
    since: datetime
    opened_at: datetime
    ended_at: datetime | None
    closed_at: datetime | None
    close_reason: str
    message: Message
    acked_at: datetime | None
    acked_by: str
    snoozed_until: datetime | None
    hush: str
    flaps: bool
    storm: str
    verdict: Verdict | None
    judged_by: str
    episodes: tuple[Episode, ...]
    deliveries: tuple[Delivery, ...]
    deeds: tuple[Deed, ...]

    @property
    def open(self) -> bool:
        """Whether it goes on."""
        return self.closed_at is None

    @property
    def seen_end(self) -> bool:
        """Whether its end was seen, rather than lost with a changed rule or an outage."""
        return self.close_reason == "resolved"


@dataclass(frozen=True, slots=True)
class RuleState:
    """A rule as of the last check: `shown` is the value with its limit, or why there is none."""

    key: str
    state: str
    since: datetime | None
    fired_at: datetime | None
    reason: str
    observed: str
    shown: str


@dataclass(frozen=True, slots=True)
class Archive:
    """Everything since a moment: incidents open or closed after it (newest first), messages decided after it."""

    last_tick: datetime | None
    rules: tuple[RuleState, ...]
    incidents: tuple[Story, ...]
    silences: tuple[Silence, ...]
    deliveries: tuple[Delivery, ...]


EMPTY = Archive(None, (), (), (), ())


def read_archive(state: Path, since: datetime) -> Archive:
    """What is kept there; EMPTY when no checker ever ran."""
    with reading(state) as db:
        if db is None:
            return EMPTY
        rules = db.execute("SELECT * FROM instances ORDER BY key").fetchall()
        incidents = db.execute(
            "SELECT i.*, json_remove(i.message, '$.files') AS words, l.verdict, l.who AS judged_by "
            "FROM incidents AS i LEFT JOIN labels AS l ON l.incident = i.id "
            "WHERE i.closed_at IS NULL OR i.closed_at >= ? ORDER BY i.opened_at DESC, i.id",
            (to_text(since),),
        ).fetchall()
        sent = db.execute(
            "SELECT subject, event, channel, state, attempts, error, created_at, sent_at, "
            "json_extract(payload, '$.title') AS title, json_extract(payload, '$.delivery') AS delivery "
            "FROM outbox WHERE created_at >= ? ORDER BY id",
            (to_text(since),),
        ).fetchall()
        deliveries = [_delivery(row) for row in sent]
        episodes = _by(db.execute("SELECT * FROM episodes ORDER BY id").fetchall(), "incident")
        deeds = _by(db.execute("SELECT * FROM audit ORDER BY id").fetchall(), "subject")
        told: dict[str, list[Delivery]] = {}
        for delivery in deliveries:
            told.setdefault(delivery.subject, []).append(delivery)
        return Archive(
            to_moment(read_meta(db, "last_tick")),
            tuple(_rule(row) for row in rules),
            tuple(_story(row, episodes, told, deeds) for row in incidents),
            load_silences(db, since),
            tuple(deliveries),
        )


def _by(rows: Sequence[sqlite3.Row], name: str) -> Mapping[str, list[sqlite3.Row]]:
    found: dict[str, list[sqlite3.Row]] = {}
    for row in rows:
        found.setdefault(row[name], []).append(row)
    return found


def _rule(row: sqlite3.Row) -> RuleState:
    return RuleState(
        row["key"],
        row["state"],
        to_moment(row["since"]),
        to_moment(row["fired_at"]),
        row["reason"],
        row["observed"],
        row["shown"],
    )


def _story(
    row: sqlite3.Row,
    episodes: Mapping[str, list[sqlite3.Row]],
    told: Mapping[str, list[Delivery]],
    deeds: Mapping[str, list[sqlite3.Row]],
) -> Story:
    message, opened = Message.from_json(row["words"]), datetime.fromisoformat(row["opened_at"])
    closed = to_moment(row["closed_at"])
    return Story(
        row["id"],
        row["grp"],
        row["severity"],
        (message.since or opened).astimezone(UTC),
        opened,
        to_moment(row["quiet_since"]) or closed,
        closed,
        row["close_reason"] or "",
        message,
        to_moment(row["acked_at"]),
        row["acked_by"],
        to_moment(row["snoozed_until"]),
        row["hush"],
        bool(row["flaps"]),
        row["storm"],
        row["verdict"],
        row["judged_by"] or "",
        tuple(_episode(each) for each in episodes.get(row["id"], ())),
        tuple(told.get(row["id"], ())) + tuple(told.get(row["storm"], ()) if row["storm"] else ()),
        tuple(
            Deed(datetime.fromisoformat(each["at"]), each["who"], each["action"], each["detail"])
            for each in deeds.get(row["id"], ())
        ),
    )


def _episode(row: sqlite3.Row) -> Episode:
    return Episode(
        row["instance"],
        row["severity"],
        datetime.fromisoformat(row["fired_at"]),
        to_moment(row["ended_at"]),
        row["end_reason"] or "",
        row["worst_shown"],
    )


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(
        row["subject"],
        row["event"],
        row["channel"],
        row["state"],
        row["attempts"],
        row["error"],
        datetime.fromisoformat(row["created_at"]),
        to_moment(row["sent_at"]),
        row["title"],
        row["delivery"],
    )
