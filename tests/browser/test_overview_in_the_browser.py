"""The Overview as people see it: both widths, both modes, both languages, filters in the URL, live."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import TimeoutError, expect  # noqa: A004
from running_dashboard import request, serving

TILES = ["Success vs SLO", "Timeout rate", "Error rate", "P99", "P95", "Average"]
CHARTS = 8
HEADLINE = r"([\d,]+) of the last 1,000 requests timed out"

COUNT_NODES = """() => {
  window.changed = [];
  const telling = '[data-testid=stMetric], [data-testid=stVegaLiteChart], [data-testid=stDataFrame], canvas';
  new MutationObserver(records => records.forEach(record =>
    [...record.addedNodes, ...record.removedNodes].forEach(node => {
      if (node.nodeType === 1 && (node.matches(telling) || node.querySelector(telling))) changed.push(node.outerHTML.slice(0, 200));
    }))).observe(document.body, {childList: true, subtree: true});
}"""


def shown(page) -> int:
    """The timeouts in the headline, once it is there."""
    page.wait_for_function(f"/{HEADLINE}/.test(document.querySelector('h2')?.innerText || '')")
    return int(re.search(HEADLINE, page.inner_text("h2"))[1].replace(",", ""))


def wait_for_charts(page) -> None:
    """Heatmap, trend and six sparklines are painted."""
    page.wait_for_function(f"document.querySelectorAll('[data-testid=stVegaLiteChart] canvas').length === {CHARTS}")


def scrolls_sideways(page) -> bool:
    return page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')].some(e => e.scrollWidth > e.clientWidth)"
    )


def tops(page) -> list[int]:
    """Where the rows of tiles are: the distinct upper edges of the six."""
    return sorted(
        {round(box.bounding_box()["y"]) for box in page.locator(".st-key-tilegrid [data-testid=stMetric]").all()}
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "rows"), [(1440, 1), (390, 3)])
def test_the_answer_is_all_there_and_nothing_scrolls_sideways(server, visit, width, rows, scheme):
    """Six tiles in one row on a desk, two a row on a phone."""
    page = visit(server.url, width=width, scheme=scheme)
    assert shown(page) > 0
    wait_for_charts(page)
    assert [tile.inner_text() for tile in page.locator("[data-testid=stMetricLabel]").all()] == TILES
    page.wait_for_selector("[data-testid=stDataFrame]")
    assert len(tops(page)) == rows
    assert not scrolls_sideways(page)
    assert re.search(r"live · \d+\s(s|min) ago", page.inner_text(".st-key-age"))
    assert "SLO api 99 % within 8 s" in page.inner_text(".st-key-status").replace("\xa0", " ")


def test_a_few_old_requests_draw_every_chart_without_a_warning(tmp_path, visit):
    """One slot of data, long ago: no scale is without a domain."""
    old = datetime.now(UTC) - timedelta(hours=40)
    with serving(tmp_path, [request(n, old) for n in range(30)]) as stale:
        page = visit(stale.url)
        page.wait_for_selector("h2")
        wait_for_charts(page)
        assert "stale" in page.inner_text(".st-key-age")
        page.close()


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("width", [1440, 390])
def test_no_tile_cuts_its_words(server, visit, width, language):
    page = visit(f"{server.url}/?lang={language}", width=width)
    wait_for_charts(page)
    cut = page.evaluate(
        "[...document.querySelectorAll('[data-testid=stMetric] *')].filter(e => e.clientWidth > 0 && "
        "e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflow !== 'visible').map(e => e.innerText)"
    )
    assert cut == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_small_print_has_contrast(server, visit, scheme):
    """WCAG AA: 4.5 : 1 for every text on the page."""
    page = visit(server.url, scheme=scheme)
    wait_for_charts(page)
    page.wait_for_function("document.getAnimations().every(one => one.playState !== 'running')")  # they fade in
    assert page.evaluate(LOW_CONTRAST) == []


def test_the_language_switch_is_kept_in_the_url(server, visit):
    page = visit(server.url)
    assert shown(page) > 0
    page.get_by_text("Tiếng Việt").click()
    page.wait_for_function("/bị quá hạn/.test(document.querySelector('h2').innerText)")
    assert "lang=vi" in page.url
    page.reload()
    page.wait_for_function("/bị quá hạn/.test(document.querySelector('h2')?.innerText || '')")


def test_a_vietnamese_browser_is_greeted_in_vietnamese(tmp_path, visit, server):
    """Unless the team set a language: this one set English, so the browser does not decide."""
    page = visit(server.url, locale="vi-VN")
    assert shown(page) > 0


def test_filters_restore_from_the_url_and_follow_the_reader(server, visit):
    page = visit(f"{server.url}/?range=24h&agent=planner")
    page.wait_for_function("/requests since/.test(document.querySelector('h2')?.innerText || '')")
    assert page.get_by_role("button", name="Filter (1)").count() == 1
    expect(page.get_by_role("radio", name="24 h", checked=True)).to_have_count(1)
    page.get_by_text("Last 1,000", exact=True).click()
    page.wait_for_function("/of the last/.test(document.querySelector('h2').innerText)")
    page.wait_for_function("!location.search.includes('range')")
    assert "agent=planner" in page.url


def test_a_hand_edited_address_falls_back_with_a_note(server, visit):
    page = visit(f"{server.url}/?range=3weeks")
    assert shown(page) > 0
    assert page.get_by_text("range=3weeks").count() == 1


def test_appended_lines_appear_without_a_reload_and_without_new_nodes(server, visit):
    """Numbers change inside what stands: no tile, chart or table is made anew, and nothing jumps."""
    page = visit(server.url)
    before = shown(page)
    wait_for_charts(page)
    page.wait_for_selector("[data-testid=stDataFrame] canvas")
    page.evaluate("window.mark = 'not reloaded'")
    page.evaluate(COUNT_NODES)
    place = page.locator("[data-testid=stMetric]").first.bounding_box()
    for round_ in range(1, 4):
        now = datetime.now(UTC)
        server.append(*(request(round_ * 100 + n, now, "timeout", agent_id="planner") for n in range(10)))
        page.wait_for_function(
            f"before => parseInt((document.querySelector('h2').innerText.match(/{HEADLINE}/) || [, '0'])[1].replace(',', '')) > before",
            arg=before,
        )
        before = shown(page)
    assert page.evaluate("window.mark") == "not reloaded"
    assert page.evaluate("window.changed") == []
    assert page.locator("[data-testid=stMetric]").first.bounding_box() == place


def test_an_open_filter_stays_open_while_numbers_change(server, visit):
    """A refresh does not take the control out of the reader's hand."""
    page = visit(server.url)
    before = shown(page)
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("combobox", name="Agent")).to_be_visible()
    server.append(*(request(9000 + n, datetime.now(UTC), "timeout", agent_id="planner") for n in range(5)))
    page.wait_for_function(
        f"before => +document.querySelector('h2').innerText.match(/{HEADLINE}/)[1] > before", arg=before
    )
    expect(page.get_by_role("combobox", name="Agent")).to_be_visible()


