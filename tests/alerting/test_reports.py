"""The week and the month on paper: the numbers of every other surface, the same whenever and however they are read."""

from __future__ import annotations

import csv as csv_module
import io
import re
import sys
from contextlib import nullcontext
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner
from five_weeks import END, HOSTILE, store_file
from traffic import settings

from alerting import __main__ as command
from alerting.reports import page, pdf, table
from alerting.reports.answer import report_answer
from alerting.reports.document import TEXTS
from alerting.reports.period import Period, period_from, period_of
from core.errors import UsageError
from core.text import catalogue, missing_keys
from loaders.store import Store
from metrics.questions import QUESTIONS

VN = "timezone: Asia/Ho_Chi_Minh\nowners: {planner: '@lan'}\n"


@pytest.fixture(scope="module")
def store():
    with Store.open(store_file(), clock=lambda: END) as opened:
        yield opened


@pytest.fixture(scope="module")
def answered(store, tmp_path_factory):
    return report_answer(store, settings(VN), tmp_path_factory.mktemp("r") / "none", {"week": "2026-W47"}, END)


@pytest.mark.parametrize(
    ("kind", "text", "first", "end", "before"),
    [
        ("week", "2026-W47", date(2026, 11, 16), date(2026, 11, 23), "2026-W46"),
        ("week", "2026-W01", date(2025, 12, 29), date(2026, 1, 5), "2025-W52"),
        ("month", "2026-12", date(2026, 12, 1), date(2027, 1, 1), "2026-11"),
        ("month", "2024-02", date(2024, 2, 1), date(2024, 3, 1), "2024-01"),
    ],
)
def test_a_period_is_written_as_it_is_read(kind, text, first, end, before):
    found = period_from(kind, text)
    assert found == Period(kind, first, end) == period_of(kind, end - timedelta(days=1))
    assert (found.name, found.before.name) == (text, before)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"week": "2026-W54"}, 'week: "2026-W54" is no week; write 2026-W47'),
        ({"month": "2026-13"}, 'month: "2026-13" is no month; write 2026-11'),
        ({"month": "november"}, "write 2026-11"),
        ({"month": "2026-12"}, "2026-12 has not begun in Asia/Ho_Chi_Minh, where it is 2026-11-24"),
        ({"month": "2026-11", "week": "2026-W46"}, "give one of them"),
        ({"moth": "2026-11"}, 'no parameter "moth"'),
    ],
)
def test_a_period_nobody_can_tell_of_is_refused_with_the_right_way(store, tmp_path, params, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        report_answer(store, settings(VN), tmp_path / "none", params, END)


def test_a_week_with_a_change_of_the_clock_has_its_true_length():
    berlin = settings("timezone: Europe/Berlin\n").zone
    assert period_from("week", "2026-W43").span(berlin).length == timedelta(days=7, hours=1)
    assert period_from("week", "2026-W13").span(berlin).length == timedelta(days=7, hours=-1)


def test_its_numbers_are_those_of_the_command_for_the_same_span(store, answered):
    """What `python -m metrics summary --start --end --at` prints; only how old the data is, is of now."""
    span = answered["report"]["span"]
    asked = {"start": span["start"], "end": span["end"], "at": span["end"]}
    printed = QUESTIONS["summary"].ask(store, asked, settings(VN), END)
    told = answered["report"]["summary"]
    apart = {"freshness", "receipt", "coverage"}
    assert {name: value for name, value in told.items() if name not in apart} == {
        name: value for name, value in printed.items() if name not in apart
    }
    cost = QUESTIONS["cost"].ask(store, asked, settings(VN), END)
    assert answered["report"]["cost"]["spent_usd"] == pytest.approx(cost["spent_usd"], rel=1e-12)
    assert answered["report"]["cost"]["wasted_usd"] == pytest.approx(cost["wasted_usd"], rel=1e-12)


def test_a_finished_period_is_the_same_whenever_it_is_asked_for(store, tmp_path):
    """Numbers, words, and the bytes of page, table and PDF."""
    first, later = (
        report_answer(store, settings(VN), tmp_path / "none", {"week": "2026-W46"}, END + timedelta(days=days))
        for days in (0, 3)
    )
    assert first["documents"] == later["documents"]
    assert first["rows"] == later["rows"]
    assert page.html(first["documents"], "vi") == page.html(later["documents"], "vi")
    assert table.csv(first["rows"]) == table.csv(later["rows"])
    told, retold = (one["report"] for one in (first, later))
    for one in (told, retold):
        for summary in (one["summary"], one["before"]):
            del summary["freshness"], summary["receipt"]
    assert told == retold


def test_the_first_page_says_what_moved_who_acts_and_by_how_much(answered):
    english = answered["documents"]["en"]
    numbers = {one["name"]: one for one in english["numbers"]}
    assert list(numbers) == ["success", "timeouts", "errors", "p95", "cost", "incidents"]
    assert numbers["timeouts"]["tone"] == "bad"
    assert numbers["timeouts"]["change"].endswith("points vs 2026-W46")
    assert "from Mon 16 Nov, 00:00 to Mon 23 Nov, 00:00" in english["headline"].replace("\N{NO-BREAK SPACE}", " ")
    assert "planner" in english["moved"][0]
    assert any("planner" in task["text"] and task["owner"] == "Owner: @lan" for task in english["tasks"])
    assert len(english["tasks"]) == 3
    assert re.search(r"\d", english["budget"])
    assert english["budget_end"].startswith("It ends: ")


def test_sums_are_compared_only_with_a_period_all_of_which_is_known(store, tmp_path):
    """October begins before the data, and November is not over: neither cost nor incidents are set beside each other."""
    running = report_answer(store, settings(VN), tmp_path / "none", {"month": "2026-11"}, END)["documents"]["en"]
    numbers = {one["name"]: one for one in running["numbers"]}
    assert numbers["cost"]["change"] == numbers["incidents"]["change"] == "nothing to compare with"
    assert "The period is not over" in running["note"]
    whole = report_answer(store, settings(VN), tmp_path / "none", {"week": "2026-W46"}, END)["documents"]["en"]
    assert "vs 2026-W45" in {one["name"]: one for one in whole["numbers"]}["cost"]["change"]


def test_a_period_without_requests_is_told_without_a_percentage(store, tmp_path):
    found = report_answer(store, settings(VN), tmp_path / "none", {"month": "2020-02"}, END)
    english = found["documents"]["en"]
    assert english["headline"] == "No requests in this period."
    assert {one["value"] for one in english["numbers"]} == {"–", "0"}
    assert page.html(found["documents"], "en")


class Texts(HTMLParser):
    """What a reader sees of a page, and the tags it is made of."""

    def __init__(self):
        super().__init__()
        self.tags, self.seen, self.links = set(), [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "action")]

    def handle_data(self, data):
        self.seen.append(data)


