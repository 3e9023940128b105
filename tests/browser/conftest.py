"""The real server and a real browser: started once, each test opens its own page and fails on any console error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright
from running_dashboard import Server, day, serving

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a browser."""
    here = Path(__file__).parent
    absent = pytest.mark.skip(reason=f"{CHROMIUM} is absent; apt-get install chromium runs the browser tests")
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM.exists():
                item.add_marker(absent)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One dashboard over a day of requests, for all tests that only look or append."""
    with serving(tmp_path_factory.mktemp("dashboard"), day()) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    """Debian's chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def visit(browser) -> Iterator[Callable]:
    """`visit(url, width=, scheme=)` -> a Playwright page; the test fails on what its console or scripts complain of."""
    complaints: list[str] = []
    contexts = []

    def open_page(url: str, *, width: int = 1440, height: int = 950, scheme: str = "light", locale: str = "en-GB"):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale=locale,
            timezone_id="America/New_York",
        )
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console",
            lambda said: complaints.append(said.text) if _complains(said) else None,
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _complains(said) -> bool:
    """On a deep link Streamlit first asks below the page's own path whether the server is there; that 404 is its way."""
    probing = said.location["url"].endswith(("/_stcore/health", "/_stcore/host-config"))
    return (said.type == "error" and not probing) or "xtent" in said.text
