"""Service level, error budget, burn rate and the date the budget ends, on the worked tables of docs/error-budget.md."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW, many, requests

from core.slo import GOOGLE_30D, Objective
from core.timespan import TimeSpan
from metrics.budget import HOUR, budget, budget_cuts, budget_span, burn_rate, exhaustion, hourly, is_spent, sli

OBJECTIVE = Objective()
DAYS_30 = 720


def hours_of(valid, bad, count=DAYS_30):
    """`count` hours that end now, each as given or, for one number, all alike."""
    valid, bad = (x if isinstance(x, list) else [float(x)] * count for x in (valid, bad))
    starts = [NOW - HOUR * (len(valid) - place) for place in range(len(valid))]
    return pl.DataFrame({"start": starts, "hours": [1.0] * len(valid), "valid": valid, "bad": bad})


def total_of(valid, bad):
    """All of it in the oldest hour of the period, so that the present pace is nothing."""
    return hours_of([float(valid), *[0.0] * (DAYS_30 - 1)], [float(bad), *[0.0] * (DAYS_30 - 1)])


@pytest.mark.parametrize(
    ("valid", "bad", "allowed", "consumed", "remaining"),
    [
        (1000, 0, 10, 0.0, 1.0),
        (1000, 3, 10, 0.3, 0.7),
        (1000, 10, 10, 1.0, 0.0),
        (1000, 47, 10, 4.7, -3.7),
        (1_000_000, 4700, 10_000, 0.47, 0.53),
        (0, 0, 0, None, 1.0),
    ],
)
def test_worked_budgets_come_out_to_the_digit(valid, bad, allowed, consumed, remaining):
    found = budget(total_of(valid, bad), OBJECTIVE, NOW)
    assert (found.valid, found.bad, found.allowed, found.consumed) == (valid, bad, allowed, consumed)
    assert found.remaining == pytest.approx(remaining, abs=1e-15)


@pytest.mark.parametrize(("good", "bad", "level"), [(1000, 0, 1.0), (997, 3, 0.997), (990, 10, 0.99), (953, 47, 0.953)])
def test_worked_service_levels(good, bad, level):
    assert sli(many(success=good, timeout=bad), OBJECTIVE).value == level


def test_ten_bad_of_a_thousand_meet_the_objective_and_spend_the_budget():
    frame = many(success=990, failed=10)
    level = sli(frame, OBJECTIVE)
    assert level.value >= level.target
    assert budget(total_of(1000, 10), OBJECTIVE, NOW).outlook == "spent"


def test_without_a_request_there_is_no_level_and_the_budget_is_whole():
    assert sli(requests(), OBJECTIVE).value is None
    found = budget(hours_of(0, 0), OBJECTIVE, NOW)
    assert (found.outlook, found.remaining, found.exhausted_at, found.exhausted_since) == (
        "no_traffic",
        1.0,
        None,
        None,
    )
    assert set(found.burn.values()) == {None}


@pytest.mark.parametrize(
    ("window", "factor", "bad_share"), list(zip(GOOGLE_30D, (14.4, 6, 3, 1), (0.144, 0.06, 0.03, 0.01), strict=True))
)
def test_worked_burn_rates(window, factor, bad_share):
    """At the factor's bad share the window burns exactly that fast and spends the planned part of the budget."""
    assert window.factor(OBJECTIVE.period) == pytest.approx(factor)
    assert burn_rate(bad_share * 1000, 1000, OBJECTIVE) == pytest.approx(factor)
    assert burn_rate(bad_share, 1, OBJECTIVE) * window.long / OBJECTIVE.period == pytest.approx(window.spend)


