"""The page of questions in SQL, over a real store."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import stored
import yaml
from stored import append, words
from streamlit.testing.v1 import AppTest

from core.asked import MOST_CHARACTERS, REFUSALS, VIEWS
from core.settings import Settings
from core.timespan import utc_now
from loaders.store import Store
from metrics.questions import QUESTIONS
from pages.ask import charts
from pages.ask.queries import Chart, View, queries, read
from pages.shared.export import as_csv, as_parquet

HOSTILE = "<b>**x**</b> `y` $z$ =1+1"
MAIN = str(Path(__file__).resolve().parents[2] / "pages" / "main.py")
TEXTS = yaml.safe_load((Path(MAIN).parent / "ask" / "texts.yaml").read_text("utf-8"))
END = datetime.now(UTC) - timedelta(seconds=20)
ZONE = Settings(timezone="Asia/Ho_Chi_Minh")


def record(number: int, **fields: object) -> dict[str, object]:
    return {
        "v": 1, "request_id": f"r{number:03}", "timestamp": (END - timedelta(hours=number / 7)).isoformat(),
        "execution_time_ms": 400.0 + 100 * number, "status": "success", "agent_id": "planner", "model": "atlas", **fields,
    }  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A week of requests, some cut, some sampled, one agent with a hostile name; and steps of some of them."""
    with Store.open(tmp_path_factory.mktemp("ask") / "b.duckdb", clock=utc_now) as opened:
        rows = [record(n) for n in range(1000)]
        rows += [
            record(n, request_id=f"t{n}", status="timeout", agent_id=HOSTILE, sample_rate=0.5) for n in range(0, 700, 9)
        ]
        rows += [record(n, request_id=f"f{n}", status="failed", error_code=HOSTILE) for n in range(0, 700, 50)]
        rows += [
            record(n, kind="llm", span_id=f"s{n}", operation="llm", tokens_used={"input": 9, "output": 3})
            for n in range(50)
        ]
        append(opened, rows)
        yield opened


@pytest.fixture
def open_at(store):
    """`open_at(sql="...")` -> the page after its first run."""

    def visit(reader=store, **query: str) -> AppTest:
        return stored.visit(reader, "ask", ZONE, **query)

    return visit


def ask(page: AppTest, sql: str) -> AppTest:
    page.text_area(key="ask.sql").set_value(sql)
    return page.button(key="ask.run").click().run()


@pytest.mark.parametrize(("name", "language"), list(zip(queries(), ["en", "vi"] * 4, strict=True)))
def test_a_question_offered_is_answered_at_once_as_rows_and_as_a_chart(open_at, name, language):
    page = open_at(sql=queries()[name].sql, lang=language)
    assert not page.exception
    rows = page.dataframe[-1].value
    assert len(rows) > 0
    page = open_at(sql=queries()[name].sql, lang=language, show="chart")
    assert len(page.get("vega_lite_chart")) == 1
    assert {queries()[name].chart.x, queries()[name].chart.y} <= set(rows.columns)


def test_without_a_question_the_first_one_offered_is_answered(open_at):
    page = open_at()
    assert page.selectbox(key="ask.begin.en").value == "rate_by_hour"
    assert "rows in" in words(page)


SAME = {
    "rate_by_hour": ("rate-by-hour", "start"),
    "top_agents": ("top-agents", "agent_id"),
    "daily": ("daily", "start"),
}


@pytest.mark.parametrize("name", SAME)
def test_the_three_named_queries_have_the_same_numbers_in_sql(store, name):
    """Pieces without requests stand in the answers of the command only."""
    question, key = SAME[name]
    newest = store.freshness().newest + timedelta(microseconds=1)
    parameters = {"name": question, "at": newest.isoformat(), "since": "24h"}
    rows = QUESTIONS["query"].ask(store, parameters, ZONE, newest)[question]
    expected = [
        (row["requests"], row["timeouts"], pytest.approx(row["timeout_rate"])) for row in rows if row["requests"]
    ]
    found = store.ask(queries()[name].sql, ZONE.limit_values, ZONE.zone, within=timedelta(seconds=20)).frame
    assert found.select("requests", "timeouts", "timeout_rate").rows() == expected
    assert len(expected) == len({row[key] for row in rows if row["requests"]})


def test_a_question_that_came_with_a_link_waits_for_its_reader(open_at):
    page = open_at(sql="SELECT 42 AS answer")
    assert "was not run yet" in words(page)
    assert len(page.dataframe) == 1
    page = page.button(key="ask.run").click().run()
    assert page.dataframe[-1].value["answer"].to_list() == [42]


def test_a_question_asked_stands_in_the_address_and_its_answer_stands_still(open_at):
    page = ask(open_at(), "SELECT random() AS r")
    assert page.query_params["sql"] in ("SELECT random() AS r", ["SELECT random() AS r"])
    first = page.dataframe[-1].value["r"].to_list()
    assert page.run().dataframe[-1].value["r"].to_list() == first
    assert page.button(key="ask.run").click().run().dataframe[-1].value["r"].to_list() != first


