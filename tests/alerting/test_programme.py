"""How alerting does: every figure from incidents whose times are known, and none from nothing."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from traffic import START, Traffic, frame, minutes, settings, steady

from alerting.archive import Delivery, Story
from alerting.message import Message
from alerting.onset import onset
from alerting.programme import programme
from alerting.rules import compile_rules

UTC = ZoneInfo("UTC")


def delivery(subject, at, *, took=1.0, event="firing", state="sent", channel="ops"):
    accepted = START + minutes(at) + timedelta(seconds=took) if state == "sent" else None
    return Delivery(subject, event, channel, state, 1, "", START + minutes(at), accepted, "", "new")


def story(name, opened, ended=None, *, severity="critical", acked=None, verdict=None, told=True, reason="resolved"):
    end = START + minutes(ended) if ended is not None else None
    return Story(
        name, "timeouts", severity, START + minutes(opened - 1), START + minutes(opened), end, end,
        reason if end else "", Message("firing", name, "", ""), START + minutes(acked) if acked else None, "lan", None,
        "", False, "", verdict, "", (), (delivery(name, opened),) if told else (), (),
    )  # fmt: skip


def figures(stories, *, onsets=None, complaints=(), days=2, more=()):
    sent = [each for one in stories for each in one.deliveries] + list(more)
    first = START.date()
    found = programme(
        stories,
        sent,
        onsets={name: START + minutes(at) for name, at in (onsets or {}).items()},
        complaints=[START + minutes(at) for at in complaints],
        days=[first + timedelta(days=number) for number in range(days)],
        zone=UTC,
    )
    return found, {name: figure and figure.value for name, figure in found.figures.items()}


def in_minutes(value):
    return value / 60_000


TWO = (story("a", 10, 30, acked=14, verdict="useful"), story("b", 100, 110, severity="warning", verdict="noise"))


def test_from_the_first_bad_minute_to_message_answer_and_end():
    """a: bad from 7, told at 10, answered at 14, over at 30; b: bad from 95, told at 100, over at 110."""
    _, found = figures(TWO, onsets={"a": 7, "b": 95})
    assert in_minutes(found["mttd"]) == pytest.approx((3 + 5) / 2 + 1 / 60)
    assert in_minutes(found["mtta"]) == pytest.approx(4)
    assert in_minutes(found["mttr_critical"]) == pytest.approx(23)
    assert in_minutes(found["mttr"]) == pytest.approx((23 + 15) / 2)


def test_the_rate_of_false_alarms_comes_with_how_many_were_judged():
    found, values = figures((*TWO, story("c", 200, 220), story("d", 300, 320)))
    assert (values["false_positive_rate"], values["label_coverage"]) == (0.5, 0.5)
    assert found.figures["false_positive_rate"].n == 2
    assert found.incidents == 4


def test_nothing_known_is_no_figure():
    _, found = figures(())
    assert {name for name, value in found.items() if value is not None} == {"alerts_per_day"}
    assert found["alerts_per_day"] == 0


def test_what_nobody_was_told_of_or_whose_start_is_unknown_was_not_detected():
    assert figures((story("a", 10, told=False),), onsets={"a": 7})[1]["mttd"] is None
    assert figures((story("a", 10),))[1]["mttd"] is None


def test_an_end_nobody_saw_is_no_repair():
    assert figures((story("a", 10, 30, reason="rule_changed"),))[1]["mttr"] is None


def test_interruptions_are_counted_once_however_many_channels_and_not_when_held_back():
    more = (
        delivery("a", 10, channel="pager"),
        delivery("c", 50, state="capped"),
        delivery("d", 60, event="digest"),
        delivery("a", 30, event="resolved"),
        delivery("e", 70, state="dead"),
    )
    found, values = figures((story("a", 10, 30),), more=more)
    assert values["alerts_per_day"] == 1.0
    assert found.figures["alerts_per_day"].n == 2
    assert found.held_back == 1


@pytest.mark.parametrize(
    ("complaints", "share"),
    [([], None), ([12], 1.0), ([9.5], 0.0), ([5], None), ([40], None), ([12, 105], 1.0), ([9.5, 105], 0.5)],
    ids=[
        "none",
        "after the message",
        "before the message",
        "before it began",
        "after its end",
        "both after",
        "one of two",
    ],
)
def test_an_incident_is_found_first_when_people_knew_before_the_first_complaint(complaints, share):
    assert figures(TWO, onsets={"a": 7, "b": 95}, complaints=complaints)[1]["found_before_users"] == share


def test_delivery_is_from_the_decision_to_the_channel():
    sent = [delivery(f"s{number}", number, took=float(number + 1)) for number in range(20)]
    _, found = figures((), more=[*sent, delivery("x", 1, took=900, event="digest"), delivery("y", 1, state="queued")])
    assert found["delivery_p95"] == pytest.approx(19_050)


def test_a_short_one_that_nobody_answered_is_suspected_and_not_in_the_rate():
    found, values = figures((story("a", 10, 12), story("b", 50, 52, acked=51)))
    assert found.suspected == 1
    assert values["false_positive_rate"] is None


STEP = [*steady(START - minutes(30), minutes(30)), *steady(START, minutes(20), bad=0.2)]


@pytest.mark.parametrize(
    ("rows", "fired", "began"),
    [
        (STEP, 4, 0),
        ([*steady(START - minutes(30), minutes(40), bad=0.2)], 5, -5),
        ([*steady(START - minutes(30), minutes(60))], 5, None),
        ([row for row in STEP if not 1 <= (row["timestamp"] - START) / minutes(1) < 2], 4, 0),
    ],
    ids=["a step", "longer than two windows", "no bad minute", "a minute without requests is passed over"],
)
def test_the_onset_is_the_first_minute_of_the_run_that_led_to_the_fire(rows, fired, began):
    chosen = settings("alerting: {packs: [p3]}")
    rule = next(rule for rule in compile_rules(chosen).rules if rule.name == "timeout_critical")
    found = onset(Traffic(frame(rows), now=START + minutes(60)), rule, chosen, START + minutes(fired))
    assert found == (None if began is None else START + minutes(began))
