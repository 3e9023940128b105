"""The lines of a chunk as a table DuckDB can parse, without a copy of the text."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

BATCH = 8192
"""Lines per record batch: what one thread takes at a time."""

SAMPLE = 500
"""Lines looked at to see which columns a chunk has."""

_LF, _CR, _SPACE, _QUOTE, _COMMA, _CLOSE = b'\n\r ",}'


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a chunk without a copy: line i is data[starts[i]:ends[i]], `ends` is where its newline stands."""

    data: bytes
    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, data: bytes) -> Lines:
        """The lines of `data`, which ends with a newline."""
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _LF)
        starts = np.empty_like(ends)
        starts[0], starts[1:] = 0, ends[:-1] + 1
        return cls(data, starts, ends)

    def table(self, first_line: int) -> pa.Table:
        """Candidates for the fast path: line (number), json (text), quotes (how many, modulo 256)."""
        bytes_ = np.frombuffer(self.data, np.uint8)
        quotes = np.add.reduceat((bytes_ == _QUOTE).view(np.uint8), self.starts, dtype=np.uint8)
        last = self.ends - 1
        last -= bytes_[last] == _CR
        before = np.take(bytes_, last - 1, mode="wrap")
        closed = (bytes_[last] == _CLOSE) & (before != _COMMA) & (before > _SPACE)
        offsets = pa.py_buffer(np.append(self.starts, len(self.data)).astype(np.int32))
        text = pa.Array.from_buffers(pa.string(), len(self.starts), [None, offsets, pa.py_buffer(self.data)])
        numbers = np.arange(first_line, first_line + len(self.starts))
        table = pa.table({"line": numbers, "json": text, "quotes": quotes})
        if not closed.all():
            table = table.filter(pa.array(closed))
        return pa.Table.from_batches(table.to_batches(max_chunksize=BATCH), table.schema)

    def keys(self) -> frozenset[str]:
        """Top-level keys that a sample of the lines shows."""
        seen: set[str] = set()
        for i in range(0, len(self.starts), max(1, len(self.starts) // SAMPLE)):
            try:
                seen |= json.loads(self.data[self.starts[i] : self.ends[i]]).keys()
            except (ValueError, AttributeError, RecursionError):
                continue  # not this function's to judge
        return frozenset(seen)
