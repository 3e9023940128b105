"""The slides on the screen and in the file: the same numbers as the answer, in both languages, and nothing but text."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
import stored
from fake_engine import FakeEngine, requests
from stored import append
from streamlit.testing.v1 import AppTest

from core.selection import Selection
from core.settings import Settings
from core.timespan import utc_now
from loaders.store import Store
from metrics.answer import answer
from metrics.cost import spend
from metrics.cost_answer import charges_of
from metrics.summary import to_json
from pages.present import report, svg
from pages.present.slides import read, slides
from pages.present.view import SECONDS, View, share_over
from pages.present.view import read as read_view
from pages.shared import data, theme
from pages.shared.filters import Choice
from pages.shared.frame import Frame
from pages.shared.kept import forget

ROOT = Path(__file__).resolve().parents[2]
MAIN = str(ROOT / "pages" / "main.py")
NAMES = ("answer", "budget", "why", "act", "cost")
NOW = datetime.now(UTC)
HOSTILE = "</code><script src=https://evil.example/x.js></script>\x1b[31m`**b**`"


def records(rows: pl.DataFrame) -> list[dict[str, object]]:
    """Requests as their service logged them."""
    return [
        {"v": 1, **{name: value for name, value in row.items() if value is not None and name != "timestamp"}}
        | {"timestamp": row["timestamp"].isoformat()}
        for row in rows.iter_rows(named=True)
    ]


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """`engines(rows, **settings)` -> an engine over a store of these requests, the usual ones by default."""
    opened: dict[str, Store] = {}

    def engine(kind: str = "usual", **settings: object) -> FakeEngine:
        if kind not in opened:
            rows = {
                "usual": requests,
                "empty": lambda: requests(0),
                "hostile": lambda: requests().with_columns(pl.col("agent_id").replace("planner", HOSTILE)),
                "no costs": lambda: requests().with_columns(pl.lit(None, pl.Float64).alias("cost_usd")),
            }[kind]()
            opened[kind] = Store.open(tmp_path_factory.mktemp("store") / "b.duckdb", clock=utc_now, threads=1)
            if rows.height:
                append(opened[kind], records(rows))
        return FakeEngine(opened[kind], Settings.model_validate({"owners": {"planner": "@lan"}, **settings}))

    yield engine
    for store in opened.values():
        store.close()


def frame_of(engine: FakeEngine, choice: Choice | None = None, language: str = "en") -> Frame:
    reader = engine.reader
    return Frame(
        engine, False, reader, engine.settings, language, choice or Choice(), NOW, reader.freshness(), False,
        data.key(engine.settings, reader.freshness(), NOW, demo=False),
    )  # fmt: skip


@pytest.fixture
def open_at():
    """`open_at(engine, slide="why")` -> the page after its first run."""

    def visit(engine: FakeEngine, **query: str) -> AppTest:
        return stored.visit(engine, "present", **query)

    return visit


class Read(HTMLParser):
    """The file as a program reads it: values by language and name, tags, attributes, and the text of each language."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: dict[str, dict[str, str]] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "main":
            self.language = found["lang"]
        if tag == "data" and "data-name" in found:
            self.values.setdefault(self.language, {})[found["data-name"]] = found["value"]

    def handle_endtag(self, tag):
        self.language = "" if tag == "main" else self.language

    def handle_data(self, data):
        self.texts.setdefault(self.language, []).append(data)


def file_of(engine: FakeEngine, choice: Choice | None = None, language: str = "en") -> Read:
    frame = frame_of(engine, choice, language)
    forget()
    return Read(report.html(read(frame), frame))


@pytest.mark.parametrize(
    "choice", [Choice(), Choice("24h"), Choice("7d", agent="planner")], ids=["last", "24h", "agent"]
)
def test_the_numbers_of_the_file_are_those_of_the_answer(choice, engines):
    """Read back from the HTML, to the last digit, in both languages."""
    made = engines()
    found = file_of(made, choice)
    selection = choice.selection(NOW)
    expected = to_json(answer(made.reader, selection, made.settings, NOW, made.reader.freshness()))
    money = spend(charges_of(made.reader, selection, made.settings)[1])
    assert set(found.values) == {"en", "vi"}
    for values in found.values.values():
        for name in ("success_rate", "timeout_rate", "error_rate"):
            assert float(values[name]) == expected[name]["value"]
        assert float(values["p99"]) == expected["latency_ms"]["p99"]["value"]
        assert float(values["p95"]) == expected["latency_ms"]["p95"]["value"]
        assert float(values["average_ms"]) == expected["latency_ms"]["avg"]["value"]
        assert float(values["remaining"]) == expected["budget"]["remaining"]
        assert float(values["burn_1h"]) == expected["budget"]["burn"]["1h"]
        assert float(values["sli"]) == expected["sli"]["value"]
        assert (float(values["spent"]), float(values["wasted"])) == (money.spent, money.wasted)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_the_file_says_what_the_screen_says(open_at, language, engines):
    made = engines()
    found = "".join(file_of(made, language=language).texts[language]).replace("\xa0", " ")
    for name in NAMES:
        page = open_at(made, slide=name, lang=language, paused="1")
        assert not page.exception
        headline = page.header[0].value.replace("\\", "").replace("\xa0", " ")
        assert headline in found or name == "cost"  # a moment later the clock may say another minute
        for metric in page.metric:
            assert metric.label in found


