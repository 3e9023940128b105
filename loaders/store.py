"""The store: rows, offsets and the account of every file in one DuckDB file, changed together or not at all."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

import duckdb

from core.errors import StoreUnusable
from core.timespan import micros
from loaders import rollup
from loaders.ask import Asker
from loaders.chunk import Generation, Identity, Place, Windows
from loaders.compact import CompactReader
from loaders.database import Database
from loaders.lines import KEPT_BYTES, RefusedLine
from loaders.load import Loaded, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from types import TracebackType

    import polars as pl

    from core.timespan import Clock
    from loaders.chunk import Chunk, RejectedLine

MAX_KEPT = 10_000
"""Refused lines kept per file and reason; beyond that they are only counted."""

AHEAD = timedelta(minutes=5)
"""How far a writer's clock may run ahead and still tell how old the data is."""

LATE = timedelta(minutes=5)
"""How long after its end an hour waits for late lines before it is rolled up."""

CELLS_AT_ONCE = 200_000
"""What a transaction that rolls up aims at, by the hours it takes: nothing else is stored meanwhile."""

_REFUSED = {
    "too_long": "the line has {length:,} bytes; that is more than a record can have",
    "unterminated": "the file ended in the middle of this line, {length:,} bytes after its start",
    "damaged_archive": "the archive is cut or damaged here; the lines before are stored",
}
_GENERATION = (
    'id, path, format, state, device, inode, head_length, head_hash, tail_length, tail_hash, size, "offset", lines, '
    "stored, quarantined, duplicates, blank, note"
)


class WrongAccountError(AssertionError):
    """A chunk whose lines or bytes do not add up; nothing of it was committed."""


