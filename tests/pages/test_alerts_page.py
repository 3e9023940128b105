"""The page of alerts over a real store and a state file that a real checker wrote."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import timedelta

import pytest
from fake_engine import FakeEngine
from stored import HOSTILE, append, lines, visit, words

from alerting import actions
from alerting.checker import Checker
from core.access import Visitor
from core.selection import Freshness
from core.settings import parse
from core.timespan import utc_now
from loaders.store import Store
from pages.access import door

SETTINGS = """
alerting: {{interval: 1min, packs: [p3]}}
digest: {{enabled: false}}
channels: {{ops: {{type: file, path: {folder}/alerts.jsonl}}}}
alerts: [{rules}]
"""
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Twelve minutes of timeouts, still going on or (`over`) followed by good traffic, and what a checker made of it."""
    folders = {}

    def made(*, over):
        if over in folders:
            return folders[over]
        folder = folders[over] = tmp_path_factory.mktemp("over" if over else "open")
        calm, end = (40 if over else 1), utc_now()
        clock, settings = [end - MINUTE * (calm + 14)], told(folder)
        cut = {"status": "timeout", "execution_time_ms": 8000.0, "agent_id": HOSTILE}
        with Store.open(folder / "b.duckdb", clock=utc_now, threads=1) as store:
            append(store, lines(12 * 15, ago=MINUTE * calm, every=timedelta(seconds=4), **cut))
            append(store, lines(calm * 12, ago=timedelta(seconds=10), every=timedelta(seconds=5), agent_id=HOSTILE))
            checker = Checker(
                store, lambda: settings, folder / "s.sqlite", lambda: Freshness(clock[0], clock[0], 1), lambda: clock[0]
            )
            while clock[0] < end:
                clock[0] += MINUTE
                checker.tick(clock[0])
                checker.deliver()
            checker.stop()
        return folder

    return made


@pytest.fixture
def engine(played, tmp_path):
    """`engine(over=True)`: a copy of it behind the interfaces pages know, with more `rules`."""
    stores = []

    def opened(*, over, rules=""):
        for file in played(over=over).iterdir():
            shutil.copy(file, tmp_path)
        stores.append(Store.open(tmp_path / "b.duckdb", clock=utc_now, threads=1))
        found = FakeEngine(stores[-1], told(tmp_path, rules))
        found.state = tmp_path / "s.sqlite"
        return found

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "b.duckdb", clock=utc_now, threads=1) as opened:
        yield opened


def told(folder, rules=""):
    return parse(SETTINGS.format(folder=folder, rules=rules))


def incident(engine):
    with sqlite3.connect(engine.state) as db:
        return db.execute("SELECT id FROM incidents").fetchone()[0]


def press(page, key):
    return next(button for button in page.button if button.key == key).click().run()


def test_what_is_open_stands_first_with_its_evidence(engine):
    page = visit(engine(over=False), "alerts")
    assert not page.exception
    assert page.header[0].value.replace("\\", "").startswith("A critical incident is open, for")
    said = words(page)
    assert "timeout rate" in said
    assert "Time to detect" in said
    assert [table for table in page.dataframe if "Budget left" in table.value.to_string()]
    assert len(page.get("vega_lite_chart")) == 2


def test_text_from_logs_is_shown_as_text_only(engine):
    """The name of the agent stands in cells and code, never in words that are read as markup."""
    page = visit(engine(over=False), "alerts")
    marked = "\n".join(str(each.value) for each in (*page.markdown, *page.header, *page.subheader, *page.caption))
    assert "<b>" not in marked.replace(f"`` {HOSTILE} ``", "")
    assert [table for table in page.dataframe if HOSTILE in table.value.to_string()]


def test_an_acknowledgement_is_kept_and_said(engine):
    found = engine(over=False)
    page = press(visit(found, "alerts"), "alerts.acknowledge-0")
    assert not page.exception
    assert "you are on it" in page.success[0].value
    assert "dashboard is on it since" in words(page)
    assert "alerts.acknowledge-0" not in [button.key for button in page.button]
    with sqlite3.connect(found.state) as db:
        assert db.execute("SELECT who, action FROM audit").fetchall() == [("dashboard", "acknowledge")]