def test_the_file_asks_the_network_for_nothing_and_runs_nothing(engines):
    """It opens on a plane, and in a mail that was kept for years."""
    frame = frame_of(engines())
    text = report.html(read(frame), frame)
    found = Read(text)
    assert not {"script", "link", "img", "iframe", "object", "form", "base", "a"} & {tag for tag, _ in found.tags}
    attributes = [(name, value or "") for _, given in found.tags for name, value in given.items()]
    assert [name for name, _ in attributes if name.startswith("on") or name in ("src", "href", "style")] == []
    assert re.findall(r"https?:|url\(|@import|//[a-z]", text) == []
    policy = [
        given["content"] for tag, given in found.tags if tag == "meta" and "Security" in str(given.get("http-equiv"))
    ]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert "prefers-color-scheme: dark" in text


def test_text_from_logs_and_the_address_stays_text_in_the_file(engines):
    """Neither an agent's name nor a filter becomes an element, and no control character gets through."""
    for choice in (Choice(), Choice(agent=HOSTILE)):
        frame = frame_of(engines("hostile", owners={HOSTILE: "<b>@lan</b>"}), choice)
        forget()
        text = report.html(read(frame), frame)
        assert "&lt;script src=" in text
        assert "<script" not in text
        assert "<b>" not in text
        assert "\x1b" not in text


def test_text_from_logs_stays_text_on_the_slides(open_at, engines):
    page = open_at(engines("hostile"), slide="act", paused="1")
    line = next(element.value for element in page.markdown if "script" in element.value)
    assert re.match(r"^`+ ?[^\n]*</code><script", line)
    assert all("script" not in element.value for element in page.header)


def test_the_slides_turn_by_their_buttons_and_the_address_says_which(open_at, engines):
    page = open_at(engines())
    assert page.query_params.get("slide") is None
    page = page.button(key="present.next").click().run()
    assert page.query_params["slide"] == "budget"
    page = page.button(key="present.previous").click().run().button(key="present.previous").click().run()
    assert page.query_params["slide"] == "cost"
    page = page.button(key="present.pause").click().run()
    assert page.query_params["paused"] == "1"
    assert [button.key for button in page.button if "play" in str(button.key)] == ["present.play"]


def test_a_slide_stands_alone_on_the_screen(open_at, engines):
    page = open_at(engines(), slide="budget")
    assert len(page.sidebar) == 0
    assert [button.key for button in page.button] == ["present.previous", "present.pause", "present.next"]


def test_with_nothing_to_show_the_page_says_so(open_at, engines):
    assert not open_at(engines("empty")).metric
    page = open_at(engines(), agent="nobody")
    assert not page.exception
    assert not page.metric


def test_without_costs_the_slide_says_what_to_log(engines):
    frame = frame_of(engines("no costs"))
    forget()
    cost = slides(read(frame), frame, "en")[-1]
    assert cost.facts == ()
    assert "cost_usd" in cost.text[0].text


@pytest.mark.parametrize(
    ("params", "place", "paused"),
    [
        ({}, 0, False),
        ({"slide": "why", "paused": "1"}, 2, True),
        ({"slide": "../x"}, 0, False),
        ({"paused": "yes"}, 0, False),
    ],
)
def test_an_address_edited_by_hand_leads_to_a_slide(params, place, paused):
    assert read_view(params, NAMES) == View(NAMES, place, paused)


def test_after_the_last_slide_comes_the_first():
    assert View(NAMES, 4).to(1) == {"slide": None}
    assert View(NAMES, 0).to(-1) == {"slide": "cost"}
    assert (share_over(5.0, 5.0), share_over(5.0, 5.0 + SECONDS)) == (0.0, 1.0)


def test_a_line_breaks_where_there_was_no_traffic():
    assert svg.line([0.0, None, 0.5, 1.0]) == ["0.0,90.0 0.0,90.0", "400.0,45.0 600.0,0.0"]
    assert svg.line([]) == svg.line([None]) == []
    assert svg.line([0.0, 0.0]) == ["0.0,90.0 600.0,90.0"]
    assert [svg.bar(share) for share in (None, 0.25, 7.0, -1.0)] == [None, 150.0, 600, 0.0]


def test_the_file_stands_on_the_same_paper_as_the_pages():
    config = tomllib.loads((ROOT / ".streamlit/config.toml").read_text("utf-8"))["theme"]
    names = {
        "paper": "backgroundColor", "panel": "secondaryBackgroundColor", "text": "textColor", "line": "borderColor",
        "accent": "primaryColor",
    }  # fmt: skip
    for scheme, paper in theme.PAPER.items():
        assert paper == {name: config[scheme][option] for name, option in names.items()}


def test_the_answer_of_the_last_thousand_is_the_one_presented():
    """The default choice is the question the product answers."""
    assert Choice().selection(NOW) == Selection(None, 1000)
    assert NOW - timedelta(days=1) < NOW
