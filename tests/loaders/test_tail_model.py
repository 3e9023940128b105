"""Random lives of log files against an oracle that knows nothing of windows, inodes or offsets.

The oracle holds every complete line that was on disk at some look, or in a file whose handle we held. Each of them is
handed over exactly once, whatever happened to its file; nothing else is handed over.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import zstandard
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from memory_store import MemoryStore

from loaders.chunk import Chunk
from loaders.intake import Intake
from loaders.known import StoreFailed
from loaders.reading import AT_ONCE
from loaders.scan import scan
from loaders.tail import TOO_LONG, UNTERMINATED, Limits, is_json_object

LIMITS = Limits(chunk=700, line=500, kept=50)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
PACK = {"gzip": gzip.compress, "zstd": zstandard.compress}
some_file = st.integers(0, 1_000)
pad = st.sampled_from([0, 1, 40, 300, 470, 600])  # the last makes the line too long


class LogFiles(RuleBasedStateMachine):
    """The inbox, its writers, and the oracle."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.inbox = self.folder / "inbox"
        self.inbox.mkdir()
        self.store = MemoryStore()
        self.count = 0
        self.names = 0
        self.ticks = 0
        self.now = NOW
        self.pending: dict[Path, bytes] = {}
        self.packed: set[Path] = set()
        self.held: set[int] = set()
        self.must: set[bytes] = set()
        self.may: set[bytes] = set()
        self.half: set[bytes] = set()
        self.by_handle: set[bytes] = set()
        self.restart()
        self.write(0, 1, 40)

    def teardown(self) -> None:
        if hasattr(self, "intake"):
            self.look()
            self.look()
            self.everything_once()
            self.every_file_adds_up()
            self.intake.forget()
            shutil.rmtree(self.folder)

    # writers

    def line(self, length: int) -> bytes:
        self.count += 1
        return b'{"seq":%d,"pad":"%s"}\n' % (self.count, b"x" * length)

    def path(self, number: int) -> Path:
        """One of the plain files, or a new one."""
        files = sorted(set(self.inbox.iterdir()) - self.packed)
        return files[number % len(files)] if files else self.new_path()

    def new_path(self, suffix: str = "") -> Path:
        self.names += 1
        return self.inbox / f"{'zyx'[self.names % 3]}{self.names}.jsonl{suffix}"

    def append(self, path: Path, data: bytes) -> None:
        with path.open("ab") as file:
            file.write(data)
        self.tick(path)

    def tick(self, path: Path) -> None:
        """Give the file a time of its own: we are faster here than the clock of the file system."""
        self.ticks += 1
        os.utime(path, ns=(0, self.ticks * 1_000_000))

    @rule(number=some_file, lines=st.integers(1, 8), length=pad)
    def write(self, number: int, lines: int, length: int) -> None:
        path = self.path(number)
        self.append(path, self.pending.pop(path, b"") + b"".join(self.line(length) for _ in range(lines)))

    @rule(length=pad)
    def write_new_file(self, length: int) -> None:
        self.append(self.new_path(), self.line(length))

    @rule(number=some_file, length=pad, cut=st.floats(0, 1))
    def write_half(self, number: int, length: int, cut: float) -> None:
        path = self.path(number)
        line = self.pending.pop(path, b"")
        if not line:
            line = self.line(length)
        at = max(1, min(len(line) - 1, int(cut * len(line))))
        self.append(path, line[:at])
        if line[at:]:
            self.pending[path] = line[at:]

    @rule(number=some_file)
    def write_blank(self, number: int) -> None:
        path = self.path(number)
        self.append(path, self.pending.pop(path, b"") + b"\n")

    @rule(number=some_file)
    def touch(self, number: int) -> None:
        self.path(number).touch()

    # rotation

    def destroy(self, path: Path, *, handle: bool) -> None:
        """The content of the file goes; what was not looked at may be lost, unless a handle still holds it."""
        if any(p != path and self.beside(p, path) for p in self.inbox.iterdir()):
            self.look()  # a shorter copy can only be told while its original is there
        content = path.read_bytes()
        lines, rest = complete(content), content.rpartition(b"\n")[2]
        kept = handle and path.stat().st_ino in self.held
        (self.by_handle if kept else self.may).update(lines)
        if kept and rest:
            (self.by_handle if is_line(rest) else self.half).add(rest)
        self.pending.pop(path, None)

    def beside(self, copy: Path, path: Path) -> bool:
        content = self.content(copy)
        return len(content) > 0 and path.read_bytes().startswith(content)

    def content(self, path: Path) -> bytes:
        raw = path.read_bytes()
        if raw.startswith(b"\x1f\x8b"):
            return gzip.decompress(raw)
        return zstandard.decompress(raw) if raw.startswith(b"\x28\xb5\x2f\xfd") else raw

    @rule(number=some_file)
    def rename(self, number: int) -> None:
        path, to = self.path(number), self.new_path()
        if path.exists():
            path.rename(to)
            if path in self.pending:
                self.pending[to] = self.pending.pop(path)

    @rule(number=some_file)
    def copy(self, number: int) -> None:
        path, to = self.path(number), self.new_path()
        if path.exists():
            shutil.copyfile(path, to)
            if path in self.pending:
                self.count += 1
                ended = self.pending[path] == b"\n"
                self.pending[to] = b"\n" if ended else b'"copy":%d}\n' % self.count

    @rule(number=some_file, look=st.booleans())
    def copytruncate(self, *, number: int, look: bool) -> None:
        path, to = self.path(number), self.new_path()
        if path.exists():
            shutil.copyfile(path, to)
            if look:
                self.look()
            os.truncate(path, 0)
            self.tick(path)
            if path in self.pending:
                self.pending[to] = self.pending.pop(path)

    @rule(number=some_file, part=st.floats(0, 1))
    def copytruncate_that_takes_time(self, number: int, part: float) -> None:
        """We look while the copy is being written."""
        path, to = self.path(number), self.new_path()
        if path.exists() and path not in self.pending:
            content = path.read_bytes()
            half = int(part * len(content))
            if is_json_object(content[:half].rpartition(b"\n")[2]):
                return
            self.append(to, content[:half])
            self.look()
            self.append(to, content[half:])
            os.truncate(path, 0)
            self.tick(path)

    @rule(number=some_file)
    def truncate(self, number: int) -> None:
        path = self.path(number)
        if path.exists():
            self.destroy(path, handle=False)
            os.truncate(path, 0)
            self.tick(path)

    @rule(number=some_file)
    def rewrite_in_place_at_the_same_size(self, number: int) -> None:
        path = self.path(number)
        size = path.stat().st_size if path.exists() else 0
        if size > 40:
            self.destroy(path, handle=False)
            with path.open("r+b") as file:
                line = self.line(0)
                file.write(self.line(size - len(line) - 1)[:size] if size < 400 else line + b"\n" * (size - len(line)))
            rest = path.read_bytes().rpartition(b"\n")[2]
            if rest:
                os.truncate(path, 0)
            self.tick(path)

    @rule(number=some_file, lines=st.integers(0, 3), superset=st.booleans())
    def replace(self, *, number: int, lines: int, superset: bool) -> None:
        path = self.path(number)
        if path.exists():
            data = path.read_bytes() if superset and path not in self.pending else b""
            self.destroy(path, handle=True)
            temporary = self.inbox / ".temporary"
            temporary.write_bytes(data + b"".join(self.line(9) for _ in range(lines)))
            temporary.replace(path)

    @rule(number=some_file)
    def delete(self, number: int) -> None:
        path = self.path(number)
        if path.exists():
            self.destroy(path, handle=True)
            path.unlink()

    @rule(number=some_file, packing=st.sampled_from(sorted(PACK)), keep=st.booleans())
    def compress(self, *, number: int, packing: str, keep: bool) -> None:
        path, to = self.path(number), self.new_path(".old")
        if path.exists():
            content = path.read_bytes()
            to.write_bytes(PACK[packing](content))
            self.packed.add(to)
            rest = content.rpartition(b"\n")[2]
            if rest and not is_line(rest):
                self.half.add(rest)
            if not keep:
                self.destroy(path, handle=True)
                path.unlink()

    # us

    def look(self) -> None:
        """One scan to the end. Lines on disk are seen; a handle is held of every file from now on."""
        for path in self.inbox.iterdir():
            content = self.content(path)
            self.must |= set(complete(content))
            rest = content.rpartition(b"\n")[2]
            if is_line(rest):
                self.must.add(rest)
        more = True
        self.now += timedelta(seconds=1)
        while more:
            try:
                _, more = self.intake.round(scan(self.inbox))
            except StoreFailed:
                self.forget()
        self.must |= self.by_handle
        self.by_handle = set()
        self.held = {path.stat().st_ino for path in self.inbox.iterdir()}

    def forget(self) -> None:
        """Handles are closed: what only they held is lost, unless it was read already."""
        self.intake.forget()
        self.held = set()
        self.may |= self.by_handle
        self.by_handle = set()

    @rule()
    def scan(self) -> None:
        self.look()

    @rule()
    def restart(self) -> None:
        if hasattr(self, "intake"):
            self.forget()
        self.intake = Intake(self.store, clock=lambda: self.now, limits=LIMITS, patience=AT_ONCE)

    @rule(when=st.sampled_from(["before", "after"]))
    def disk_full(self, when: str) -> None:
        self.store.fail = when

    # the oracle

    @invariant()
    def nothing_twice(self) -> None:
        if not hasattr(self, "store"):
            return
        twice = [line for line, times in Counter(self.store.lines).items() if times > 1]
        assert not twice, f"stored twice: {twice}"

    @invariant()
    def ledger_rule(self) -> None:
        for g in self.store.generations() if hasattr(self, "store") else []:
            assert g.lines == g.stored + g.quarantined + g.duplicates + g.blank

    def everything_once(self) -> None:
        given = Counter(self.store.lines)
        long = Counter(r.length for r in self.store.rejected if r.reason == TOO_LONG)
        for line in self.must:
            if len(line) <= LIMITS.line:
                assert given[line] == 1, f"{line[:40]!r} was handed over {given[line]} times"
        known = self.must | self.may
        assert set(given) <= known, f"never written: {set(given) - known}"
        wanted = Counter(len(line) for line in self.must if len(line) > LIMITS.line)
        assert not wanted - long, f"too long and not told: {wanted - long}"
        halves = {r.raw for r in self.store.rejected if r.reason == UNTERMINATED}
        assert halves <= {half[: LIMITS.kept] for half in self.half}

    def every_file_adds_up(self) -> None:
        for path in self.inbox.iterdir():
            content = self.content(path)
            rest = content.rpartition(b"\n")[2]
            lines = content.count(b"\n")
            taken = rest if is_line(rest) else b""
            here = [g for g in self.store.generations() if g.identity.key == key(path) and g.state in ("open", "done")]
            if not lines and not taken:
                continue
            assert len(here) == 1, f"{path.name}: {here}"
            assert here[0].offset == len(content) - len(rest) + len(taken)
            halves = [c for c in self.store.chunks if c.generation == here[0].id and is_half(c)]
            assert here[0].lines == lines + bool(taken) + len(halves)
            assert here[0].path == path


def is_line(rest: bytes) -> bool:
    """Whether what no newline ends is taken as a line."""
    return len(rest) <= LIMITS.line and is_json_object(rest)


def complete(content: bytes) -> list[bytes]:
    return [line for line in content.split(b"\n")[:-1] if line.strip()]


def is_half(chunk: Chunk) -> bool:
    """A half line is told when its file ends, and counts as a line although it is none."""
    return any(line.reason == UNTERMINATED for line in chunk.rejected)


def key(path: Path) -> tuple[int, int]:
    info = path.stat()
    return info.st_dev, info.st_ino


TestLogFiles = LogFiles.TestCase
TestLogFiles.settings = settings(
    max_examples=int(os.environ.get("BURNLINE_MODEL_RUNS", "120")),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
