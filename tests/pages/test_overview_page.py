"""The Overview on a full store, an empty one, a stale one, and one that is filtered to nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from fake_engine import FakeEngine, FakeReader, requests

from core import services
from core.errors import StoreUnusable
from core.selection import Losses
from core.services import WorkerHealth
from core.settings import parse

TILES = ["Success vs SLO", "Timeout rate", "Error rate", "P99", "P95", "Average"]
LONG_AGO = datetime.now(UTC) - timedelta(hours=5)


def words(page) -> str:
    """Everything the page says, as one text."""
    said = [*page.header, *page.subheader, *page.markdown, *page.text, *page.caption, *page.warning]
    return "\n".join(str(element.value).replace("\\", "").replace("\xa0", " ") for element in said)


def test_a_full_store_shows_the_answer_and_the_six_tiles_in_the_order_they_are_read(visit):
    page = visit(FakeEngine(FakeReader(requests())), lang="en")
    assert "of the last 1,000 requests timed out" in page.header[0].value
    assert [tile.label for tile in page.metric] == TILES
    assert "SLO api 99 % within 8 s" in words(page)
    assert re.search(r"live · \d+ s ago", words(page))
    assert len(page.get("vega_lite_chart")) == 8
    assert page.dataframe[0].value["agent"].to_list() == ["planner"]


def test_vietnamese_is_the_whole_page(visit):
    page = visit(FakeEngine(FakeReader(requests())), lang="vi")
    assert [tile.label for tile in page.metric][:2] == ["Đạt so với SLO", "Tỷ lệ quá hạn"]
    assert "bị quá hạn" in page.header[0].value
    for english in ("last", "timed out", "live", "within", "Where", "ago"):
        assert english not in words(page).split()


def test_an_empty_store_says_where_to_put_files(visit):
    page = visit(FakeEngine(FakeReader(requests(0))), lang="en")
    assert "No requests yet" in words(page)
    assert "import burnline" in page.code[1].value
    assert "sample" not in words(page)
    assert not page.metric


def test_an_empty_sample_is_being_prepared(visit):
    page = visit(FakeEngine(FakeReader(requests(0)), demo=True), lang="en")
    assert "The sample is being prepared" in words(page)


def test_a_sample_read_half_way_is_being_prepared_not_stale(visit):
    page = visit(FakeEngine(FakeReader(requests(end=LONG_AGO)), demo=True), lang="en")
    assert "The sample is being prepared" in words(page)
    assert "stale" not in words(page)


def test_stale_data_is_said_to_be_unknown_and_still_shown(visit):
    page = visit(FakeEngine(FakeReader(requests(end=LONG_AGO))), lang="en")
    assert "stale · 5 h ago" in words(page)
    assert page.header[0].value.startswith("Unknown")
    assert [tile.label for tile in page.metric] == TILES


def test_a_range_without_requests_offers_the_last_ones(visit):
    page = visit(FakeEngine(FakeReader(requests(end=LONG_AGO))), lang="en", range="1h")
    assert "No requests in the last 1 h" in words(page)
    page = page.button(key="empty.last").click().run()
    assert len(page.metric) == 6
    assert "range" not in page.query_params


def test_a_filter_that_excludes_all_is_named_with_what_it_excludes(visit):
    page = visit(FakeEngine(FakeReader(requests())), lang="en", agent="nobody")
    assert "0 of 3,000 requests: the agent filter excludes all" in words(page)
    assert "Agent: nobody" in words(page)
    page = page.button(key="empty.clear").click().run()
    assert len(page.metric) == 6
    assert "agent" not in page.query_params


def test_what_is_wrong_stands_on_the_page(visit):
    engine = FakeEngine(FakeReader(requests()))
    engine.said = ["burnline.yaml: 1 problem\n  alerts: [x](javascript:alert(1)) <b>bad</b>"]
    page = visit(engine, lang="en")
    assert [text.value for text in page.text] == engine.said
    assert "1 note" in [popover.proto.popover.label for popover in page.get("popover")]


def test_many_notes_are_one_line(visit):
    engine = FakeEngine(FakeReader(requests()))
    engine.said = ["one", "two", "three"]
    page = visit(engine, lang="en")
    assert "3 notes" in [popover.proto.popover.label for popover in page.get("popover")]
    assert not page.warning


def test_a_stopped_worker_wins_over_fresh_data(visit):
    engine = FakeEngine(FakeReader(requests()))
    engine.workers = [WorkerHealth("watcher", alive=False, beat=datetime.now(UTC))]
    assert "not reading · " in words(visit(engine, lang="en"))


def test_sample_data_is_called_that_and_own_logs_are_explained(visit):
    page = visit(FakeEngine(FakeReader(requests()), demo=True), lang="en")
    assert "This is sample data" in words(page)
    assert any("burnline.asgi.RequestLog" in block.value for block in page.code)
    assert "This is sample data" not in words(visit(FakeEngine(FakeReader(requests())), lang="en"))


def test_a_fault_shows_neither_stack_nor_path_nor_sql(visit):
    class Broken(FakeReader):
        def requests(self, selection, columns=None):
            raise RuntimeError("SELECT secret FROM /var/lib/burnline.duckdb")

    page = visit(FakeEngine(Broken(requests())), lang="en")
    assert "This page could not be drawn" in words(page)
    assert not page.exception
    for hidden in ("SELECT", "secret", "/var", "Traceback", "RuntimeError"):
        assert hidden not in words(page)


@pytest.mark.parametrize("closed", ["instead of it stands another", "the engine stops"])
def test_a_store_closed_while_the_page_is_drawn_is_left_at_once(visit, caplog, closed):
    """The sample ends under an open tab: no error is shown or logged, the page is drawn from what is there now."""

    class Closing(FakeReader):
        def requests(self, selection, columns=None):
            if closed == "the engine stops":
                services.publish(None)
            else:
                engine.reader, engine.demo = FakeReader(requests()), False
            raise StoreUnusable("sample.duckdb: the store was closed")

    engine = FakeEngine(Closing(requests(5)), demo=True)
    page = visit(engine, lang="en")
    assert "could not be drawn" not in words(page)
    assert ("Burnline is starting" in words(page)) is (closed == "the engine stops")
    assert (len(page.metric) == 6) is (closed != "the engine stops")
    assert not [record for record in caplog.records if record.name == "burnline"]


def test_a_store_that_fails_while_it_stands_is_an_error(visit):
    class Failing(FakeReader):
        def requests(self, selection, columns=None):
            raise StoreUnusable("b.duckdb: the store cannot be opened")

    assert "This page could not be drawn" in words(visit(FakeEngine(Failing(requests())), lang="en"))


def test_before_the_engine_is_there_the_page_waits(visit):
    assert "Burnline is starting" in words(visit(None, lang="en"))


def test_the_browsers_language_decides_only_when_nobody_else_did(visit):
    """URL, then settings; a test has no browser language, so English is left."""
    assert "timed out" in visit(FakeEngine(FakeReader(requests()))).header[0].value
    engine = FakeEngine(FakeReader(requests()), parse("language: vi"))
    assert "bị quá hạn" in visit(engine).header[0].value
    assert "timed out" in visit(engine, lang="en").header[0].value


def test_a_range_is_the_same_query_the_url_says(visit):
    page = visit(FakeEngine(FakeReader(requests())), lang="en", range="6h")
    assert "requests since" in page.header[0].value


def test_an_unreadable_range_falls_back_with_a_note(visit):
    page = visit(FakeEngine(FakeReader(requests())), lang="en", range="<b>soon</b>")
    assert "of the last 1,000" in page.header[0].value
    assert "range=<b>soon</b>" in page.text[0].value


def test_one_version_is_computed_once(visit, monkeypatch):
    """The second run of the same version asks the store for nothing but its age."""
    monkeypatch.setattr("pages.shared.data.OFTEN", 1e9)
    reader = FakeReader(requests())
    page = visit(FakeEngine(reader), lang="en")
    counts = [reader.asked]
    for _ in range(2):
        page.run()
        counts.append(reader.asked)
    assert len(set(counts)) < 3  # a minute may end between two of the three
    asked = reader.asked
    reader.version += 1
    page.run()
    assert reader.asked > asked


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "**bold** [x](http://x)", ":material/delete:", "`tick`"]
)
def test_an_agents_name_is_never_markup(visit, name):
    frame = requests().with_columns(agent_id=requests()["agent_id"].replace("planner", name))
    page = visit(FakeEngine(FakeReader(frame)), lang="en")
    assert page.dataframe[0].value["agent"].to_list() == [name]
    prose = next(element.value for element in page.markdown if "All" in element.value or "of the" in element.value)
    assert name in prose
    outside = prose.replace(f"`` {name} ``" if "`" in name else f"`{name}`", "")
    assert name not in outside
    assert prose != outside


def test_what_is_missing_is_said_beside_the_answer(visit):
    """Refused lines, dropped records, unread files, and a range that begins before the logs do."""

    class Lossy(FakeReader):
        def losses(self, span):
            return Losses(1200, 34, 2, self.frame["timestamp"].min())

    said = words(visit(FakeEngine(Lossy(requests())), lang="en", range="7d"))
    for piece in ("Up to 1,200 lines", "left out 34 records", "2 files could not be read", "The logs begin"):
        assert piece in said
    assert "The logs begin" not in words(visit(FakeEngine(FakeReader(requests())), lang="en"))
