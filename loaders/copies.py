"""Whether lines are copies of lines already read: by comparing bytes with a file that still holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loaders.identity import HEAD, digest, trail_at
from loaders.tail import Piece

if TYPE_CHECKING:
    from loaders.follow import Followed, Handles
    from loaders.tail import Reader

_BLOCK = 1 << 20


class Copies:
    """Followed files by their first line, so that a copy meets its original."""

    def __init__(self, handles: Handles) -> None:
        self._handles = handles
        self._files: dict[bytes, dict[Followed, None]] = {}
        self._keys: dict[Followed, bytes] = {}

    def put(self, followed: Followed) -> None:
        """Add a file of which something was read."""
        if followed not in self._keys and followed.reader and followed.reader.trail.offset:
            key = _first_line(followed.reader.trail.head)
            self._keys[followed] = key
            self._files.setdefault(key, {})[followed] = None

    def drop(self, followed: Followed) -> None:
        """Forget a file."""
        key = self._keys.pop(followed, None)
        if key is not None:
            del self._files[key][followed]
            if not self._files[key]:
                del self._files[key]

    def copied(self, followed: Followed, piece: Piece) -> Piece | None:
        """The first lines of `piece`, when another file up to where it was read begins with all of this one as far."""
        reader = followed.reader
        if reader is None:
            return None
        head = reader.trail.head or reader.content.read(0, HEAD)
        for other in list(self._files.get(_first_line(head), ())):
            if other is not followed and (part := self._shared(followed, reader, piece, other)):
                followed.copy_of = other
                return part
        followed.copy_of = None
        return None

    def _shared(self, followed: Followed, reader: Reader, piece: Piece, other: Followed) -> Piece | None:
        trail, end = reader.trail, piece.trail.offset
        if other.generation is None or other.generation.offset <= trail.offset:
            return None
        try:
            theirs = self._handles.reader(other)
        except OSError:
            return None
        if theirs is None or (followed.copy_of is not other and trail_at(theirs.content, trail.offset) != trail):
            return None
        if piece.data:
            # a last line without its newline was given one, hence not len(piece.data)
            own = piece.data[: end - trail.offset]
            length = min(len(own), other.generation.offset - trail.offset)
            common = common_lines(own, theirs.content.read(trail.offset, length))
            if not common or not other.unchanged():
                return None
            return piece if common == len(own) else Piece(own[:common], trail.after(own[:common]))
        if other.generation.offset < end:
            return None
        at = trail.offset
        while at < end:
            block = theirs.content.read(at, min(_BLOCK, end - at))
            if not block or block != reader.content.read(at, len(block)):
                return None
            at += len(block)
        return piece if other.unchanged() else None


def common_lines(one: bytes, other: bytes) -> int:
    """Bytes both begin with, up to the last newline among them; all of them when they are the same."""
    if one == other:
        return len(one)
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return one.rfind(b"\n", 0, low) + 1


def _first_line(head: bytes) -> bytes:
    return digest(head.partition(b"\n")[0])