def open_the_first_agent(page) -> None:
    """The table is a canvas that moves while what stands above it is drawn: a click may meet nothing yet."""
    for _ in range(8):
        page.locator(".dvn-scroller").click(position={"x": 60, "y": 53})
        try:
            page.wait_for_function("location.search.includes('agent=planner')", timeout=4000)
        except TimeoutError:
            continue
        return
    raise AssertionError(f"no click opened the agent; the page is {page.url}")


def test_a_click_on_an_agent_opens_it(server, visit):
    """From the answer to whom it concerns in one click; the URL can be sent."""
    page = visit(server.url)
    shown(page)
    wait_for_charts(page)
    page.wait_for_selector("[data-testid=stDataFrame] canvas")
    open_the_first_agent(page)
    expect(page.locator(".st-key-about code")).to_have_text("planner")
    page.get_by_role("button", name="Show all requests").click()
    page.wait_for_function("!location.search.includes('agent')")
    shown(page)
    wait_for_charts(page)
    open_the_first_agent(page)


LOW_CONTRAST = """() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const light = c => { const f = c.slice(0, 3).map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
  const over = (a, b) => a.slice(0, 3).map((v, i) => v * a[3] + b[i] * (1 - a[3])).concat(1);
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (!text || box.width < 2 || box.height < 2 || style.visibility === 'hidden') continue;
    if (['STYLE', 'SCRIPT', 'NOSCRIPT'].includes(element.tagName) || element.closest('canvas')) continue;
    let paper = [255, 255, 255, 1], opacity = 1; const layers = [];
    for (let e = element; e; e = e.parentElement) {
      layers.push(parse(getComputedStyle(e).backgroundColor)); opacity *= +getComputedStyle(e).opacity; }
    layers.reverse().forEach(layer => { paper = over(layer, paper); });
    const ink = parse(style.color); ink[3] *= opacity;
    const [a, b] = [light(over(ink, paper)), light(paper)];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) found.push([ratio.toFixed(2), text.slice(0, 40)]);
  }
  return found;
}"""
