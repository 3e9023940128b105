"""`python -m alerting`: what it prints and how it exits."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner
from fake_server import Planned, running
from fake_slack import CHANNEL, TOKEN, write
from fake_vendors import SECRET, SIGNING, FakeGoogleChat, FakeReceiver, FakeSlackWebhook, FakeTeams
from traffic import Traffic, frame, settings, steady

from alerting import __main__ as command
from alerting.report import alerts_report, digest_report
from alerting.round import Moment
from alerting.round import run as run_round
from alerting.rules import compile_rules
from alerting.state import StateFile
from core.errors import StoreLocked
from core.timespan import utc_now


class Opened(Traffic):
    """Traffic in place of an opened store."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def traffic():
    """The last two days, half of the last hour cut."""
    now = utc_now()
    rows = steady(now - timedelta(days=2), timedelta(hours=47), every=60)
    return Opened(frame(rows + steady(now - timedelta(hours=1), timedelta(hours=1), every=5, bad=0.5)), now)


@pytest.fixture
def place(tmp_path, monkeypatch, traffic):
    """An installation whose store is that traffic."""
    (tmp_path / "b.duckdb").touch()
    monkeypatch.setattr(command.Store, "open", lambda *_, **__: traffic)
    for name, path in (("CONFIG", "burnline.yaml"), ("STORE", "b.duckdb"), ("STATE", "s.sqlite")):
        monkeypatch.setenv(f"BURNLINE_{name}", str(tmp_path / path))
    return tmp_path


def run(*words):
    return CliRunner().invoke(command.cli, list(words))


def put_settings(place, text):
    (place / "burnline.yaml").write_text(text)


@pytest.mark.parametrize("words", [(), ("validate",), ("check",), ("digest",), ("test-channel",)])
def test_help_has_examples(words):
    found = run(*words, "--help")
    assert found.exit_code == 0
    assert not words or "python -m alerting" in found.output.split("Examples:")[1]


def test_the_defaults_are_valid(place):
    found = run("validate")
    assert found.exit_code == 0
    assert "the defaults are in force" in found.output
    assert "critical  timeout_critical: timeout_rate > 5%" in found.output


def test_faults_of_rules_are_listed_at_once(place):
    put_settings(place, "alerts: [{name: one, condition: timeout_rat > 5%}, {name: two, condition: p95 > 7}]")
    found = run("validate", "--json")
    assert found.exit_code == 1
    assert len(json.loads(found.stdout)["problems"]) == 2
    assert 'burnline.yaml, alert 1 "one", condition: unknown metric "timeout_rat" at column 1' in run("validate").stdout


def test_faults_of_settings_are_a_finding_of_validate_and_wrong_use_elsewhere(place):
    put_settings(place, "alerting: {intervall: 5s}")
    found = run("validate")
    assert found.exit_code == 1
    assert 'unknown key "intervall"; did you mean "interval"?' in found.stdout
    assert run("check").exit_code == 2


def test_check_says_what_every_rule_sees_and_changes_nothing(place):
    found = run("check", "--json")
    assert found.exit_code == 1
    shown = json.loads(found.stdout)
    assert shown["breached"] == ["timeout_warning", "timeout_critical", "high_p99"]
    assert [row["rule"] for row in shown["rules"]] == ["ingest_stale", "evaluation_fails", *shown["breached"]]
    assert shown["checked_at"]
    assert not (place / "s.sqlite").exists()
    head, first, *_ = run("check").stdout.splitlines()
    assert head.startswith("Evaluated now, ")
    assert first.endswith("within        ingest_stale: in order")


def test_check_of_good_traffic_exits_0(place, traffic):
    traffic.rows = frame(steady(traffic.now - timedelta(hours=1), timedelta(hours=1)))
    assert run("check").exit_code == 0


def test_without_a_store_it_says_how_to_get_one(place):
    (place / "b.duckdb").unlink()
    found = run("check")
    assert found.exit_code == 2
    assert "there is no store at" in found.stderr


def test_a_dry_run_shows_the_digest_and_sends_nothing(place):
    found = run("digest", "--dry-run")
    assert found.exit_code == 0
    assert found.stdout.startswith("Daily digest, ")
    assert not (place / "s.sqlite").exists()
    shown = json.loads(run("digest", "--dry-run", "--json").stdout)
    assert shown["text"] == found.stdout.rstrip("\n")


def test_a_day_is_told_when_asked(place, traffic):
    day = f"{traffic.now - timedelta(days=1):%Y-%m-%d}"
    assert json.loads(run("digest", "--dry-run", "--date", day, "--json").stdout)["day"] == day
    found = run("digest", "--date", "yesterday")
    assert found.exit_code == 2
    assert '"yesterday" is not a day' in found.stderr


def test_a_day_to_come_is_wrong_use(place):
    found = run("digest", "--dry-run", "--date", "2999-01-01")
    assert (found.exit_code, "has not begun" in found.stderr) == (2, True)
    found = run("digest", "--date", "2999-01-01")
    assert (found.exit_code, "has not begun" in found.stderr) == (2, True)


