"""What each reader comes for, from the first page to the last, as they click it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import TimeoutError, expect  # noqa: A004
from running_dashboard import day, request, serving

from alerting.links import page_of_metric
from alerting.rules import compile_rules
from core.selection import Selection
from core.settings import parse
from core.timespan import TimeSpan

HUNTED = {"trace_id": "t1", "request_id": "hunted-7"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A day of requests that cost money; planner times out of late, and one request left its steps."""
    records = [record | {"cost_usd": 0.01, "user_id": f"u{n % 7}"} for n, record in enumerate(day())]
    at = datetime.now(UTC) - timedelta(minutes=3)
    records.append(request(0, at, "timeout", **HUNTED, span_id="s1", agent_id="planner", error_code="TOOL_TIMEOUT"))
    late = at + timedelta(seconds=1)
    records.append(
        request(0, late, "timeout", kind="tool", **HUNTED, span_id="s2", parent_span_id="s1", operation="lookup")
    )
    with serving(tmp_path_factory.mktemp("shop"), records) as running:
        yield running


def heading(page, words: str):
    return expect(page.get_by_role("heading", name=re.compile(words)).first).to_be_visible()


def to(page, name: str) -> None:
    page.locator("[data-testid=stSidebar]").get_by_role("link", name=name, exact=True).click()


def click_until(page, what: str, where: Callable[[dict], tuple[float, float]], url: str) -> None:
    """Charts and tables are canvases: whether one takes a click yet is seen by what the click does."""
    for _ in range(10):
        box = page.locator(what).first.bounding_box()
        x, y = where(box)
        page.mouse.click(box["x"] + x, box["y"] + y)
        try:
            page.wait_for_url(url, timeout=4000)
        except TimeoutError:
            continue
        return
    raise AssertionError(f"no click led to {url}; the page is {page.url}")


def click_the_first_cell(page, url: str) -> None:
    page.wait_for_selector("[data-testid=stDataFrame]")
    page.locator("[data-testid=stDataFrame]").first.scroll_into_view_if_needed()
    click_until(page, "[data-testid=stDataFrame]", lambda _: (40, 52), url)


def test_a_ceo_reads_the_answer_and_when_the_budget_ends(shop, visit):
    page = visit(shop.url)
    heading(page, r"of the last 1,000 requests timed out")
    said = page.locator("[data-testid=stMain] p", has_text="error budget").first.inner_text()
    to(page, "Error budget")
    page.wait_for_url("**/budget*")
    heading(page, "error budget")
    assert page.locator("h2").first.inner_text() in said
    page.wait_for_selector("[data-testid=stVegaLiteChart] canvas")


def test_a_pm_sees_which_agent_and_what_it_costs(shop, visit):
    page = visit(f"{shop.url}/?range=24h")
    heading(page, "timed out")
    click_the_first_cell(page, "**agent=planner*")
    to(page, "Cost")
    page.wait_for_url("**/cost?*agent=planner*")
    heading(page, r"USD spent")
    expect(page.get_by_text("Agent", exact=False).filter(has_text="planner").first).to_be_visible()


def test_an_sre_comes_from_the_alert_to_why_and_to_the_rows(shop, visit):
    settings = parse(f"dashboard_url: {shop.url}")
    rule = compile_rules(settings).rules[0]
    hour = Selection(TimeSpan.last(timedelta(hours=1), datetime.now(UTC)))
    page = visit(page_of_metric(settings, rule.condition.comparisons[0].metric.name, hour))
    page.wait_for_url("**/why?*")
    heading(page, "imeouts")
    page.get_by_role("link", name=re.compile("timed out")).first.click()
    page.wait_for_url("**/requests?*view=timeouts*")
    expect(page.get_by_text(re.compile(r"\d+ requests?, as of"))).to_be_visible()
    assert "start=" in page.url


def test_a_developer_finds_one_request_and_the_step_that_was_open(shop, visit):
    page = visit(f"{shop.url}/requests")
    box = page.get_by_role("textbox", name="Search")
    box.fill("hunted")
    box.press("Enter")
    expect(page.get_by_text("1 request, as of")).to_be_visible()
    click_the_first_cell(page, "**/request?*id=hunted-7*")
    heading(page, r"Timed out after 8\.0 s")
    expect(page.get_by_text("TOOL_TIMEOUT")).to_be_visible()
    page.wait_for_selector("[data-testid=stVegaLiteChart] canvas")
    page.go_back()
    expect(page.get_by_text("1 request, as of")).to_be_visible()


def test_a_cell_of_the_heatmap_leads_to_its_requests_and_back(shop, visit):
    page = visit(f"{shop.url}/?range=24h")
    heading(page, "timed out")
    page.wait_for_selector(".st-key-heatmap canvas")
    page.locator(".st-key-heatmap").scroll_into_view_if_needed()
    click_until(
        page, ".st-key-heatmap canvas", lambda box: (box["width"] - 100, box["height"] * 0.7), "**/requests?*band=*"
    )
    expect(page.get_by_role("button", name=re.compile("Took"))).to_be_visible()
    page.go_back()
    page.wait_for_url("**/?range=24h*")
    heading(page, "timed out")


def test_a_newcomer_is_told_where_to_put_files_and_gets_the_answer_of_the_first(tmp_path, visit):
    with serving(tmp_path, []) as running:
        page = visit(running.url)
        heading(page, "No requests yet")
        expect(page.get_by_text(str(running.inbox), exact=True)).to_be_visible()
        now = datetime.now(UTC)
        running.append(*(request(n, now - timedelta(seconds=n), "timeout" if n < 3 else "success") for n in range(20)))
        heading(page, r"^3 of .*20 requests timed out")
        page.context.close()
