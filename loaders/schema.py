"""The store's tables, built from the columns of the record."""

from __future__ import annotations

from core.record import COLUMNS

SCHEMA_VERSION = 1

RECORD_ID = "coalesce(nullif(span_id, ''), nullif(request_id, ''))"
"""What tells records of one service and kind apart; null for a record without an id."""

_COMPRESSION = (
    (("request_id", "trace_id", "span_id", "parent_span_id", "session_id"), "fsst"),
    (
        ("kind", "status", "agent_id", "error_code", "timeout_type", "operation", "service", "feature", "environment",
         "model_version", "prompt_version", "model", "user_id"),
        "dictionary",
    ),
    (tuple(column.name for column in COLUMNS if column.type == "DOUBLE"), "alp"),
    (tuple(column.name for column in COLUMNS if column.type in ("BIGINT", "TIMESTAMPTZ")), "bitpacking"),
)  # fmt: skip
"""How columns are packed on disk. DuckDB by itself tries every method on every block: a quarter of all the work."""


def _column(name: str, kind: str) -> str:
    packed = next((f" USING COMPRESSION {method}" for names, method in _COMPRESSION if name in names), "")
    return f'"{name}" {kind}{packed}'


TABLES = f"""
CREATE TABLE store (
    schema_version INTEGER NOT NULL, version BIGINT NOT NULL, newest TIMESTAMPTZ, read_at TIMESTAMPTZ
);
INSERT INTO store VALUES ({SCHEMA_VERSION}, 0, NULL, NULL);

CREATE TABLE generations (
    id INTEGER NOT NULL, path BLOB NOT NULL, format VARCHAR NOT NULL, state VARCHAR NOT NULL,
    device UBIGINT NOT NULL, inode UBIGINT NOT NULL,
    head_length BIGINT NOT NULL, head_hash BLOB NOT NULL, tail_length BIGINT NOT NULL, tail_hash BLOB NOT NULL,
    size BIGINT NOT NULL, "offset" BIGINT NOT NULL, lines BIGINT NOT NULL,
    stored BIGINT NOT NULL, quarantined BIGINT NOT NULL, duplicates BIGINT NOT NULL, blank BIGINT NOT NULL,
    note VARCHAR NOT NULL
);

CREATE TABLE records (
    generation INTEGER NOT NULL, line BIGINT NOT NULL USING COMPRESSION bitpacking,
    {", ".join(_column(column.name, column.type) for column in COLUMNS)}
);

CREATE TABLE quarantine (
    generation INTEGER NOT NULL, line BIGINT NOT NULL, "offset" BIGINT NOT NULL, length BIGINT NOT NULL,
    reason VARCHAR NOT NULL, detail VARCHAR NOT NULL, raw BLOB NOT NULL, sha256 VARCHAR, "at" TIMESTAMPTZ NOT NULL
);

CREATE TABLE quarantine_counts (generation INTEGER NOT NULL, reason VARCHAR NOT NULL, lines BIGINT NOT NULL);
"""
