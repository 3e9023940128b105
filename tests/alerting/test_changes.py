"""Every change of the rules in force is written down, and shown; faults of a rule's words are told when it is read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import CliRunner
from traffic import START, Stage, Traffic, frame, settings

from alerting.__main__ import cli
from alerting.rules import compile_rules

QUIET = "digest: {enabled: false}\nalerting: {packs: []}\n"
TICK = timedelta(seconds=15)


def test_a_change_of_the_rules_is_written_down_with_old_and_new_condition(tmp_path):
    state = tmp_path / "s.sqlite"
    one = "alerts: [{name: slow, condition: p95 > 7s}]"
    stage = Stage(Traffic(frame([]), START), state, settings(QUIET + one))
    stage.run(TICK)
    stage.settings = settings(QUIET + "alerts: [{name: slow, condition: p95 > 6s}, {name: more, condition: p99 > 7s}]")
    stage.run(TICK)
    stage.settings = settings(QUIET)
    stage.restart()
    stage.run(TICK)
    found = stage.rows("SELECT rule, kind, before, after FROM rule_changes ORDER BY id")
    assert [(rule, kind) for rule, kind, _, _ in found] == [
        ("more", "added"), ("slow", "changed"), ("more", "removed"), ("slow", "removed"),
    ]  # fmt: skip
    assert found[1][2].startswith("p95 > 7s,")
    assert found[1][3].startswith("p95 > 6s,")
    shown = CliRunner().invoke(cli, ["rules", "--history", "--state", str(state), "--config", str(tmp_path / "none")])
    assert shown.exit_code == 0
    assert "slow changed" in shown.output


FAULTS = {
    "a summary names what is not there": ("summary: '{agnet}', group_by: agent", 'no field "agnet"; did you mean "agent"?'),
    "nor a label it is not told apart by": ("summary: '{agent}'", 'no field "agent"'),
    "nor the inside of anything": ("summary: '{rule.__class__}'", 'no field "rule.__class__"'),
    "a brace that does not end": ("summary: '{rule'", "cannot be read"),
    "a short window that is not shorter": ("short_window: 5m", "shorter than the window"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_when_the_rule_is_read(name):
    written, said = FAULTS[name]
    (problem,) = compile_rules(settings(f"{QUIET}alerts: [{{name: slow, condition: p95 > 7s, {written}}}]")).problems
    assert said in str(problem)


def test_a_limit_can_come_from_the_environment(monkeypatch):
    text = QUIET + "alerts: [{name: slow, condition: 'timeout_rate > ${LIMIT_OF_TEST:-5%}'}]"
    assert str(compile_rules(settings(text)).rules[0].condition) == "timeout_rate > 5%"
    monkeypatch.setenv("LIMIT_OF_TEST", "7%")
    assert str(compile_rules(settings(text)).rules[0].condition) == "timeout_rate > 7%"
