"""Whatever a log says is shown, never done: markup, Markdown, formulas and control characters in every field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from running_dashboard import request, serving

HOSTILE = (
    "<script>window.done=1</script>", "<img src=http://leak.invalid/a onerror=window.done=1>", "**bold** `code` $x^2$",
    "![x](http://leak.invalid/b?q=1)", "[x](javascript:window.done=1)", ":material/home: :red[x]", "=HYPERLINK(1)",
    "| a | b |\n|---|---|", "a\u202eb\u200bc", "\x1b[31mred\x1b[0m", "*" * 2000, "'; DROP TABLE records; --",
)  # fmt: skip
TEXTS = (
    "agent_id", "operation", "model", "environment", "service", "feature", "error_code", "error_message", "error_stack",
    "user_id", "session_id", "model_version", "prompt_version",
)  # fmt: skip
PAGES = (
    "", "budget", "why", "latency", "agents", "requests", "ask", "quality", "cost", "health", "guide", "present",
)  # fmt: skip


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """Two thousand requests with something hostile in every field, with steps, scores, feedback, machines, deploys."""
    end = datetime.now(UTC)
    records = []
    for n in range(2000):
        at = end - timedelta(seconds=40 * n)
        fields = {name: HOSTILE[(n + place) % len(HOSTILE)] for place, name in enumerate(TEXTS)}
        status = ("success", "success", "timeout", "failed")[n % 4]
        about = {"request_id": f"{HOSTILE[n % len(HOSTILE)][:40]}{n}", "trace_id": f"{HOSTILE[n % 9]}{n}"}
        records.append(request(n, at, status, **fields, **about, cost_usd=0.01, span_id="a"))
        if n % 10 == 0:
            step = {"kind": "tool", "span_id": "b", "parent_span_id": "a"}
            records.append(request(n, at, status, **fields, **about, **step))
            scores = {HOSTILE[n % len(HOSTILE)]: 0.4}
            records.append(request(n, at, **about, kind="eval", eval_score=scores, agent_id=fields["agent_id"]))
            records.append(request(n, at, **about, kind="feedback", feedback=-1, agent_id=fields["agent_id"]))
        if n % 500 == 0:
            records.append(request(n, at, **fields, kind="deploy"))
    with serving(tmp_path_factory.mktemp("attacked"), records) as running:
        yield running


@pytest.mark.parametrize("name", PAGES, ids=lambda name: name or "overview")
def test_no_page_does_what_a_log_says(attacked, visit, name):
    page = visit(f"{attacked.url}/{name}?range=24h")
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.on("dialog", lambda shown: asked.append(shown.message))
    page.wait_for_selector("[data-testid=stMain] [data-testid=stHeading]")
    page.wait_for_function("document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'")
    assert page.evaluate("window.done") is None
    assert page.get_by_text("could not be drawn").count() == 0
    assert [url for url in asked if urlsplit(url).netloc != urlsplit(attacked.url).netloc] == []
    main = page.locator("[data-testid=stMain]")
    assert main.locator("script, iframe, a[href^='javascript'], img[src*='leak'], .katex").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_page_of_one_request_shows_its_stack_as_text(attacked, visit):
    page = visit(f"{attacked.url}/request?{urlencode({'id': f'{HOSTILE[2][:40]}2'})}")
    page.get_by_text("Stack").first.click()
    page.wait_for_selector("[data-testid=stMain] code")
    assert page.evaluate("window.done") is None
    assert page.locator("[data-testid=stMain] :is(script, iframe, .katex)").count() == 0


def test_all_of_it_was_read(attacked):
    """The tests above are about something."""
    counted = httpx.get(f"{attacked.url}/api/v1/summary", params={"since": "24h"}, timeout=60).json()
    assert counted["requests"] == 2000
