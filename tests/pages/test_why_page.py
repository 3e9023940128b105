"""The page "why" over a real store: what moved, taken apart to the last request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import stored
from fake_engine import requests
from stored import append, records, words
from streamlit.testing.v1 import AppTest

from core.timespan import utc_now
from loaders.store import Store
from metrics.why import split
from metrics.why_steps import Step
from pages.why import charts, view
from pages.why.table import shape
from pages.why.words import points

MAIN = str(Path(__file__).resolve().parents[2] / "pages" / "main.py")
HOSTILE = "**x** <b>`y`"
SPANS = ("model_call", "lookup")


def with_steps(frame: pl.DataFrame) -> list[dict[str, object]]:
    """Every request of the frame, and for the cut and every tenth other one a model call and a lookup inside it."""
    lines = []
    for place, one in enumerate(records(frame)):
        lines.append(one)
        if one["status"] == "timeout" or place % 10 == 0:
            at, took = datetime.fromisoformat(one["timestamp"]), one["execution_time_ms"]
            for step, begin in zip(SPANS, (0.1, 0.3), strict=True):
                lines.append(
                    {
                        "kind": "llm" if step == "model_call" else "tool", "operation": step, "status": "success",
                        "request_id": one["request_id"], "span_id": f"{step}{place}", "agent_id": one["agent_id"],
                        "timestamp": (at + timedelta(milliseconds=begin * took)).isoformat(),
                        "execution_time_ms": took * (0.1 if step == "model_call" else 0.7),
                    }
                )  # fmt: skip
    return lines


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """60 hours of three agents; planner times out in the last one."""
    with Store.open(tmp_path_factory.mktemp("why") / "b.duckdb", clock=utc_now) as opened:
        append(opened, with_steps(requests(6000, hours=60)))
        yield opened


@pytest.fixture
def open_page(store):
    """`open_page(range="1h")` -> the page after its first run."""

    def at(on: Store = store, /, **query: str) -> AppTest:
        return stored.visit(on, "why", **query)

    return at


def test_the_page_names_the_agent_and_leads_to_its_requests(open_page):
    page = open_page(range="1h")
    assert not page.exception
    said = words(page)
    for piece in (
        "Getting worse",
        "Timeouts rose from",
        "agent `planner`",
        "From before to now",
        "The requests that timed out",
    ):
        assert piece in said
    links = [link.proto for link in page.get("page_link")]
    rows = next(link for link in links if link.label.startswith("The requests"))
    assert (rows.page, "view=timeouts" in rows.query_string, "range=1h" in rows.query_string) == (
        "requests",
        True,
        True,
    )
    examples = [link for link in links if link.label.startswith("`r")]
    assert examples
    assert all(f"id={link.label.strip('`')}" in link.query_string and link.page == "request" for link in examples)


def test_the_parts_of_the_first_cause_are_shown_until_another_is_chosen(open_page):
    assert open_page(range="1h").dataframe[0].value["group"][0] == "planner"
    assert set(open_page(range="1h", along="operation").dataframe[0].value["group"]) == {"analyze"}


def test_a_measure_in_the_address_is_the_one_spoken_of(open_page):
    page = open_page(range="1h", measure="error")
    said = words(page)
    assert "The requests that failed" in said
    assert "Timeouts rose" not in said


@pytest.mark.parametrize("query", [{"measure": "latency"}, {"along": "colour"}, {"measure": "", "along": "9" * 400}])
def test_an_address_edited_by_hand_is_read_as_far_as_it_makes_sense(open_page, query):
    page = open_page(range="1h", **query)
    assert not page.exception
    assert page.header[0].value.startswith("Timeouts rose")


def test_where_the_time_went_names_the_step_that_was_open(open_page):
    said = words(open_page(range="1h"))
    assert "Where the time went" in said
    assert "`lookup`" in said or "`model_call`" in said


def test_fields_the_logs_lack_are_named_with_what_to_do(open_page):
    said = words(open_page(range="1h"))
    assert "Nothing in these logs says" in said
    assert "Model version" in said


def test_the_periods_compared_with_can_be_opened(open_page):
    windows = [link.proto for link in open_page(range="1h").get("page_link") if "start=" in link.proto.query_string]
    assert len(windows) >= 2
    assert all("range=" not in link.query_string and "end=" in link.query_string for link in windows)


@pytest.mark.parametrize("piece", ["Đang xấu đi", "Từ trước đến nay", "Thời gian đi đâu", "Điều gì tạo ra khác biệt"])
def test_the_page_speaks_vietnamese(open_page, piece):
    assert piece in words(open_page(lang="vi", range="1h"))


def test_without_matching_requests_the_filters_can_be_taken_away(open_page):
    page = open_page(agent="nobody")
    assert "excludes all" in words(page)
    assert page.button(key="empty.clear")


def test_names_from_logs_are_never_markup(open_page, tmp_path):
    frame = requests(6000, hours=60, end=datetime.now(UTC)).with_columns(
        pl.when(pl.col("agent_id") == "planner").then(pl.lit(HOSTILE)).otherwise("agent_id").alias("agent_id")
    )
    with Store.open(tmp_path / "b.duckdb", clock=utc_now) as hostile:
        append(hostile, records(frame))
        page = open_page(hostile, range="1h")
    assert not page.exception
    assert HOSTILE in page.dataframe[0].value["group"].to_list()
    bare = [str(element.value) for element in page.markdown if "<b>" in str(element.value)]
    assert bare
    assert all("``**x** <b>`y` ``" in value.replace("`` ", "``") for value in bare)
    assert "have no steps in the logs" in words(page)


def test_a_quiet_past_leaves_no_change_to_take_apart(open_page, tmp_path):
    with Store.open(tmp_path / "b.duckdb", clock=utc_now) as young:
        append(young, records(requests(400, hours=0.4)))
        page = open_page(young)
    assert not page.exception
    assert "Too little data to compare" in words(page)


def test_a_shift_reads_with_its_sign_and_its_unit():
    assert [points(value, "en").replace("\xa0", " ") for value in (0.016, -0.0003, 0.0, None)] == [
        "+1.6 pt",
        "\N{MINUS SIGN}0.03 pt",
        "0.0 pt",
        "–",
    ]


def test_bars_of_the_bridge_tell_what_raises_from_what_lowers():
    found = (Step("before", None, 0, 0.1), Step("rate", "a" * 30, 0.1, 0.3), Step("mix", None, 0.3, 0.2))
    rows = charts.bridge_rows(found, "en")
    assert rows["tone"].to_list() == ["whole", "up", "down"]
    assert rows["label"].to_list()[1].startswith("a" * 30)
    assert rows["name"].to_list()[1].startswith("a" * 30)
    assert rows["right"].to_list() == pytest.approx([10, 30, 30])


def test_steps_beyond_the_leading_ones_are_one_bar_and_nothing_is_lost():
    steps = [
        {"kind": "tool", "step": f"s{n}", "share": 0.1, "ms": 100.0, "usual_ms": None, "open_at_cut": 1.0, "example": None}
        for n in range(10)
    ]  # fmt: skip
    rows = charts.time_rows(steps, "en")
    assert rows.height == charts.TOP + 1
    assert rows["ms"].sum() == pytest.approx(1.0)


def test_the_rows_of_the_table_sum_to_the_change():
    sums = {f"g{n}": (100.0, 1.0 * (n % 3), 120.0, 2.0 * (n % 4)) for n in range(30)}
    ledger = split(sums, "agent")
    rows = shape(ledger, "en")
    assert rows.height == 13
    total = sum(float(text.split("\xa0")[0].replace("\N{MINUS SIGN}", "-")) for text in rows["points"])
    assert total == pytest.approx(100 * ledger.change, abs=0.05 * rows.height)


def test_the_way_to_the_rows_keeps_the_filters_and_narrows_them():
    params = {"range": "24h", "measure": "error", "along": "agent", "agent": "planner", "lang": "vi"}
    assert view.rows_of(params, "near", {"model": "atlas", "release": "x"}) == {
        "range": "24h", "agent": "planner", "lang": "vi", "view": "near", "model": "atlas",
    }  # fmt: skip
    assert view.rows_of({}, "error", {"error_code": "E1"}) == {"view": "failed", "q": "E1"}
