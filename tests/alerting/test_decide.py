"""The state machine, to the second: evaluations every 30 s, `for` 300 s, `keep` 120 s unless a row says otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.decide import Decision, Instance, Outcome, decide, gone
from alerting.grammar import parse_condition
from alerting.rules import Rule

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
STEP = timedelta(seconds=30)
OUTCOMES: dict[str, Outcome] = {"T": "true", "F": "false", "N": "no_data", "Z": "frozen"}


def rule(**changes) -> Rule:
    made = Rule("r", parse_condition("timeout_rate > 5%"), hold=timedelta(seconds=300), keep=timedelta(seconds=120))
    return replace(made, **changes)


def spell(short: str) -> str:
    """From "T11 F3" to TTTTTTTTTTTFFF."""
    return "".join(part[0] * int(part[1:] or 1) for part in short.split())


def run(sequence: str, of: Rule) -> list[tuple[int, Decision]]:
    """Seconds since the first evaluation, and what was decided."""
    instance, found = None, []
    for tick, letter in enumerate(spell(sequence)):
        decision = decide(instance, of, OUTCOMES[letter], START + tick * STEP, STEP)
        instance = decision.instance
        found.append((tick * 30, decision))
    return found


def story(sequence: str, of: Rule) -> list[str]:
    """The notable reasons with their seconds."""
    told = ("fired", "dipped", "returned", "resolved", "went_silent", "spoke_again", "dropped", "gap")
    return [f"{d.reason} {second}" for second, d in run(sequence, of) if d.reason in told]


TABLE = {
    "fires when the condition has held for `for`": ("T11", {}, ["fired 300"]),
    "one false starts the wait again": ("T10 F T5", {}, ["dropped 300"]),
    "resolves after being false for keep": ("T11 F5", {}, ["fired 300", "dipped 330", "resolved 450"]),
    "true again while recovering is the same episode": (
        "T11 F3 T2 F5",
        {},
        ["fired 300", "dipped 330", "returned 420", "dipped 480", "resolved 600"],
    ),
    "for 0 fires at the first true": (
        "F T F8",
        {"hold": timedelta(0)},
        ["fired 30", "dipped 60", "resolved 180"],
    ),
    "missing data keeps a firing rule firing": ("T11 N30", {}, ["fired 300"]),
    "missing data is told when the rule asks": (
        "F2 N25 F",
        {"no_data": "alert"},
        ["went_silent 660", "spoke_again 810"],
    ),
    "missing data starts a wait again": ("T5 N T11", {}, ["gap 150", "fired 480"]),
    "missing data counts as false when the rule says so": (
        "T11 N5",
        {"no_data": "ok"},
        ["fired 300", "dipped 330", "resolved 450"],
    ),
    "the end must be seen: missing data starts its wait again": (
        "T11 F3 N F5",
        {},
        ["fired 300", "dipped 330", "resolved 570"],
    ),
    "stale ingest freezes, whatever the rule says of missing data": (
        "T11 Z30",
        {"no_data": "ok"},
        ["fired 300"],
    ),
    "stale ingest is not counted as the rule's silence": ("F Z40", {"no_data": "alert"}, []),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_sequence_gives_its_states(name):
    sequence, changes, expected = TABLE[name]
    assert story(sequence, rule(**changes)) == expected


def test_a_firing_rule_without_data_is_marked_stale_and_still_firing_at_1200():
    second, last = run("T11 N30", rule())[-1]
    assert (second, last.instance.state, last.reason) == (1200, "firing", "stale")


def after(pause: timedelta, sequence: str, outcome: Outcome, of: Rule) -> Decision:
    before = run(sequence, of)[-1]
    then = START + timedelta(seconds=before[0]) + pause
    return decide(before[1].instance, of, outcome, then, STEP)


RESTARTS = {
    "firing bridges an hour": ("T11", timedelta(hours=1), "true", "still_firing"),
    "firing is not resolved by a restart alone": ("T11", timedelta(minutes=59), "false", "dipped"),
    "firing is closed, not continued, when nobody looked for longer": (
        "T11",
        timedelta(hours=1, seconds=1),
        "true",
        "outage",
    ),
    "pending bridges two intervals": ("T9", timedelta(seconds=60), "true", "fired"),
    "pending starts again after a longer pause": ("T10", timedelta(seconds=61), "true", "started"),
    "recovering starts its wait again after a longer pause": ("T11 F4", timedelta(seconds=120), "false", "clearing"),
}


@pytest.mark.parametrize("name", RESTARTS)
def test_a_restart_goes_on_from_what_was_kept(name):
    sequence, pause, outcome, reason = RESTARTS[name]
    assert after(pause, sequence, outcome, rule()).reason == reason


def test_a_changed_question_closes_the_old_episode_and_starts_afresh():
    before = run("T11", rule())[-1][1].instance
    changed = rule(window=timedelta(minutes=10))
    closed = decide(before, changed, "true", START + timedelta(seconds=330), STEP)
    assert (closed.reason, closed.before, closed.instance.state) == ("rule_changed", "firing", "ok")
    again = decide(closed.instance, changed, "true", START + timedelta(seconds=360), STEP)
    assert again.reason == "started"


def test_a_renamed_severity_or_owner_is_the_same_question():
    before = run("T11", rule())[-1][1].instance
    same = rule(severity="critical", owner="platform", min_samples=5)
    assert decide(before, same, "true", START + timedelta(seconds=330), STEP).reason == "still_firing"


def test_a_rule_that_is_gone_closes_its_episode():
    decision = gone(run("T11", rule())[-1][1].instance, START)
    assert (decision.reason, decision.before, decision.instance.active) == ("rule_changed", "firing", False)


def test_a_clock_set_back_starts_the_wait_again_instead_of_blocking_it():
    pending = run("T2", rule())[-1][1].instance
    back = START - timedelta(hours=2)
    waiting = decide(pending, rule(), "true", back, STEP)
    assert waiting.instance.since == back
    due = decide(waiting.instance, rule(), "true", back + timedelta(seconds=60), STEP)
    assert due.instance.since == back


@given(st.lists(st.sampled_from("TFNZ"), max_size=120), st.sampled_from(["keep", "ok", "alert"]))
def test_an_episode_starts_once_and_ends_at_most_once(letters, no_data):
    """Whatever is seen: fired and resolved alternate, and an active instance says since when."""
    instance: Instance | None = None
    firing = False
    for tick, letter in enumerate(letters):
        decision = decide(instance, rule(no_data=no_data), OUTCOMES[letter], START + tick * STEP, STEP)
        instance = decision.instance
        if decision.reason == "fired":
            assert not firing
            firing = True
        if decision.reason == "resolved":
            assert firing
            firing = False
        assert (instance.state in ("firing", "recovering")) == firing
        assert (instance.fired_at is not None) == instance.active
