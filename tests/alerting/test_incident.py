"""A bad quarter of an hour, replayed through the whole checker to a Slack that counts."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from fake_slack import CHANNEL, TOKEN, Planned
from traffic import START, Stage, Traffic, frame, minutes, settings, steady

SETTINGS = """
channels:
  slack_ops: {{type: slack, channel: {channel}, base_url: "{url}"}}
digest: {{enabled: false}}
alerting: {{interval: 30s, packs: [{packs}]}}
alerts: [{rules}]
"""


@pytest.fixture
def stage(slack, tmp_path, monkeypatch):
    """A checker that posts to the local Slack; `stage(rows)` gives it traffic."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)

    def told(rules="", packs="p3", channel=CHANNEL):
        return settings(SETTINGS.format(url=slack.url, channel=channel, packs=packs, rules=rules))

    def made(rows, **more):
        played = Stage(Traffic(frame(rows)), tmp_path / "state.sqlite", told(**more))
        played.told = told
        return played

    return made


def incident(bad, before=10, during=15, after=25, slow=0.0):
    """Good traffic, a stretch of timeouts, good traffic again."""
    start = START - minutes(10)
    return [
        *steady(start, minutes(before + 10)),
        *steady(START + minutes(before), minutes(during), bad=bad, slow=slow),
        *steady(START + minutes(before + during), minutes(after)),
    ]


RAMP = [  # near-timeouts first, then a warning, then critical
    *steady(START - minutes(10), minutes(15)),
    *steady(START + minutes(5), minutes(12), slow=0.1),
    *steady(START + minutes(17), minutes(8), bad=0.03, slow=0.1),
    *steady(START + minutes(25), minutes(5), bad=0.2),
    *steady(START + minutes(30), minutes(25)),
]

SHAPES = {
    "a step to 10 %": incident(0.10),
    "a step to everything": incident(1.0),
    "a step to 3 % for twenty minutes: a warning that never gets critical": incident(0.03, during=20),
    "slow requests only": incident(0.0, during=20, slow=0.2),
    "a cause that comes and goes: ten minutes bad, eight good, ten bad": [
        *steady(START - minutes(10), minutes(15)),
        *steady(START + minutes(5), minutes(10), bad=0.1),
        *steady(START + minutes(15), minutes(8)),
        *steady(START + minutes(23), minutes(10), bad=0.1),
        *steady(START + minutes(33), minutes(20)),
    ],
}


@pytest.mark.parametrize("name", SHAPES)
def test_an_incident_is_exactly_one_firing_and_one_resolved_message(stage, slack, name):
    played = stage(SHAPES[name])
    played.run(minutes(52))
    assert len(slack.posts) == 2
    first, last = slack.posts
    assert "RESOLVED" in last["text"]
    assert "RESOLVED" not in first["text"]
    assert last["thread_ts"] == first["ts"]
    assert [edit["ts"] for edit in slack.edits] == [first["ts"]] * len(slack.edits)
    assert "RESOLVED" in slack.edits[-1]["text"]
    assert played.rows("SELECT count(*) FROM incidents") == [(1,)]


def test_a_warning_that_becomes_critical_is_announced_once_and_the_first_message_raised(stage, slack):
    """An edit notifies nobody: the turn to critical is said where the channel sees it, still as one incident."""
    played = stage(RAMP)
    played.run(minutes(52))
    first, worse, last = slack.posts
    assert [post["text"].split(":")[0] for post in slack.posts] == ["WARNING", "CRITICAL", "RESOLVED"]
    assert (worse["thread_ts"], worse["reply_broadcast"]) == (first["ts"], True)
    assert (last["thread_ts"], "reply_broadcast" in last) == (first["ts"], False)
    assert [(edit["ts"], edit["text"].split(":")[0]) for edit in slack.edits] == [
        (first["ts"], "CRITICAL"),
        (first["ts"], "RESOLVED"),
    ]
    assert played.rows("SELECT count(*) FROM incidents") == [(1,)]


