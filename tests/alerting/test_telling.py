"""What is said of the open incidents in one tick: each row of the tables is one moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.grammar import parse_condition
from alerting.incidents import Incident
from alerting.message import Message
from alerting.rules import Rule
from alerting.silences import Silence
from alerting.storms import Recent, fold, storm_id
from alerting.telling import Members, inhibits, tell
from core.sections import AlertingSettings
from core.selection import Selection

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DEFAULT = AlertingSettings()
PAGER = AlertingSettings(escalate_to=("pager",))


def rule(name="r", severity="critical", family="timeouts", **labels) -> Rule:
    return Rule(
        name, parse_condition("timeout_rate > 5%"), severity=severity, family=family, requests=Selection(**labels)
    )


def incident(of: Rule, **changes) -> Incident:
    made = Incident(f"i-{of.group}", of.group, of.severity, NOW - HOUR, Message("firing", "i", "t", "s"))
    return replace(made, **changes)


def silence(**matcher) -> Silence:
    return Silence(3, matcher, NOW - HOUR, NOW + HOUR, "deploy", "lan", NOW - HOUR)


def told(*pairs, silences=(), settings=DEFAULT, quiet=()) -> dict[str, str]:
    """By group, why it is told; a hushed one says by what. `pairs` are rules and their incidents."""
    opened = {rules.group: found for rules, found in pairs}
    members = {rules.group: Members((rules,), () if rules.name in quiet else (rules,)) for rules, _ in pairs}
    tellings, after = tell(opened, members, silences, settings, NOW, stale="ingest_stale")
    return {group: found.hush for group, found in after.items() if found.hush} | {
        telling.incident.group: telling.why for telling in tellings
    }


CRITICAL, WARNING = rule(), rule(severity="warning")
TOLD = {"told": "critical", "told_at": NOW - HOUR, "channels": ("ops",)}
CAME_BACK = {"snoozed_until": NOW - MINUTE}

ONE = {
    "a new incident is told": (CRITICAL, {}, {}, "began"),
    "one that was told a minute ago is not": (CRITICAL, TOLD | {"told_at": NOW - MINUTE}, {}, None),
    "a warning that became critical is": (CRITICAL, TOLD | {"told": "warning"}, {}, "worse"),
    "a critical that became a warning is not": (WARNING, TOLD, {}, None),
    "nobody answered for a quarter of an hour": (CRITICAL, TOLD, {"settings": PAGER}, "unanswered"),
    "on the second": (CRITICAL, TOLD | {"told_at": NOW - 15 * MINUTE}, {"settings": PAGER}, "unanswered"),
    "a second before": (
        CRITICAL,
        TOLD | {"told_at": NOW - 15 * MINUTE + timedelta(seconds=1)},
        {"settings": PAGER},
        None,
    ),
    "others are told once": (CRITICAL, TOLD | {"handed_on_at": NOW - 30 * MINUTE}, {"settings": PAGER}, None),
    "somebody answered": (CRITICAL, TOLD | {"acked_at": NOW - 30 * MINUTE}, {"settings": PAGER}, None),
    "the answer was to the warning, before it became critical": (
        CRITICAL,
        TOLD | {"acked_at": NOW - 2 * HOUR},
        {"settings": PAGER},
        "unanswered",
    ),
    "it is snoozed": (CRITICAL, TOLD | {"snoozed_until": NOW + HOUR}, {"settings": PAGER}, None),
    "the snooze is over": (CRITICAL, TOLD | CAME_BACK, {}, "snooze_over"),
    "after a snooze somebody has a quarter of an hour again": (
        CRITICAL,
        TOLD | CAME_BACK | {"reminded_at": NOW - MINUTE},
        {"settings": PAGER},
        None,
    ),
    "the end of a snooze is said once": (CRITICAL, TOLD | CAME_BACK | {"reminded_at": NOW - MINUTE}, {}, None),
    "a warning comes back after a snooze, too": (WARNING, TOLD | {"told": "warning"} | CAME_BACK, {}, "snooze_over"),
    "an unanswered warning is not handed on": (WARNING, TOLD | {"told": "warning"}, {"settings": PAGER}, None),
    "a critical is said again after four hours": (CRITICAL, TOLD | {"told_at": NOW - 4 * HOUR}, {}, "still"),
    "four hours after the last word about it": (
        CRITICAL,
        TOLD | {"told_at": NOW - 7 * HOUR, "reminded_at": NOW - 3 * HOUR},
        {},
        None,
    ),
    "a warning is not said again": (WARNING, TOLD | {"told": "warning", "told_at": NOW - 9 * HOUR}, {}, None),
    "reminders can be switched off": (
        CRITICAL,
        TOLD | {"told_at": NOW - 9 * HOUR},
        {"settings": AlertingSettings(repeat_interval=timedelta(0))},
        None,
    ),
    "a silenced one is quiet": (CRITICAL, {}, {"silences": [silence(rule="r")]}, "silence 3"),
    "a silenced one does not get worse aloud": (
        CRITICAL,
        TOLD | {"told": "warning"},
        {"silences": [silence(family="timeouts")]},
        "silence 3",
    ),
    "a silence of warnings does not cover a critical": (
        CRITICAL,
        {},
        {"silences": [silence(severity="warning")]},
        "began",
    ),
    "when the silence is over it is told for the first time": (CRITICAL, {"hush": "silence 2"}, {}, "silence_over"),
    "or again": (CRITICAL, TOLD | {"hush": "silence 2", "told_at": NOW - MINUTE}, {}, "silence_over"),
    "what is quiet by now is not told": (CRITICAL, {"hush": "silence 2"}, {"quiet": ["r"]}, None),
    "nor reminded of": (CRITICAL, TOLD | {"told_at": NOW - 9 * HOUR}, {"quiet": ["r"], "settings": PAGER}, None),
}


@pytest.mark.parametrize("name", ONE)
def test_one_incident(name):
    """Of one open incident at one moment: what is told of it, and why."""
    of, changes, more, why = ONE[name]
    assert told((of, incident(of, **changes)), **more) == ({of.group: why} if why else {})


def test_of_two_rules_the_one_that_is_not_silenced_speaks():
    """The critical rule is silenced: the warning of the same family is told as the warning it is."""
    loud, quiet = rule("loud", "warning"), rule("quiet")
    opened = {loud.group: incident(quiet)}
    found, after = tell(
        opened,
        {loud.group: Members((loud, quiet), (loud, quiet))},
        [silence(rule="quiet")],
        DEFAULT,
        NOW,
        stale="ingest_stale",
    )
    assert [(telling.lead.name, telling.why) for telling in found] == [("loud", "began")]
    assert (after[loud.group].told, after[loud.group].hush) == ("warning", "")


WHOLE, PLANNER, SEARCH = rule("whole"), rule("planner", agent="planner"), rule("search", agent="search")


def warn(of: Rule) -> Rule:
    return replace(of, severity="warning")


INHIBITS = {
    "the whole speaks for its parts": (WHOLE, PLANNER, True),
    "a warning of the whole for warnings of its parts": (warn(WHOLE), warn(PLANNER), True),
    "but not for critical ones": (warn(WHOLE), PLANNER, False),
    "a critical part for a warning of the whole": (PLANNER, warn(WHOLE), True),
    "but not for another critical": (PLANNER, WHOLE, False),
    "one part never for another": (PLANNER, warn(SEARCH), False),
    "one family never for another": (WHOLE, replace(warn(PLANNER), family="cost"), False),
}


@pytest.mark.parametrize("name", INHIBITS)
def test_who_speaks_for_whom(name):
    wider, other, expected = INHIBITS[name]
    assert inhibits(wider, other) == expected
    found = told((other, incident(other)), (wider, incident(wider)))
    assert (found[other.group] == f"incident i-{wider.group}") == expected


def test_a_part_is_told_when_the_whole_is_over_or_never_spoke():
    part = incident(PLANNER, hush="incident i-timeouts")
    assert told((PLANNER, part), (WHOLE, incident(WHOLE)), quiet=["whole"]) == {PLANNER.group: "began"}
    assert told((PLANNER, part), (WHOLE, incident(WHOLE)), silences=[silence(rule="whole")]) == {
        WHOLE.group: "silence 3",
        PLANNER.group: "began",
    }


def test_while_data_has_stopped_nothing_else_is_said():
    stale = rule("ingest_stale", family="ingest_stale")
    late = incident(WHOLE, **(TOLD | {"told_at": NOW - 9 * HOUR}))
    found = told((WHOLE, late), (stale, incident(stale)), settings=PAGER)
    assert found == {"ingest_stale": "began", "timeouts": "incident i-ingest_stale"}


def test_what_lies_in_the_future_happened_now():
    """The clock was set back a day: the waits begin again, none is blocked for a day."""
    ahead = incident(WHOLE, told="critical", told_at=NOW + 24 * HOUR, quiet_since=NOW + 24 * HOUR).as_of(NOW)
    assert (ahead.told_at, ahead.quiet_since) == (NOW, NOW)


FOLDED = {
    "ten at once are told one by one": (10, Recent(), 0),
    "eleven are a storm": (11, Recent(), 11),
    "one more after ten is, too": (1, Recent(told=10), 1),
    "one after nine is not": (1, Recent(told=9), 0),
    "one while a storm goes on joins it": (1, Recent(storm="storm-x"), 1),
}


@pytest.mark.parametrize("name", FOLDED)
def test_how_many_are_a_storm(name):
    number, recent, folded = FOLDED[name]
    names = [f"i{place}" for place in range(number)]
    found = fold({("ops",): names, ("mail",): ["other"]}, {("ops",): recent}, 10, NOW)
    assert found == dict.fromkeys(names[:folded], recent.storm or storm_id(("ops",), NOW))


severities = st.sampled_from(["warning", "critical"])
labels = st.sampled_from([{}, {"agent": "a"}, {"agent": "b"}, {"agent": "a", "model": "m"}])


@given(st.lists(st.tuples(severities, labels, st.sampled_from(["f", "g"])), min_size=1, max_size=8))
def test_of_new_incidents_each_is_told_or_names_one_that_is(written):
    """Whatever inhibits: nothing is lost, and who keeps another quiet is told itself."""
    rules = {}
    for place, (severity, of, family) in enumerate(written):
        made = rule(f"r{place}", severity, family, **of)
        rules[made.group] = made
    found = told(*((made, incident(made)) for made in rules.values()))
    assert set(found) == set(rules)
    speakers = {f"incident i-{group}" for group, why in found.items() if why == "began"}
    assert all(why == "began" or why in speakers for why in found.values())
