"""What the store holds, as this process knows it: every generation, and where its next chunk goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from core.errors import BurnlineError
from loaders.identity import HeadIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from loaders.chunk import Chunk, Generation, Identity


T = TypeVar("T")


class GenerationStore(Protocol):
    """What reading needs of the store. Each call is one transaction."""

    def generations(self) -> Sequence[Generation]:
        """Every generation as committed."""
        ...

    def open_generation(self, path: Path, identity: Identity, format: str, /) -> Generation:  # noqa: A002
        """A new generation at offset 0."""
        ...

    def append(self, chunk: Chunk, /) -> Generation:
        """Commit rows, offset and account together; the generation as it stands then."""
        ...


class StoreFailed(BurnlineError):  # noqa: N818 - a state, told as a sentence
    """The store did not take a chunk; whether it was committed is only known by asking the store again."""


class Known:
    """The generations by id and by how they begin; every change goes through the store first."""

    def __init__(self, store: GenerationStore) -> None:
        self._store = store
        self.generations = {g.id: g for g in self._ask(store.generations)}
        self._heads = HeadIndex()
        self._places: dict[tuple[int, int], set[int]] = {}
        for generation in self.generations.values():
            self._keep(generation)
        self.lines = 0
        """Lines committed by this object."""

    def begin(self, path: Path, identity: Identity, format_name: str) -> Generation:
        """A new generation, committed at offset 0."""
        return self._keep(self._ask(lambda: self._store.open_generation(path, identity, format_name)))

    def append(self, chunk: Chunk) -> Generation:
        """Commit a chunk; StoreFailed when the store refuses it or answers with another offset."""
        before = self.generations[chunk.generation]
        after = self._ask(lambda: self._store.append(chunk))
        if after.offset != chunk.end:
            raise StoreFailed(f"{after.path}: committed up to {after.offset:,}, expected {chunk.end:,}")
        self.lines += after.lines - before.lines
        return self._keep(after)

    def beginning_like(self, head: bytes) -> list[Generation]:
        """Generations that `head`, up to 1 KiB of a content, may be the beginning of."""
        return [self.generations[found] for found in self._heads.beginning_like(head)]

    def at(self, key: tuple[int, int]) -> list[Generation]:
        """Generations last seen at this (device, inode)."""
        return [self.generations[found] for found in self._places.get(key, ())]

    def _keep(self, generation: Generation) -> Generation:
        before = self.generations.get(generation.id)
        if before is not None:
            self._places.get(before.identity.key, set()).discard(generation.id)
        self._places.setdefault(generation.identity.key, set()).add(generation.id)
        self.generations[generation.id] = generation
        self._heads.put(generation)
        return generation

    def _ask(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except Exception as error:
            raise StoreFailed(f"the store does not answer: {error}") from error
