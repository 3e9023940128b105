"""The list of requests and the page of one, over a real store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import stored
from stored import append, words
from streamlit.testing.v1 import AppTest

from core.timespan import utc_now
from loaders.store import Store
from pages.request.facts import moment_of
from pages.requests.view import View, read
from pages.shared.export import as_csv

HOSTILE = "<b>**x**</b> `y` $z$ \x1b[31m"
MAIN = str(Path(__file__).resolve().parents[2] / "pages" / "main.py")
END = datetime.now(UTC) - timedelta(seconds=20)


def record(number: int, **fields: object) -> dict[str, object]:
    return {
        "v": 1, "request_id": f"r{number:03}", "timestamp": (END - timedelta(seconds=number)).isoformat(),
        "execution_time_ms": 400.0 + number, "status": "success", "agent_id": "planner", "operation": "answer", **fields,
    }  # fmt: skip


@pytest.fixture
def store(tmp_path):
    """120 requests: three timed out (one with its steps), two failed, one of those with hostile text."""
    with Store.open(tmp_path / "b.duckdb", clock=utc_now) as opened:
        cut = {"status": "timeout", "execution_time_ms": 8000.0, "error_code": "API_TIMEOUT"}
        rows = [record(n) for n in range(6, 121)]
        rows += [record(1, **cut, trace_id="t1", span_id="s1"), record(2, **cut), record(3, **cut)]
        rows += [
            record(4, status="failed", error_message=HOSTILE, agent_id=HOSTILE, error_stack="Traceback"),
            record(5, status="failed"),
        ]
        rows += [
            record(1, kind="llm", trace_id="t1", span_id="s2", parent_span_id="s1", operation="llm", execution_time_ms=900.0),
            record(1, kind="tool", trace_id="t1", span_id="s3", parent_span_id="s1", operation="lookup", status="timeout"),
            record(1, kind="eval", eval_score={"accuracy": 0.9}), record(1, kind="feedback", feedback=-1),
        ]  # fmt: skip
        append(opened, rows)
        yield opened


@pytest.fixture
def open_at(store):
    """`open_at("requests", view="timeouts")` -> the page after its first run."""

    def visit(url_path: str, /, **query: str) -> AppTest:
        return stored.visit(store, url_path, **query)

    return visit


VIEWS = {"all": 120, "bad": 5, "timeouts": 3, "failed": 2, "near": 0, "slowest": 115}


@pytest.mark.parametrize("view", VIEWS)
def test_a_saved_view_says_how_many_requests_it_has(open_at, view):
    page = open_at("requests", view=view)
    assert not page.exception
    assert f"{VIEWS[view]} requests, as of" in words(page)
    assert bool(page.dataframe) == (VIEWS[view] > 0)


def test_a_page_has_fifty_rows_and_the_last_one_the_rest(open_at):
    assert open_at("requests").dataframe[0].value.shape[0] == 50
    assert open_at("requests", page="3").dataframe[0].value.shape[0] == 20
    assert open_at("requests", page="999").dataframe[0].value.shape[0] == 20


def test_a_search_finds_an_id_and_says_when_it_finds_nothing(open_at):
    assert open_at("requests", q="r004").dataframe[0].value["agent"].to_list() == [HOSTILE]
    assert "No request is like that" in words(open_at("requests", q="nothing like it"))


def test_rows_stand_still_while_new_requests_come_in(open_at, store):
    page = open_at("requests")
    before = page.dataframe[0].value
    append(store, [record(n, timestamp=(END + timedelta(seconds=n - 200)).isoformat()) for n in range(201, 210)])
    page = page.run()
    assert page.dataframe[0].value.equals(before)
    page = page.button(key="newer").click().run()
    assert page.dataframe[0].value["request"].to_list()[0] == "r209"


def test_a_request_shows_its_steps_its_error_and_how_it_was_judged(open_at):
    page = open_at("request", id="r001")
    assert page.header[0].value.replace("\\", "").replace("\xa0", " ").startswith("Timed out after 8.0 s")
    said = words(page)
    for piece in ("`t1`", "API_TIMEOUT", "Where the time went", "`accuracy` 0.90", "Thumbs down"):
        assert piece in said
    assert len(page.get("vega_lite_chart")) == 1


def test_a_request_is_found_without_its_time_and_with_a_wrong_one(open_at):
    for at in ({}, {"at": "2020-01-01T00:00:00+00:00"}, {"at": "nonsense"}):
        assert "`r002`" in words(open_at("request", id="r002", **at))


def test_an_id_nobody_has_and_no_id_are_told_kindly(open_at):
    assert "There is no request or trace with this id: `zzz`" in words(open_at("request", id="zzz"))
    assert "No request was named" in words(open_at("request"))


def test_log_text_stays_text_on_both_pages(open_at):
    """Markup, mathematics and escapes from a log are shown, never done."""
    assert open_at("requests", view="failed").dataframe[0].value["agent"].to_list()[0] == HOSTILE
    page = open_at("request", id="r004")
    assert HOSTILE in page.code[0].value
    assert all(
        "<b>" not in str(element.value).replace("``", "") or "`" in str(element.value) for element in page.markdown
    )


ADDRESSES = {
    "nothing": ({}, View()),
    "a view, a text and a page": ({"view": "near", "q": " x ", "page": "3"}, View("near", "x", 3)),
    "a view nobody made": ({"view": "../etc"}, View()),
    "a page before the first": ({"page": "0"}, View()),
    "a page of letters": ({"page": "two"}, View()),
    "a page beyond all": ({"page": "9999"}, View(page=2000)),
    "a search longer than any id": ({"q": "x" * 301}, View()),
    "a search with control characters": ({"q": "a\x00b"}, View()),
}  # fmt: skip


@pytest.mark.parametrize("case", ADDRESSES)
def test_an_address_edited_by_hand_is_read_as_far_as_it_makes_sense(case):
    params, expected = ADDRESSES[case]
    assert read(params) == expected


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-11-24T09:00:00", "9" * 400])
def test_a_moment_that_is_none_is_no_moment(text):
    assert moment_of(text) is None


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_what_is_taken_along_holds_no_formula(formula):
    table = pl.DataFrame({"agent": [formula, "planner"], "ms": [-1.0, 2.0]})
    rows = as_csv(table).decode("utf-8-sig")
    assert f"'{formula}" in rows
    assert "\nplanner,2.0\n" in rows
    assert ",-1.0" in rows
