"""One line at a time: rows to store, lines to refuse, blanks to count."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loaders.decode import decode, is_blank
from loaders.formats import FORMATS
from loaders.refusal import Refused
from loaders.validate import row

if TYPE_CHECKING:
    from loaders.validate import Row

KEPT_BYTES = 4096
"""How much of a refused line the quarantine keeps; a longer one is told by its length and SHA-256."""


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """One line for the quarantine: where it stood, why, and its first bytes."""

    line: int
    offset: int
    length: int
    reason: str
    detail: str
    raw: bytes
    sha256: str | None = None

    @classmethod
    def of(cls, line: int, offset: int, raw: bytes, why: Refused) -> RefusedLine:
        """The line `raw` (without its newline), refused."""
        whole = None if len(raw) <= KEPT_BYTES else hashlib.sha256(raw).hexdigest()
        return cls(line, offset, len(raw), why.reason, why.detail, raw[:KEPT_BYTES], whole)


@dataclass(slots=True)
class Sorted:
    """What became of some lines: `rows` are (line number, row), several for a line that holds several records."""

    rows: list[tuple[int, Row]] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)
    blank: int = 0


def sort_line(done: Sorted, line: bytes, number: int, offset: int, format_name: str) -> None:
    """Add one line to what was sorted. A line is stored whole or refused whole."""
    if is_blank(line):
        done.blank += 1
        return
    try:
        rows = [row(record) for record in FORMATS[format_name](decode(line))]
    except Refused as why:
        done.refused.append(RefusedLine.of(number, offset, line, why))
    else:
        done.rows += [(number, made) for made in rows]