class Store(CompactReader, Asker):
    r"""The sole owner of the DuckDB file.

    Reads (StoreReader, Explorer, CompactReader, Asker) and writes are safe from any thread.

    with Store.open(Path("data/burnline.duckdb"), clock=utc_now) as store:
        generation = store.open_generation(Path("logs/a.jsonl"), Identity(0, 0), "v1")
        data = b'{"request_id":"r1",...}\n'
        store.append(Chunk(generation.id, 0, 1, data, Windows(), len(data)))
        frame = store.requests(Selection(last=1000))
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database)
        self._clock = clock
        self._writing = threading.Lock()
        self._changed = threading.Condition()
        self._version = self.freshness().version
        self._hours_at_once = 6

    @classmethod
    def open(cls, path: Path, *, clock: Clock, threads: int | None = None, memory_limit: str = "1GB") -> Self:
        """Open the store, creating it and its folder when absent.

        Raises:
            StoreLocked: another process holds it; the message names the process.
            StoreUnusable: it cannot be read, is damaged, is no store, or was written by a newer Burnline.
        """
        return cls(Database(path, threads=threads, memory_limit=memory_limit), clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def version(self) -> int:
        """How many chunks were ever committed: the same number means the same answers."""
        return self._version

    def wait_for_change(self, version: int, timeout: float | None) -> int:
        """Wait until the version is no longer `version`, at most `timeout` seconds; the version now."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, timeout)
            return self._version

    def close(self) -> None:
        """Write everything into the one file and let go of it."""
        with self._writing:
            self._transactions += 1
            self._database.close()

    def checkpoint(self) -> None:
        """Move the write-ahead log into the main file."""
        with self._writing, self._database.cursor() as cursor:
            cursor.execute("CHECKPOINT")

    def generations(self) -> list[Generation]:
        """Every life of every file, as committed."""
        found = self.frame(f"SELECT {_GENERATION} FROM generations ORDER BY id")
        return _generations(found)

    def open_generation(self, path: Path, identity: Identity, format: str) -> Generation:  # noqa: A002
        """Begin the account of a file: nothing read yet."""
        windows = identity.windows
        with self._transaction() as cursor:
            found = cursor.execute("SELECT coalesce(max(id), 0) + 1 FROM generations").fetchone()
            number: int = found[0] if found else 1
            cursor.execute(
                f"INSERT INTO generations ({_GENERATION}) "
                "VALUES (?, ?, ?, 'open', ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 0, '')",
                [
                    number, os.fsencode(path), format, identity.device, identity.inode,
                    windows.head_length, windows.head_hash, windows.tail_length, windows.tail_hash,
                ],
            )  # fmt: skip
        return Generation(number, path, format, "open", identity)

    def append(self, chunk: Chunk) -> Generation:
        """Store a chunk: its rows, its refused lines, the new offset and the account, in one transaction.

        Raises:
            WrongAccountError: the chunk does not continue its generation, or its sums do not add up.
            StoreUnusable: DuckDB could not commit. What is stored is then unknown here: read `generations()` again and
                continue from the offset found there.
        """
        with self._transaction() as cursor:
            before = self._generation(cursor, chunk.generation)
            _check_continues(chunk, before)
            first_line = chunk.first_line + chunk.copied
            loaded = load(
                cursor, chunk.generation, before.format, chunk.data, first_line=first_line, offset=chunk.offset
            )
            if loaded.stored:
                rollup.touch(cursor, chunk.generation, first_line)
            refused = [*loaded.refused, *(_refused(line) for line in chunk.rejected)]
            place = chunk.place or Place(before.path, before.identity.device, before.identity.inode)
            after = replace(
                before,
                path=place.path,
                state=chunk.state,
                note=chunk.note,
                identity=Identity(place.device, place.inode, chunk.windows),
                size=chunk.size,
                offset=chunk.end,
                lines=before.lines + chunk.copied + loaded.lines + len(chunk.rejected),
                stored=before.stored + loaded.stored,
                quarantined=before.quarantined + len(refused),
                duplicates=before.duplicates + chunk.copied + loaded.duplicates,
                blank=before.blank + loaded.blank,
            )
            _check_account(after)
            self._refuse(cursor, chunk.generation, refused)
            self._account(cursor, after)
            cursor.execute(
                "UPDATE store SET version = version + 1, newest = greatest(newest, make_timestamptz(?::BIGINT)), "
                "read_at = CASE WHEN ? THEN make_timestamptz(?::BIGINT) ELSE read_at END",
                [self._newest(cursor, loaded, chunk.generation, first_line), loaded.stored > 0, micros(self._clock())],
            )
        with self._changed:
            self._version += 1
            self._changed.notify_all()
        return after

    def roll_up(self, now: datetime, most: int | None = None) -> int:
        """Roll up some hours that are over, newest first; how many hours and days were. 0: nothing is left.

        Without `most`, as many hours as make a transaction of some size, judged by those before.

        An hour is given a while for its late lines; later ones are welcome, too, and have it rolled up again.
        """
        with self._transaction() as cursor:
            done = rollup.roll(cursor, micros(now - LATE), self._hours_at_once if most is None else most)
        if done.cells > CELLS_AT_ONCE:
            self._hours_at_once = max(1, self._hours_at_once // 2)
        elif done.hours == self._hours_at_once and done.cells < CELLS_AT_ONCE // 2:
            self._hours_at_once *= 2
        return done.hours + done.longer

    def verify_rollups(self) -> list[rollup.Difference]:
        """Compare every roll-up with the rows; what differs is dropped, read from the rows, and rolled up anew.

        Rows can be stored meanwhile: the comparison is of one moment, and only dropping is a transaction of its own.
        """
        with self._database.cursor() as cursor:
            cursor.execute("BEGIN")
            found = rollup.differences(cursor)
            cursor.execute("COMMIT")
        if found:
            with self._transaction() as writing:
                rollup.pend(writing, found)
        return found

    def _newest(
        self, cursor: duckdb.DuckDBPyConnection, loaded: Loaded, generation: int, first_line: int
    ) -> int | None:
        """The newest time just stored, without times of the future: one wrong clock must not make old data fresh."""
        latest = micros(self._clock() + AHEAD)
        if loaded.newest is None or loaded.newest <= latest:
            return loaded.newest
        found = cursor.execute(
            'SELECT epoch_us(max("timestamp")) FROM records WHERE generation = ? AND line >= ? '
            'AND "timestamp" <= make_timestamptz(?::BIGINT)',
            [generation, first_line, latest],
        ).fetchone()
        return found[0] if found else None

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One writer at a time; all or nothing. After a DuckDB error the file is reopened before its next use."""
        with self._writing:
            try:
                with self._database.cursor() as cursor:
                    cursor.execute("BEGIN")
                    try:
                        yield cursor
                        cursor.execute("COMMIT")
                    except BaseException:
                        with suppress(duckdb.Error):  # the first error is the one to tell
                            cursor.execute("ROLLBACK")
                        raise
                    finally:
                        self._transactions += 1
            except duckdb.Error as error:
                self._database.distrust()
                raise StoreUnusable(
                    f"{self._database.path}: nothing could be stored. DuckDB says: {str(error).splitlines()[0]}\n"
                    f"Check that the disk is not full and the folder is writable; reading goes on from the last commit."
                ) from error

    def _generation(self, cursor: duckdb.DuckDBPyConnection, number: int) -> Generation:
        for generation in _generations(
            cursor.sql(f"SELECT {_GENERATION} FROM generations WHERE id = ?", params=[number]).pl()
        ):
            return generation
        raise WrongAccountError(f"there is no generation {number} in the store")

    def _refuse(self, cursor: duckdb.DuckDBPyConnection, generation: int, refused: list[RefusedLine]) -> None:
        counts = cursor.execute(
            "SELECT reason, lines FROM quarantine_counts WHERE generation = ?", [generation]
        ).fetchall()
        before = dict(counts)
        now = dict(before)
        at = micros(self._clock())
        for line in refused:
            now[line.reason] = now.get(line.reason, 0) + 1
            if now[line.reason] <= MAX_KEPT:
                cursor.execute(
                    "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, ?, make_timestamptz(?::BIGINT))",
                    [
                        generation, line.line, line.offset, line.length,
                        line.reason, line.detail, line.raw, line.sha256, at,
                    ],
                )  # fmt: skip
        for reason, lines in now.items():
            if reason not in before:
                cursor.execute("INSERT INTO quarantine_counts VALUES (?, ?, ?)", [generation, reason, lines])
            elif lines != before[reason]:
                cursor.execute(
                    "UPDATE quarantine_counts SET lines = ? WHERE generation = ? AND reason = ?",
                    [lines, generation, reason],
                )

    def _account(self, cursor: duckdb.DuckDBPyConnection, after: Generation) -> None:
        identity, windows = after.identity, after.identity.windows
        cursor.execute(
            "UPDATE generations SET path = ?, device = ?, inode = ?, state = ?, note = ?, head_length = ?, "
            'head_hash = ?, tail_length = ?, tail_hash = ?, size = ?, "offset" = ?, lines = ?, stored = ?, '
            "quarantined = ?, duplicates = ?, blank = ? "
            "WHERE id = ?",
            [
                os.fsencode(after.path), identity.device, identity.inode, after.state, after.note,
                windows.head_length, windows.head_hash, windows.tail_length, windows.tail_hash, after.size,
                after.offset, after.lines, after.stored, after.quarantined, after.duplicates, after.blank, after.id,
            ],
        )  # fmt: skip


def _generations(found: pl.DataFrame) -> list[Generation]:
    return [
        Generation(
            id=g["id"],
            path=Path(os.fsdecode(g["path"])),
            format=g["format"],
            state=g["state"],
            identity=Identity(
                g["device"], g["inode"], Windows(g["head_length"], g["head_hash"], g["tail_length"], g["tail_hash"])
            ),
            size=g["size"],
            offset=g["offset"],
            lines=g["lines"],
            stored=g["stored"],
            quarantined=g["quarantined"],
            duplicates=g["duplicates"],
            blank=g["blank"],
            note=g["note"],
        )
        for g in found.iter_rows(named=True)
    ]


def _refused(line: RejectedLine) -> RefusedLine:
    detail = _REFUSED.get(line.reason, line.reason).format(length=line.length)
    return RefusedLine(line.line, line.offset, line.length, line.reason, detail, line.raw[:KEPT_BYTES])


def _check_continues(chunk: Chunk, before: Generation) -> None:
    """A chunk starts where its generation ends, ends with a newline, and covers the bytes it says."""
    if (chunk.offset, chunk.first_line) != (before.offset, before.lines + 1):
        raise WrongAccountError(
            f"{before.path}: the store has {before.offset} bytes and {before.lines} lines of it; this chunk starts at "
            f"byte {chunk.offset}, line {chunk.first_line}"
        )
    if chunk.data and not chunk.data.endswith(b"\n"):
        raise WrongAccountError(f"{before.path}: a chunk ends with a newline; this one at byte {chunk.offset} does not")
    least = chunk.offset + len(chunk.data)
    exact = bool(chunk.data) and not (chunk.rejected or chunk.copied)
    if chunk.end < least - 1 or (exact and chunk.end > least):  # a last line may lack its newline on disk
        raise WrongAccountError(
            f"{before.path}: the chunk at byte {chunk.offset} holds {len(chunk.data)} bytes but ends at {chunk.end}"
        )


def _check_account(after: Generation) -> None:
    """The ledger rule: complete lines = stored + quarantined + proven duplicates + blank."""
    if after.lines != after.stored + after.quarantined + after.duplicates + after.blank:
        raise WrongAccountError(
            f"{after.path}: {after.lines} lines, but {after.stored} stored + {after.quarantined} quarantined + "
            f"{after.duplicates} duplicates + {after.blank} blank"
        )
