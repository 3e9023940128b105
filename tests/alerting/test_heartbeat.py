"""The dead man's switch is asked while rules and messages keep pace, and only then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fake_server import FakeServer, Planned, running
from fake_slack import CHANNEL, TOKEN
from traffic import START, Stage, Traffic, frame, minutes, settings, steady

TEXT = """
digest: {enabled: false}
channels: {CHANNELS}
alerting: {interval: 1m, heartbeat: {every: 5m, allow_http: true}}
"""


class Watch(FakeServer):
    """Counts who asks."""

    def take(self, request, raw):
        assert raw == b""
        return 200, "OK"


@pytest.fixture
def watch(monkeypatch):
    with running(Watch()) as server:
        monkeypatch.setenv("BURNLINE_HEARTBEAT_URL", f"{server.root}/ping/s3cret-part")
        yield server


def played(tmp_path, bad=0.0, channels="{}") -> Stage:
    rows = steady(START - minutes(10), minutes(90), bad=bad, every=5)
    return Stage(Traffic(frame(rows)), tmp_path / "s.sqlite", settings(TEXT.replace("{CHANNELS}", channels)))


def run(stage: Stage, number: int) -> None:
    for _ in range(number):
        stage.run(minutes(1))
        stage.checker.pulse()


def test_it_is_asked_every_five_minutes(watch, tmp_path):
    stage = played(tmp_path)
    run(stage, 16)
    assert watch.calls == 4
    assert stage.checker.notes() == []


def test_it_is_not_asked_while_the_rules_are_late(watch, tmp_path):
    stage = played(tmp_path)
    run(stage, 1)
    stage.traffic.now += minutes(10)
    stage.checker.pulse()
    assert watch.calls == 1


def test_it_is_not_asked_while_the_store_cannot_be_read(watch, tmp_path):
    """The alert about it goes out all the same, once."""
    stage = played(tmp_path, channels="{here: {type: console}}")
    run(stage, 1)

    def broken():
        raise OSError("no such device")

    stage.checker._freshness = broken
    run(stage, 20)
    assert watch.calls == 1
    assert stage.rows("SELECT json_extract(payload, '$.title') FROM outbox") == [
        ("CRITICAL: rules cannot be evaluated",)
    ]


def test_it_is_not_asked_while_no_message_gets_through(watch, slack, tmp_path, monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    slack.plan = [Planned(503, "")] * 1000
    stage = played(tmp_path, bad=0.5, channels=f"{{ops: {{type: slack, channel: {CHANNEL}, base_url: '{slack.url}'}}}}")
    run(stage, 12)
    before = watch.calls
    assert "No message has been delivered to anybody since" in "\n".join(stage.checker.notes())
    run(stage, 20)
    assert watch.calls == before
    slack.plan = []
    run(stage, 40)
    assert watch.calls > before


def test_a_failure_is_a_note_without_the_address_and_is_tried_again_soon(watch, tmp_path):
    watch.plan = [Planned(500, "")]
    stage = played(tmp_path)
    run(stage, 1)
    (note,) = stage.checker.notes()
    assert note.startswith("The heartbeat was not heard: The heartbeat address: HTTP 500")
    assert "s3cret" not in note
    run(stage, 1)
    assert (watch.calls, stage.checker.notes()) == (2, [])


def test_without_its_address_it_says_so(tmp_path, monkeypatch):
    monkeypatch.delenv("BURNLINE_HEARTBEAT_URL", raising=False)
    stage = played(tmp_path)
    run(stage, 1)
    assert "the environment has no BURNLINE_HEARTBEAT_URL" in "\n".join(stage.checker.notes())


def test_a_private_address_is_not_asked(watch, tmp_path):
    stage = played(tmp_path)
    stage.settings = settings(TEXT.replace("{CHANNELS}", "{}").replace(", allow_http: true", ""))
    run(stage, 1)
    assert watch.calls == 0
    assert "https://" in "\n".join(stage.checker.notes())


def test_it_is_asked_anew_after_the_clock_was_set_back(watch, tmp_path):
    stage = played(tmp_path)
    run(stage, 1)
    stage.traffic.now -= timedelta(hours=2)
    run(stage, 1)
    assert watch.calls == 2
