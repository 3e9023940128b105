"""What became of the files: the ledger summed, and the files to look at first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PACKED = (".gz", ".zst")
"""Of these files `offset` counts bytes that are not on the disk as such: what is unread of them is not told."""


@dataclass(frozen=True, slots=True)
class Files:
    """All files together: `lines` = `stored` + `refused` + `duplicates` + `blank`.

    `unread` is bytes written and not read yet, of files that are not packed; `failed` counts files that could not be
    read to their end.
    """

    files: int
    lines: int
    stored: int
    refused: int
    duplicates: int
    blank: int
    unread: int
    failed: int


def files(ledger: Sequence[Mapping[str, Any]]) -> Files:
    """The sums over a ledger (`core.selection.Reader.ledger`)."""
    lines, stored, refused, duplicates, blank = (
        sum(row[name] for row in ledger) for name in ("lines", "stored", "quarantined", "duplicates", "blank")
    )
    failed = sum(row["state"] == "failed" for row in ledger)
    return Files(len(ledger), lines, stored, refused, duplicates, blank, sum(map(unread, ledger)), failed)


def unread(row: Mapping[str, Any]) -> int:
    """Bytes of one file that were written and not read yet; 0 for a packed one, and for one that is gone."""
    there = row["state"] in ("open", "failed") and not str(row["path"]).endswith(PACKED)
    return max(0, row["bytes"] - row["offset"]) if there else 0


def first(ledger: Sequence[Mapping[str, Any]], most: int) -> list[Mapping[str, Any]]:
    """The files to look at first: those that failed, then by refused lines, by what is unread, and the newest."""
    order = sorted(
        enumerate(ledger),
        key=lambda item: (item[1]["state"] != "failed", -item[1]["quarantined"], -unread(item[1]), -item[0]),
    )
    return [row for _, row in order[:most]]
