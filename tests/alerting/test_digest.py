"""The digest says what every other surface says, once per local day, on quiet days too."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from fake_slack import CHANNEL, TOKEN, Planned, fault_in
from traffic import START, Stage, Traffic, frame, minutes, settings, steady

from alerting.channels.console import plain_text
from alerting.channels.slack_blocks import payload
from alerting.digest import Past, build_digest, digest_json
from alerting.digest_message import digest_message
from alerting.ledger import past_of
from alerting.report import digest_report
from alerting.state import StateFile, to_text
from core.errors import UsageError
from core.selection import Selection
from core.timespan import local_day
from metrics.answer import answer
from metrics.summary import to_json

VN = "timezone: Asia/Ho_Chi_Minh\n"
DAY = date(2026, 11, 23)  # local: 17:00 to 17:00 UTC


def two_days():
    """Local days 22 and 23 November: 1,440 requests each, 1 % and then 5 % of them cut."""
    set_ = settings(VN)
    quiet, bad = local_day(date(2026, 11, 22), set_.zone), local_day(DAY, set_.zone)
    return [
        *steady(quiet.start, quiet.length, every=60, bad=0.01, agent="search"),
        *steady(bad.start, bad.length, every=60, bad=0.05),
        *steady(bad.end, timedelta(days=5), every=60),
    ]


@pytest.fixture
def traffic():
    return Traffic(frame(two_days()), local_day(DAY, settings(VN).zone).end + timedelta(hours=9))


def built(traffic, more="", **changes):
    set_ = settings(VN + more)
    return build_digest(traffic, set_, traffic.now, traffic.freshness(), DAY, **changes), set_


def test_its_numbers_are_those_of_the_one_path(traffic):
    digest, set_ = built(traffic)
    span = local_day(DAY, set_.zone)
    expected = answer(traffic, Selection(span), set_, span.end, traffic.freshness())
    assert replace(digest.summary, freshness=expected.freshness, receipt=expected.receipt) == expected
    assert (digest.summary.counts.requests, digest.summary.counts.timeout) == (1440, 72)
    assert digest_json(digest)["summary"] == to_json(digest.summary)
    assert digest.before.counts.timeout == 14


def test_it_is_told_in_words_and_numbers(traffic):
    digest, set_ = built(traffic)
    text = plain_text(digest_message(digest, set_)).replace("\N{NO-BREAK SPACE}", " ")
    for part in (
        "Daily digest, Mon 2026-11-23 (Asia/Ho_Chi_Minh)",
        "72 of the 1,440 requests",
        "Requests: 1,440 (+0 % vs the day before)",
        "+4.03 points vs the day before",
        "P50 / P95 / P99: 1.0 s / ",
        "95.00 %, target 99.0 %: the objective was missed",
        "1. planner: 72 of 1,440 timed out (5.0 %, n = 1,440 valid)",
        "Alerts: 0 sent, 0 held back, 0 open",
    ):
        assert part in text


def test_a_rate_says_what_it_is_taken_over():
    """Of ten requests one is no valid one: two of ten are 22.2 % only with n = 9 beside it."""
    set_ = settings(VN)
    span = local_day(DAY, set_.zone)
    rows = steady(span.start, minutes(10), every=60)
    rows[0] |= {"status": "cancelled"}
    for row in rows[1:3]:
        row |= {"status": "timeout", "execution_time_ms": 8000.0}
    traffic = Traffic(frame(rows), span.end)
    digest = build_digest(traffic, set_, traffic.now, traffic.freshness(), DAY)
    text = plain_text(digest_message(digest, set_)).replace("\N{NO-BREAK SPACE}", " ")
    assert "planner: 2 of 10 timed out (22.2 %, n = 9 valid)" in text
    assert "Timeouts > 8.0 s: 2 = 22.2 % (n = 9 valid), 95 % range" in text
    assert text.count("no comparison with the day before") == 1
    assert digest_json(digest)["agents"][0]["n"] == 9


def test_a_day_without_requests_says_so_once_and_shows_no_empty_rate():
    empty = Traffic(frame([]), START)
    digest = build_digest(empty, settings(VN), START, empty.freshness(), DAY)
    text = plain_text(digest_message(digest, settings(VN)))
    assert "0 (no valid request)" in text
    assert "= –" not in text
    assert text.count("no comparison with the day before") == 1


def test_a_finished_day_reads_the_same_whenever_it_is_asked(traffic):
    """The budget is as of the end of the day, although the next days spend it or earn it back."""
    first, set_ = built(traffic)
    traffic.now += timedelta(days=4)
    again, _ = built(traffic)
    assert again.as_of == first.as_of == local_day(DAY, set_.zone).end
    assert again.summary.budget == first.summary.budget
    told, retold = digest_message(first, set_), digest_message(again, set_)
    assert told.sentence == retold.sentence
    data = "Data"
    assert [fact for fact in told.facts if fact.name != data] == [fact for fact in retold.facts if fact.name != data]
    budget = next(fact.value for fact in told.facts if fact.name == "Budget left")
    assert budget.endswith("at the end of the day")


def test_a_running_day_is_told_as_of_now(traffic):
    traffic.now = local_day(DAY, settings(VN).zone).start + timedelta(hours=6)
    digest, set_ = built(traffic)
    assert digest.as_of == traffic.now
    assert "at the end of the day" not in plain_text(digest_message(digest, set_))


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 25), "2026-11-25 has not begun in Asia/Ho_Chi_Minh, where it is 2026-11-24"),
        (date.max, "9999-12-31 has not begun"),
        (date.min, "ask for a day from 1970-01-01 to today"),
    ],
)
def test_a_day_that_has_not_begun_or_is_before_all_time_is_refused(traffic, tmp_path, day, said):
    with pytest.raises(UsageError, match=said):
        digest_report(traffic, settings(VN), tmp_path / "none", traffic.now, traffic.freshness(), day=day)


@pytest.mark.parametrize(("hours", "known"), [(0.5, True), (-0.5, False)])
def test_a_quiet_night_makes_no_past_day_unknown_but_a_day_that_stopped_early_is(traffic, hours, known):
    """At 09:00 the newest request is hours old; what counts is whether data reached the end of the day told of."""
    traffic.stopped_at = local_day(DAY, settings(VN).zone).end + timedelta(hours=hours)
    digest, set_ = built(traffic)
    message = digest_message(digest, set_)
    assert digest.summary.freshness.state == "stale"
    assert ("Unknown" not in message.sentence) == known
    assert "STALE" in plain_text(message)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_a_quiet_day_is_told_too(language):
    """No request at all: the digest still comes, and says that rather than 0 % or 100 %."""
    empty = Traffic(frame([]), START)
    set_ = settings(VN + f"language: {language}\n")
    digest = build_digest(empty, set_, START, empty.freshness(), DAY)
    message = digest_message(digest, set_)
    assert fault_in(payload(message)) == ""
    assert message.sentence
    assert not any("100" in fact.value for fact in message.facts if "P50" in fact.name)


def test_a_percentile_at_a_cut_request_is_a_bound(traffic):
    digest, set_ = built(traffic)
    facts = {fact.name: fact.value for fact in digest_message(digest, set_).facts}
    assert facts["P50 / P95 / P99"].endswith("≥\N{NO-BREAK SPACE}8.0\N{NO-BREAK SPACE}s")


def test_late_and_missed_days_are_marked(traffic):
    digest, set_ = built(traffic, late=True, past=Past(missed=(date(2026, 11, 21), date(2026, 11, 22))))
    note = digest_message(digest, set_).note
    assert "Late: Burnline was not running at 09:00." in note
    assert "No digest was sent for Sat 2026-11-21, Sun 2026-11-22." in note


def test_many_held_back_alerts_stay_within_the_limits(traffic):
    digest, set_ = built(traffic, past=Past(held_back=tuple(f"<!channel> warning {n} " * 9 for n in range(500))))
    assert fault_in(payload(digest_message(digest, set_))) == ""


SETTINGS = """
timezone: Asia/Ho_Chi_Minh
channels: {{slack_ops: {{type: slack, channel: {channel}, base_url: "{url}"}}}}
alerting: {{packs: [], interval: 10m}}
"""


@pytest.fixture
def stage(slack, tmp_path, monkeypatch):
    """A checker without rules at 08:00 local time."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    traffic = Traffic(frame(two_days()), local_day(DAY, settings(VN).zone).end + timedelta(hours=8))
    return Stage(traffic, tmp_path / "state.sqlite", settings(SETTINGS.format(channel=CHANNEL, url=slack.url)))