def test_the_page_asks_nobody_for_anything_and_shows_log_text_as_text(answered):
    read = Texts()
    text = page.html(answered["documents"], "en")
    read.feed(text)
    assert read.links == []
    assert not read.tags & {"script", "link", "img", "iframe", "b"}
    assert "url(" not in text
    assert "default-src 'none'" in text
    assert HOSTILE in read.seen
    assert any("Week 2026-W47" in one for one in read.seen)
    assert any("Tuần 2026-W47" in one for one in read.seen)


def test_a_spreadsheet_takes_no_name_for_a_formula(answered):
    hostile = [dict(answered["rows"][0], key="=1+1", text="@x")]
    rows = list(csv_module.DictReader(io.StringIO(table.csv(hostile).decode("utf-8-sig"))))
    assert (rows[0]["key"], rows[0]["text"]) == ("'=1+1", "'@x")


def test_the_table_adds_up_to_the_summary(answered):
    rows = answered["rows"]
    for part in ("day", "agent", "operation"):
        total = sum(row["value"] for row in rows if row["part"] == part and row["name"] == "timeouts")
        assert total == answered["report"]["summary"]["timeout"]


def test_the_pdf_is_right_in_vietnamese_and_the_same_each_time(answered):
    """Its text can be searched for, names from logs included; a name is never a command of the typesetter."""
    pytest.importorskip("typst", reason="the extra `reports` is not installed")
    document = answered["documents"]["vi"]
    made = pdf.pdf(document)
    assert made.startswith(b"%PDF-")
    assert made == pdf.pdf(document)


def test_the_command_writes_what_is_asked_for_and_tells_the_first_page(store, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_store", lambda _: nullcontext(store))
    monkeypatch.setattr("alerting.commands_reports.utc_now", lambda: END)
    (tmp_path / "b.yaml").write_text(VN)

    def run(*words):
        places = ["--config", f"{tmp_path}/b.yaml", "--state", f"{tmp_path}/none"]
        return CliRunner().invoke(command.cli, ["report", "--week", "2026-W47", *words, *places])

    told = run()
    assert told.exit_code == 0
    assert told.output.startswith("Week 2026-W47, 16 Nov 2026 to 22 Nov 2026, Asia/Ho_Chi_Minh")
    written = run("--html", f"{tmp_path}/w.html", "--csv", f"{tmp_path}/w.csv")
    assert written.exit_code == 0
    assert "planner" in (tmp_path / "w.html").read_text("utf-8")
    assert (tmp_path / "w.csv").read_text("utf-8-sig").startswith("part,key,name,value")
    assert run("--html", f"{tmp_path}/no/w.html").exit_code == 2


def test_without_the_extra_a_pdf_is_refused_with_the_way_out(answered, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(UsageError, match="needs the extra `reports`"):
        pdf.pdf(answered["documents"]["en"])


def test_every_sentence_is_in_both_languages():
    assert missing_keys(catalogue(TEXTS)) == []
