"""The sample's lines on their way into files: one file per day and service, in the order services write them."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING

import zstandard

from sample_logs.truth import moment

if TYPE_CHECKING:
    from pathlib import Path

    from sample_logs.fields import Fields

_DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)
_json = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def encode(fields: Fields) -> str:
    """One version 1 line, without its newline."""
    return _json({"v": 1, "kind": "request"} | fields)


class LogFiles:
    """Lines by day and service; `write` puts them on disk."""

    def __init__(self) -> None:
        self.kinds = Counter[str]()
        self._lines: dict[tuple[str, int], list[tuple[float, str]]] = defaultdict(list)

    def add(self, written: float, fields: Fields) -> None:
        """Keep one record that its service writes at `written`, in Unix milliseconds."""
        self.kinds[fields.get("kind", "request")] += 1
        self._lines[fields["service"], int(written) // _DAY_MS].append((written, encode(fields)))

    def write(self, out: Path, logs: Path) -> dict[str, int]:
        """Write the files into `logs`, each complete when it appears there; the lines per file name.

        From three days on, the first day of `workflow` is gzip and the second zstd, as a rotation would leave them.
        """
        days = sorted({day for _, day in self._lines})
        packed = {("workflow", days[0]): ".gz", ("workflow", days[1]): ".zst"} if len(days) > 2 else {}
        counts = {}
        for service, day in sorted(self._lines):
            lines = sorted(self._lines[service, day], key=itemgetter(0))
            suffix = packed.get((service, day), "")
            name = f"{service}-{moment(day * _DAY_MS):%Y-%m-%d}.jsonl{suffix}"
            part = out / f".{name}.part"
            part.write_bytes(_packed("".join(f"{line}\n" for _, line in lines).encode(), suffix))
            part.replace(logs / name)
            counts[name] = len(lines)
        return counts


def _packed(content: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.compress(content, 6, mtime=0)
    return zstandard.compress(content, 3) if suffix == ".zst" else content