def test_a_question_that_is_refused_says_why_and_shows_the_part_as_text(open_at):
    page = ask(open_at(), "SELECT * FROM read_csv('/etc/passwd')")
    assert "No answer" in words(page)
    assert page.main.code[-1].value == "read_csv"
    page = ask(page, f'SELECT * FROM "{HOSTILE.replace("`", "")}"')
    assert page.main.code[-1].value == HOSTILE.replace("`", "").lower()
    page = ask(page, "SELECT nothing FROM requests")
    assert "Binder Error" in page.main.code[-1].value
    assert "\n" not in page.main.code[-1].value


def test_log_text_in_an_answer_is_in_cells_only(open_at):
    page = open_at(sql=queries()["top_agents"].sql)
    assert page.dataframe[-1].value["agent_id"].to_list() == ["planner", HOSTILE]
    assert HOSTILE not in words(page)


def test_an_answer_without_rows_or_numbers_says_so(open_at):
    page = ask(open_at(), "SELECT agent_id FROM requests WHERE false")
    assert "No row is like that" in words(page)
    page = ask(open_at(show="chart"), "SELECT 'a' AS name")
    assert "nothing to draw" in words(page)


def test_before_the_first_record_the_page_is_how_to_get_some(open_at, tmp_path):
    with Store.open(tmp_path / "empty.duckdb", clock=utc_now) as empty:
        page = open_at(empty)
    assert not page.exception
    assert not page.text_area
    assert "No requests yet" in words(page)


ADDRESSES = {
    "nothing": ({}, View(queries()["rate_by_hour"], "table", queries()["rate_by_hour"].chart)),
    "a question offered": ({"sql": queries()["daily"].sql}, View(queries()["daily"], "table", queries()["daily"].chart)),
    "a chart of columns": (
        {"sql": queries()["daily"].sql, "show": "chart", "x": "day", "y": "requests", "kind": "point"},
        View(queries()["daily"], "chart", Chart("day", "requests", "point"))),
    "a kind nobody draws": (
        {"sql": queries()["daily"].sql, "kind": "pie", "show": "3d"}, View(queries()["daily"], "table", queries()["daily"].chart)),
}  # fmt: skip


@pytest.mark.parametrize("case", ADDRESSES)
def test_an_address_is_read_as_far_as_it_makes_sense(case):
    params, expected = ADDRESSES[case]
    assert read(params) == expected


def test_columns_drawn_are_those_wanted_or_the_first_that_will_do():
    rows = pl.DataFrame({"name": ["a"], "n": [1], "m": [2]})
    assert charts.fitting(Chart("name", "m"), rows) == ("name", "m")
    assert charts.fitting(Chart("gone", "name"), rows) == ("name", "n")
    assert charts.fitting(Chart(), rows.select("n")) == ("n", "n")


@pytest.mark.parametrize("kind", ["line", "bar", "point"])
@pytest.mark.parametrize("x", ["when", "day", "name", "n", "truth"])
def test_anything_can_stand_below_a_chart(kind, x):
    rows = pl.DataFrame(
        {"when": [END], "day": [END.date()], "name": [HOSTILE], "n": [1], "truth": [True], "y": [2.0]},
        schema_overrides={"when": pl.Datetime("us", "Asia/Ho_Chi_Minh")},
    )
    drawn = charts.drawn(rows, x, "y", kind)
    assert drawn.columns == ["x", "y"]
    assert charts.scale(drawn) in ("temporal", "quantitative", "ordinal")


def test_what_is_taken_along_has_every_row_and_no_formula_even_in_a_name():
    rows = pl.DataFrame({"=cmd()": ["=1+1", "planner"], "n": [1, 2]})
    assert as_csv(rows).decode("utf-8-sig").splitlines() == ["'=cmd(),n", "'=1+1,1", "planner,2"]
    assert pl.read_parquet(io.BytesIO(as_parquet(rows))).equals(rows)


def test_every_column_table_and_refusal_has_its_words():
    columns = {f"ask_column_{column}" for view in VIEWS.values() for column in view}
    expected = columns | {f"ask_view_{view}" for view in VIEWS} | {f"ask_no_{reason}" for reason in REFUSALS}
    assert expected <= set(TEXTS)
    assert {key for key in TEXTS if key.startswith(("ask_column_", "ask_view_"))} <= expected
    assert {f"ask_query_{name}" for name in queries()} == {key for key in TEXTS if key.startswith("ask_query_")}


@pytest.mark.parametrize("name", queries())
def test_a_question_offered_fits_into_an_address(name):
    assert len(queries()[name].sql) < MOST_CHARACTERS / 2
