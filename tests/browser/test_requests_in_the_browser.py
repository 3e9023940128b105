"""A developer hunts one request: the list, the row, its steps, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import TimeoutError, expect  # noqa: A004
from running_dashboard import request, serving

ROW = 35


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """A thousand requests; the newest one was cut in its tool, and says so in its steps."""
    end = datetime.now(UTC) - timedelta(seconds=2)
    records = [request(n, end - timedelta(seconds=3 * n)) for n in range(1, 1000)]
    cut = {"trace_id": "t1", "request_id": "hunted"}
    records.append(request(0, end, "timeout", **cut, span_id="s1", error_code="API_TIMEOUT"))
    records.append(request(0, end, kind="llm", **cut, span_id="s2", parent_span_id="s1", execution_time_ms=900.0))
    records.append(
        request(
            0,
            end + timedelta(seconds=1),
            "timeout",
            kind="tool",
            **cut,
            span_id="s3",
            parent_span_id="s1",
            operation="lookup",
        )
    )
    with serving(tmp_path_factory.mktemp("traced"), records) as running:
        yield running


def open_the_only_row(page) -> None:
    """The table is a canvas: whether it takes a click yet is seen by what the click does."""
    page.wait_for_function(
        f"document.querySelector('[data-testid=stDataFrame]')?.getBoundingClientRect().height < {3 * ROW}"
    )
    for _ in range(10):
        box = page.locator("[data-testid=stDataFrame]").bounding_box()
        page.mouse.click(box["x"] + 60, box["y"] + ROW + ROW / 2)
        try:
            page.wait_for_url("**/request?*", timeout=4000)
        except TimeoutError:
            continue
        return
    raise AssertionError(f"no click on the row opened it; the page is {page.url}")


def narrow(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_from_the_list_to_the_step_that_was_open_and_back_in_three_clicks(traced, visit, width, scheme):
    page = visit(f"{traced.url}/requests", width=width, scheme=scheme)
    page.get_by_role("radio", name="Timeouts", exact=True).click()
    expect(page.get_by_text("1 request, as of")).to_be_visible()
    open_the_only_row(page)
    expect(page.get_by_role("heading", name="Timed out after 8.0 s")).to_be_visible()
    expect(page.get_by_text("API_TIMEOUT")).to_be_visible()
    page.wait_for_selector("[data-testid=stVegaLiteChart] canvas")
    assert narrow(page)
    page.locator("[data-testid=stPageLink]", has_text="Requests").last.click()
    page.wait_for_url("**/requests?*view=timeouts*")
    expect(page.get_by_text("1 request, as of")).to_be_visible()
    assert narrow(page)


def test_an_address_with_an_id_is_enough(traced, visit):
    page = visit(f"{traced.url}/request?id=t1&lang=vi")
    expect(page.get_by_role("heading", name="Quá hạn sau 8,0 s")).to_be_visible()
