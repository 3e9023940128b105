"""A store and an inbox in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from filling import START
from inbox import Inbox

from loaders.reading import PATIENT
from loaders.store import Store


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "data" / "burnline.duckdb", clock=lambda: START) as opened:
        yield opened


@pytest.fixture
def inbox(tmp_path):
    return Inbox(tmp_path / "logs")


@pytest.fixture
def patient(tmp_path):
    return Inbox(tmp_path / "logs", PATIENT)
