"""Faults A08, A09, A11 to A18 of rules, incidents and digests, each by its id: `pytest -k a12`."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from fake_slack import TOKEN
from post import FIRST, Post, slack_at
from test_schedule import simulate
from traffic import START, Stage, Traffic, frame, minutes, settings, steady

from alerting.lease import Holder
from alerting.message import Section

BASE = "digest: {enabled: false}\nalerting: {interval: 1m}\n"


@pytest.fixture
def stage(tmp_path, capfd):
    def made(rows, text=BASE, start=START):
        return Stage(Traffic(frame(rows), start), tmp_path / "state.sqlite", settings(text))

    return made


def said(played: Stage) -> list[str]:
    """The events of everything that interrupted somebody, in order."""
    query = (
        "SELECT event FROM outbox WHERE state = 'sent' AND json_extract(payload, '$.delivery') != 'edit' ORDER BY id"
    )
    return [event for (event,) in played.rows(query)]


def bad_for(length: float, after: float = 30) -> list[dict]:
    return [
        *steady(START - minutes(10), minutes(10), every=5),
        *steady(START, minutes(length), bad=0.5, every=5),
        *steady(START + minutes(length), minutes(after), every=5),
    ]


def test_a08_two_checkers_over_one_state_are_one_voice(stage):
    """They tick in turns; the second waits, says so, and sends nothing."""
    first = stage(bad_for(10))
    second = Stage(first.traffic, first.path, first.settings)
    first.checker._holder, second.checker._holder = Holder(pid=1, host="one"), Holder(pid=1, host="two")
    for _ in range(35):
        first.run(minutes(1))
        second.checker.tick(first.traffic.now)
        second.checker.deliver()
    assert "Another checker works on" in "\n".join(second.checker.notes())
    assert said(first) == ["firing", "resolved"]


def test_a09_a_rule_true_for_five_hundred_checks_is_told_once_and_once_per_repeat_interval(stage):
    rule = "alerts: [{name: cut, condition: timeout_rate > 5%, window: 1m, severity: critical, min_samples: 3}]"
    text = BASE.replace("interval: 1m", "interval: 1m, packs: [], repeat_interval: 2h") + rule
    played = stage(steady(START - minutes(5), minutes(510), bad=0.5, every=10), text)
    played.run(minutes(500))
    fired = datetime.fromisoformat(played.rows("SELECT told_at FROM incidents")[0][0])
    repeats = (played.traffic.now - fired) // timedelta(hours=2)
    assert said(played) == ["firing"] + ["reminder"] * repeats
    assert repeats == 4


def test_a11_what_flaps_every_minute_for_two_hours_is_one_incident(stage):
    rows = steady(START - minutes(10), minutes(10), every=2)
    for number in range(60):
        rows += steady(START + minutes(2 * number), minutes(1), bad=1.0, every=2)
        rows += steady(START + minutes(2 * number + 1), minutes(1), every=2)
    rows += steady(START + minutes(120), minutes(60), every=2)
    rule = "alerts: [{name: cut, condition: timeout_rate > 50%, window: 1m, severity: critical, keep_firing_for: 0s}]"
    played = stage(rows, BASE.replace("interval: 1m", "interval: 1m, packs: []") + rule)
    played.run(minutes(175))
    assert len(said(played)) <= 3
    assert said(played)[-1] == "resolved"


@pytest.mark.parametrize("severity", ["warning", "critical"])
def test_a12_two_hundred_rules_at_once_are_one_message_that_names_the_number(stage, severity):
    rules = ", ".join(
        f"{{name: r{number}, condition: timeout_rate > 5%, severity: {severity}, family: f{number}}}"
        for number in range(200)
    )
    played = stage(bad_for(6), BASE.replace("interval: 1m", "interval: 1m, packs: []") + f"alerts: [{rules}]")
    played.run(minutes(25))
    assert said(played) == ["firing", "resolved"]
    (title,) = played.rows("SELECT json_extract(payload, '$.title') FROM outbox WHERE event = 'firing'")[0]
    assert title == f"{severity.upper()}: 200 incidents at once"
    assert played.rows("SELECT count(*), count(closed_at) FROM incidents") == [(200, 200)]


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("Europe/Berlin", "02:30"),
        ("Europe/Berlin", "09:00"),
        ("Pacific/Kiritimati", "09:00"),
        ("Africa/Cairo", "00:15"),
    ],
)
def test_a13_four_hundred_local_days_have_four_hundred_digests(zone, at):
    """Over a spring gap, an autumn repeat, UTC+14 and a leap day."""
    first = date(2027, 12, 20)
    start = datetime.combine(first, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    told = [day for day, _ in simulate(zone, at, start, timedelta(days=401), timedelta(minutes=9))]
    assert [day for day in told if day < first + timedelta(days=400)] == [
        first + timedelta(days=number) for number in range(400)
    ]


DIGEST = "timezone: Asia/Ho_Chi_Minh\nchannels: {here: {type: console}}\nalerting: {interval: 10m, packs: []}\n"
EIGHT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
"""08:00 in Ho Chi Minh City."""


def digests(played: Stage) -> list[tuple[str, int]]:
    return played.rows("SELECT local_date, late FROM digests WHERE kind = 'daily' ORDER BY local_date")


def quiet_days(stage) -> Stage:
    rows = steady(EIGHT - timedelta(days=3), timedelta(days=8), every=1200)
    return stage(rows, DIGEST, EIGHT - timedelta(days=1))


def test_a14_a_service_that_was_down_at_nine_sends_one_late_digest(stage):
    played = quiet_days(stage)
    played.run(timedelta(hours=24, minutes=50))
    played.traffic.now += minutes(50)
    played.restart()
    played.run(timedelta(hours=1))
    assert digests(played) == [("2026-11-23", 0), ("2026-11-24", 1)]


def test_a14_down_for_three_days_it_sends_one_and_names_the_days_without(stage):
    played = quiet_days(stage)
    played.run(timedelta(hours=3))
    played.traffic.now += timedelta(days=3, hours=1)
    played.restart()
    played.run(timedelta(hours=1))
    assert digests(played) == [("2026-11-23", 0), ("2026-11-26", 1)]
    payload = played.rows("SELECT payload FROM outbox WHERE event = 'digest' ORDER BY id DESC LIMIT 1")[0][0]
    assert "No digest was sent for" in payload


STEPS = {
    "two hours back": [-timedelta(hours=2)],
    "a day ahead and back": [timedelta(days=1), -timedelta(days=1)],
    "two hours back, twice": [-timedelta(hours=2), -timedelta(hours=2)],
    "suspended over nine": [timedelta(hours=3)],
}


@pytest.mark.parametrize("name", STEPS)
def test_a15_however_the_clock_steps_no_day_has_two_digests_and_none_is_missed(stage, name):
    played = quiet_days(stage)
    played.run(timedelta(hours=3))
    for step in STEPS[name]:
        played.traffic.now += step
        played.run(timedelta(hours=1))
    while played.traffic.now < EIGHT + timedelta(days=1, hours=2):
        played.run(timedelta(hours=1))
    found = [day for day, _ in digests(played)]
    assert found[:3] == ["2026-11-23", "2026-11-24", "2026-11-25"]
    sent = Counter(played.rows("SELECT subject FROM outbox WHERE event = 'digest'"))
    assert max(sent.values()) == 1


def test_a16_data_that_stops_is_one_alert_that_says_so_and_one_end(stage):
    """Told after eleven minutes: ten until data counts as stopped, and one to be certain. It is not "all good"."""
    rows = [*steady(START - minutes(10), minutes(15), every=5), *steady(START + minutes(40), minutes(30), every=5)]
    played = stage(rows)
    played.run(minutes(18))
    assert said(played) == ["firing"]
    assert "data has stopped" in played.rows("SELECT json_extract(payload, '$.title') FROM outbox")[0][0]
    assert set(played.rows("SELECT observed FROM instances WHERE key LIKE 'timeout%'")) == {("stale",)}
    played.run(minutes(40))
    assert said(played) == ["firing", "resolved"]


def test_a17_late_lines_make_one_incident_with_the_time_of_the_events(stage):
    """Bad requests are stored three minutes late; then late good ones take the cause away again."""
    good = steady(START - minutes(10), minutes(60), every=5)
    bad = [row | {"agent_id": "late"} for row in steady(START + minutes(2), minutes(5), bad=1.0, every=1)]
    played = stage(good)
    played.run(minutes(7))
    assert said(played) == []
    played.traffic.rows = frame(good + bad)
    played.run(minutes(2))
    assert said(played) == ["firing"]
    more = [row | {"agent_id": "late"} for row in steady(START + minutes(2), minutes(9), every=0.005)]
    played.traffic.rows = pl.concat([played.traffic.rows, frame(more)]).sort("timestamp")
    played.run(minutes(20))
    assert said(played) == ["firing", "resolved"]
    assert played.rows("SELECT count(*) FROM incidents") == [(1,)]


def test_a18_the_longest_and_most_hostile_message_is_one_valid_post_that_pings_nobody(slack, tmp_path, monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    hostile = "<!channel> @here <@U123> ```x``` *b* \N{PILE OF POO} " * 20_000
    post = Post(tmp_path / "s", slack_at(slack.url))
    lines = tuple(hostile[:5000] for _ in range(200))
    post.put(replace(FIRST, title=hostile, sentence=hostile, sections=(Section("Top <!here>", lines),) * 60))
    post.run(minutes(1))
    (found,) = slack.posts
    text = json.dumps(found)
    assert "<!" not in text
    assert "@here" not in text
    assert "<@U" not in text
    assert "Shortened" in text
