"""Reads one followed file on: its next lines become chunks, its end becomes a state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from loaders import formats
from loaders.chunk import Chunk, FileState, Generation, Identity, Place, RejectedLine, Windows
from loaders.compression import Archive
from loaders.copies import Copies
from loaders.identity import HEAD, matches
from loaders.scan import shown
from loaders.tail import DAMAGED, UNTERMINATED, Piece, Reader, walk, why_not_text

if TYPE_CHECKING:
    from core.timespan import Clock
    from loaders.follow import Followed, Handles
    from loaders.known import Known

Outcome = Literal["read", "more", "lost"]
"""Everything there is was read; there is more; the file holds another content than before."""

_PIECES = 2
"""Pieces read from one file before the others have their turn."""
_SAMPLE = 8192
_DETECT = 1 << 16


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a file must stay unchanged before it is taken as it is.

    `newline`: a complete JSON object at its end, without a newline. `archive`: an archive, before it is read.
    `cut_off`: an archive that ends in the middle, before it has failed. `leaving`: a deleted file that is still open
    here, before it is final.
    """

    newline: timedelta = timedelta(seconds=5)
    archive: timedelta = timedelta(seconds=2)
    cut_off: timedelta = timedelta(seconds=30)
    leaving: timedelta = timedelta(seconds=2)


PATIENT = Patience()
AT_ONCE = Patience(*[timedelta(0)] * 4)
"""For files that are known to be complete."""