def test_the_running_day_is_shown_but_not_sent_in_place_of_the_next_mornings_digest(place, traffic):
    put_settings(place, "timezone: UTC")
    today = f"{utc_now():%Y-%m-%d}"
    assert run("digest", "--dry-run", "--date", today).exit_code == 0
    found = run("digest", "--date", today)
    assert (found.exit_code, "is not over" in found.stderr) == (2, True)
    assert not (place / "s.sqlite").exists()


def test_a_digest_is_sent_once(place, slack, monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    put_settings(place, f"channels: {{ops: {{type: slack, channel: {CHANNEL}, base_url: '{slack.url}'}}}}")
    assert run("digest").exit_code == 0
    again = run("digest")
    assert again.exit_code == 1
    assert "already had the digest" in again.stderr
    assert len(slack.posts) == 1


def test_a_digest_that_could_not_be_sent_is_a_finding(place, slack, monkeypatch):
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    put_settings(place, f"channels: {{ops: {{type: slack, channel: {CHANNEL}, base_url: '{slack.url}'}}}}")
    found = run("digest")
    assert found.exit_code == 1
    assert "ops: failed the environment has no SLACK_BOT_TOKEN" in found.stderr


KINDS = {
    "slack_webhook": ("SLACK_WEBHOOK_URL", FakeSlackWebhook),
    "google_chat": ("GOOGLE_CHAT_WEBHOOK_URL", FakeGoogleChat),
    "teams": ("TEAMS_WEBHOOK_URL", FakeTeams),
    "webhook": ("BURNLINE_WEBHOOK_URL", FakeReceiver),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_channel_is_proved(place, kind, monkeypatch):
    """It says yes when the vendor took it, and what to mend when the vendor did not, without the secret."""
    variable, vendor = KINDS[kind]
    monkeypatch.setenv("BURNLINE_WEBHOOK_SECRET", SIGNING)
    put_settings(place, f"channels: {{ops: {{type: {kind}, allow_http: true}}}}")
    with running(vendor()) as server:
        monkeypatch.setenv(variable, server.url)
        assert run("test-channel", "ops").stdout == 'The test reached "ops".\n'
        assert len(server.posts) == 1
        server.plan.append(Planned(403, server.url))
        found = run("test-channel", "ops")
    assert found.exit_code == 1
    assert "HTTP 403" in found.stderr
    assert SECRET not in found.output


def test_a_channel_is_proved(place, slack, monkeypatch):
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    put_settings(place, f"channels: {{ops: {{type: slack, channel: {CHANNEL}, base_url: '{slack.url}'}}}}")
    assert run("test-channel", "ops").exit_code == 0
    assert len(slack.posts) == 1
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-wrong")
    found = run("test-channel", "ops")
    assert (found.exit_code, "invalid_auth" in found.stderr, "xoxb" in found.output) == (1, True, False)
    found = run("test-channel", "opps")
    assert (found.exit_code, 'did you mean "ops"' in found.stderr) == (2, True)


@pytest.fixture
def dashboard(place, traffic, monkeypatch):
    """A dashboard that holds the store and answers the two questions."""
    state = place / "s.sqlite"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/api/v1/alerts":
                shown = alerts_report(state)
            else:
                assert self.path == "/api/v1/digest"
                shown = digest_report(traffic, settings(), state, traffic.now, traffic.freshness())
            write(self, 200, json.dumps(shown))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    (place / "b.duckdb.owner.json").write_text(json.dumps({"pid": 1, "url": f"http://127.0.0.1:{server.server_port}"}))

    def locked(*_, **__):
        raise StoreLocked("in use by process 1")

    monkeypatch.setattr(command.Store, "open", locked)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_while_the_dashboard_holds_the_store_it_answers(place, dashboard):
    assert run("digest", "--dry-run").stdout.startswith("Daily digest, ")
    found = run("check", "--json")
    assert (found.exit_code, json.loads(found.stdout)) == (0, {"checked_at": None, "rules": [], "breached": []})
    assert "has not checked the rules yet" in run("check").stdout


def test_check_says_when_the_dashboard_looked(place, traffic, dashboard):
    state = StateFile.open(place / "s.sqlite")
    rules = compile_rules(settings()).rules
    run_round(state, Moment(traffic, rules, settings(), traffic.now, traffic.freshness()))
    state.close()
    head, first, *others = run("check").stdout.splitlines()
    assert head.startswith("The dashboard is running; this is its last check, at ")
    assert f"{traffic.now.astimezone(settings().zone):%H:%M:%S}" in head
    assert len([first, *others]) == 2 + len(rules)
    assert any("ingest_stale: in order" in line for line in (first, *others))


def test_a_holder_that_left_no_note_is_named(place, dashboard):
    (place / "b.duckdb.owner.json").unlink()
    found = run("check")
    assert (found.exit_code, "in use by process 1" in found.stderr) == (1, True)
