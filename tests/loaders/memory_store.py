"""A store that keeps whole lines in memory and proves nothing itself: what is handed over twice is stored twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from loaders.chunk import Chunk, Generation, Identity, RejectedLine


class MemoryStore:
    """Keeps the contract of `append`: a chunk continues its generation, or it is refused."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.rejected: list[RejectedLine] = []
        self.chunks: list[Chunk] = []
        self.fail: str = ""
        self._generations: dict[int, Generation] = {}

    def generations(self) -> list[Generation]:
        return list(self._generations.values())

    def open_generation(self, path: Path, identity: Identity, format_name: str, /) -> Generation:
        made = Generation(len(self._generations) + 1, path, format_name, "open", identity)
        self._generations[made.id] = made
        return made

    def append(self, chunk: Chunk) -> Generation:
        """`fail` "before" loses the next chunk, "after" keeps it and fails all the same."""
        fail, self.fail = self.fail, ""
        if fail == "before":
            raise OSError("No space left on device")
        before = self._generations[chunk.generation]
        assert (chunk.offset, chunk.first_line) == (before.offset, before.lines + 1)
        assert not chunk.data or chunk.data.endswith(b"\n")
        lines = chunk.data.split(b"\n")[:-1]
        blank = sum(not line.strip() for line in lines)
        self.lines += [line for line in lines if line.strip()]
        self.rejected += chunk.rejected
        self.chunks.append(chunk)
        place = chunk.place
        after = replace(
            before,
            path=place.path if place else before.path,
            identity=Identity(*(place.device, place.inode) if place else before.identity.key, chunk.windows),
            state=chunk.state,
            note=chunk.note,
            size=chunk.size,
            offset=chunk.end,
            lines=before.lines + chunk.copied + len(lines) + len(chunk.rejected),
            stored=before.stored + len(lines) - blank,
            quarantined=before.quarantined + len(chunk.rejected),
            duplicates=before.duplicates + chunk.copied,
            blank=before.blank + blank,
        )
        self._generations[after.id] = after
        if fail == "after":
            raise OSError("No space left on device")
        return after
