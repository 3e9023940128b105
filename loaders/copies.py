"""Whether lines are copies of lines already read: by comparing bytes with a file that still holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loaders.compression import Plain
from loaders.identity import HEAD, digest, trail_at

if TYPE_CHECKING:
    from loaders.follow import Followed, Handles
    from loaders.tail import Piece


class Copies:
    """Followed plain files by their first line, so that a copy meets its original."""

    def __init__(self, handles: Handles) -> None:
        self._handles = handles
        self._files: dict[bytes, dict[Followed, None]] = {}
        self._keys: dict[Followed, bytes] = {}

    def put(self, followed: Followed) -> None:
        """Add a file of which something was read."""
        if followed not in self._keys and followed.reader and isinstance(followed.content, Plain):
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

    def holds(self, followed: Followed, piece: Piece) -> bool:
        """Whether another file, up to where it was read, begins with all of this one up to the end of `piece`."""
        if followed.reader is None or not piece.data:
            return False
        trail = followed.reader.trail
        for other in list(self._files.get(_first_line((trail.head + piece.data[:HEAD])[:HEAD]), ())):
            if other is followed or other.generation is None or other.generation.offset < piece.trail.offset:
                continue
            try:
                reader = self._handles.reader(other)
            except OSError:
                continue
            if reader is None or trail_at(reader.content, trail.offset) != trail:
                continue
            if reader.content.read(trail.offset, len(piece.data)) == piece.data and other.unchanged():
                return True
        return False


def _first_line(head: bytes) -> bytes:
    return digest(head[: head.find(b"\n") + 1] or head)
