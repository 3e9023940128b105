"""The uncompressed bytes of a file, whatever it is packed in: told by its first bytes, never by its name."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_FEED = 4096
"""Compressed bytes per step. At most 128 MiB come out of one (zstd's longest run), usually some 20 KiB."""
_ZSTD_WINDOW = 1 << 27
"""Zstandard's own limit for streams of strangers, 128 MiB."""


@dataclass(frozen=True, slots=True)
class BombLimit:
    """Content beyond `size` bytes that is more than `ratio` times its archive is no log but an attack."""

    ratio: int = 200
    size: int = 2 << 30


_BOMB = BombLimit()


class Plain:
    """A file that is not compressed; it may grow."""

    packing = ""
    fault = ""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end of the file."""
        size = min(size, os.fstat(self.fd).st_size - offset)
        data = os.pread(self.fd, size, offset) if size > 0 else b""
        while 0 < len(data) < size:
            more = os.pread(self.fd, size - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class Archive:
    """A gzip or zstd file, read as a stream: going back starts again from its first byte.

    Where the content ends, `fault` says why it is no clean end ("" when it is): `cut_off`, damaged, or a bomb. All
    that could be unpacked before the fault is returned first. `at` is the number of packed bytes read so far.
    """

    def __init__(self, fd: int, packing: str, limit: BombLimit = _BOMB) -> None:
        self.fd, self.packing, self.limit = fd, packing, limit
        self._magic = GZIP if packing == "gzip" else ZSTD
        self._new: Callable[[], _Unpacker] = (
            (lambda: zlib.decompressobj(wbits=31))
            if packing == "gzip"
            else (lambda: zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj())
        )
        self._careful_from: int | None = None
        self._restart()

    def _restart(self) -> None:
        self._start, self._held = 0, b""
        self._rewind()

    def _rewind(self) -> None:
        self.at, self._out, self._members = 0, 0, 0
        self._engine: _Unpacker | None = None
        self.fault, self.cut_off = "", False

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes of content from `offset`; fewer only where it ends (see `fault`).

        What one read returned is held, so that the next may begin anywhere in it without starting again.
        """
        if offset < self._start:
            self._restart()
        while self._start + len(self._held) < offset:
            self._start += len(self._held)
            self._held = self._next_block()
            if not self._held:
                return b""
        parts = [self._held[offset - self._start :]]
        length = len(parts[0])
        while length < size and (block := self._next_block()):
            parts.append(block)
            length += len(block)
        self._start, self._held = offset, b"".join(parts)
        return self._held[:size]

    def _next_block(self) -> bytes:
        """The next bytes of content, b"" at the end."""
        while not self.fault:
            raw = os.pread(self.fd, self._step(), self.at)
            if not raw:
                if self._engine is not None or not self._members:
                    self.cut_off = True
                    self.fault = f"the {self.packing} archive is cut off after {self.at:,} bytes"
                return b""
            if self._engine is None:
                raw = self._next_member(raw)
                if not raw:
                    continue
            try:
                out = self._unpack(raw)
            except (zlib.error, zstandard.ZstdError) as error:
                self._take_care(error)
                continue
            if self._out + len(out) > max(self.limit.size, self.limit.ratio * self.at):
                self.fault = (
                    f"the {self.packing} archive unpacks to more than {self.limit.ratio} times its size, "
                    f"beyond {self.limit.size:,} bytes; that is no log"
                )
                return b""
            if out:
                self._out += len(out)
                return out
        return b""

    def _step(self) -> int:
        if self._careful_from is None:
            return _FEED
        return min(_FEED, self._careful_from - self.at) if self.at < self._careful_from else 1

    def _next_member(self, raw: bytes) -> bytes:
        """Begin another member, past the zeros some tools pad with; b"" when there is nothing to begin."""
        if self._members and not raw.strip(b"\0"):
            self.at += len(raw)
            return b""
        if self._members:
            self.at += len(raw) - len(raw.lstrip(b"\0"))
        raw = os.pread(self.fd, max(len(self._magic), self._step()), self.at)
        if self._members and not raw.startswith(self._magic) and not _skippable(raw, self.packing):
            self.fault = f"bytes after the end of the {self.packing} archive (at {self.at:,}) are not {self.packing}"
            return b""
        self._engine = self._new()
        return raw

    def _unpack(self, raw: bytes) -> bytes:
        engine = self._engine
        assert engine is not None  # noqa: S101 - set by _next_member
        out = engine.decompress(raw)
        self.at += len(raw) - len(engine.unused_data)
        if engine.eof:
            self._engine = None
            self._members += 1
        return out

    def _take_care(self, error: Exception) -> None:
        """Damage inside a step hides the good bytes before it: go there once more, and on byte by byte."""
        if self._careful_from is not None:
            self.fault = f"the {self.packing} archive is damaged at byte {self.at:,} ({error})"
            return
        self._careful_from = self.at
        target = self._out
        self._rewind()
        while self._out < target and self._next_block():
            pass


def _skippable(raw: bytes, packing: str) -> bool:
    return packing == "zstd" and raw[1:4] == b"\x2a\x4d\x18" and 0x50 <= raw[0] <= 0x5F


def open_content(fd: int, limit: BombLimit = _BOMB) -> Plain | Archive:
    """The content of an open regular file, by its first bytes."""
    first = os.pread(fd, 4, 0)
    if first.startswith(GZIP):
        return Archive(fd, "gzip", limit)
    if first == ZSTD or _skippable(first, "zstd"):
        return Archive(fd, "zstd", limit)
    return Plain(fd)
