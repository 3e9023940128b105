"""Settings: defaults without a file, every fault at once with the nearest name, and no way to smuggle code in."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import SettingsError
from core.settings import MAX_BYTES, Settings, load, parse
from core.settings_file import SettingsFile


def test_without_a_file_the_defaults_hold(tmp_path):
    """99 % within 8 s over 30 days, near from 6 s, critical from 7.2 s."""
    settings = load(tmp_path / "burnline.yaml")
    objective = settings.objective_values[0]
    assert (objective.name, objective.target, objective.limit_ms, objective.period) == (
        "api", 0.99, 8000.0, timedelta(days=30),
    )  # fmt: skip
    assert (settings.limit_values.near_ms, settings.limit_values.critical_ms) == (6000.0, 7200.0)


def test_the_environment_sets_the_limits(monkeypatch):
    """API_TIMEOUT and GRAPH_TIMEOUT are what the services already use."""
    monkeypatch.setenv("API_TIMEOUT", "5.5")
    monkeypatch.setenv("GRAPH_TIMEOUT", "4")
    limits = parse("").limit_values
    assert (limits.limit_ms, limits.graph_limit_ms) == (5500.0, 4000.0)


def test_a_limit_in_the_environment_that_is_no_number_is_named(monkeypatch):
    """The message names the variable and what was found."""
    monkeypatch.setenv("API_TIMEOUT", "soon")
    with pytest.raises(SettingsError, match=r'API_TIMEOUT.*"soon"'):
        parse("limits: {}")


def test_every_fault_is_listed_at_once_with_the_nearest_name():
    """One run of `validate` shows all there is to mend."""
    text = """
timezone: Asia/Ho_Chi_Min
timezon: UTC
objectives: [{name: api, target: 99%, limt: 8s}, {name: api}]
alerts: [{name: slow, condition: p95 > 7s, widow: 5m, for: 5 parsecs}]
channels: {ops: {type: slak, chanel: C0OPS}}
digest: {at: "25:00"}
"""
    with pytest.raises(SettingsError) as caught:
        parse(text)
    message = str(caught.value)
    for part in (
        'did you mean "Asia/Ho_Chi_Minh"?',
        'unknown key "timezon"; did you mean "timezone"?',
        'unknown key "limt"; did you mean "limit"?',
        'alerts[0].widow: unknown key "widow"; did you mean "window"?',
        '"5 parsecs" is not a duration',
        'channels.ops.chanel: unknown key "chanel"; did you mean "channel"?',
        "channels.ops.type",
        '"25:00" is not a time of day; write 09:00',
    ):
        assert part in message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &x [1]\nb: *x", "aliases are not supported"),
        ("timezone: UTC\ntimezone: UTC", '"timezone" is written twice'),
        ("x: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("- 1", "expected names and values, found a list"),
        ("[1", "line 1"),
        ("[" * 5000, "burnline.yaml"),
        ("dashboard_url: ${BURNLINE_NO_SUCH_VARIABLE}", "the environment has no BURNLINE_NO_SUCH_VARIABLE"),
        ("objectives: [{target: 100%}]", "objectives[0].target"),
        ("objectives: [{target: 0}]", "objectives[0].target"),
        ("objectives: [{target: .nan}]", "objectives[0].target"),
        ("objectives: []", "objectives"),
        ("limits: {api_timeout: 0s}", "limits.api_timeout"),
        ("? [a, b]\n: 1", "burnline.yaml"),
        ("1: 2", "burnline.yaml"),
    ],
)
def test_what_cannot_be_settings_is_refused_with_its_reason(text, reason, monkeypatch):
    """Neither a bomb, nor code, nor a doubled key gets through, and none ends in a traceback."""
    monkeypatch.delenv("BURNLINE_NO_SUCH_VARIABLE", raising=False)
    with pytest.raises(SettingsError) as caught:
        parse(text)
    assert reason in str(caught.value)


def test_a_variable_with_a_default_is_filled(monkeypatch):
    """`${NAME:-default}` reads the environment first."""
    monkeypatch.delenv("TEAM_ZONE", raising=False)
    assert parse("timezone: ${TEAM_ZONE:-Asia/Ho_Chi_Minh}").timezone == "Asia/Ho_Chi_Minh"
    monkeypatch.setenv("TEAM_ZONE", "Europe/Berlin")
    assert parse("timezone: ${TEAM_ZONE:-Asia/Ho_Chi_Minh}").timezone == "Europe/Berlin"


def test_a_huge_file_is_refused_before_it_is_parsed(tmp_path):
    """A megabyte of settings is a mistake."""
    path = tmp_path / "burnline.yaml"
    path.write_text("#" * (MAX_BYTES + 1))
    with pytest.raises(SettingsError, match="settings have at most"):
        load(path)


def test_a_bad_edit_keeps_the_settings_in_force_and_a_mended_one_replaces_them(tmp_path):
    """The running dashboard never falls back to defaults because of a typing slip."""
    path = tmp_path / "burnline.yaml"
    path.write_text("timezone: Asia/Ho_Chi_Minh")
    file = SettingsFile(path, tmp_path / "kept.yaml")
    path.write_text("timezon: UTC")
    assert (file.current().timezone, 'did you mean "timezone"' in file.problem) == ("Asia/Ho_Chi_Minh", True)
    path.write_text("timezone: Europe/Berlin")
    assert (file.current().timezone, file.problem) == ("Europe/Berlin", "")


def test_a_restart_with_a_bad_file_goes_on_with_the_last_good_one(tmp_path):
    """A reboot at night does not lose the alert rules to yesterday's typing slip."""
    path, kept = tmp_path / "burnline.yaml", tmp_path / "kept.yaml"
    path.write_text("timezone: Asia/Ho_Chi_Minh")
    SettingsFile(path, kept)
    path.write_text("timezon: UTC")
    file = SettingsFile(path, kept)
    assert file.current().timezone == "Asia/Ho_Chi_Minh"
    assert "last good settings" in file.problem


def test_a_bad_file_with_no_earlier_one_says_that_defaults_are_in_force(tmp_path):
    """Nobody must believe that rules which were never read are running."""
    path = tmp_path / "burnline.yaml"
    path.write_text("timezon: UTC")
    file = SettingsFile(path, tmp_path / "kept.yaml")
    assert file.current() == Settings()
    assert "the defaults are in force" in file.problem


def test_the_example_file_says_exactly_what_the_defaults_are():
    """A reader who copies the example changes nothing by doing so."""
    example = (Path(__file__).resolve().parents[2] / "burnline.example.yaml").read_text("utf-8")
    assert parse(example) == Settings()
