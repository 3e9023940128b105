"""What routes and commands tell of files and refused lines, as plain JSON types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

LINES = ("lines", "stored", "quarantined", "duplicates", "blank")
"""The ledger: the first is the sum of the others."""
SUMS = ("bytes", "offset", *LINES)
"""What is counted per file and in total."""


class Ledger(Protocol):
    """The one method the status is made of."""

    def ledger(self) -> Sequence[Mapping[str, Any]]:
        """One row per file: path, format, state, note and SUMS."""
        ...


class Quarantine(Protocol):
    """What is kept of refused lines."""

    def quarantine(self, limit: int = ...) -> Sequence[Mapping[str, Any]]:
        """The newest refused lines."""
        ...

    def quarantine_counts(self) -> Mapping[str, int]:
        """How many lines were refused, by reason."""
        ...


def status_report(store: Ledger, mode: str, lag: timedelta | None) -> dict[str, Any]:
    """`loaders status --json` and /api/v1/status.

    `mode` is how files are watched ("events", "polling", "stopped"), `lag` for how long something unread has waited
    (None when nobody watches).
    """
    return account(store.ledger(), mode, lag)


def account(
    files: Sequence[Mapping[str, Any]], mode: str, lag: timedelta | None, notes: Sequence[str] = ()
) -> dict[str, Any]:
    """The same for some files only; `notes` are sentences about what was not read, after those of failed files."""
    rows = [{name: file[name] for name in ("path", "format", "state", *SUMS)} for file in files]
    failed = [f"{file['path']}: {file['note']}" for file in files if file["state"] == "failed" and file.get("note")]
    return {
        "files": rows,
        "totals": {name: sum(row[name] for row in rows) for name in SUMS},
        "mode": mode,
        "lag_s": None if lag is None else lag.total_seconds(),
        "notes": [*failed, *notes],
    }


def quarantine_report(store: Quarantine, limit: int = 100) -> dict[str, Any]:
    """`loaders quarantine --json` and /api/v1/quarantine: counts by reason, and the newest `limit` lines.

    A line's `raw` is its first 4 KiB as text; bytes that are no UTF-8 are written as escapes.
    """
    return {
        "counts": dict(store.quarantine_counts()),
        "lines": [
            {**line, "raw": bytes(line["raw"]).decode("utf-8", "backslashreplace"), "at": _iso(line["at"])}
            for line in store.quarantine(limit)
        ],
    }


def _iso(at: datetime) -> str:
    return at.isoformat()
