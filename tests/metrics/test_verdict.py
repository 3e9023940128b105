"""Is it getting worse: what is called, what is not, and how often that is wrong when nothing changed."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.timespan import TimeSpan
from metrics.baseline import baselines
from metrics.verdict import Slot, student_point, student_tail, verdict

RUNS = 1000
WEEK, WEEKS = 168, 4


def service(rng, runs, *, base=0.02, traffic=2000, varies=0.0):
    """Hourly requests and true rates of so many services, five weeks each: daily and weekly rhythm in both.

    `varies` is the coefficient of variation of the rate from hour to hour on top of the rhythm (gamma distributed).
    """
    hour = np.arange(WEEK * (WEEKS + 1))
    weekend = (hour // 24) % 7 >= 5
    busy = traffic * (1 + 0.6 * np.cos(2 * np.pi * (hour % 24 - 14) / 24)) * np.where(weekend, 0.6, 1.0)
    rate = base * (1 + 0.5 * np.sin(2 * np.pi * hour / 24)) * np.where(weekend, 1.3, 1.0)
    own = rng.gamma(1 / varies**2, varies**2, (runs, hour.size)) if varies else np.ones((runs, hour.size))
    return rng.poisson(busy, (runs, hour.size)), np.clip(rate * own, 0, 1)


def look(requests, timeouts, end, hours):
    """The verdict on the `hours` before `end` of one service, against the same hours of four weeks."""
    slots = []
    for window in range(WEEKS + 1):
        for place in range(hours if window == 0 else max(hours, 6)):
            at = end - 1 - place - window * WEEK
            if at >= 0:
                slots.append(Slot(window, place, timeouts[at], requests[at], requests[at]))
    return verdict(slots)


@pytest.mark.parametrize("varies", [0.0, 0.3], ids=["binomial", "overdispersed"])
@pytest.mark.parametrize("hours", [2, 24])
def test_without_a_change_at_most_one_look_in_twenty_calls_it_worse(varies, hours):
    """1,000 services, one look each at a random hour of the fifth week."""
    rng = np.random.default_rng([20261124, round(10 * varies), hours])
    requests, rates = service(rng, RUNS, varies=varies)
    timeouts = rng.binomial(requests, rates)
    ends = rng.integers(WEEK * WEEKS + 24, WEEK * (WEEKS + 1), RUNS)
    found = [look(requests[i], timeouts[i], ends[i], hours).outcome for i in range(RUNS)]
    assert found.count("worse") <= 0.05 * RUNS
    assert found.count("better") <= 0.05 * RUNS
    assert found.count("too_few") == 0


def test_a_step_from_two_to_four_percent_is_called_within_two_hours():
    """2,000 requests an hour on average: at least 900 of 1,000 are called at a look one or two hours after the step."""
    rng = np.random.default_rng(4)
    requests, rates = service(rng, RUNS)
    called = 0
    for i, at in enumerate(rng.integers(WEEK * WEEKS, WEEK * (WEEKS + 1) - 2, RUNS)):
        after = rates[i].copy()
        after[at : at + 2] *= 2
        timeouts = rng.binomial(requests[i], after)
        called += any(look(requests[i], timeouts, at + hours, hours).outcome == "worse" for hours in (1, 2))
    assert called >= 0.9 * RUNS


def flat(now, before=(20, 1000), windows=4, places=6):
    """A span of one slot `now` = (hits, valid) against windows that all look alike."""
    past = [Slot(w, p, *before, before[1]) for w in range(1, windows + 1) for p in range(places)]
    return [Slot(0, 0, *now, now[1]), *past]


@pytest.mark.parametrize(
    ("now", "outcome"),
    [
        ((20, 1000), "no_evidence"),
        ((29, 1000), "no_evidence"),
        ((60, 1000), "worse"),
        ((3, 1000), "better"),
        ((2, 49), "too_few"),
        ((1, 60), "too_few"),
        ((0, 100_000), "better"),
        ((0, 0), "too_few"),
        ((60, 60), "worse"),
    ],
)
def test_a_table_of_verdicts(now, outcome):
    assert verdict(flat(now)).outcome == outcome


def test_a_service_without_timeouts_is_quiet_not_unknown():
    quiet = [Slot(w, p, 0, 1000, 1000) for w in range(1, 5) for p in range(6)]
    assert verdict([Slot(0, 0, 0, 1000, 1000), *quiet]).outcome == "no_evidence"
    assert verdict([Slot(0, 0, 4, 1000, 1000), *quiet]).outcome == "no_evidence"
    assert verdict([Slot(0, 0, 0, 299, 299), *quiet]).outcome == "too_few"


def test_size_and_range_are_those_of_two_proportions_when_nothing_varies():
    """40 of 1,000 against 20 of 1,000 in each of 24 slots: the textbook's pooled standard error, t of 18 degrees."""
    found = verdict(flat((40, 1000)))
    pooled = (40 + 24 * 20) / 25_000
    error = math.sqrt(pooled * (1 - pooled) * (1 / 1000 + 1 / 4000))
    assert found.points == pytest.approx(0.02)
    assert found.ratio == pytest.approx(2.0)
    assert found.high - found.low == pytest.approx(2 * 2.10092 * error, rel=0.02)
    assert found.confidence > 0.99
    assert found.spread == 0.0