def test_it_comes_once_a_day_whatever_is_restarted(stage, slack):
    for _ in range(3 * 24):
        stage.run(timedelta(hours=1))
        stage.restart()
    titles = [post["text"].split(": ")[0] for post in slack.posts]
    assert titles == [
        f"Daily digest, {day} (Asia/Ho_Chi_Minh)" for day in ("Mon 2026-11-23", "Tue 2026-11-24", "Wed 2026-11-25")
    ]


def test_after_downtime_it_comes_late_once_and_says_so(stage, slack):
    stage.run(minutes(20))
    stage.traffic.now += timedelta(hours=4)
    stage.restart()
    stage.run(timedelta(hours=3))
    (post,) = slack.posts
    assert "Late: Burnline was not running at 09:00." in json.dumps(post)


def test_three_days_of_downtime_are_one_message_that_names_them(stage, slack):
    stage.run(timedelta(hours=2))
    stage.traffic.now += timedelta(days=3)
    stage.restart()
    stage.run(timedelta(hours=2))
    assert len(slack.posts) == 2
    assert "No digest was sent for Tue 2026-11-24, Wed 2026-11-25." in json.dumps(slack.posts[1])


def test_a_first_start_in_the_afternoon_owes_nothing_for_the_morning(stage, slack):
    stage.traffic.now += timedelta(hours=6)
    stage.run(timedelta(hours=2))
    assert slack.posts == []


