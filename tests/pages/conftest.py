"""Pages are run as a visitor runs them, around an engine made of a frame."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import services
from pages.shared.kept import forget

sys.path.insert(0, str(Path(__file__).parent))

MAIN = str(Path(__file__).resolve().parents[2] / "pages" / "main.py")


@pytest.fixture(autouse=True)
def _nothing_kept():
    """What one engine said is neither kept nor there for the next."""
    forget()
    yield
    services.publish(None)


@pytest.fixture
def visit():
    """Open the dashboard on an engine: `visit(engine, **query)` -> AppTest after its first run."""

    def open_page(engine, **query: str) -> AppTest:
        services.publish(engine)
        page = AppTest.from_file(MAIN, default_timeout=30)
        for name, value in query.items():
            page.query_params[name] = value
        return page.run()

    return open_page