def test_snooze_and_labels_are_kept(engine):
    found = engine(over=False)
    page = press(press(visit(found, "alerts"), "alerts.snooze-0-1"), "alerts.noise-0")
    said = words(page)
    assert "snoozed until" in said
    assert "noise" in said
    assert "False alarms: 100.0 %" in said
    assert "Labelled: 100.0 %" in said


def test_a_silence_needs_a_reason_and_can_be_ended(engine):
    found = engine(over=False)
    page = press(visit(found, "alerts"), "alerts.silence.now")
    assert "needs a reason" in page.warning[0].value.replace("\\", "")
    page.text_input(key="alerts.silence.reason").set_value("**planned** work").run()
    page = press(page, "alerts.silence.now")
    assert "is silenced until" in words(page)
    assert "`**planned** work`" in next(
        part for text in page.markdown for part in [str(text.value)] if "silenced" in part
    )
    page = press(page, "alerts.end_silence-1")
    assert "is silenced until" not in words(page)


def test_a_viewer_sees_everything_and_can_change_nothing(engine, monkeypatch):
    found = engine(over=False)
    monkeypatch.setattr(door, "visitor_now", lambda settings: Visitor("eve@example.com", "viewer"))
    page = visit(found, "alerts")
    assert "critical incident is open" in page.header[0].value
    assert [button.key for button in page.button if "acknowledge" in button.key or "silence" in button.key] == []
    assert "needs the role analyst" in words(page)


def test_a_role_that_was_taken_away_does_not_act_any_more(engine, monkeypatch):
    """The button was drawn while they might."""
    found = engine(over=False)
    page = visit(found, "alerts")
    monkeypatch.setattr(door, "visitor_now", lambda settings: Visitor("eve@example.com", "viewer"))
    page = press(page, "alerts.acknowledge-0")
    assert "needs the role analyst" in page.warning[0].value
    with sqlite3.connect(found.state) as db:
        assert db.execute("SELECT count(*) FROM audit").fetchone() == (0,)


def test_the_story_of_one_incident_has_its_own_address(engine):
    found = engine(over=True)
    name = incident(found)
    actions.mark_useful(found.state, name, "lan@example.com", utc_now())
    page = visit(found, "alerts", incident=name)
    assert not page.exception
    said = words(page)
    assert "Rules that fired" in said
    assert "lan@example.com · called it useful" in said
    shown = "\n".join(table.value.to_string() for table in page.dataframe)
    assert "timeout_critical" in shown
    assert "first message" in shown
    assert "accepted" in shown
    page = press(page, "alerts.back")
    assert page.header[0].value.replace("\\", "").startswith("Nothing is open; the last incident ended")


def test_an_incident_nobody_knows_is_said_to_be_none(engine):
    page = visit(engine(over=True), "alerts", incident="nothing-1")
    assert "No such incident" in words(page)


def test_the_lab_says_what_another_limit_would_have_done(engine):
    found = engine(over=True)
    page = visit(found, "alerts", rule="timeout_critical")
    assert "it would have fired once" in words(page)
    page.select_slider(key="alerts.limit").set_value("75%").run()
    assert page.query_params["limit"] == "75%"
    assert "timeout_rate > 75%" in words(page)
    assert "less than two weeks" in words(page)


def test_a_rule_the_logs_cannot_answer_says_so(engine):
    rule = "{name: made_up, condition: hallucination_rate > 2%}"
    page = visit(engine(over=False, rules=rule), "alerts", rule="made_up")
    assert not page.exception
    assert "cannot be evaluated" in words(page)


def test_before_anything_was_checked_the_page_says_so(store):
    append(store, lines(30))
    page = visit(store, "alerts")
    assert "have not been checked yet" in words(page)
    assert "No incident in the last 30 days." in words(page)


def test_an_empty_store_says_how_to_fill_it(store):
    assert not visit(store, "alerts").exception


def test_the_page_is_complete_in_vietnamese(engine):
    page = visit(engine(over=False), "alerts", lang="vi")
    assert not page.exception
    assert "sự cố nghiêm trọng" in page.header[0].value
    assert "Thời gian phát hiện" in words(page)