def test_quiet_traffic_says_nothing(stage, slack):
    stage(steady(START - minutes(10), minutes(40), bad=0.009)).run(minutes(25))
    assert slack.posts == []


def test_the_first_message_carries_its_evidence(stage, slack):
    rows = incident(0.10) + steady(START + minutes(10), minutes(15), every=10, bad=0.5, agent="search")
    stage(rows).run(minutes(16))
    (first,) = slack.posts
    text = json.dumps(first, ensure_ascii=False).replace("\N{NO-BREAK SPACE}", " ")
    assert first["text"].startswith("CRITICAL: timeout rate ")
    for part in ("95 % range", "planner ", "search ", "Budget left", "Requests", "timeout_critical", "Since"):
        assert part in text


def test_detection_is_as_fast_as_the_critical_rule_promises(stage, slack):
    """A step to 50 %: over 5 % of the window after some seconds, held for a minute, plus delay and interval."""
    played = stage(incident(0.5))
    while not slack.posts:
        played.run(timedelta(seconds=30))
        assert played.traffic.now < START + minutes(15)
    assert played.traffic.now - (START + minutes(10)) <= timedelta(minutes=2, seconds=30)


def test_a_handful_of_requests_is_no_incident(stage, slack):
    """Ten requests in five minutes, half of them cut: too few to judge, and the state says so."""
    played = stage(steady(START - minutes(10), minutes(40), every=30, bad=0.5))
    played.run(minutes(25))
    assert slack.posts == []
    seen = played.rows("SELECT observed FROM instances WHERE key = 'timeout_critical'")
    assert seen == [("low_traffic",)]


def test_no_traffic_does_not_resolve_a_firing_rule(stage, slack):
    """The timeouts stop because everything stops: for less than ten minutes nothing is said, then data is stale."""
    played = stage([*steady(START - minutes(10), minutes(15)), *steady(START + minutes(5), minutes(10), bad=0.5)])
    played.run(minutes(30))
    assert [post["text"].split(":")[0] for post in slack.posts] == ["CRITICAL", "CRITICAL"]
    assert "data has stopped" in slack.posts[1]["text"]
    states = dict(played.rows("SELECT key, state FROM instances"))
    assert states["timeout_critical"] == "firing"
    assert states["ingest_stale"] == "firing"


def test_data_that_comes_back_ends_the_stale_alert_and_then_the_incident(stage, slack):
    rows = [
        *steady(START - minutes(10), minutes(15)),
        *steady(START + minutes(5), minutes(10), bad=0.5),
        *steady(START + minutes(30), minutes(20)),
    ]
    played = stage(rows)
    played.run(minutes(45))
    assert [post["text"].split(":")[0] for post in slack.posts] == ["CRITICAL", "CRITICAL", "RESOLVED", "RESOLVED"]


def test_old_files_alone_raise_no_stale_alert(stage, slack):
    """A store that never was fresh has nothing to stop; its rules are held."""
    played = stage(steady(START - timedelta(days=30), minutes(30), bad=1.0))
    played.run(minutes(15))
    assert slack.posts == []
    assert set(played.rows("SELECT observed FROM instances")) == {("stale",)}


def test_a_restart_between_transition_and_send_loses_nothing_and_sends_once(stage, slack):
    played = stage(incident(0.5))
    while not played.rows("SELECT 1 FROM outbox"):
        played.run(timedelta(seconds=30), deliver=False)
    played.restart()
    played.run(minutes(15))
    played.restart()
    played.run(minutes(25))
    assert [post["text"].split(":")[0] for post in slack.posts] == ["CRITICAL", "RESOLVED"]


def test_a_restart_after_every_tick_changes_nothing(stage, slack):
    played = stage(incident(0.1))
    for _ in range(2 * 45):
        played.run(timedelta(seconds=30))
        played.restart()
    assert [post["text"].split(":")[0] for post in slack.posts] == ["CRITICAL", "RESOLVED"]


