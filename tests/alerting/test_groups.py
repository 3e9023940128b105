"""A rule that groups is judged for each group by itself, and each group is an incident of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traffic import START, Stage, Traffic, frame, minutes, settings, steady

from alerting.decide import Instance
from alerting.evaluate import Known, evaluate
from alerting.rules import OTHERS, compile_rules, labels_of
from alerting.words import labels_shown
from core.selection import Freshness

RULES = "alerting: {{packs: [], delay: 0s}}\nalerts: [{rules}]\n"
RATE = "{name: slow, condition: timeout_rate > 5%, window: 5m, group_by: [agent]}"
CUT = {"status": "timeout", "execution_time_ms": 8000.0}


def see(rows, rules=RATE, known=(), opened=(), now=START):
    set_ = settings(RULES.format(rules=rules))
    compiled = compile_rules(set_)
    assert not compiled.problems
    before = {instance.key: instance for instance in known}
    return evaluate(
        Traffic(frame(rows), now), compiled.rules, set_, now, Freshness(now, now, 1), known=Known(before, opened)
    )


def of(agent, good=0, cut=0, **fields):
    kinds = [{}] * good + [CUT] * cut
    return [
        {"timestamp": START - timedelta(milliseconds=100 * number), "agent_id": agent} | fields | kind
        for number, kind in enumerate(kinds)
    ]


def test_each_group_is_judged_by_itself_and_only_those_that_matter_are_told():
    whole, ill = see(of("calm", 200) + of("ill", 50, 50))
    assert (whole.rule.key, whole.seen, whole.outcome, whole.detail) == (
        "slow",
        "grouped",
        "false",
        "1 of 2 groups breach it",
    )
    assert (ill.rule.key, ill.outcome, ill.readings[0].value) == ('slow{"agent": "ill"}', "true", 0.5)
    assert ill.rule.requests.filters == {"agent": "ill"}
    assert ill.rule.group == "timeout_rate|agent=ill"


def test_a_group_is_judged_on_enough_requests_of_its_own():
    found = see(of("busy", 500) + of("rare", 9, 10))
    assert [each.seen for each in found] == ["grouped"]


def test_requests_that_do_not_say_are_a_group_of_their_own():
    _, nobody = see(of("calm", 50) + of(None, 10, 40))
    assert nobody.rule.key == 'slow{"agent": null}'
    assert not nobody.rule.whole
    assert labels_shown(nobody.rule, "vi") == [("agent", "(không tên)")]


def test_several_labels_together_tell_groups_apart():
    rule = "{name: slow, condition: timeout_rate > 5%, group_by: [agent, model]}"
    _, found = see(of("a", 90, model="x") + of("a", 50, 40, model="y") + of("b", 90, model="y"), rule)
    assert found.rule.labels == (("agent", "a"), ("model", "y"))


def test_a_filter_comes_before_the_groups():
    rule = "{name: slow, condition: timeout_rate > 5%, filter: {model: x}, group_by: agent}"
    _, found = see(of("a", 90, 90, model="y") + of("b", 50, 40, model="x"), rule)
    assert found.rule.requests.filters == {"agent": "b", "model": "x"}


def test_fifty_groups_are_told_apart_and_all_others_are_judged_together():
    rows = [row for number in range(60) for row in of(f"agent-{number}", 20 + number)]
    rows += [row for number in range(60, 80) for row in of(f"agent-{number}", 15, 4)]
    found = see(rows, "{name: slow, condition: timeout_rate > 5%, group_by: agent, min_samples: 1, min_bad: 1}")
    keys = {each.rule.key for each in found}
    assert {f'slow{{"agent": "agent-{number}"}}' for number in range(60, 80)} <= keys
    assert found[0].detail == "20 of 80 groups breach it"
    rest = see(rows, "{name: slow, condition: request_count > 500, group_by: agent}")
    assert [(each.rule.labels, each.others) for each in rest[1:]] == [(OTHERS, 30)]
    assert rest[1].readings[0].value == sum(20 + number for number in range(30))
    assert labels_shown(rest[1].rule, "en", rest[1].others) == [("agent", "30 others together")]
    assert rest[1].rule.group == "request_count|others of agent"


def test_ten_thousand_groups_are_still_one_reading_and_at_most_51_observations():
    rows = [
        {"timestamp": START - timedelta(milliseconds=number % 200_000), "agent_id": f"agent-{number % 10_000}"} | CUT
        for number in range(30_000)
    ]
    rule = "{name: slow, condition: timeout_rate > 5%, group_by: agent, min_samples: 1, no_data: alert}"
    found = see(rows, rule)
    assert len(found) == 52
    assert found[-1].others == 9950


def going(agent, state="firing"):
    return Instance(f'slow{{"agent": "{agent}"}}', "", state)


def test_a_group_with_something_going_on_is_seen_again_whatever_others_there_are():
    rows = [row for number in range(60) for row in of(f"agent-{number}", 50, 50)] + of("small", 30)
    found = {each.rule.key: each for each in see(rows, known=[going("small"), going("gone"), going("calm", "ok")])}
    assert found['slow{"agent": "small"}'].outcome == "false"
    assert found['slow{"agent": "gone"}'].outcome == "false", "not a request in a day: it was switched off"
    assert 'slow{"agent": "calm"}' not in found
    again = see(of("calm", 50), known=[going("calm", "ok")], opened=["timeout_rate|agent=calm"])
    assert again[1].rule.key == 'slow{"agent": "calm"}'


def test_a_group_that_fell_silent_is_held_for_a_day():
    rows = [*of("calm", 50), {"timestamp": START - minutes(60), "agent_id": "ill"}]
    assert [each.outcome for each in see(rows, known=[going("ill")])] == ["false", "no_data"]
    late = [row | {"timestamp": START + timedelta(hours=25)} for row in of("calm", 50)]
    found = see(rows + late, known=[going("ill")], now=START + timedelta(hours=25))
    assert [each.outcome for each in found] == ["false", "false"]


@pytest.mark.parametrize("held", ["stale", "error"])
def test_groups_with_something_going_on_are_held_with_their_rule(held):
    set_ = settings(RULES.format(rules=RATE))
    traffic = Traffic(frame(of("a", 50)), START, broken="no such column" if held == "error" else "")
    now = START if held == "error" else START + minutes(20)
    found = evaluate(
        traffic,
        compile_rules(set_).rules,
        set_,
        now,
        Freshness(START, START, 1),
        known=Known({"k": going("a")} | {going("a").key: going("a")}, ()),
    )
    assert [(each.rule.key, each.outcome, each.seen) for each in found] == [
        ("slow", "frozen", held), ('slow{"agent": "a"}', "frozen", held),
    ]  # fmt: skip


def test_a_grouped_rule_without_a_request_has_no_data():
    (found,) = see([])
    assert (found.rule.key, found.outcome, found.seen) == ("slow", "no_data", "no_traffic")


@given(st.dictionaries(st.sampled_from(["agent", "model"]), st.none() | st.text(), min_size=1))
def test_a_key_is_read_back_whatever_the_logs_call_their_agents(labels):
    (rule,) = compile_rules(settings(RULES.format(rules=RATE))).rules
    made = rule.of_group(tuple(labels.items()))
    assert labels_of(made.key) == ("slow", tuple(labels.items()))


@given(st.lists(st.tuples(st.none() | st.text(), st.none() | st.text()), min_size=2, max_size=6, unique=True))
def test_different_labels_are_different_incidents(pairs):
    (rule,) = compile_rules(settings(RULES.format(rules=RATE))).rules
    groups = {rule.of_group((("agent", agent), ("model", model))).group for agent, model in pairs}
    assert len(groups) == len(pairs)


def test_two_agents_that_time_out_are_two_incidents_and_a_calm_one_is_none(tmp_path):
    text = (
        "alerting: {packs: [], delay: 0s, interval: 30s, settle: 2m}\ndigest: {enabled: false}\n"
        "alerts: [{name: slow, condition: timeout_rate > 20%, window: 5m, for: 1m, group_by: [agent], severity: critical}]\n"
    )
    hour = timedelta(hours=1)
    rows = [
        *steady(START - hour, 3 * hour, agent="calm"),
        *steady(START - hour, 3 * hour, agent="early"),
        *steady(START + minutes(5), minutes(15), bad=0.9, every=0.5, agent="early"),
        *steady(START + minutes(25), minutes(15), bad=0.9, every=0.5, agent="late"),
    ]
    stage = Stage(Traffic(frame(rows), START), tmp_path / "s.sqlite", settings(text))
    stage.run(minutes(75))
    found = stage.rows("SELECT grp, close_reason FROM incidents ORDER BY opened_at")
    assert [group for group, _ in found] == ["timeout_rate|agent=early", "timeout_rate|agent=late"]
    assert found[0][1] == "resolved"
    assert found[1][1] is None, "an agent that fell silent is held, not resolved"
