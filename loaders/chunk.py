"""What the tailer hands to the store, and what the store keeps about a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

FileState = Literal["open", "done", "gone", "replaced", "failed"]


@dataclass(frozen=True, slots=True)
class Windows:
    """Content that proves which file this is: hashes of the first and last bytes before the committed offset.

    A window of length 0 (nothing read yet) matches anything. Offsets are of the uncompressed content.
    """

    head_length: int = 0
    head_hash: bytes = b""
    tail_length: int = 0
    tail_hash: bytes = b""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which file: where it lies and what it begins and ended with when last committed."""

    device: int
    inode: int
    windows: Windows = Windows()

    @property
    def key(self) -> tuple[int, int]:
        """(device, inode): what a file is until it is deleted."""
        return (self.device, self.inode)


@dataclass(frozen=True, slots=True)
class Generation:
    """One life of one file, as committed: how far it was read and what became of its lines.

    lines = stored + quarantined + duplicates + blank; `offset` is the (uncompressed) bytes those lines take, `size`
    the bytes the file had on disk when it was last read.
    """

    id: int
    path: Path
    format: str
    state: FileState
    identity: Identity
    size: int = 0
    offset: int = 0
    lines: int = 0
    stored: int = 0
    quarantined: int = 0
    duplicates: int = 0
    blank: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the content of a generation lies now, after a rename, a copy or a compression."""

    path: Path
    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of one generation: `data` starts at `offset`, where line number `first_line` (from 1) starts.

    `offset` is the generation's committed offset; the store refuses any other, so nothing is stored twice. `data` ends
    with a newline, or is empty when only the other fields are news. `end` is the offset after everything in this
    chunk; it is not always offset + len(data): a last line taken without its newline is handed over with one, and
    `copied` and `rejected` lines have no data. `windows` are those at `end`; `size` is the file's on disk.

    In this order: `copied` lines, which are proven to be byte for byte those of another generation (they count as
    duplicates); the lines of `data`; the `rejected` lines. `place` is set when the generation has moved.
    """

    generation: int
    offset: int
    first_line: int
    data: bytes
    windows: Windows
    end: int
    size: int = 0
    state: FileState = "open"
    note: str = ""
    rejected: tuple[RejectedLine, ...] = ()
    copied: int = 0
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line the tailer could not hand over as text: too long, or unterminated at the end of a finished file."""

    line: int
    offset: int
    length: int
    reason: str
    raw: bytes
