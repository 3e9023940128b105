"""What the helper wrote, read back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import burnline

if TYPE_CHECKING:
    from pathlib import Path


class Logs:
    """The folder the helper writes to, read back."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def files(self) -> list[Path]:
        return sorted(self.directory.glob("*.jsonl"))

    def lines(self) -> list[dict[str, Any]]:
        assert burnline.flush(30)
        return read(self.directory)


def read(directory: Path) -> list[dict[str, Any]]:
    """Every record in the folder, in the order of the files and lines."""
    return [
        json.loads(line)
        for path in sorted(directory.glob("*.jsonl"))
        for line in path.read_bytes().decode().split("\n")[:-1]
    ]
