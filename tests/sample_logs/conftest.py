"""One full sample for the whole room, read back without any of our readers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

from sample_logs.generate import generate
from sample_logs.truth import Truth

END = datetime(2026, 3, 4, 16, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Sample:
    out: Path
    truth: Truth
    lines: list[dict[str, Any]]

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["kind"] == "request"]


def read(folder: Path) -> Iterator[bytes]:
    """Every line of every file, unpacked."""
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        elif path.suffix == ".zst":
            content = zstandard.decompress(content)
        yield from content.splitlines(keepends=True)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    out = tmp_path_factory.mktemp("sample")
    truth = generate(out, days=7, seed=1, end=END)
    return Sample(out, truth, [json.loads(line) for line in read(out / "logs")])