def test_a_day_that_cannot_be_computed_is_tried_again_and_noted(stage, slack):
    stage.run(minutes(30))
    stage.traffic.broken = "the store is closed"
    stage.run(minutes(60))
    assert slack.posts == []
    assert "The digest of 2026-11-23 could not be computed" in "\n".join(stage.checker.notes())
    stage.traffic.broken = ""
    stage.run(minutes(30))
    assert len(slack.posts) == 1
    assert stage.checker.notes() == []


def test_a_refused_digest_does_not_come_a_second_time(stage, slack):
    slack.plan = [Planned(200, '{"ok":false,"error":"invalid_blocks"}')]
    stage.run(timedelta(hours=20))
    assert (slack.calls, len(slack.posts)) == (1, 0)
    assert "were given up: Slack: invalid_blocks" in "\n".join(stage.checker.notes())


def test_the_report_holds_the_message_and_its_text(stage):
    stage.run(timedelta(hours=2))
    found = digest_report(stage.traffic, stage.settings, stage.path, stage.traffic.now, stage.traffic.freshness())
    assert found["day"] == "2026-11-23"
    assert found["text"].startswith("Daily digest, Mon 2026-11-23")
    assert json.loads(json.dumps(found)) == found
    older = digest_report(
        stage.traffic, stage.settings, stage.path, stage.traffic.now, stage.traffic.freshness(), day=date(2026, 11, 22)
    )
    assert older["summary"]["timeout"] == 14


@pytest.mark.parametrize(
    ("opened", "closed", "counted"),
    [(-1, None, 1), (-1, 2, 1), (-2, -1, 0), (1, None, 0), (1, 2, 0)],
    ids=["opened in it, open still", "closed after it", "closed in it", "opened after it", "both after it"],
)
def test_open_incidents_are_those_open_at_the_end_of_the_day(tmp_path, opened, closed, counted):
    """Hours from the end of the day."""
    set_ = settings(VN)
    span = local_day(DAY, set_.zone)
    at, over = (None if hours is None else to_text(span.end + timedelta(hours=hours)) for hours in (opened, closed))
    state = StateFile.open(tmp_path / "state.sqlite")
    with state.transaction() as db:
        db.execute(
            "INSERT INTO incidents (id, grp, severity, opened_at, closed_at, message) "
            "VALUES ('a', 'g', 'warning', ?, ?, '{}')",
            (at, over),
        )
        found = past_of(db, span, DAY + timedelta(days=1), set_)
    state.close()
    assert found.open == counted