def test_a_sender_that_died_while_sending_sends_again_and_says_so(stage, slack):
    """The answer of the first attempt was never written down: it may have arrived."""
    played = stage(incident(0.5))
    while not played.rows("SELECT 1 FROM outbox"):
        played.run(timedelta(seconds=30), deliver=False)
    with played.checker._open().transaction() as db:
        db.execute("UPDATE outbox SET state = 'sending', attempts = 1, lease_until = '2027-01-01'")
    played.restart()
    played.run(timedelta(seconds=30))
    (post,) = slack.posts
    assert "possible repeat" in post["text"]


def test_slack_down_for_the_whole_incident_gives_one_message_about_both(stage, slack):
    slack.plan = [Planned(503, "down") for _ in range(100)]
    played = stage(incident(0.5, during=10))
    while not played.rows("SELECT 1 FROM incidents WHERE closed_at IS NOT NULL"):
        played.run(timedelta(seconds=30))
    assert slack.posts == []
    slack.plan = []
    played.run(minutes(10))
    (post,) = slack.posts
    assert post["text"].startswith("RESOLVED")
    assert "could not be delivered" in json.dumps(post)


def test_a_wait_that_was_asked_for_is_kept_and_evaluation_goes_on(stage, slack):
    """429 with Retry-After 300: not one call in between, and the rules are evaluated all the same."""
    slack.plan = [Planned(429, "", {"Retry-After": "300"})]
    played = stage(incident(0.5))
    while not slack.calls:
        played.run(timedelta(seconds=30))
    called_at = played.traffic.now
    while slack.calls == 1:
        played.run(timedelta(seconds=30))
        (beat,) = played.rows("SELECT value FROM meta WHERE name = 'last_tick'")
        assert beat[0].startswith(f"{played.traffic.now:%Y-%m-%dT%H:%M:%S}")
    assert played.traffic.now - called_at == timedelta(seconds=300)
    assert len(slack.posts) == 1


def test_a_missing_token_keeps_the_message_and_says_so_until_it_is_there(stage, slack, monkeypatch):
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    played = stage(incident(0.5, during=20))
    played.run(minutes(20))
    assert slack.calls == 0
    notes = "\n".join(played.checker.notes())
    assert "the environment has no SLACK_BOT_TOKEN" in notes
    assert '1 message(s) to "slack_ops" wait until this is put right' in notes
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    played.run(timedelta(seconds=30))
    assert len(slack.posts) == 1
    assert played.checker.notes() == []


def test_a_wrong_channel_is_not_tried_again_until_the_settings_change(stage, slack):
    played = stage(incident(0.5, during=20))
    played.settings = played.told(channel="C0WRONG")
    played.run(minutes(20))
    assert slack.calls == 1
    played.settings = played.told()
    played.run(timedelta(seconds=30))
    assert len(slack.posts) == 1


def test_a_changed_rule_closes_the_incident_quietly(stage, slack):
    played = stage(incident(0.1, during=60))
    played.run(minutes(20))
    played.settings = played.told(packs="")
    played.run(minutes(5))
    assert len(slack.posts) == 1
    assert [edit["text"].split(":")[0] for edit in slack.edits] == ["CLOSED"]
    assert played.rows("SELECT close_reason FROM incidents") == [("rule_changed",)]


def test_an_outage_of_hours_closes_the_incident_and_a_new_look_decides(stage, slack):
    played = stage(incident(0.1, during=180, after=5))
    played.run(minutes(20))
    played.traffic.now += timedelta(hours=2)
    played.restart()
    played.run(minutes(10))
    assert played.rows("SELECT close_reason FROM incidents ORDER BY opened_at") == [("outage",), (None,)]
    assert [post["text"].split(":")[0] for post in slack.posts] == ["CRITICAL", "CRITICAL"]


