"""Conditions are read once, and a fault is told with its place and the right way."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.catalogue import METRICS
from alerting.grammar import ConditionError, parse_condition
from alerting.pack import pack
from alerting.rules import compile_rules
from core.settings import parse
from core.slo import Objective

FAULTS = {
    "timeout_rat > 10%": 'unknown metric "timeout_rat" at column 1; did you mean "timeout_rate"?',
    "timeout_rate > 10": '"timeout_rate" is a ratio between 0 and 1: "10" can never be reached; did you mean "10%"?',
    "p95 > 7": '"p95" is a duration: write the limit as "7s" or "500ms", not "7" (column 7)',
    "p95 > 7%": '"p95" is a duration: write the limit as "7s" or "500ms", not "7%" (column 7)',
    "timeout_rate >": 'expected a number (or "baseline") but the condition ends',
    "timeout_rate": "expected one of > >= < <= == != but the condition ends",
    "": "expected a metric but the condition ends",
    "p95 > 7s or p99 > 8s and sli < 99%": '"and" and "or" cannot be mixed (column 22); write two rules',
    "p95 > 7s; drop table x": 'cannot read "; drop table" at column 9',
    "p95 > 7parsecs": 'cannot read "7parsecs" at column 7',
    "p95 > 7s p99": 'expected "and" or "or" at column 10, found "p99"',
    "timeouts_per_second > 3": '"timeouts_per_second" is a number per second: write the limit as "3/s" or "3/min", '
    'not "3" (column 23)',
    "request_count > 5s": '"request_count" is a count: write the limit as "5", not "5s" (column 17)',
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_names_its_column_and_the_right_way(text):
    with pytest.raises(ConditionError) as found:
        parse_condition(text)
    assert str(found.value) == FAULTS[text]


LIMITS = {
    "timeout_rate > 10%": 0.1,
    "timeout_rate > 0.1%": 0.001,
    "timeout_rate > 0.1": 0.1,
    "P95 > 3s": 3000.0,
    "p99_latency > 6.5 s": 6500.0,
    "avg_latency > 500ms": 500.0,
    "timeouts_per_second > 0.1/s": 0.1,
    "timeouts_per_second > 6/min": 0.1,
    "request_count < 20": 20.0,
    "burn_rate > 14.4x": 14.4,
    "burn_rate > 14.4": 14.4,
    "daily_cost > 15 USD": 15.0,
    "budget_remaining < -10%": -0.1,
}


@pytest.mark.parametrize("text", LIMITS)
def test_a_limit_is_read_in_the_metrics_own_unit(text):
    (part,) = parse_condition(text).comparisons
    assert part.limit == LIMITS[text]


@given(st.integers(1, 99), st.integers(1, 40))
def test_a_ratio_of_counts_at_the_limit_is_not_above_it(percent, hundreds):
    """At equality `>` is false: 5 of 100, 50 of 1,000 and "5%" are the same number."""
    (part,) = parse_condition(f"timeout_rate > {percent}%").comparisons
    assert not part.holds(percent * hundreds / (100 * hundreds))
    assert part.holds((percent * hundreds + 1) / (100 * hundreds))


def test_joined_comparisons_hold_together_or_alone():
    both = parse_condition("timeout_rate > 5% AND request_count >= 50")
    either = parse_condition("p95 > 7s or p99 > 8s")
    assert (both.holds((True, False)), both.holds((True, True))) == (False, True)
    assert (either.holds((True, False)), either.holds((False, False))) == (True, False)


def test_a_baseline_is_read_and_never_evaluated_silently():
    (part,) = parse_condition("daily_cost > baseline * 1.5").comparisons
    assert (part.baseline, part.limit) == (True, 1.5)


def test_every_fault_of_every_rule_is_listed_at_once():
    settings = parse(
        """
channels:
  slack_ops: {type: slack, channel: C0OPS}
  console: {type: console}
