"""Read given files to their end, once, into a store of one's own."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

from core.errors import UsageError
from loaders.intake import Intake
from loaders.reading import AT_ONCE
from loaders.report import LINES
from loaders.scan import Found, Listing, found, scan, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from core.timespan import Clock
    from loaders.known import GenerationStore


def listing_of(paths: Sequence[Path]) -> Listing:
    """The files at these paths and below these folders; UsageError for a path where nothing is."""
    whole = Listing()
    for path in paths:
        try:
            real = path.resolve(strict=True)
            info = real.stat()
        except OSError as error:
            raise UsageError(f"{shown(path)}: {error.strerror}; name a log file or a folder of log files") from None
        if stat.S_ISDIR(info.st_mode):
            part = scan(real)
            whole.files += part.files
            whole.refused |= part.refused | part.unlisted
        elif stat.S_ISREG(info.st_mode):
            whole.files.append(found(str(real), info))
        else:
            whole.refused[real] = "not a regular file (a pipe, socket or device)"
    return whole


def read_into(
    store: GenerationStore, listing: Listing, clock: Clock, progress: Callable[[int], None]
) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Read the files to their end: (their accounts, one sentence for everything that was not read).

    `progress` is told the bytes read of what lies on disk.
    """
    intake = Intake(store, clock=clock, patience=AT_ONCE)
    try:
        more = True
        while more:
            _, more = intake.round(listing)
            progress(sum(min(intake.position(file), file.size) for file in listing.files))
        notes = listing.refused | intake.troubles() | intake.waiting()
        return [_row(file, intake) for file in listing.files], [f"{shown(path)}: {why}" for path, why in notes.items()]
    finally:
        intake.forget()


def _row(file: Found, intake: Intake) -> Mapping[str, Any]:
    g = intake.generation(file)
    row = {"path": shown(file.path), "format": "", "state": "open", "bytes": file.size, "note": ""}
    numbers = {name: getattr(g, name) if g else 0 for name in ("offset", *LINES)}
    return row | ({"format": g.format, "state": g.state, "note": g.note} if g else {}) | numbers
