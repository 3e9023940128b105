"""Which file is this? Not its name and not its inode alone: what it begins with and what it held where we stopped.

A name is renamed, an inode is used again; content before the committed offset stays. So a file is the one we know when
its first and last bytes before that offset are unchanged. Known limit: a rewrite that keeps both windows byte for byte
the same, and is at least as long, is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, Protocol

from loaders.chunk import Windows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from loaders.chunk import Generation

HEAD = 1024
"""Bytes of the first window, at most."""
TAIL = 4096
"""Bytes of the window before the committed offset, at most."""


class Content(Protocol):
    """The uncompressed bytes of one open file."""

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer only where the content ends for now."""
        ...


def digest(data: bytes) -> bytes:
    """The hash of a window: 16 bytes, so that a chance match is out of the question."""
    return blake2b(data, digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Trail:
    """Where reading stands in a content, with the bytes its windows are made of."""

    head: bytes = b""
    tail: bytes = b""
    offset: int = 0

    def after(self, data: bytes) -> Trail:
        """The trail once `data`, which follows it, was read."""
        head = self.head if len(self.head) == HEAD else (self.head + data[:HEAD])[:HEAD]
        tail = data[-TAIL:] if len(data) >= TAIL else (self.tail + data)[-TAIL:]
        return Trail(head, tail, self.offset + len(data))

    def windows(self) -> Windows:
        """The content windows at this offset."""
        return Windows(len(self.head), digest(self.head), len(self.tail), digest(self.tail))

    @property
    def mid_line(self) -> bool:
        """Whether the last line before the offset was taken without its newline."""
        return self.offset > 0 and not self.tail.endswith((b"\n", b"\0"))


def trail_at(content: Content, offset: int) -> Trail | None:
    """The trail of a content at `offset`, or None when it is shorter than that."""
    head = content.read(0, min(HEAD, offset))
    length = min(TAIL, offset)
    tail = content.read(offset - length, length)
    return Trail(head, tail, offset) if len(tail) == length else None


def matches(generation: Generation, content: Content) -> Trail | None:
    """The content's trail at the generation's offset when it holds all we consumed of it, else None."""
    trail = trail_at(content, generation.offset)
    if trail is None or generation.offset == 0:
        return trail
    return trail if trail.windows() == generation.identity.windows else None


class HeadIndex:
    """Generations by the hash of how they begin, so that a new file meets only those it may continue."""

    def __init__(self, generations: Iterable[Generation] = ()) -> None:
        self._ids: dict[tuple[int, bytes], set[int]] = {}
        self._keys: dict[int, tuple[int, bytes]] = {}
        self._lengths: dict[int, int] = {}
        for generation in generations:
            self.put(generation)

    def put(self, generation: Generation) -> None:
        """Add a generation, or move it to the windows it has now."""
        windows = generation.identity.windows
        key = (windows.head_length, windows.head_hash)
        old = self._keys.get(generation.id)
        if old == key or windows.head_length == 0:
            return
        if old is not None:
            self._ids[old].discard(generation.id)
            self._count(old[0], -1)
        self._keys[generation.id] = key
        self._ids.setdefault(key, set()).add(generation.id)
        self._count(key[0], 1)

    def _count(self, length: int, change: int) -> None:
        self._lengths[length] = self._lengths.get(length, 0) + change
        if not self._lengths[length]:
            del self._lengths[length]

    def beginning_like(self, head: bytes) -> set[int]:
        """Ids of the generations whose first window is what `head` (up to 1 KiB of a content) begins with."""
        found: set[int] = set()
        for length in self._lengths:
            if length <= len(head):
                found |= self._ids.get((length, digest(head[:length])), set())
        return found


Action = Literal["continue", "move", "copy", "begin"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a file no reading is bound to, which generation it concerns, and why."""

    action: Action
    generation: int | None
    reason: str


def decide(key: tuple[int, int], matching: Iterable[Generation], alive: Collection[int]) -> Decision:
    """What a file is, given the generations whose consumed content it begins with.

    `key` is its (device, inode); `alive` are the generations whose own file still holds them. Of several that match,
    one at the same inode wins, then one that lost its file, then the one read furthest. (Reading on from there passes
    over what others have read.)
    """
    matching = list(matching)
    own = [g for g in matching if g.identity.key == key and g.id not in alive]
    if own:
        best = max(own, key=lambda g: (g.offset, g.id))
        return Decision("continue", best.id, "same file, and it begins with everything read before")
    others = [g for g in matching if g.lines > 0]
    if not others:
        return Decision("begin", None, "it begins like no file read before")
    best = max(others, key=lambda g: (g.id not in alive, g.offset, g.id))
    if best.id in alive:
        return Decision("copy", best.id, f"a copy of {best.path.name}: it begins with everything read from it")
    return Decision("move", best.id, f"{best.path.name} under another name: it begins with everything read from it")