def test_burn_rates_are_of_the_hours_before_now():
    bad = [0.0] * (DAYS_30 - 72) + [1.0] * 48 + [2.0] * 18 + [6.0] * 5 + [14.4]
    burn = budget(hours_of([100.0] * DAYS_30, bad), OBJECTIVE, NOW).burn
    assert burn["1h"] == pytest.approx(14.4)
    assert burn["6h"] == pytest.approx((30 + 14.4) / 6)
    assert burn["24h"] == pytest.approx((36 + 30 + 14.4) / 24)
    assert burn["72h"] == pytest.approx((48 + 36 + 30 + 14.4) / 72)


def days(valid, bad):
    """Thirty days as hours, oldest first."""
    return [v / 24 for v in valid for _ in range(24)], [b / 24 for b in bad for _ in range(24)]


PACES = {
    "a steady 5 bad a day, then 20: 10.0 days": ([5.0] * 30, 20.0, 10.0),
    "a steady 5 bad a day, then 9: never": ([5.0] * 30, 9.0, None),
    "one bad day 25 days old that drops out, then 15 a day: 20.0 days": ([0.0] * 5 + [150.0] + [0.0] * 24, 15.0, 20.0),
    "nothing bad, and nothing bad to come: never": ([0.0] * 30, 0.0, None),
    "nothing bad, then everything bad: 7.2 hours": ([0.0] * 30, 1000.0, 0.3),
}


@pytest.mark.parametrize(("bad", "pace", "expected"), PACES.values(), ids=PACES.keys())
def test_worked_forecasts_come_out_to_the_digit(bad, pace, expected):
    valid, bad = days([1000.0] * 30, bad)
    found = exhaustion(hours_of(valid, bad), (1000 / 24, pace / 24), OBJECTIVE)
    assert found is None if expected is None else found / 24 == pytest.approx(expected, abs=1e-6)


def test_a_budget_at_a_bad_pace_says_when_it_ends():
    """29 days of 5 bad, one of 20: 165 of 300; 15 more a day."""
    found = budget(hours_of(*days([1000.0] * 30, [5.0] * 29 + [20.0])), OBJECTIVE, NOW)
    assert (found.outlook, found.exhausted_since) == ("ends", None)
    assert found.exhausted_at == NOW + timedelta(days=9)


def test_a_pace_the_budget_can_bear_never_ends_it():
    found = budget(hours_of(*days([1000.0] * 30, [9.0] * 30)), OBJECTIVE, NOW)
    assert (found.outlook, found.exhausted_at) == ("never", None)


def test_few_requests_make_no_forecast():
    """10 requests in the last day, 2 of them bad: a pace of nothing but chance."""
    few = hours_of([10.0] * 696 + [0.0] * 23 + [10.0], [0.0] * 719 + [2.0])
    assert budget(few, OBJECTIVE, NOW).outlook == "low_traffic"
    four_bad = hours_of([10.0] * DAYS_30, [0.0] * 719 + [4.0])
    assert budget(four_bad, OBJECTIVE, NOW).outlook == "low_traffic"
    assert budget(hours_of([10.0] * DAYS_30, [0.0] * 719 + [5.0]), OBJECTIVE, NOW).outlook == "ends"


def test_few_bad_requests_among_many_will_not_end_it():
    assert budget(hours_of([1000.0] * DAYS_30, [0.0] * 718 + [2.0, 2.0]), OBJECTIVE, NOW).outlook == "never"


def test_a_spent_budget_says_since_when():
    """60 good days, but 400 bad requests (of 300 allowed) three hours ago: spent in that hour."""
    valid, bad = [1000 / 24] * 1440, [0.0] * 1440
    bad[-3] = 400.0
    found = budget(hours_of(valid, bad), OBJECTIVE, NOW)
    assert (found.outlook, found.exhausted_since) == ("spent", NOW - 3 * HOUR)
    assert found.remaining == pytest.approx(1 - 400 / 300)


def test_since_when_it_is_spent_is_the_present_run_only():
    """Spent by an old incident, well again when that dropped out, spent anew in the last hour."""
    valid, bad = [1000 / 24] * 1440, [0.0] * 1440
    bad[300] = 400.0
    bad[-1] = 301.0
    assert budget(hours_of(valid, bad), OBJECTIVE, NOW).exhausted_since == NOW - HOUR