alerts:
  - {name: first, condition: timeout_rat > 10%, action: slak}
  - {name: second, condition: p95 > 7, window: 5s}
  - {name: third, condition: burn_rate > 150}
  - {name: fine, condition: p95 > 7s, action: slack_ops}
"""
    )
    found = compile_rules(settings)
    assert [str(problem) for problem in found.problems] == [
        'alert 1 "first", condition: unknown metric "timeout_rat" at column 1; did you mean "timeout_rate"?',
        'alert 1 "first", action: no channel "slak"; configured: console, slack_ops',
        'alert 2 "second", condition: "p95" is a duration: write the limit as "7s" or "500ms", not "7" (column 7)',
        'alert 2 "second", window: a window lasts from 30s to 31d',
        'alert 3 "third", condition: "burn_rate > 150" can never be reached: with a target of 0.99 the burn rate is at most 100',
    ]
    assert [rule.name for rule in found.rules][-1] == "fine"


def test_a_rule_that_is_shorter_than_a_tick_is_warned_about():
    settings = parse(
        """
alerting: {interval: 30s, packs: []}
alerts:
  - {name: short, condition: timeout_rate > 10%, for: 10s}
"""
    )
    assert [str(warning) for warning in compile_rules(settings).warnings] == [
        'alert 1 "short", for: "for" is shorter than the check interval (30s); it acts as 30s',
    ]


def test_the_default_pack_is_the_three_rules_of_one_family():
    found = compile_rules(parse(""))
    assert not found.problems
    assert not found.warnings
    told = {(r.name, str(r.condition), r.window, r.hold, r.severity, r.min_samples, r.min_bad) for r in found.rules}
    five = timedelta(minutes=5)
    assert told == {
        ("timeout_warning", "timeout_rate > 2%", five, five, "warning", 20, 3),
        ("timeout_critical", "timeout_rate > 5%", five, timedelta(minutes=1), "critical", 20, 3),
        ("high_p99", "p99 > 6s", five, timedelta(minutes=10), "warning", 20, 3),
    }
    assert {rule.group for rule in found.rules} == {"timeouts"}


def test_a_rule_of_the_settings_replaces_the_packs_rule_of_its_name_and_can_switch_it_off():
    settings = parse(
        """
alerts:
  - {name: timeout_warning, condition: timeout_rate > 4%, for: 5m, family: timeouts}
  - {name: high_p99, condition: p99 > 6s, enabled: false}
"""
    )
    assert {r.name: str(r.condition) for r in compile_rules(settings).rules} == {
        "timeout_critical": "timeout_rate > 5%",
        "timeout_warning": "timeout_rate > 4%",
    }


@pytest.mark.parametrize("name", ["p3", "p2"])
def test_a_pack_can_be_evaluated(name):
    assert compile_rules(parse(f"alerting: {{packs: [{name}]}}")).rules
    assert not compile_rules(parse(f"alerting: {{packs: [{name}]}}")).problems
    assert all(rule.runbook == "" or rule.runbook.startswith("http") for rule in pack(name, Objective()))


def test_rules_over_other_requests_are_other_incidents():
    settings = parse(
        """
alerting: {packs: []}
alerts:
  - {name: all_of_them, condition: timeout_rate > 4%, family: timeouts}
  - {name: one_agent, condition: timeout_rate > 4%, family: timeouts, filter: {agent: planner}}
"""
    )
    assert [rule.group for rule in compile_rules(settings).rules] == ["timeouts", "timeouts|agent=planner"]


def test_names_of_the_catalogue_are_lower_case_words():
    assert all(name == name.lower() and name.isidentifier() for name in METRICS)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_sentence(text):
    with suppress(ConditionError):
        assert str(parse_condition(text))


def test_the_settings_in_the_documentation_work():
    text = (Path(__file__).resolve().parents[2] / "docs" / "alerting.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    found = compile_rules(parse("".join(blocks)))
    assert (found.problems, found.warnings) == ((), ())
    assert "planner_slow" in {rule.name for rule in found.rules}
    documented = set(re.findall(r"`(\w+)`", text))
    assert set(METRICS) <= documented
