"""The one DuckDB file: opened once, a cursor per call, reopened after DuckDB gives it up."""

from __future__ import annotations

import json
import os
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from core.errors import StoreCorrupt, StoreLocked, StoreUnusable
from loaders import rollup
from loaders.schema import SCHEMA_VERSION, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DAMAGED = re.compile(
    r"Corrupt database|Could not read enough bytes|WAL|Serialization Error|deserialize", re.IGNORECASE
)
_HOLDER = re.compile(r"\(PID (\d+)\)")


class Database:
    """The open file. `cursor()` is safe from any thread; after a fatal error the next cursor works on a reopened file.

    DuckDB refuses all work on a database after a failed commit ("has been invalidated"); only closing every handle
    and opening the file again helps, so cursors are counted and a reopening waits until none is out.
    """

    def __init__(self, path: Path, *, threads: int | None, memory_limit: str) -> None:
        self.path = path
        self._config: dict[str, str | bool | int | float | list[str]] = {
            "threads": threads or os.cpu_count() or 1,
            "memory_limit": memory_limit,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "enable_external_access": False,  # lines come in as Arrow; no query has to do with other files
            "preserve_insertion_order": False,  # every row knows its line; threads need not wait for each other
            # row groups stay as a chunk wrote them: merging them would write, and compress, nearly every row twice
            "max_vacuum_tasks": 0,
        }
        self._gate = threading.Condition()
        self._out = 0
        self._broken = False
        self._closed = False
        self._connection = self._open()

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of one's own, closed at the end."""
        cursor = self._take()
        try:
            yield cursor
        except duckdb.FatalException:
            self._broken = True
            raise
        finally:
            cursor.close()
            with self._gate:
                self._out -= 1
                self._gate.notify_all()

    def distrust(self) -> None:
        """Reopen before the next use: after an error nobody can say what was committed."""
        self._broken = True

    def close(self) -> None:
        """Write everything into the one file and let go of it. Waits for cursors that are out."""
        with self._gate:
            self._gate.wait_for(lambda: self._out == 0)
            if not self._closed:
                self._closed = True
                self._connection.close()

    def _take(self) -> duckdb.DuckDBPyConnection:
        with self._gate:
            if self._broken:
                self._gate.wait_for(lambda: self._out == 0)
            if self._closed:
                raise StoreUnusable(f"{self.path}: the store was closed")
            if self._broken:
                self._connection.close()
                self._connection = self._open()
                self._broken = False
            cursor = self._connection.cursor()
            self._out += 1
            return cursor

    def _open(self) -> duckdb.DuckDBPyConnection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = duckdb.connect(str(self.path), config=self._config)
        except (duckdb.Error, OSError) as error:
            raise self._explain(error) from error
        try:
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            _prepare(connection, self.path)
        except duckdb.Error as error:
            connection.close()
            raise self._explain(error) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _explain(self, error: Exception) -> StoreLocked | StoreUnusable:
        said = str(error).splitlines()[0]
        if "Could not set lock" in said:
            return StoreLocked(self._who(said))
        if _DAMAGED.search(said) and self._is_duckdb():
            return StoreCorrupt(f"{self.path} is damaged. DuckDB says: {said}")
        return StoreUnusable(
            f"{self.path}: the store cannot be opened. DuckDB says: {said}\n"
            f"Check that the file and its folder are readable and writable and that the disk is not full. If the file "
            f"is damaged, move it away (with its .wal): Burnline reads the log files that still exist again."
        )

    def _is_duckdb(self) -> bool:
        """Whether the file was a DuckDB database once: somebody else's file is never called a damaged store."""
        try:
            with self.path.open("rb") as file:
                return file.read(12)[8:] == b"DUCK"
        except OSError:
            return False

    def _who(self, said: str) -> str:
        match = _HOLDER.search(said)
        holder = f"process {match[1]}" if match else "another process"
        try:
            owner = json.loads(owner_file(self.path).read_text("utf-8"))
            holder += f", the dashboard at {owner['url']}" if not match or str(owner["pid"]) == match[1] else ""
        except (OSError, ValueError, KeyError, TypeError):
            pass  # the note is a courtesy of the running dashboard; without it the process id has to do
        return (
            f"{self.path} is in use by {holder}. DuckDB lets one process open a store: "
            f"use that one, or stop it first, or name another store (BURNLINE_STORE)."
        )


def owner_file(store: Path) -> Path:
    """Where the running dashboard says who holds this store: {"pid", "url"}."""
    return store.with_name(store.name + ".owner.json")


def _prepare(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    tables = {str(name) for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not tables:
        connection.execute(f"BEGIN; {TABLES} {rollup.TABLES} COMMIT")
        return
    if "store" not in tables:
        raise StoreUnusable(f"{path} is a DuckDB database, but not one of Burnline's; name another file as the store")
    found = connection.execute("SELECT schema_version FROM store").fetchall()
    version = found[0][0] if found else None
    if version != SCHEMA_VERSION:
        raise StoreUnusable(
            f"{path} was written by another Burnline (tables version {version}, this one knows {SCHEMA_VERSION}). "
            f"Nothing was changed. Install that version, or name another store (BURNLINE_STORE)."
        )
    if not tables >= rollup.NAMES:
        connection.execute("BEGIN")
        rollup.create(connection)
        connection.execute("COMMIT")
