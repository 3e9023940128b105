"""The checker's memory: one SQLite file (WAL), readable while DuckDB is held, the same after a crash as before it.

Everything a tick changes is one transaction, messages to be sent included; so a message exists if and only if the
state it tells of does.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alerting.decide import Instance
from core.errors import StoreCorrupt, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VERSION_1 = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE instances (
    key TEXT PRIMARY KEY, rule_hash TEXT NOT NULL, state TEXT NOT NULL, since TEXT, fired_at TEXT, seen_at TEXT,
    reason TEXT NOT NULL, observed TEXT NOT NULL, shown TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE incidents (
    id TEXT PRIMARY KEY, grp TEXT NOT NULL, severity TEXT NOT NULL, opened_at TEXT NOT NULL, quiet_since TEXT,
    closed_at TEXT, close_reason TEXT, message TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX one_open_incident_per_group ON incidents (grp) WHERE closed_at IS NULL;
CREATE TABLE episodes (
    id INTEGER PRIMARY KEY, instance TEXT NOT NULL, severity TEXT NOT NULL, incident TEXT NOT NULL REFERENCES incidents,
    fired_at TEXT NOT NULL, ended_at TEXT, end_reason TEXT, worst REAL, worst_shown TEXT NOT NULL DEFAULT ''
);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL, event TEXT NOT NULL, channel TEXT NOT NULL,
    payload TEXT NOT NULL, key TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL
        CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'dead', 'superseded', 'capped')),
    attempts INTEGER NOT NULL DEFAULT 0, unsure INTEGER NOT NULL DEFAULT 0, next_attempt_at TEXT NOT NULL,
    deadline_at TEXT NOT NULL, lease_until TEXT, error TEXT NOT NULL DEFAULT '', status INTEGER,
    reference TEXT NOT NULL DEFAULT '', created_at TEXT NOT NULL, sent_at TEXT
);
CREATE INDEX outbox_to_do ON outbox (state, next_attempt_at) WHERE state IN ('queued', 'sending', 'failed');
CREATE INDEX outbox_by_subject ON outbox (subject, channel);
CREATE TABLE digests (
    kind TEXT NOT NULL, local_date TEXT NOT NULL, channel TEXT NOT NULL, created_at TEXT NOT NULL,
    late INTEGER NOT NULL,
    PRIMARY KEY (kind, local_date, channel)
) WITHOUT ROWID;
"""

_VERSION_2 = """
ALTER TABLE incidents ADD COLUMN channels TEXT NOT NULL DEFAULT '[]';
ALTER TABLE incidents ADD COLUMN told TEXT;
ALTER TABLE incidents ADD COLUMN told_at TEXT;
ALTER TABLE incidents ADD COLUMN reminded_at TEXT;
ALTER TABLE incidents ADD COLUMN handed_on_at TEXT;
ALTER TABLE incidents ADD COLUMN hush TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN flaps INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incidents ADD COLUMN storm TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN acked_at TEXT;
ALTER TABLE incidents ADD COLUMN acked_by TEXT NOT NULL DEFAULT '';
ALTER TABLE incidents ADD COLUMN snoozed_until TEXT;
UPDATE incidents SET told = severity, told_at = opened_at;
CREATE INDEX incidents_by_group ON incidents (grp, opened_at);
CREATE INDEX episodes_by_incident ON episodes (incident);
CREATE TABLE storms (
    id TEXT PRIMARY KEY, channels TEXT NOT NULL, severity TEXT NOT NULL, opened_at TEXT NOT NULL,
    last_at TEXT NOT NULL, closed_at TEXT, message TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE silences (
    id INTEGER PRIMARY KEY AUTOINCREMENT, matcher TEXT NOT NULL, starts_at TEXT NOT NULL, ends_at TEXT NOT NULL,
    reason TEXT NOT NULL, who TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE TABLE labels (
    incident TEXT PRIMARY KEY REFERENCES incidents, verdict TEXT NOT NULL CHECK (verdict IN ('useful', 'noise')),
    who TEXT NOT NULL, at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL,
    subject TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE INDEX audit_by_subject ON audit (subject);
CREATE TABLE rule_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, rule TEXT NOT NULL, kind TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL
);
"""

SCHEMA = (_VERSION_1, _VERSION_2)
"""What each version adds to the one before; a file of any earlier version is brought up to date when it is opened."""
SCHEMA_VERSION = len(SCHEMA)


def to_text(when: datetime) -> str:
    """A moment as it is stored: UTC with microseconds, so that the order of the text is the order in time."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def to_moment(text: str | None) -> datetime | None:
    """A stored moment."""
    return datetime.fromisoformat(text) if text else None


class StateFile:
    """The file, with one connection shared by the checker's threads; every use is a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path) -> StateFile:
        """Open or create; StoreUnusable says why it cannot be used, StoreCorrupt that its content is damaged."""
        connection: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            _bring_up_to_date(connection, path)
            _check(connection)
        except (OSError, sqlite3.Error, StoreUnusable) as error:
            if connection:
                connection.close()
            if isinstance(error, StoreUnusable):
                raise
            kind = StoreCorrupt if type(error) is sqlite3.DatabaseError else StoreUnusable
            raise kind(f"the alert state in {path} cannot be used: {error}") from error
        return cls(connection)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; other threads and other processes wait."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file; safe to call twice."""
        with self._lock:
            self._connection.close()


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for addition in SCHEMA[version:]:
        for statement in addition.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {max(version, SCHEMA_VERSION)}")
    connection.execute("COMMIT")
    if version > SCHEMA_VERSION:
        raise StoreUnusable(
            f"the alert state in {path} was written by a newer Burnline (version {version}, this one reads "
            f"{SCHEMA_VERSION}); start that one, or name another file with BURNLINE_STATE"
        )


def _check(connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def read_meta(db: sqlite3.Connection, name: str) -> str | None:
    """A remembered word, or None."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def write_meta(db: sqlite3.Connection, name: str, value: str) -> None:
    """Remember a word."""
    db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value))


def load_instances(db: sqlite3.Connection) -> dict[str, Instance]:
    """Every rule's state, by key."""
    return {
        row["key"]: Instance(
            row["key"],
            row["rule_hash"],
            row["state"],
            to_moment(row["since"]),
            to_moment(row["fired_at"]),
            to_moment(row["seen_at"]),
        )
        for row in db.execute("SELECT * FROM instances")
    }


def save_instance(db: sqlite3.Connection, instance: Instance, reason: str, observed: str, shown: str) -> None:
    """Remember a rule's state, why it is so, and what was seen (`shown` is for people)."""
    db.execute(
        "INSERT INTO instances VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "rule_hash = excluded.rule_hash, state = excluded.state, since = excluded.since, fired_at = excluded.fired_at, "
        "seen_at = excluded.seen_at, reason = excluded.reason, observed = excluded.observed, shown = excluded.shown",
        (
            instance.key,
            instance.rule_hash,
            instance.state,
            *(to_text(when) if when else None for when in (instance.since, instance.fired_at, instance.seen_at)),
            reason,
            observed,
            shown,
        ),
    )


def forget_instance(db: sqlite3.Connection, key: str) -> None:
    """Drop the state of a rule that is gone."""
    db.execute("DELETE FROM instances WHERE key = ?", (key,))
