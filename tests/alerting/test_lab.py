"""What the lab says of a rule, against history that is small enough to know the answer."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from traffic import START, Traffic, frame, minutes, settings, steady

from alerting.lab import LADDERS, Labelled, at_limit, backtest, ladder, pace, suggest
from alerting.rules import compile_rules
from alerting.trial import trial
from core.errors import BurnlineError, SettingsError, UsageError
from core.selection import Extent
from core.timespan import TimeSpan

SETTINGS = """
alerting: {{interval: 30s, packs: []}}
alerts:
  - {{name: many, condition: "{condition}", window: 5m, for: 1m}}
"""
HOURS = [  # three bad stretches: 6 %, 12 % and 30 % timeouts, twenty minutes each, an hour apart
    *steady(START - minutes(30), minutes(30)),
    *(
        row
        for number, bad in enumerate((0.06, 0.12, 0.3))
        for row in (
            *steady(START + minutes(60 * number), minutes(20), bad=bad),
            *steady(START + minutes(60 * number + 20), minutes(40)),
        )
    ),
]
SPAN = TimeSpan(START - minutes(20), START + minutes(180))


@pytest.fixture(scope="module")
def source():
    return Traffic(frame(HOURS), now=START + minutes(600))


def asked(condition="timeout_rate > 5%"):
    chosen = settings(SETTINGS.format(condition=condition))
    return chosen, compile_rules(chosen).rules[0]


def labelled(name, start, end, verdict):
    return Labelled(name, START + minutes(start), START + minutes(end), verdict)


def test_fires_and_incidents_are_counted_by_the_day(source):
    chosen, rule = asked()
    found = backtest(source, rule, chosen, SPAN)
    assert [(fire.at - START) // minutes(60) for fire in found.fires] == [0, 1, 2]
    assert all(fire.ended_at for fire in found.fires)
    assert found.per_day == pytest.approx(3 / (200 / 1440))
    assert len(found.told) == 3
    assert found.as_live


def test_labels_say_what_was_found_what_was_missed_and_what_was_noise(source):
    chosen, rule = asked("timeout_rate > 10%")
    found = backtest(
        source,
        rule,
        chosen,
        SPAN,
        [
            labelled("small", 2, 20, "useful"),
            labelled("middle", 62, 80, "noise"),
            labelled("large", 122, 140, "useful"),
            labelled("long ago", -900, -800, "useful"),
        ],
    )
    assert found.missed == ("small",)
    assert [one.id for one in found.found] == ["large"]
    assert timedelta(0) < found.found[0].delay < minutes(4)
    assert (found.judged, found.false, found.false_share) == (2, 1, 0.5)


def test_without_labels_nothing_is_said_about_noise(source):
    chosen, rule = asked()
    assert backtest(source, rule, chosen, SPAN).false_share is None


def test_the_suggested_limit_would_have_told_so_few(source):
    """Three bad stretches in 200 minutes: beyond 7 % there are two of them, beyond 15 % one, beyond 30 % none."""
    chosen, rule = asked()
    weeks = SPAN.length / timedelta(days=7)
    by_most = {most: suggest(source, rule, chosen, SPAN, most / weeks).limit for most in (3, 2, 1, 0)}
    assert by_most == {3: "0.5%", 2: "7%", 1: "15%", 0: "30%"}
    tried = dict(suggest(source, rule, chosen, SPAN).tried)
    for limit in ("5%", "10%", "20%"):
        alone = backtest(source, at_limit(rule, limit), chosen, SPAN)
        assert tried[limit] == pytest.approx(len(alone.told) / weeks)


def test_little_history_is_said_to_be_little(source):
    chosen, rule = asked()
    assert not suggest(source, rule, chosen, SPAN).enough


def test_a_rule_without_a_ladder_gets_no_suggestion(source):
    chosen, rule = asked("timeout_count == 3")
    assert ladder(rule) == ()
    assert suggest(source, rule, chosen, SPAN) is None


def test_a_rule_that_needs_full_evaluations_is_looked_at_less_often_and_says_so(source):
    chosen, rule = asked("uptime < 99%")
    fortnight = TimeSpan(START - timedelta(days=14), START)
    assert pace(rule, chosen, fortnight) > chosen.alerting.interval
    assert pace(rule, chosen, fortnight) % chosen.alerting.interval == timedelta(0)
    assert fortnight.length / pace(rule, chosen, fortnight) <= 5000


@pytest.mark.parametrize("condition", ["timeout_rate > 1%", "p95 >= 7s", "burn_rate > 2", "timeouts_per_second > 1/s"])
def test_every_limit_of_a_ladder_can_be_written_in_a_rule(condition):
    _, rule = asked(condition)
    limits = [at_limit(rule, limit).condition.comparisons[0].limit for limit in ladder(rule)]
    assert limits == sorted(limits)
    assert len(limits) == len(LADDERS[rule.condition.comparisons[0].metric.dimension])


class Reader(Traffic):
    """Traffic that also tells how far it goes back."""

    def extent(self, selection):
        rows = self.requests(selection, ["timestamp"])["timestamp"]
        return Extent(len(rows), rows.min(), rows.max())


def test_a_rule_of_the_settings_and_one_that_is_typed_in_are_tried_alike(tmp_path):
    reader, chosen = Reader(frame(HOURS), now=START + minutes(600)), asked()[0]
    now, state = START + minutes(180), tmp_path / "none"
    known = trial(reader, state, chosen, {"rule": "many", "since": "1d"}, now)
    typed = trial(
        reader, state, chosen, {"condition": "timeout_rate > 5%", "for": "1m", "since": "1d", "most": "9"}, now
    )
    assert json.loads(json.dumps(known)) == known
    assert known["fires"] == typed["fires"] == 3
    assert known["first_fire"] == typed["first_fire"]
    assert typed["rule"] == "asked"
    assert datetime.fromisoformat(known["span"]["start"]) == START - minutes(30)


@pytest.mark.parametrize(
    ("parameters", "kind", "said"),
    [
        ({}, UsageError, "name a rule (many)"),
        ({"rule": "mny"}, UsageError, 'did you mean "many"?'),
        ({"condition": "p95 > 7"}, SettingsError, "write the limit as"),
        ({"condition": "p95 > 7s", "window": "soon"}, SettingsError, "is not a duration"),
        ({"rule": "many", "since": "long"}, UsageError, "is not a duration"),
        ({"rule": "many", "since": "9000d"}, UsageError, "is not between"),
        ({"rule": "many", "most": "few"}, UsageError, "is not a number of incidents"),
        ({"rule": "many", "until": "now"}, UsageError, "unknown: until"),
    ],
)
def test_what_cannot_be_tried_is_said_with_the_right_way(source, tmp_path, parameters, kind, said):
    with pytest.raises(BurnlineError) as caught:
        trial(Reader(source.rows, now=source.now), tmp_path / "none", asked()[0], parameters, START)
    assert isinstance(caught.value, kind)
    assert said in str(caught.value)


def test_a_time_without_requests_is_no_history(tmp_path):
    reader = Reader(frame(HOURS), now=START + minutes(600))
    with pytest.raises(UsageError, match="no requests in that time"):
        trial(reader, tmp_path / "none", asked()[0], {"rule": "many", "since": "1h"}, START + minutes(500))
