"""The weekly and the monthly report come once, on their day, whatever is restarted; they keep no rule waiting."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from five_weeks import END, store_file
from traffic import Traffic, frame, settings

from alerting.reports.figures import build_report
from alerting.reports.letter import letter
from alerting.reports.period import period_from
from alerting.reports.scheduled import Scheduled, owed
from alerting.schedule import due
from alerting.state import StateFile, to_text, write_meta
from core.errors import SettingsError
from loaders.store import Store

TEXT = """
timezone: Asia/Ho_Chi_Minh
dashboard_url: https://burn.example.com
channels: {console: {type: console}, desk: {type: console}}
reports: {weekly: "Mon 09:00", monthly: "1 09:00", channels: [desk]}
"""
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
"""09:00 in Ho Chi Minh City."""


@pytest.fixture(scope="module")
def store():
    with Store.open(store_file(), clock=lambda: END) as opened:
        yield opened


@pytest.fixture
def state(tmp_path):
    opened = StateFile.open(tmp_path / "state.sqlite")
    with opened.transaction() as db:
        write_meta(db, "first_tick", to_text(datetime(2026, 1, 1, tzinfo=UTC)))
    yield opened
    opened.close()


def messages(state):
    with state.transaction() as db:
        rows = db.execute("SELECT subject, channel, payload FROM outbox WHERE event = 'report' ORDER BY id").fetchall()
    return [(row["subject"], row["channel"]) for row in rows]


WHEN = {
    "a minute before": (-timedelta(minutes=1), []),
    "on the minute": (timedelta(0), [("week", "due")]),
    "an hour later": (timedelta(hours=1), [("week", "late")]),
    "two days later": (timedelta(days=2), [("week", "late")]),
    "four days later: with the next one": (timedelta(days=4), []),
    "on the first of the month, a Tuesday": (timedelta(days=8), [("month", "due"), ("week", "late")]),
}


@pytest.mark.parametrize("name", WHEN)
def test_a_report_is_owed_on_its_day_and_three_days_after(state, name):
    wait, expected = WHEN[name]
    found = owed(state, settings(TEXT), MONDAY + wait)
    assert sorted((one.kind, one.due.reason) for one in found) == sorted(expected)
    assert all(one.channels == ("desk",) for one in found)


def test_it_comes_once_a_week_whatever_is_restarted(store, state, tmp_path):
    """Looked for every hour of a week by a new process each time."""
    set_ = settings(TEXT)
    for hour in range(0, 7 * 24, 3):
        scheduled = Scheduled(store, tmp_path / "none")
        assert scheduled.look(state, set_, MONDAY + timedelta(hours=hour)) == ""
        scheduled.wait(60)
    assert messages(state) == [("report 2026-W47", "desk")]


def test_a_first_start_after_its_time_owes_nothing(state):
    with state.transaction() as db:
        write_meta(db, "first_tick", to_text(MONDAY + timedelta(minutes=1)))
    assert owed(state, settings(TEXT), MONDAY + timedelta(hours=1)) == []


def test_a_clock_that_is_set_back_sends_no_second_one(store, state, tmp_path):
    scheduled = Scheduled(store, tmp_path / "none")
    for at in (MONDAY, MONDAY - timedelta(days=1), MONDAY, MONDAY + timedelta(hours=1)):
        scheduled.look(state, settings(TEXT), at)
        scheduled.wait(60)
    assert len(messages(state)) == 1


@pytest.mark.parametrize(("zone", "days"), [("Europe/Berlin", 371), ("America/New_York", 371)])
def test_a_year_has_a_report_for_each_of_its_mondays(zone, days):
    sent, told, now = set(), [], datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(days * 24):
        found = due(now, ZoneInfo(zone), "02:30", sent, now - timedelta(days=9), on=lambda day: day.weekday() == 0)
        if found.now:
            sent.add(found.on)
            told.append(found.on)
        now += timedelta(hours=1)
    assert told == [date(2026, 1, 5) + timedelta(weeks=n) for n in range(len(told))]
    assert len(told) == 53


def test_a_report_that_cannot_be_made_is_said_and_made_again_later(store, state, tmp_path):
    class Broken:
        """A store of which one thing cannot be read."""

        def __getattr__(self, name):
            return getattr(store, name)

        def requests(self, *_):
            raise RuntimeError("the disk is gone")

        records = page = total = trace = extent = losses = freshness = values = deploys = requests
        ask = ledger = quarantine_counts = quarantine = requests

    scheduled = Scheduled(Broken(), tmp_path / "none")
    scheduled.look(state, settings(TEXT), MONDAY)
    scheduled.wait(60)
    assert "2026-W47 could not be made" in scheduled.look(state, settings(TEXT), MONDAY + timedelta(seconds=15))
    scheduled._source = store
    scheduled.look(state, settings(TEXT), MONDAY + timedelta(minutes=6))
    scheduled.wait(60)
    assert scheduled.look(state, settings(TEXT), MONDAY + timedelta(minutes=7)) == ""
    assert len(messages(state)) == 1


def test_a_slow_report_keeps_nobody_waiting(state, tmp_path):
    """`look` comes back while the store is still being read."""
    gate, asked = threading.Event(), threading.Event()

    class Slow(Traffic):
        def freshness(self):
            asked.set()
            gate.wait()
            raise RuntimeError("enough")

        def extent(self, *_):
            raise RuntimeError("enough")

        records = page = total = trace = losses = values = deploys = ask = ledger = extent
        quarantine_counts = quarantine = extent

    scheduled = Scheduled(Slow(frame([])), tmp_path / "none")
    try:
        scheduled.look(state, settings(TEXT), MONDAY)
        asked.wait()
        assert scheduled.look(state, settings(TEXT), MONDAY) == ""
    finally:
        gate.set()
        scheduled.wait(60)


def test_the_message_has_the_first_page_and_carries_the_rest(store, tmp_path):
    set_ = settings(TEXT)
    report = build_report(store, set_, tmp_path / "none", period_from("week", "2026-W47"), MONDAY)
    message = letter(report, set_, late_at="09:00")
    assert message.title.startswith("Week 2026-W47 (16 Nov 2026 to 22 Nov 2026")
    assert [fact.name for fact in message.facts][:2] == ["Success rate", "Timeouts"]
    assert [part.title for part in message.sections] == ["What moved", "Three things to do"]
    assert "Late: Burnline was not running at 09:00." in message.note
    assert message.link.startswith("https://burn.example.com/?start=2026-11-15T17%3A00%3A00")
    media = [file.media for file in message.files]
    assert "text/html" in media
    assert set(media) <= {"image/png", "text/html", "application/pdf"}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{weekly: "Mon 25:00"}', '"Mon 25:00" is not a day and a time; write Mon 09:00'),
        ('{weekly: "Someday 09:00"}', "write Mon 09:00"),
        ('{monthly: "31 09:00"}', "a day from 1 to 28"),
        ("{weekly: 9}", '"9" is not a day and a time'),
        ("{wekly: Mon 09:00}", 'unknown key "wekly"; did you mean "weekly"?'),
        ("{channels: [desk]}", 'no channel "desk"'),
    ],
)
def test_a_time_that_is_none_is_refused_with_the_right_way(written, said):
    with pytest.raises(SettingsError, match=said.replace("?", r"\?").replace("(", r"\(")):
        settings(f"reports: {written}")