@pytest.mark.parametrize("minutes", [1, 10, 29, 31, 59, 61, 95, 150, 600])
def test_since_when_it_is_spent_does_not_move_with_the_moment_of_asking(minutes):
    """Spent by a breach at 20 past an hour, asked at any minute after it: always that hour."""
    start = NOW.replace(minute=0, second=0, microsecond=0) - 72 * HOUR
    good = [{"timestamp": start + timedelta(minutes=n)} for n in range(0, 60 * 60, 3)]
    breach = start + timedelta(hours=61, minutes=20)
    bad = [{"timestamp": breach, "status": "timeout"}] * 40
    now = breach + timedelta(minutes=minutes)
    frame = requests(*good, *bad).sort("timestamp")
    hours = hourly(frame, OBJECTIVE, TimeSpan(now - 2 * DAYS_30 * HOUR, now), budget_cuts(OBJECTIVE, now))
    assert budget(hours, OBJECTIVE, now).exhausted_since == start + 61 * HOUR


def test_the_objective_decides_what_a_saved_request_counts_as():
    frame = requests({}, {"fallback_used": True}, {"fallback_used": True, "status": "timeout"})
    levels = {counts: sli(frame, Objective(fallback_counts_as=counts)) for counts in ("good", "bad", "excluded")}
    assert {counts: (level.good, level.valid) for counts, level in levels.items()} == {
        "good": (2, 3),
        "bad": (1, 3),
        "excluded": (1, 2),
    }


def test_the_objective_has_its_own_limit():
    frame = requests({"execution_time_ms": 2000.0}, {"execution_time_ms": 2001.0})
    assert sli(frame, Objective(limit_ms=2000.0)).good == 1


def test_hours_are_those_of_the_clock_cut_where_the_span_and_the_windows_begin():
    """Quiet pieces are rows, too; a row at a cut belongs to the piece it begins."""
    minute, now = timedelta(minutes=1), NOW + timedelta(minutes=20)
    span = TimeSpan(now - 2 * HOUR, now)
    frame = requests(
        {"timestamp": span.start - timedelta(microseconds=1), "status": "failed"},
        {"timestamp": span.start},
        {"timestamp": NOW - HOUR, "status": "failed"},
        {"timestamp": now - HOUR},
        {"timestamp": now - timedelta(microseconds=1)},
        {"timestamp": now, "status": "failed"},
    )
    found = hourly(frame, OBJECTIVE, span, budget_cuts(OBJECTIVE, now))
    assert found["start"].to_list() == [span.start, NOW - HOUR, now - HOUR, NOW]
    assert [round(hours * 60) for hours in found["hours"]] == [40, 20, 40, 20]
    assert found["valid"].to_list() == [1, 1, 1, 1]
    assert found["bad"].to_list() == [0, 1, 0, 0]
    assert hourly(frame.clear(), OBJECTIVE, TimeSpan(now, now + minute))["valid"].to_list() == [0]


def test_the_budget_reads_its_period_or_the_longest_burn_window():
    assert budget_span(OBJECTIVE, NOW).length == timedelta(days=30)
    assert budget_span(Objective(period=timedelta(hours=2)), NOW).length == timedelta(hours=72)


AN_HOUR = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda pair: (max(pair), min(pair)))


