"""The synchronous heart of reading: files as found on disk in, committed chunks out. No thread, no waiting."""

from __future__ import annotations

import logging
import os
from itertools import groupby
from typing import TYPE_CHECKING

from loaders.chunk import Chunk
from loaders.compression import Archive
from loaders.follow import Followed, Handles
from loaders.identity import HEAD, decide, digest, matches
from loaders.known import GenerationStore, Known, StoreFailed
from loaders.reading import PATIENT, Patience, Reading
from loaders.scan import Found, found, shown
from loaders.tail import LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from core.timespan import Clock
    from loaders.chunk import FileState, Generation
    from loaders.scan import Listing

log = logging.getLogger("burnline.loaders")

Key = tuple[int, int]


class Intake:
    """Follows files and appends what is new in them to the store, one round at a time.

    StoreFailed leaves it in doubt what was committed: `forget`, and the next round asks the store.
    """

    def __init__(
        self, store: GenerationStore, *, clock: Clock, limits: Limits = LIMITS, patience: Patience = PATIENT
    ) -> None:
        self._store, self._clock, self._patience = store, clock, patience
        self._handles = Handles(limits)
        self._files: dict[Key, Followed] = {}
        self._owners: dict[int, Followed] = {}
        self._known: Known | None = None
        self._homeless: dict[int, tuple[FileState, str] | None] = {}
        self._failed: dict[Key, int] = {}

    def round(self, listing: Listing) -> tuple[int, bool]:
        """Read on in every file: (lines committed, whether more is waiting)."""
        known = self._known or self._load()
        before = known.lines
        present = self._look(listing.files)
        away = [f for key, f in self._files.items() if key not in present]
        more = False
        for followed in away:
            if not _below(followed.found.path, listing.unlisted):
                followed.leaving = True
                more |= self._guarded(followed, self._see_off)
        by_failures = sorted(present.values(), key=self._failures)
        for _, files in groupby(by_failures, key=self._failures):
            more |= self._read(list(files))
        self._close_homeless(present, listing)
        return known.lines - before, more

    def _failures(self, followed: Followed) -> int:
        """How often the store failed on this file: from the third time on it comes last and holds up no other."""
        return max(0, self._failed.get(followed.found.key, 0) - 2)

    def _read(self, files: list[Followed]) -> bool:
        """First the files that are followed, then new ones: what was here before us, then what is longest.

        So truncated files are known before their copies, and originals before theirs.
        """
        more = False
        for followed in files:
            if followed.generation is not None:
                more |= self._guarded(followed, self._read_on)
        fresh = sorted((f for f in files if f.generation is None), key=lambda f: -f.found.size)
        for admit in (self._admit_own, self._admit):
            for followed in fresh:
                if followed.generation is None:
                    more |= self._guarded(followed, admit)
        return more

    def forget(self) -> None:
        """Drop everything held in memory."""
        self._handles.close_all()
        self._files.clear()
        self._owners.clear()
        self._known = None

    def troubles(self) -> dict[Path, str]:
        """Files that cannot be read, and why. Safe from any thread."""
        return {f.found.path: f.trouble for f in list(self._files.values()) if f.trouble}

    def waiting(self) -> dict[Path, str]:
        """Files with something unread, and what it waits for. Safe from any thread."""
        return {f.found.path: f.waiting for f in list(self._files.values()) if f.waiting}

    def generation(self, file: Found) -> Generation | None:
        """The account of a followed file, None while it has no line."""
        followed = self._files.get(file.key)
        return followed.generation if followed else None

    def position(self, file: Found) -> int:
        """How many bytes of the file, as it lies on disk, were read."""
        followed = self._files.get(file.key)
        if followed is None or followed.generation is None:
            return 0
        if followed.done or followed.content is None:
            return file.size
        return followed.content.at if isinstance(followed.content, Archive) else followed.generation.offset

    def _load(self) -> Known:
        known = Known(self._store)
        self._known = known
        self._reading = Reading(known, self._handles, self._clock, self._patience)
        self._homeless = {g.id: None for g in known.generations.values() if g.state == "open"}
        return known

    def _look(self, files: list[Found]) -> dict[Key, Followed]:
        """The followed files that have a name; a second name of the same file (a hard link) adds nothing."""
        now = self._clock()
        present: dict[Key, Followed] = {}
        for file in files:
            if file.key in present:
                continue
            followed = self._files.get(file.key)
            if followed is None:
                followed = self._files[file.key] = Followed(file, now)
            followed.see(file, now)
            followed.leaving = False
            present[file.key] = followed
        return present

    def _guarded(self, followed: Followed, step: Callable[[Followed], bool]) -> bool:
        """One file's step; what goes wrong with one file is noted and stops no other."""
        if followed.asleep(self._clock()) and not followed.leaving:
            return False
        key = followed.found.key
        try:
            more = step(followed)
        except StoreFailed:
            self._failed[key] = self._failed.get(key, 0) + 1
            raise
        except OSError as error:
            trouble = f"cannot be read: {error.strerror or error}"
        except Exception as error:
            trouble = f"cannot be read: {error!r}"
            if trouble != followed.trouble:
                log.exception("Reading %s failed; the other files go on", followed.found.path)
        else:
            followed.trouble = ""
            self._failed.pop(key, None)
            return more
        followed.trouble, followed.undecided, followed.reader = trouble, True, None
        return False

    def _read_on(self, followed: Followed) -> bool:
        outcome = self._reading.read_on(followed)
        if outcome == "lost" and followed.generation:
            size, offset = followed.found.size, followed.generation.offset
            cut = f"truncated from {offset:,} to {size:,} bytes" if size < offset else "its content was replaced"
            note = f"{cut}; bytes written after {offset:,} and before that are not on disk"
            self._lose(followed, ("replaced", note))
        elif followed.generation:
            self._owners[followed.generation.id] = followed
        return outcome == "more"

    def _lose(self, followed: Followed, why: tuple[FileState, str] | None) -> None:
        """The file does not hold its generation any more; another file may, before the round ends."""
        if followed.generation is not None:
            self._homeless[followed.generation.id] = why
            self._owners.pop(followed.generation.id, None)
        self._reading.copies.drop(followed)
        followed.generation = followed.reader = None
        followed.done, followed.undecided = False, True

    def _drop(self, followed: Followed) -> None:
        """Follow this file no longer."""
        self._lose(followed, None)
        self._handles.close(followed)
        del self._files[followed.found.key]

    def _admit_own(self, followed: Followed) -> bool:
        """A file that was read before at this very place, in an earlier run of the process."""
        known, file = self._loaded(), followed.found
        own = [g for g in known.at(file.key) if g.id not in self._owners]
        if not own:
            return False
        content = self._handles.content(followed)
        if isinstance(content, Archive):
            ended = [g for g in own if g.state in ("done", "failed") and g.size == file.size and _begins(g, content)]
            if ended:
                self._bind(followed, max(ended, key=lambda g: g.offset))
                followed.done, followed.undecided = True, False
                return False
        if self._reading.too_early(followed):
            return False
        decision = decide(file.key, [g for g in own if matches(g, content)], ())
        if decision.generation is None:
            followed.undecided = False
            return False
        self._bind(followed, known.generations[decision.generation])
        return self._read_on(followed)

    def _admit(self, followed: Followed) -> bool:
        """A file not known by its place: known by its content, or new."""
        if self._reading.too_early(followed):
            return False
        known, content = self._loaded(), self._handles.content(followed)
        matching = [g for g in known.beginning_like(content.read(0, HEAD)) if matches(g, content)]
        decision = decide(followed.found.key, matching, {g.id for g in matching if self._alive(g)})
        if decision.generation is not None and decision.action != "copy":
            self._bind(followed, known.generations[decision.generation])
        if decision.action != "begin":
            log.info("%s: %s", shown(followed.found.path), decision.reason)
        return self._read_on(followed)

    def _alive(self, generation: Generation) -> bool:
        """Whether a file with a name still holds the generation."""
        owner = self._owners.get(generation.id)
        return owner is not None and not owner.leaving

    def _bind(self, followed: Followed, generation: Generation) -> None:
        before = self._owners.get(generation.id)
        if before is not None:
            self._drop(before)
        self._homeless.pop(generation.id, None)
        self._owners[generation.id] = followed
        followed.generation, followed.reader = generation, None

    def _see_off(self, followed: Followed) -> bool:
        """A file that lost its name: what it still holds is read through the handle, if there is one."""
        if followed.content is None:
            self._drop(followed)
            return False
        now, info = self._clock(), os.fstat(followed.content.fd)
        followed.see(found(followed.found.where, info), now)
        more = self._read_on(followed) if followed.generation else False
        if followed.generation is None:
            more = self._admit(followed)
        if more or (not info.st_nlink and now < followed.since + self._patience.leaving):
            return more
        note = "moved out of the inbox" if info.st_nlink else "deleted"
        self._reading.finish(followed, "gone", note, final=not info.st_nlink)
        if followed.generation is not None:
            self._owners.pop(followed.generation.id, None)
            followed.generation = None
        self._drop(followed)
        return False

    def _close_homeless(self, present: dict[Key, Followed], listing: Listing) -> None:
        """Tell the store which generations lost their file and found no other in this round."""
        known = self._loaded()
        for number, why in list(self._homeless.items()):
            generation = known.generations[number]
            there = present.get(generation.identity.key)
            if there is not None and there.undecided:
                continue
            if there is None and (
                listing.root is None
                or not _below(generation.path, [listing.root])
                or _below(generation.path, listing.unlisted)
            ):
                continue
            if why is not None:
                state, note = why
            elif there is not None and there.found.path == generation.path:
                state, note = "replaced", "another content lies in its place"
            else:
                state, note = "gone", "deleted or moved away"
            known.append(
                Chunk(
                    generation.id,
                    generation.offset,
                    generation.lines + 1,
                    b"",
                    generation.identity.windows,
                    generation.offset,
                    generation.size,
                    state,
                    note,
                )
            )
            del self._homeless[number]

    def _loaded(self) -> Known:
        return self._known or self._load()


def _below(path: Path, folders: Iterable[Path]) -> bool:
    return any(folder in path.parents for folder in folders)


def _begins(generation: Generation, content: Archive) -> bool:
    windows = generation.identity.windows
    return digest(content.read(0, windows.head_length)) == windows.head_hash if windows.head_length else True
