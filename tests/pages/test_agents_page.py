"""The page of agents over a real store: who times out most, and one agent by itself."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import stored
from fake_engine import requests
from stored import append, records, words
from streamlit.testing.v1 import AppTest

from core.settings import parse
from core.timespan import utc_now
from loaders.store import Store
from metrics.groups import by_group
from pages.agents import charts, view
from pages.agents.words import headline
from pages.shared.filters import Choice
from pages.shared.text import markdown

MAIN = str(Path(__file__).resolve().parents[2] / "pages" / "main.py")
HOSTILE = "**x** <b>`y`"
LIMIT = 8000.0


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """60 hours of three agents; planner times out in the last one."""
    with Store.open(tmp_path_factory.mktemp("agents") / "b.duckdb", clock=utc_now) as opened:
        append(opened, records(requests(6000, hours=60)))
        yield opened


@pytest.fixture
def open_page(store):
    """`open_page(range="1h")` -> the page after its first run."""

    def at(on: Store = store, settings: str = "", /, **query: str) -> AppTest:
        return stored.visit(on, "agents", parse(settings), **query)

    return at


def test_the_agent_with_most_timeouts_is_the_headline_and_the_first_row(open_page):
    page = open_page(range="1h")
    assert not page.exception
    assert page.header[0].value.startswith("`planner` has")
    rows = page.dataframe[0].value
    assert rows["name"].to_list()[0] == "planner"
    assert rows["change"].to_list()[0].startswith("+")
    assert len(page.get("vega_lite_chart")) == 1


def test_owners_stand_beside_their_agents(open_page, store):
    page = open_page(store, "owners: {planner: team-red}", range="1h")
    assert page.dataframe[0].value["owner"].to_list()[0] == "team-red"
    assert "Owner: team-red" in words(open_page(store, "owners: {planner: team-red}", range="1h", agent="planner"))
    assert "Nobody is named for it yet" in words(open_page(range="1h", agent="planner"))


@pytest.mark.parametrize(("by", "name"), [("operation", "analyze"), ("model", "atlas")])
def test_operations_and_models_are_ranked_by_a_switch_in_the_address(open_page, by, name):
    page = open_page(range="1h", by=by)
    assert not page.exception
    assert page.dataframe[0].value["name"].to_list() == [name]
    assert "owner" not in page.dataframe[0].value.columns


def test_the_day_is_shown_whatever_time_is_chosen(open_page):
    page = open_page(range="7d")
    assert "Most timeouts, last 24 h" in words(page)
    assert page.dataframe[1].value["name"].to_list()[0] == "planner"


def test_one_agent_has_its_numbers_why_budget_course_and_newest_failures(open_page):
    page = open_page(range="1h", agent="planner")
    assert not page.exception
    assert page.header[0].value.startswith("`planner`: ")
    said = words(page)
    for piece in (
        "Timeout rate",
        "Too little data to compare",
        "Took of the budget",
        "P99, P95, P50",
        "What failed last",
        "All that timed out",
    ):
        assert piece in said
    failing = page.dataframe[-1].value
    assert 0 < failing.shape[0] <= 10
    assert set(failing["agent"]) == {"planner"}
    back = next(link.proto for link in page.get("page_link") if link.proto.label == "All agents")
    assert "agent=" not in back.query_string
    assert "range=1h" in back.query_string


def test_of_one_agent_the_agents_are_not_ranked(open_page):
    page = open_page(range="1h", agent="planner", by="agent")
    assert page.dataframe[0].value["name"].to_list() == ["analyze"]


def test_a_time_without_timeouts_is_said_to_be_one():
    frame = requests(600, hours=5).with_columns(
        pl.lit("success").alias("status"), pl.lit(300.0).alias("execution_time_ms")
    )
    calm = frame.with_columns(pl.lit("calm").alias("agent_id"))
    assert "No agent timed out" in markdown(headline(by_group(calm, "agent_id", LIMIT), "agent", "en"))


@pytest.mark.parametrize("piece", ["Xếp hạng", "Tỷ lệ quá hạn và độ chắc chắn", "24 giờ qua", "chiếm"])
def test_the_page_speaks_vietnamese(open_page, piece):
    page = open_page(lang="vi", range="1h")
    assert piece in words(page) + "".join(control.proto.label for control in page.get("button_group"))


def test_without_matching_requests_the_filters_can_be_taken_away(open_page):
    assert "excludes all" in words(open_page(agent="nobody"))


def test_names_from_logs_are_never_markup(open_page, tmp_path):
    frame = requests(3000, hours=30).with_columns(
        pl.when(pl.col("agent_id") == "planner").then(pl.lit(HOSTILE)).otherwise("agent_id").alias("agent_id")
    )
    with Store.open(tmp_path / "b.duckdb", clock=utc_now) as hostile:
        append(hostile, records(frame))
        for page in (open_page(hostile, range="1h"), open_page(hostile, range="1h", agent=HOSTILE)):
            assert not page.exception
            shown = [str(element.value) for element in [*page.header, *page.markdown] if "<b>" in str(element.value)]
            assert shown
            assert all("``**x** <b>`y` ``" in value.replace("`` ", "``") for value in shown)


def test_requests_without_an_agent_are_named_so_in_the_headline():
    groups = pl.DataFrame({"group": [None, "a"], "timeouts": [3.0, 1.0]}, {"group": pl.String, "timeouts": pl.Float64})
    assert "3 of 4 timeouts" in markdown(headline(groups, "agent", "en"))


def test_a_point_is_red_only_when_all_of_its_range_is_over():
    groups = pl.DataFrame(
        {"group": ["a", "b", None], "timeout_rate": [0.1, 0.02, None], "low": [0.05, 0.0, None], "high": [0.2, 0.1, None], "n": [100, 30, 0]}
    )  # fmt: skip
    rows = charts.rates_rows(groups, 0.01, "en")
    assert rows["over"].to_list() == [True, False]
    assert rows["rate"].to_list() == pytest.approx([10.0, 2.0])


def test_what_the_page_alone_understands_is_left_out_of_its_links():
    assert view.rows_of({"by": "model", "range": "1h"}, "model", "atlas") == {
        "range": "1h", "view": "timeouts", "model": "atlas",
    }  # fmt: skip
    assert view.everyone({"agent": "a", "lang": "vi"}) == {"lang": "vi"}
    assert view.read({"by": "colour"}, Choice()) == "agent"
    assert view.read({"by": "agent"}, Choice(agent="a")) == "operation"