def test_a_baseline_that_varies_from_hour_to_hour_needs_a_larger_difference():
    """The same 4 % is nothing where single hours had 1 to 4 % before."""
    wild = [Slot(w, p, (10, 40, 15, 22, 13, 20)[(w + p) % 6], 1000, 1000) for w in range(1, 5) for p in range(6)]
    found = verdict([Slot(0, 0, 40, 1000, 1000), *wild])
    assert found.outcome == "no_evidence"
    assert found.spread > 0.3
    assert found.inflation > 2


def test_hours_that_are_always_bad_are_not_worse():
    """Place 0 always has 10 %, the others 1 %: a span of place 0 at 10 % is as usual."""
    rhythm = [Slot(w, p, 100 if p == 0 else 10, 1000, 1000) for w in range(1, 5) for p in range(6)]
    assert verdict([Slot(0, 0, 100, 1000, 1000), *rhythm]).outcome == "no_evidence"
    assert verdict([Slot(0, 1, 100, 1000, 1000), *rhythm]).outcome == "worse"


def test_more_traffic_at_the_same_rate_is_no_change():
    assert verdict(flat((200, 10_000))).points == pytest.approx(0.0)
    assert verdict(flat((200, 10_000))).outcome == "no_evidence"


def test_sampled_requests_are_as_sure_as_the_rows_they_are():
    """10 rows of weight 10 among 100 such rows are no 100 of 1,000."""
    past = [Slot(w, p, 20, 1000, 1000) for w in range(1, 5) for p in range(6)]
    whole = verdict([Slot(0, 0, 40, 1000, 1000), *past])
    sampled = verdict([Slot(0, 0, 40, 1000, 10_000), *past])
    assert whole.points == sampled.points
    assert sampled.high - sampled.low > 2 * (whole.high - whole.low)


def test_without_a_past_there_is_nothing_to_say():
    found = verdict([Slot(0, 0, 40, 1000, 1000)])
    assert (found.outcome, found.now, found.before, found.confidence) == ("too_few", 0.04, None, None)


def test_one_past_window_cannot_tell_how_much_hours_vary():
    assert verdict(flat((60, 1000), windows=1)).outcome == "too_few"
    assert verdict(flat((60, 1000), windows=1), same_hours=False).outcome == "worse"


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 400)), min_size=1, max_size=12),
    st.integers(0, 300), st.integers(0, 500), st.booleans(),
)  # fmt: skip
def test_whatever_was_counted_has_a_verdict_with_its_numbers_in_order(past, hits, valid, same_hours):
    slots = [Slot(1 + i % 3, i // 3, min(k, n), n, n) for i, (k, n) in enumerate(past)]
    found = verdict([Slot(0, 0, min(hits, valid), valid, valid), *slots], same_hours=same_hours)
    if found.confidence is not None:
        assert 0 <= found.confidence <= 1
        assert found.low <= found.points <= found.high
        assert found.inflation >= 1 - 1e-9


@pytest.mark.parametrize(
    ("freedom", "point"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980), (400, 1.960)],
)
def test_student_points_are_those_of_the_tables(freedom, point):
    assert student_point(0.95, freedom) == pytest.approx(point, abs=6e-4)
    assert student_tail(0.0, freedom) == pytest.approx(0.5)


UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("history", "length", "kind", "windows"),
    [
        (timedelta(weeks=9), timedelta(hours=1), "weeks", 4),
        (timedelta(weeks=3), timedelta(hours=1), "weeks", 2),
        (timedelta(weeks=2), timedelta(hours=1), "days", 7),
        (7 * DAY, DAY, "days", 6),
        (2 * DAY, DAY, "days", 1),
        (DAY + timedelta(minutes=30), timedelta(hours=1), "before", 1),
        (timedelta(minutes=59), timedelta(hours=1), None, 0),
        (7 * DAY, 7 * DAY, None, 0),
        (10 * DAY, 7 * DAY, "before", 1),
        (14 * DAY, 7 * DAY, "days", 1),
        (29 * DAY, 7 * DAY, "weeks", 3),
        (None, DAY, None, 0),
    ],
)
def test_the_baseline_is_the_best_the_history_allows(history, length, kind, windows):
    found = next(baselines(TimeSpan(NOW - length, NOW), None if history is None else NOW - history, UTC_ZONE), None)
    assert (found.kind if found else None, len(found.spans) if found else 0) == (kind, windows)


@given(st.integers(1, 60 * 24 * 40), st.integers(0, 60 * 24 * 90), st.sampled_from(["UTC", "Europe/Berlin"]))
def test_baseline_windows_are_whole_past_and_apart(minutes, history, zone):
    span = TimeSpan(NOW - timedelta(minutes=minutes), NOW)
    since = NOW - timedelta(minutes=history)
    for found in baselines(span, since, ZoneInfo(zone)):
        later = span.start
        for window in found.spans:
            assert since <= window.start < window.end <= later
            later = window.start
            if found.kind != "before":
                assert window.length == span.length


def test_same_hours_are_hours_of_the_readers_clock():
    """Two days after Berlin's clocks went back, 08:00 there is an hour later in UTC than it was a week ago."""
    end = datetime(2026, 10, 27, 7, tzinfo=UTC)
    span = TimeSpan(end - timedelta(hours=1), end)
    found = next(baselines(span, end - timedelta(weeks=9), ZoneInfo("Europe/Berlin")))
    assert found.spans[0].end == datetime(2026, 10, 20, 6, tzinfo=UTC)