def test_a_source_that_fails_holds_the_rules_and_is_told_the_third_time(stage, slack):
    """Twice in a row is only a note; from the third time on it is one alert, over when the numbers are back."""
    played = stage(incident(0.5, during=20))
    played.run(minutes(15))
    played.traffic.broken = "no such column"
    played.run(minutes(1))
    assert len(slack.posts) == 1
    assert "no such column" in "\n".join(played.checker.notes())
    played.run(minutes(4))
    assert "rules cannot be evaluated" in slack.posts[1]["text"]
    assert "timeout_critical (RuntimeError)" in slack.posts[1]["text"]
    assert "no such column" not in str(slack.posts)
    assert dict(played.rows("SELECT key, state FROM instances"))["timeout_critical"] == "firing"
    played.traffic.broken = ""
    played.run(minutes(40))
    assert played.checker.notes() == []
    assert [post["text"].split(":")[0] for post in slack.posts] == ["CRITICAL", "CRITICAL", "RESOLVED", "RESOLVED"]


def test_the_sixth_warning_of_a_day_goes_to_the_digest_and_critical_is_never_held_back(stage, slack):
    """Seven warnings of seven families, then a critical: five posts, one word about the cap, and the critical."""
    names = ["p50", "p95", "p99", "avg_latency", "error_rate", "timeout_count", "request_count"]
    limits = {"error_rate": "1%", "timeout_count": "1", "request_count": "1"}
    rules = [
        f"{{name: w{number}, condition: {name} > {limits.get(name, '500ms')}, family: f{number}}}"
        for number, name in enumerate(names)
    ]
    rules.append("{name: crit, condition: timeout_rate > 5%, for: 10m, severity: critical, family: crit}")
    rows = steady(START - minutes(10), minutes(60), bad=0.2)
    for row in rows[::10]:
        row |= {"status": "failed", "execution_time_ms": 900.0}
    played = stage(rows, packs="", rules=", ".join(rules))
    played.run(minutes(12))
    told = [post["text"].split(":")[0] for post in slack.posts]
    assert sorted(told) == ["5 of 5 interruptions used today", "CRITICAL"] + ["WARNING"] * 5
    assert played.rows("SELECT count(*) FROM outbox WHERE state = 'capped'") == [(2,)]


def test_information_never_interrupts(stage, slack):
    played = stage(incident(0.5), packs="", rules="{name: note, condition: timeout_rate > 5%, severity: info}")
    played.run(minutes(40))
    assert slack.calls == 0
    assert played.rows("SELECT state, event FROM outbox") == [("capped", "firing")]


def test_a_second_checker_waits_and_takes_over_when_the_first_lets_go(stage, slack, tmp_path):
    first = stage(incident(0.5))
    first.run(timedelta(seconds=30))
    second = Stage(first.traffic, first.path, first.settings)
    second.checker._holder = type(second.checker._holder)(pid=1, host="elsewhere")
    second.run(minutes(1))
    assert "Another checker works on" in "\n".join(second.checker.notes())
    first.checker.stop()
    second.run(minutes(45))
    assert second.checker.notes() == []
    assert [post["text"].split(":")[0] for post in slack.posts] == ["CRITICAL", "RESOLVED"]


def test_a_damaged_state_file_is_set_aside_and_said(stage, slack, tmp_path):
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"this is not a database, " * 400)
    played = stage(incident(0.5))
    played.run(minutes(15))
    assert len(slack.posts) == 1
    assert "was set aside as state.sqlite.corrupt-" in "\n".join(played.checker.notes())


def test_a_hostile_agent_name_pings_nobody(stage, slack):
    rows = incident(0.5)
    for row in rows:
        row["agent_id"] = "<!channel> @here \x1b[31m *x*"
    stage(rows).run(minutes(15))
    text = json.dumps(slack.posts, ensure_ascii=False)
    assert "<!channel" not in text
    assert "@here" not in text
    assert "\\u001b" not in text
