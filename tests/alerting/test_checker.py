"""The two threads, the notes and the health of a checker."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from traffic import START, Stage, Traffic, frame, minutes, settings, steady

from alerting.channels import missing_secrets
from alerting.checker import Checker
from alerting.report import alerts_report
from alerting.words import TEXTS
from core.text import catalogue, missing_keys
from core.timespan import utc_now

QUIET = "digest: {enabled: false}\nchannels: {}\n"


class Told(Traffic):
    """Traffic that says when it was read."""

    def __init__(self, *args):
        super().__init__(*args)
        self.read = threading.Event()

    def requests(self, selection, columns=None):
        self.read.set()
        return super().requests(selection, columns)


def live(source, tmp_path, text=QUIET):
    set_ = settings(text)
    return Checker(source, lambda: set_, tmp_path / "state.sqlite", source.freshness, utc_now)


def test_it_evaluates_from_its_start_without_being_asked(tmp_path):
    now = utc_now()
    source = Told(frame(steady(now - minutes(10), minutes(10))), now)
    checker = live(source, tmp_path)
    assert not checker.health().alive
    checker.start()
    try:
        assert source.read.wait(10)
        assert checker.health().alive
        assert not checker.health().late(utc_now())
    finally:
        checker.stop()
        checker.stop()
    assert not checker.health().alive
    assert checker.health().late(utc_now())


def test_a_fault_in_a_round_is_noted_and_the_next_round_comes(tmp_path):
    now = utc_now()
    source = Told(frame(steady(now - minutes(10), minutes(10))), now)
    set_ = settings(QUIET + "alerting: {interval: 10ms}")
    calls, again = [], threading.Event()

    def freshness():
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("the store is being opened again")
        if len(calls) > 3:
            again.set()
        return source.freshness()

    checker = Checker(source, lambda: set_, tmp_path / "state.sqlite", freshness, utc_now)
    checker.start()
    try:
        assert again.wait(10)
    finally:
        checker.stop()
    assert checker.notes() == []


def test_a_state_folder_that_cannot_be_made_is_said_and_stops_nothing_else(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    source = Told(frame([]), START)
    set_ = settings(QUIET)
    checker = Checker(source, lambda: set_, tmp_path / "file" / "state.sqlite", source.freshness, utc_now)
    checker._guard("rules", lambda: checker.tick(START))
    assert "cannot be used" in "\n".join(checker.notes())
    assert "cannot be used" in checker.health().detail
    checker.stop()


def test_a_late_checker_is_late(tmp_path):
    played = Stage(Traffic(frame([]), START), tmp_path / "state.sqlite", settings(QUIET))
    played.run(minutes(1))
    health = played.checker.health()
    assert health.beat == played.traffic.now
    assert health.late_after == timedelta(seconds=45)


def test_a_faulty_rule_does_not_replace_the_rules_in_force(tmp_path):
    """The set before goes on; the fault is a note until it is put right."""
    rows = steady(START - minutes(10), minutes(40), bad=0.5)
    played = Stage(Traffic(frame(rows), START), tmp_path / "state.sqlite", settings(QUIET))
    played.run(timedelta(seconds=15))
    played.settings = settings(QUIET + "alerts: [{name: typo, condition: timeout_rat > 5%}]")
    played.run(minutes(5))
    assert 'A rule is not used: alert 1 "typo", condition: unknown metric' in "\n".join(played.checker.notes())
    assert dict(played.rows("SELECT key, state FROM instances"))["timeout_critical"] == "firing"


def test_a_faulty_rule_at_the_start_costs_only_itself(tmp_path):
    text = QUIET + "alerts: [{name: typo, condition: timeout_rat > 5%}, {name: fine, condition: p95 > 7s}]"
    played = Stage(Traffic(frame([]), START), tmp_path / "state.sqlite", settings(text))
    played.run(timedelta(seconds=15))
    keys = {key for (key,) in played.rows("SELECT key FROM instances")}
    assert keys == {"evaluation_fails", "fine", "high_p99", "ingest_stale", "timeout_critical", "timeout_warning"}


def test_a_missing_secret_is_noted_before_anything_is_to_be_said(monkeypatch):
    monkeypatch.delenv("OPS_TOKEN", raising=False)
    set_ = settings("channels: {ops: {type: slack, channel: C1, token_env: OPS_TOKEN}, here: {type: console}}")
    (note,) = missing_secrets(set_)
    assert 'Channel "ops"' in note
    assert "OPS_TOKEN" in note
    monkeypatch.setenv("OPS_TOKEN", "xoxb-1")
    assert missing_secrets(set_) == []


def test_the_report_can_be_read_while_the_checker_works(tmp_path):
    path = tmp_path / "state.sqlite"
    assert alerts_report(path)["rules"] == []
    rows = steady(START - minutes(10), minutes(25), bad=0.5)
    played = Stage(Traffic(frame(rows), START), path, settings(QUIET.replace("{}", "{here: {type: console}}")))
    played.run(minutes(5))
    found = alerts_report(path)
    rules = {row["rule"]: row for row in found["rules"]}
    assert (rules["timeout_critical"]["state"], rules["timeout_critical"]["observed"]) == ("firing", "breached")
    assert rules["timeout_critical"]["shown"].startswith("timeout rate 5")
    (incident,) = found["open"]
    assert incident["title"].startswith("CRITICAL: timeout rate 5")
    assert [(row["channel"], row["state"], row["messages"]) for row in found["deliveries"]] == [("here", "sent", 1)]


def test_every_sentence_is_there_in_both_languages_with_the_same_places():
    tree = catalogue(TEXTS)
    assert missing_keys(tree) == []
    for key, texts in tree.items():
        places = [sorted(part.split("}")[0] for part in text.split("{")[1:]) for text in texts.values()]
        assert places[0] == places[1], key


def test_vietnamese_messages_are_vietnamese(tmp_path, capsys):
    text = "language: vi\ndigest: {enabled: false}\n"
    rows = steady(START - minutes(10), minutes(15), bad=0.5) + steady(START + minutes(5), minutes(30))
    Stage(Traffic(frame(rows), START), tmp_path / "state.sqlite", settings(text)).run(minutes(25))
    said = capsys.readouterr().err
    assert "NGHIÊM TRỌNG: tỷ lệ quá hạn" in said
    assert "ĐÃ HẾT: tỷ lệ quá hạn" in said


def test_packs_are_data_that_names_known_fields():
    for path in (Path(TEXTS).parent / "packs").glob("*.yaml"):
        assert all(isinstance(rule, dict) for rule in yaml.safe_load(path.read_text("utf-8")))


@pytest.mark.parametrize("state", ["pending", "firing", "recovering"])
def test_each_state_of_a_rule_survives_a_restart(tmp_path, state):
    rows = [*steady(START - minutes(10), minutes(15), bad=0.5), *steady(START + minutes(5), minutes(20))]
    played = Stage(Traffic(frame(rows), START), tmp_path / "state.sqlite", settings(QUIET))
    query = "SELECT state, since, fired_at FROM instances WHERE key = 'timeout_critical'"
    while not played.rows("SELECT 1 FROM instances") or played.rows(query)[0][0] != state:
        played.run(timedelta(seconds=15))
    before = played.rows(query)
    played.restart()
    played.run(timedelta(seconds=15))
    assert played.rows(query) == before