class Reading:
    """Reads followed files on and commits what it reads."""

    def __init__(self, known: Known, handles: Handles, clock: Clock, patience: Patience) -> None:
        self._known, self._handles, self._clock, self._patience = known, handles, clock, patience
        self.copies = Copies(handles)

    def too_early(self, followed: Followed) -> bool:
        """Whether this is an archive that may still be being written."""
        content = self._handles.content(followed)
        if not content.packing or followed.leaving or self._clock() >= followed.since + self._patience.archive:
            return False
        followed.wake_at = followed.since + self._patience.archive
        return True

    def read_on(self, followed: Followed) -> Outcome:
        """Commit the next pieces of the file, and its state at the end."""
        followed.wake_at = None
        if self.too_early(followed):
            return "read"
        reader = self._handles.reader(followed)
        if reader is None:
            return "lost"
        if reader.trail.offset == 0 and (why := why_not_text(reader.content.read(0, _SAMPLE).lstrip(b"\0"))):
            self._fail(followed, why)
            return "read"
        reader = self._skip_copy(followed, reader)
        self.copies.put(followed)
        for _ in range(_PIECES):
            piece = reader.peek(followed.line)
            if not followed.unchanged():
                return "lost"
            if piece.trail.offset == reader.trail.offset:
                self._at_end(followed, piece)
                return "read"
            self._take(followed, piece)
        followed.done = False
        return "more"

    def finish(self, followed: Followed, state: FileState, note: str, *, final: bool) -> None:
        """Nothing more will be read here; `final` says that nothing can follow what stands after the last newline."""
        reader, generation = self._handles.reader(followed), followed.generation
        last = reader.last_line(followed.line, final=UNTERMINATED) if reader and final else None
        if last and last.rejected:
            half = f"{last.rejected[0].length:,} bytes without a newline at the end"
            if generation and generation.note.endswith(half):  # told before, and not a byte came since
                last = None
            note = f"{note}, {half}" if note else half
        if last:
            self._take(followed, last, state, note)
        else:
            self._settle(followed, state, note)

    def _at_end(self, followed: Followed, piece: Piece) -> None:
        followed.undecided, followed.waiting = False, ""
        if followed.leaving:
            return
        if followed.grown():
            followed.done = False
            return
        followed.done = True
        reader, now = followed.reader, self._clock()
        if reader is None:
            return
        if isinstance(followed.content, Archive):
            self._at_end_of_archive(followed, followed.content, reader)
            return
        if piece.rest:
            followed.waiting = f"{piece.rest:,} bytes without a newline"
            if last := reader.last_line(followed.line):
                if now >= followed.since + self._patience.newline:
                    self._take(followed, last)
                    followed.done, followed.waiting = False, ""
                    return
                followed.wake_at = followed.since + self._patience.newline
        self._settle(followed, "open", "")

    def _at_end_of_archive(self, followed: Followed, archive: Archive, reader: Reader) -> None:
        if archive.cut_off and self._clock() < followed.since + self._patience.cut_off:
            followed.waiting = archive.fault
            followed.wake_at = followed.since + self._patience.cut_off
        elif archive.fault:
            self._fail(followed, archive.fault, reader)
        else:
            self.finish(followed, "done", "", final=True)

    def _fail(self, followed: Followed, why: str, reader: Reader | None = None) -> None:
        """The file cannot be read (further). An archive's last, cut line goes to the quarantine with the reason.

        The offset stays before that line: when the archive is completed later, the line is read whole.
        """
        followed.undecided, followed.done = False, True
        generation = followed.generation or self._begin(followed, formats.detect(b""))
        if (generation.state, generation.note, generation.size) == ("failed", why, followed.found.size):
            return
        rejected: tuple[RejectedLine, ...] = ()
        if reader is not None:
            kept, length = reader.rest
            rejected = (RejectedLine(followed.line, generation.offset, length, DAMAGED, kept),)
        self._append(
            followed, generation.offset, generation.identity.windows, state="failed", note=why, rejected=rejected
        )

    def _take(self, followed: Followed, piece: Piece, state: FileState = "open", note: str = "") -> None:
        """Commit a piece and go on behind it."""
        reader = followed.reader
        if reader is None:
            return
        if followed.generation is None:
            self._begin(followed, formats.detect(piece.data[:_DETECT]))
        part = self.copies.copied(followed, piece) if piece.trail.offset > reader.trail.offset else None
        copied = 0
        if part is not None:
            piece, copied = part, part.data.count(b"\n") or len(part.rejected)
        self._append(
            followed,
            piece.trail.offset,
            piece.trail.windows(),
            data=b"" if copied else piece.data,
            copied=copied,
            rejected=() if copied else piece.rejected,
            state=state,
            note=note or piece.note,
        )
        reader.accept(piece)
        self.copies.put(followed)

    def _skip_copy(self, followed: Followed, reader: Reader) -> Reader:
        """Pass over what another generation has already read of the same content, however it came to be here."""
        trail, own = reader.trail, followed.generation
        head = trail.head if len(trail.head) == HEAD else reader.content.read(0, HEAD)
        like = self._known.beginning_like(head)
        ahead = [g for g in like if g.offset > trail.offset and not (own and own.id == g.id)]
        for other in sorted(ahead, key=lambda g: -g.offset):
            if not isinstance(followed.content, Archive) and matches(other, reader.content) is None:
                continue  # an archive would start again after this look; it is only walked
            behind, lines = walk(reader.content, trail, other.offset)
            if (behind.offset, behind.windows()) != (other.offset, other.identity.windows):
                continue
            if own is None:
                self._begin(followed, other.format)
            note = f"{lines:,} lines are a copy of {shown(Path(other.path.name))}"
            self._append(followed, other.offset, other.identity.windows, copied=lines, note=note)
            followed.reader = Reader(reader.content, behind, reader.limits)
            return followed.reader
        return reader

    def _settle(self, followed: Followed, state: FileState, note: str) -> None:
        """Tell the store where the file lies and how it is, when that is news."""
        generation = followed.generation
        if generation and (generation.state != state or self._moved(followed)):
            self._append(followed, generation.offset, generation.identity.windows, state=state, note=note)

    def _begin(self, followed: Followed, format_name: str) -> Generation:
        found = followed.found
        identity = Identity(*found.key)
        followed.generation = self._known.begin(found.path, identity, format_name)
        return followed.generation

    def _moved(self, followed: Followed) -> Place | None:
        """Where the file lies, when that is not where the store believes it to lie."""
        generation, found = followed.generation, followed.found
        if generation is None or (generation.identity.key, generation.path) == (found.key, found.path):
            return None
        return Place(found.path, *found.key)

    def _append(
        self,
        followed: Followed,
        end: int,
        windows: Windows,
        *,
        data: bytes = b"",
        copied: int = 0,
        rejected: tuple[RejectedLine, ...] = (),
        state: FileState = "open",
        note: str = "",
    ) -> None:
        generation = followed.generation
        if generation is None:
            raise AssertionError("a chunk without a generation")  # every caller has begun one
        place = None if followed.leaving else self._moved(followed)
        chunk = Chunk(
            generation.id,
            generation.offset,
            generation.lines + 1,
            data,
            windows,
            end,
            followed.found.size,
            state,
            note,
            rejected,
            copied,
            place,
        )
        followed.generation = self._known.append(chunk)
