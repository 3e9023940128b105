"""Throughput, the busiest minute, what is under way at once, and what seems to hang."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW, requests

from core.selection import Selection
from core.timespan import TimeSpan
from metrics.classes import classify
from metrics.latency import timed
from metrics.query import BEGINNING
from metrics.traffic import hang_rate, in_flight, in_flight_at, peak_minute, per_second, seen_span

LIMIT = 8000.0
START = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


def rows(*parts, **fields):
    """Requests as (seconds after START, duration in ms)."""
    made = ({"timestamp": START + timedelta(seconds=second), "execution_time_ms": ms, **fields} for second, ms in parts)
    return timed(requests(*made), LIMIT)


def during(seconds):
    return Selection(TimeSpan(START, START + timedelta(seconds=seconds)))


def test_requests_a_second_of_a_span_are_its_requests_by_its_length():
    assert per_second(rows((0, 1), (1, 1), (2, 1)), during(60), NOW) == 3 / 60


def test_the_last_five_requests_have_four_gaps():
    frame = rows((0, 1), (10, 1), (20, 1), (30, 1), (40, 1))
    assert per_second(frame, Selection(last=5), NOW) == 4 / 40


def test_a_day_that_is_not_over_is_as_long_as_it_has_been():
    now = START + timedelta(seconds=10)
    assert per_second(rows((0, 1), (5, 1)), during(86_400), now) == 2 / 10


def test_all_time_begins_with_the_first_request():
    frame = rows((0, 1), (5, 1))
    everything = Selection(TimeSpan(BEGINNING, START + timedelta(seconds=20)))
    assert seen_span(frame, everything, NOW) == TimeSpan(START, START + timedelta(seconds=20))
    assert per_second(frame, everything, NOW) == 2 / 20


def test_one_request_alone_has_no_pace():
    assert per_second(rows((0, 1)), Selection(last=1), NOW) is None
    assert per_second(rows(), Selection(last=1000), NOW) is None
    assert per_second(rows(), during(60), NOW) == 0.0


def test_a_sampled_request_counts_for_those_it_stands_for():
    assert per_second(rows((0, 1), sample_rate=0.1), during(10), NOW) == 1.0
    assert peak_minute(rows((0, 1), sample_rate=0.1)).requests == 10.0


def test_the_busiest_minute_is_the_first_of_equals():
    found = peak_minute(rows((0, 1), (61, 1), (70, 1), (121, 1), (130, 1)))
    assert (found.start, found.requests) == (START + timedelta(minutes=1), 2.0)
    assert peak_minute(rows()) is None


@pytest.mark.parametrize(("second", "under_way"), [(-1, 0), (0, 1), (4.999, 1), (5, 2), (9.999, 2), (10, 1), (12, 0)])
def test_a_request_is_under_way_from_its_start_until_just_before_its_end(second, under_way):
    """One from 0 to 10 s, one from 5 to 12 s."""
    frame = rows((0, 10_000), (5, 7_000))
    assert in_flight_at(frame, START + timedelta(seconds=second)) == under_way


def test_average_and_peak_of_a_span_by_hand():
    """Over 20 s: 10 s + 7 s of work is 0.85 at once; two at once from the fifth second on."""
    found = in_flight(rows((0, 10_000), (5, 7_000)), during(20).span)
    assert found.average == pytest.approx(17 / 20)
    assert (found.peak, found.peak_at, found.n) == (2.0, START + timedelta(seconds=5), 2)


def test_a_request_that_ends_as_another_begins_is_not_under_way_with_it():
    assert in_flight(rows((0, 1000), (1, 1000)), during(10).span).peak == 1.0


def test_only_the_part_inside_the_span_counts():
    """From 0 to 10 s, seen from 8 s on for 4 s: 2 of 4 seconds."""
    span = TimeSpan(START + timedelta(seconds=8), START + timedelta(seconds=12))
    assert in_flight(rows((0, 10_000)), span).average == pytest.approx(0.5)


@pytest.mark.parametrize("ms", [None, float("nan"), float("inf"), -1.0, 0.0, 1e300])
def test_a_request_without_a_possible_duration_is_never_under_way(ms):
    frame = rows((0, ms), status="failed")
    assert in_flight_at(frame, START) == 0.0
    assert in_flight(frame, during(10).span) is None


def test_a_cut_request_is_under_way_until_it_was_cut_at_least():
    assert in_flight_at(rows((0, None), status="timeout", timeout_ms=7000.0), START + timedelta(seconds=6.9)) == 1.0


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 59), st.integers(1, 90_000)), min_size=1, max_size=40))
def test_the_average_under_way_is_the_mean_over_all_moments(found):
    """Little's law against counting at every quarter of a second, for durations of whole quarters."""
    found = [(second, 250 * (ms // 250 + 1)) for second, ms in found]
    frame = rows(*found)
    counts = [sum(at <= n / 4 < at + ms / 1000 for at, ms in found) for n in range(240)]
    whole = in_flight(frame, during(60).span)
    assert whole.average == pytest.approx(sum(counts) / len(counts))
    assert whole.peak == max(counts)


@pytest.mark.parametrize(
    ("ms", "limit_ms", "hung"),
    [(9_999, None, 0), (10_000, None, 1), (1_249, 1_000.0, 0), (1_250, 1_000.0, 1), (10_000, 0.0, 1), (None, None, 0)],
)
def test_a_request_hangs_from_one_and_a_quarter_of_its_limit_on(ms, limit_ms, hung):
    found = hang_rate(rows((0, ms), status="timeout", timeout_ms=limit_ms), LIMIT)
    assert (found.value, found.n) == (hung, 1)


def test_no_valid_request_cannot_hang():
    assert hang_rate(rows((0, 99_999), status="cancelled"), LIMIT) is None
    assert hang_rate(timed(requests(), LIMIT), LIMIT) is None


def test_the_frames_work_before_their_durations_are_known():
    """Throughput needs a classified frame only."""
    assert peak_minute(classify(requests({}), LIMIT)).requests == 1.0
