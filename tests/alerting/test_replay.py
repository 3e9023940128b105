"""The past decided again is what was decided: tick by tick the same, however much of it was taken a short way."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from traffic import START, Stage, Traffic, frame, minutes, settings, steady

from alerting.catalogue import METRICS
from alerting.evaluate import evaluate, window_of
from alerting.replay import replay
from alerting.rules import compile_rules
from alerting.screen import SCREENED, judged, screen
from alerting.state import to_moment
from core.selection import Freshness
from core.timespan import TimeSpan

QUICK = "alerting: {{interval: 30s, packs: [{packs}]}}\ndigest: {{enabled: false}}\nalerts:\n{rules}"
EVENTFUL = [
    *steady(START - minutes(10), minutes(20)),
    *steady(START + minutes(10), minutes(9), bad=0.03, slow=0.1),
    *steady(START + minutes(19), minutes(6), bad=0.3),
    *steady(START + minutes(25), minutes(9)),
    *steady(START + minutes(34), minutes(3), bad=0.2),
    *steady(START + minutes(37), minutes(25), every=20.0, slow=0.3),
    *steady(START + minutes(80), minutes(10), bad=0.5),  # after a silence that holds every rule
    *steady(START + minutes(90), minutes(20)),
]


def asked(packs="p3", rules=""):
    return settings(QUICK.format(packs=packs, rules=rules or "  []"))


def told(found):
    return [(each.at, each.key, each.before, each.state, each.reason) for each in found.transitions]


def test_the_replay_decides_what_the_checker_decided(tmp_path):
    """Every change of state, and every incident from its first message to its last, to the tick."""
    chosen = asked("p3, p2")
    stage = Stage(Traffic(frame(EVENTFUL)), tmp_path / "s.sqlite", chosen)
    states, live = {}, []
    while stage.traffic.now < START + minutes(105):
        stage.run(chosen.alerting.interval, deliver=False)
        for key, state, reason in stage.rows("SELECT key, state, reason FROM instances WHERE key != 'ingest_stale'"):
            if state != states.get(key, "ok"):
                live.append((stage.traffic.now, key, states.get(key, "ok"), state, reason))
            states[key] = state
    kept = stage.rows(
        "SELECT grp, severity, opened_at, closed_at FROM incidents WHERE grp != 'ingest_stale' ORDER BY opened_at, grp"
    )
    source, span = Traffic(frame(EVENTFUL), now=START + minutes(200)), TimeSpan(START, START + minutes(105))
    found = replay(source, compile_rules(chosen).rules, chosen, span)
    assert sorted(told(found)) == sorted(live)
    assert {reason for *_, reason in live} >= {"started", "fired", "dipped", "resolved", "dropped"}
    folded = sorted((each.opened_at, each.group, each.severity, each.closed_at) for each in found.incidents)
    assert folded == [(to_moment(at), group, severity, to_moment(end)) for group, severity, at, end in kept]
    assert len(folded) >= 2
    assert found.asked < 0.2 * found.ticks * 6


TRAFFIC = st.lists(
    st.tuples(
        st.sampled_from([5, 20, 60, 240, 900]),  # seconds the stretch lasts
        st.sampled_from([0.3, 1.0, 3.0, 11.0]),  # seconds between requests
        st.lists(
            st.tuples(
                st.sampled_from(["success", "success", "success", "timeout", "failed", "cancelled", "odd"]),
                st.sampled_from([None, 0.0, 120.0, 1000.0, 6000.0, 7000.0, 7000.5, 8000.0, 8000.1, 9000.0]),
                st.sampled_from([1.0, 1.0, 1.0, 0.5, 0.3]),
                st.booleans(),
            ),
            min_size=1,
            max_size=8,
        ),
    ),
    min_size=1,
    max_size=6,
)
LIMITS = {
    "ratio": ["0%", "2%", "5%", "25%", "50%", "99%"],
    "duration": ["120ms", "1s", "6s", "7s", "8s"],
    "count": ["1", "20", "60"],
    "per_second": ["0.1/s", "6/min", "1/s"],
    "factor": ["1x", "5x", "14.4x"],
}
COMPARISON = st.tuples(
    st.sampled_from(sorted(SCREENED)), st.sampled_from([">", ">=", "<", "<=", "==", "!="]), st.integers(0, 5)
).map(lambda told: f"{told[0]} {told[1]} {_limit(told[0], told[2])}")
RULE = st.tuples(
    st.lists(COMPARISON, min_size=1, max_size=2),
    st.sampled_from(["and", "or"]),
    st.sampled_from(["1m", "5m"]),
    st.sampled_from([0, 20]),
    st.sampled_from([0, 3]),
)


def _limit(name, number):
    choices = LIMITS[METRICS[name].dimension]
    return choices[number % len(choices)]


@pytest.mark.parametrize("sampled", [False, True])
@trying(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TRAFFIC, RULE, st.lists(st.integers(0, 80), min_size=6, max_size=6, unique=True))
def test_what_the_sums_settle_is_what_a_full_evaluation_says(sampled, stretches, written, looks):
    """Whatever the traffic, the rule and the moment; and where they settle nothing, they say so."""
    rows, at = [], START
    for length, gap, kinds in stretches:
        for number in range(int(min(length / gap, 150))):
            status, took, share, fallback = kinds[number % len(kinds)]
            rows.append(
                {
                    "timestamp": at + timedelta(seconds=number * gap),
                    "status": status,
                    "execution_time_ms": took,
                    "sample_rate": share if sampled else 1.0,
                    "fallback_used": fallback,
                }
            )
        at += timedelta(seconds=length)
    parts, joiner, window, samples, bad = written
    chosen = asked(
        "",
        f"  - {{name: rule, condition: {f' {joiner} '.join(parts)}, window: {window}, "
        f"min_samples: {samples}, min_bad: {bad}}}",
    )
    (rule,) = compile_rules(chosen).rules
    source = Traffic(frame(rows), now=START + minutes(600))
    ticks = [START + (at - START + minutes(6)) * (look / 80) for look in sorted(looks)]
    ends = pl.Series([window_of(rule, chosen, tick).span.end for tick in ticks], dtype=pl.Datetime("us", "UTC"))
    for tick, found in zip(ticks, screen(rule, judged(source.rows, chosen), chosen, ends), strict=True):
        (seen,) = evaluate(source, [rule], chosen, tick, Freshness(tick, tick, 1))
        assert found in (None, seen.outcome), (tick, found, seen)


def test_the_past_in_pieces_is_the_past_in_one(monkeypatch):
    chosen, rows = asked("p3, p2"), frame(EVENTFUL)
    source, span = Traffic(rows, now=START + minutes(200)), TimeSpan(START, START + minutes(105))
    whole = replay(source, compile_rules(chosen).rules, chosen, span)
    monkeypatch.setattr("alerting.replay.CHUNK", minutes(11))
    pieces = replay(source, compile_rules(chosen).rules, chosen, span)
    assert (pieces.transitions, pieces.incidents, pieces.ticks) == (whole.transitions, whole.incidents, whole.ticks)
