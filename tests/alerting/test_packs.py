"""The rules that ship with Burnline: which there are, that each can be acted on, and that each can be judged."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest

from alerting.pack import PACKS, pack
from alerting.rules import compile_rules
from core.sections import PackName
from core.settings import parse
from core.slo import Objective
from core.text import LANGUAGES

NAMES = get_args(PackName)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ASKED = {
    # what was asked for: (pack, rule, condition, window, for, severity)
    "P1: average above 500 ms for 5 min": ("p1_kpis", "high_latency", "avg_latency > 500ms", 5 * MINUTE, 0, "warning"),
    "P1: hallucination above 3 % in 1 h": ("p1_kpis", "hallucination_spike", "hallucination_rate > 3%", HOUR, 0, "critical"),
    "P1: a day's cost above 1.5 times the usual": ("p1_kpis", "cost_anomaly", "daily_cost > baseline * 1.5", DAY, 0, "warning"),
    "P2: timeouts above 10 % for 5 min": ("p2", "high_timeout_rate", "timeout_rate > 10%", 5 * MINUTE, 5, "critical"),
    "P2: P95 above 7 s for 5 min": ("p2", "high_p95", "p95 > 7s", 5 * MINUTE, 5, "warning"),
    "P2: an agent above 0.1 timeouts a second for 3 min": ("p2", "agent_timeout_spike", "timeouts_per_second > 0.1/s", 5 * MINUTE, 3, "warning"),
    "P3: timeouts above 2 % for 5 min": ("p3", "timeout_warning", "timeout_rate > 2%", 5 * MINUTE, 5, "warning"),
    "P3: timeouts above 5 % for 1 min": ("p3", "timeout_critical", "timeout_rate > 5%", 5 * MINUTE, 1, "critical"),
    "P3: P99 above 6 s for 10 min": ("p3", "high_p99", "p99 > 6s", 5 * MINUTE, 10, "warning"),
    "24/7: uptime below 99.5 %": ("p1_kpis", "uptime_low", "uptime < 99.5%", DAY, 0, "critical"),
    "24/7: P95 above 3 s": ("p1_kpis", "p95_kpi", "p95 > 3s", 15 * MINUTE, 15, "warning"),
    "24/7: errors above 1 %": ("p1_kpis", "error_rate_kpi", "error_rate > 1%", 15 * MINUTE, 5, "warning"),
}  # fmt: skip


@pytest.mark.parametrize("asked", ASKED)
def test_every_alert_that_was_asked_for_is_a_rule_of_a_pack(asked):
    name, rule, condition, window, hold, severity = ASKED[asked]
    (found,) = (each for each in compile_rules(parse(f"alerting: {{packs: [{name}]}}")).rules if each.name == rule)
    assert (str(found.condition), found.window, found.hold, found.severity) == (
        condition,
        window,
        hold * MINUTE,
        severity,
    )


def test_the_rate_per_second_is_that_of_each_agent():
    (found,) = (each for each in pack("p2", Objective()) if each.name == "agent_timeout_spike")
    assert found.group_by == ("agent",)


def test_on_call_are_ten_critical_alerts():
    rules = pack("on_call", Objective())
    assert len({rule.name for rule in rules}) == 10
    assert {rule.severity for rule in rules} == {"critical"}


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_of_a_pack_says_who_acts_and_what_to_do_first_in_both_languages(name):
    for rule in pack(name, Objective()):
        for language in LANGUAGES:
            assert rule.owner.of(language), rule.name
            assert len(rule.first_step.of(language)) > 20, rule.name
        assert rule.first_step.en != rule.first_step.vi


@pytest.mark.parametrize("name", NAMES)
def test_every_pack_is_without_fault_as_settings_of_ones_own_would_have_to_be(name):
    shipped = pack(name, Objective())
    settings = parse(f"alerting: {{packs: [{name}]}}")
    own = settings.model_copy(
        update={"alerting": settings.alerting.model_copy(update={"packs": ()}), "alerts": shipped}
    )
    found = compile_rules(own)
    assert (found.problems, found.warnings) == ((), ())
    assert {rule.hash for rule in found.rules} == {rule.hash for rule in compile_rules(settings).rules}


def test_a_rule_of_two_packs_is_one_rule():
    seen = {}
    for name in NAMES:
        for rule in pack(name, Objective()):
            assert seen.setdefault(rule.name, rule) == rule
    assert {path.stem for path in PACKS.glob("*.yaml")} == set(NAMES)


def test_all_packs_together_are_compiled():
    found = compile_rules(parse(f"alerting: {{packs: [{', '.join(NAMES)}]}}"))
    assert not found.problems
    assert len({rule.name for rule in found.rules}) == len(found.rules) == 29


BURNS = {
    "99 % in 30 days": ("target: 99%", {"burn_1h": 14.4, "burn_6h": 6, "burn_24h": 3, "burn_72h": 1}),
    "28 days": (
        "{target: 99%, period: 28d}",
        {"burn_1h": 13.44, "burn_6h": 5.6, "burn_24h": 2.8, "burn_72h": 0.933333},
    ),
    "at 93 % nothing burns 14.4 times as fast": ("target: 93%", {"burn_6h": 6, "burn_24h": 3, "burn_72h": 1}),
}


@pytest.mark.parametrize("name", BURNS)
def test_burn_rules_have_the_factors_of_the_objective(name):
    written, factors = BURNS[name]
    settings = parse(
        f"alerting: {{packs: [google_30d]}}\nobjectives: [{written if written[0] == '{' else '{' + written + '}'}]"
    )
    rules = compile_rules(settings).rules
    assert {rule.name: rule.condition.comparisons[0].limit for rule in rules} == pytest.approx(factors)
    shorts = {"burn_1h": 5 * MINUTE, "burn_6h": 30 * MINUTE, "burn_24h": 2 * HOUR, "burn_72h": 6 * HOUR}
    assert {rule.name: rule.short for rule in rules} == {name: shorts[name] for name in factors}
    assert {(rule.min_samples, rule.min_bad) for rule in rules} == {(50, 5)}


def test_a_rule_that_replaces_one_of_a_pack_keeps_its_owner_and_first_step():
    settings = parse(
        "language: vi\nalerts: [{name: timeout_warning, condition: timeout_rate > 4%}, {name: high_p99, condition: p99 > 7s, owner: '@lan'}]"
    )
    rules = {rule.name: rule for rule in compile_rules(settings).rules}
    assert rules["timeout_warning"].owner == "nhóm đang trực"
    assert rules["timeout_warning"].first_step.startswith("Mở trang Vì sao")
    assert rules["high_p99"].owner == "@lan"
    assert rules["high_p99"].first_step
