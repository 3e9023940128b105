"""The helper writing into a folder of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from written import Logs

import burnline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    burnline.configure(tmp_path / "logs", service="api")
    yield Logs(tmp_path / "logs")
    burnline.flush(30)
    burnline.configure(tmp_path / "afterwards")