@settings(max_examples=50, deadline=None)
@given(st.lists(AN_HOUR, min_size=24, max_size=24), AN_HOUR)
def test_the_forecast_is_the_first_hour_in_which_the_replayed_period_is_spent(past, pace):
    """Replay hour by hour with plain sums: the forecast falls into the first hour that ends with a spent budget."""
    objective = Objective(target=0.9, period=timedelta(hours=24))
    rows = [*past]
    hours = hours_of([float(v) for v, _ in rows], [float(b) for _, b in rows])
    if is_spent(hours, objective, NOW):
        return
    found = exhaustion(hours, pace, objective)
    first = None
    for step in range(1, 25):
        rows = [*rows[1:], pace]
        if pace[0] and 10 * sum(b for _, b in rows) >= sum(v for v, _ in rows):
            first = step
            break
    if first is None:
        assert found is None
    else:
        assert first - 1 <= found <= first


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["success", "timeout", "failed", "cancelled"]), max_size=60))
def test_hours_sum_to_the_service_level(statuses):
    frame = requests(*({"status": s, "timestamp": NOW - HOUR * (n % 9) - HOUR} for n, s in enumerate(statuses)))
    frame = frame.sort("timestamp")
    hours, level = hourly(frame, OBJECTIVE, TimeSpan(NOW - 10 * HOUR, NOW)), sli(frame, OBJECTIVE)
    assert (hours["valid"].sum(), hours["valid"].sum() - hours["bad"].sum()) == (level.valid, level.good)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8 * 3600 - 1), st.sampled_from(["success", "timeout"])), max_size=40))
def test_the_hours_of_adjoining_spans_are_the_hours_of_the_whole(rows):
    frame = requests(*({"timestamp": NOW - timedelta(seconds=s + 1), "status": status} for s, status in rows))
    frame = frame.sort("timestamp")
    whole, middle = TimeSpan(NOW - 8 * HOUR, NOW), NOW - 3 * HOUR
    halves = [hourly(frame, OBJECTIVE, TimeSpan(*ends)) for ends in ((whole.start, middle), (middle, whole.end))]
    assert pl.concat(halves).equals(hourly(frame, OBJECTIVE, whole))


def minutes_of(up, down, good_share=0.5):
    """One frame: so many minutes in which all is well, then so many in which only that share is good."""
    start = NOW - timedelta(minutes=up + down)
    rows = [{"timestamp": start + timedelta(minutes=n)} for n in range(up + down)] * 10
    bad = [n % (up + down) >= up and n // (up + down) >= 10 * good_share for n in range(len(rows))]
    statuses = ({**row, "status": "failed" if is_bad else "success"} for row, is_bad in zip(rows, bad, strict=True))
    return requests(*statuses).sort("timestamp")


AVAILABILITY = Objective("availability", 0.999, by="minutes")


@pytest.mark.parametrize(("down", "shown"), [(7, 0.99514), (8, 0.99444)])
def test_worked_availability_of_a_day_by_minutes(down, shown):
    found = sli(minutes_of(1440 - down, down), AVAILABILITY)
    assert (found.valid, found.good, round(found.value, 5)) == (1440, 1440 - down, shown)


@pytest.mark.parametrize(("good_share", "down"), [(1.0, 0), (0.9, 0), (0.8, 3), (0.0, 3)])
def test_a_minute_is_up_when_nine_of_ten_requests_are_good(good_share, down):
    found = sli(minutes_of(5, 3, good_share), AVAILABILITY)
    assert found.valid - found.good == down


def test_minutes_without_a_valid_request_are_left_out():
    frame = requests({"timestamp": NOW - HOUR}, {"timestamp": NOW - 2 * HOUR, "status": "cancelled"})
    assert sli(frame, AVAILABILITY).valid == 1
    assert sli(frame.filter(pl.col("status") == "cancelled"), AVAILABILITY).value is None


def test_the_budget_of_an_objective_by_minutes_is_minutes():
    """A day with 8 minutes down: 0.1 % of 1,440 minutes allows 1.44."""
    span = TimeSpan(NOW - timedelta(days=60), NOW)
    hours = hourly(minutes_of(1432, 8), AVAILABILITY, span, budget_cuts(AVAILABILITY, NOW))
    found = budget(hours, AVAILABILITY, NOW)
    assert (found.valid, found.bad, found.outlook) == (1440, 8, "spent")
    assert found.allowed == pytest.approx(1.44)
    assert found.exhausted_since == NOW - HOUR
