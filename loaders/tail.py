"""Whole lines from a content, a bounded piece at a time. Half a line is never handed over."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loaders.chunk import RejectedLine
from loaders.identity import HEAD, TAIL, Content, Trail, trail_at

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 1 << 20
TOO_LONG, UNTERMINATED, DAMAGED = "too_long", "unterminated", "damaged_archive"
"""Why a line is rejected before anybody looks into it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes: of one piece, of one line, and of a rejected line that are kept."""

    chunk: int = 128 << 20
    line: int = 1 << 20
    kept: int = 4 << 10


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Piece:
    """What comes next in a content: whole lines, or one rejected line, or bytes to pass over (`note` says why).

    `trail` stands after it all. `rest` is the number of bytes behind it that no newline ends yet.
    """

    data: bytes
    trail: Trail
    rest: int = 0
    rejected: tuple[RejectedLine, ...] = ()
    note: str = ""


class Reader:
    """Reads pieces of one content from a trail on."""

    def __init__(self, content: Content, trail: Trail, limits: Limits = LIMITS) -> None:
        self.content, self.trail, self.limits = content, trail, limits
        self._rest = b""
        self._beyond: Trail | None = None
        """How far a line that is too long was searched for its end, so that nothing is searched twice."""

    def peek(self, line: int) -> Piece:
        """The next piece, whose first line has this number. `accept` it once it is stored."""
        trail, limits = self.trail, self.limits
        if self._beyond is not None and trail_at(self.content, self._beyond.offset) == self._beyond:
            return self._long_line(line, self._beyond)
        self._beyond = None
        buffer = self.content.read(trail.offset, limits.chunk)
        if trail.mid_line:
            late = b"\r\n" if buffer.startswith(b"\r\n") else b"\n"
            if buffer.startswith(late):
                return Piece(b"", trail.after(late))
        if trail.offset == 0 and buffer.startswith(b"\0"):
            return self._leading_zeros()
        end, too_long = whole_lines(buffer, limits.line)
        if end:
            data = buffer if end == len(buffer) else buffer[:end]
            return Piece(data, trail.after(data), len(buffer) - end)
        self._rest = buffer[: limits.kept] if too_long else buffer
        if too_long:
            return self._long_line(line, trail.after(buffer[: limits.line]))
        return Piece(b"", trail, len(buffer))

    def accept(self, piece: Piece) -> None:
        """Go on after this piece."""
        if piece.trail.offset != self.trail.offset:
            self._beyond, self._rest = None, b""
        self.trail = piece.trail

    @property
    def rest(self) -> tuple[bytes, int]:
        """What `peek` left over after the last newline: its first bytes, and how many there are."""
        if self._beyond is not None:
            return self._rest, self._beyond.offset - self.trail.offset
        return self._rest[: self.limits.kept], len(self._rest)

    def last_line(self, line: int, *, final: str = "") -> Piece | None:
        """What `peek` left over after the last newline, as a line of its own; None when it has to wait.

        A complete JSON object lacks nothing but its newline and is handed over with one. Anything else is half a
        line: it waits, or it is rejected when `final` gives the reason why nothing will follow. The trail stays before
        a rejected half, so that it is read whole should the rest of it ever come.
        """
        rest, start = self._rest, self.trail
        if self._beyond is None and is_json_object(rest):
            return Piece(rest + b"\n", start.after(rest))
        if not (rest and final):
            return None
        kept, length = self.rest
        if not kept.strip():
            return None
        return Piece(b"", start, rejected=(RejectedLine(line, start.offset, length, final, kept),))

    def _long_line(self, line: int, beyond: Trail) -> Piece:
        """Find the end of a line that is too long, holding one block of it at a time."""
        start = self.trail
        for block in self._blocks(beyond.offset):
            self._beyond = beyond
            if (newline := block.find(b"\n")) >= 0:
                end = beyond.after(block[: newline + 1])
                length = end.offset - start.offset - 1
                return Piece(b"", end, rejected=(RejectedLine(line, start.offset, length, TOO_LONG, self._rest),))
            beyond = beyond.after(block)
        self._beyond = beyond
        return Piece(b"", start, beyond.offset - start.offset)

    def _leading_zeros(self) -> Piece:
        """The hole a writer leaves that keeps its position when its file is truncated, and all it says is nothing."""
        zeros = 0
        for block in self._blocks(0):
            text = block.lstrip(b"\0")
            zeros += len(block) - len(text)
            if text:
                trail = Trail(bytes(min(HEAD, zeros)), bytes(min(TAIL, zeros)), zeros)
                return Piece(b"", trail, note=f"{zeros:,} zero bytes at the start were passed over")
        return Piece(b"", self.trail, zeros)

    def _blocks(self, offset: int) -> Iterator[bytes]:
        while block := self.content.read(offset, _BLOCK):
            yield block
            offset += len(block)


def walk(content: Content, trail: Trail, end: int) -> tuple[Trail, int]:
    """The trail at `end` (or where the content ends before), and the number of lines from here to there."""
    lines = -int(trail.mid_line)  # its newline is still to come
    while trail.offset < end and (block := content.read(trail.offset, min(_BLOCK, end - trail.offset))):
        lines += block.count(b"\n")
        trail = trail.after(block)
    return trail, lines + int(trail.mid_line)


def whole_lines(buffer: bytes, longest: int) -> tuple[int, bool]:
    """Where the whole lines at the start of `buffer` end, and whether they end because the next one is too long."""
    position = 0
    while (newline := buffer.rfind(b"\n", position, position + longest + 1)) >= 0:
        position = newline + 1
    return position, len(buffer) - position > longest


def is_json_object(line: bytes) -> bool:
    """Whether the line is one complete JSON object."""
    if not line.lstrip().startswith(b"{") or not line.rstrip().endswith(b"}"):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def why_not_text(sample: bytes) -> str:
    """Why a file that begins like this is no text ("" when it is): control characters, as no log line has them."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16 text; write the log as UTF-8"
    controls = len(sample.translate(None, delete=_TEXT))
    if controls >= 4 and controls > len(sample) * 0.02:
        return f"a binary file: {controls:,} of its first {len(sample):,} bytes are control characters"
    return ""


_TEXT = bytes(set(range(256)) - set(range(32)) - {127} | set(b"\t\n\v\f\r\x1b"))
