"""With the dashboard up, page, API, command and digest count what the clients of the real service got."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dashboard import Dashboard
from playwright.sync_api import sync_playwright
from surfaces import command, from_summary
from visitors import AGENTS, counts

from core.text import percent

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def served(day):
    """The dashboard over the installation that has read the service's logs."""
    dashboard = Dashboard(day.places)
    dashboard.start()
    yield dashboard
    dashboard.stop()


@pytest.mark.parametrize("agent", [None, *AGENTS])
def test_the_api_and_the_command_that_asks_it_count_what_the_clients_got(day, served, agent):
    """The store is held by the dashboard, so the command must be asking over HTTP."""
    filters = {"agent": agent} if agent else {}
    expected = counts(day.visits, agent)
    assert from_summary(served.ask("/api/v1/summary", last_requests="2000", **filters)) == expected
    words = [word for name, value in filters.items() for word in (f"--{name}", value)]
    told = command(day.places, "metrics", "summary", "--last-requests", "2000", "--json", *words)
    assert from_summary(told) == expected


def test_the_digest_counts_what_the_clients_got(day, served):
    """Of yesterday and today, in case midnight fell into the run."""
    today = datetime.now(UTC).date()
    days = (today, today - timedelta(days=1))
    over_http, by_command = Counter(), Counter()
    for date in days:
        over_http += from_summary(served.ask("/api/v1/digest", date=date.isoformat())["summary"])
        told = command(day.places, "alerting", "digest", "--dry-run", "--json", "--date", date.isoformat())
        by_command += from_summary(told["summary"])
    assert over_http == by_command == counts(day.visits)


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is absent; apt-get install chromium runs this test")
def test_the_tiles_show_what_the_clients_got(day, served):
    """The rates on the page are the clients' counts, to the digit shown, and the headline names the timeouts."""
    got = counts(day.visits)
    valid = got["success"] + got["timeout"] + got["failed"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"{served.url}/?range=24h&lang=en")
        page.wait_for_selector("[data-testid=stMetricValue] >> nth=5")
        tiles = [tile.inner_text() for tile in page.locator("[data-testid=stMetricValue]").all()]
        main = page.locator("[data-testid=stMain]").inner_text()
        browser.close()
    assert tiles[:3] == [percent(got[name] / valid, "en") for name in ("success", "timeout", "failed")]
    headline = next(line for line in main.splitlines() if "timed out" in line)
    assert re.findall(r"[\d,]+", headline)[0] == str(got["timeout"])
