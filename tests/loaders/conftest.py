"""A store in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from filling import START

from loaders.store import Store


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "data" / "burnline.duckdb", clock=lambda: START) as opened:
        yield opened
