"""The range of the date the budget ends: how often it holds, and what is said when it cannot be told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from metric_frames import NOW, many, requests, source

from alerting.words import outlook
from benchmarks.runway import judge, month
from core.selection import Freshness, Selection
from core.settings import parse
from core.slo import Objective
from core.timespan import TimeSpan
from metrics.answer import answer
from metrics.budget import HOUR, budget, budget_cuts, budget_span, hourly, pieces
from metrics.received import from_json
from metrics.runway import foreseen, runway
from metrics.sentence import sentence
from metrics.summary import to_json
from metrics.values import Projection, Runway

OBJECTIVE = Objective()
DAY = timedelta(days=1)


def days_of(valid, bad, count=30, per=24):
    """`count` days that end at NOW: valid and bad a day as numbers or lists, spread evenly over its hours."""
    valid, bad = (np.repeat(np.broadcast_to(np.asarray(x, float), count) / per, per) for x in (valid, bad))
    starts = [NOW - HOUR * (count * per - place) for place in range(count * per)]
    return pl.DataFrame({"start": starts, "hours": [1.0] * len(starts), "valid": valid, "bad": bad})


def test_the_range_holds_in_about_eight_of_ten_generated_months():
    """200 months from a generator that knows nothing of the forecast; benchmarks/README.md has more of them."""
    found = judge([month(seed, burning=True) for seed in range(1000, 1200)])
    assert found["ranges"] >= 150
    assert 0.75 <= found["inside"] <= 0.85
    assert found["never_true"] >= 0.75


def test_a_budget_hardly_touched_will_not_run_out():
    said = runway(days_of(10_000, 5), OBJECTIVE, NOW)
    assert (said.outlook, said.ends, said.low, said.high) == ("never", None, None, None)
    assert said.chance < 0.05
    assert said.until == NOW + OBJECTIVE.period


def test_no_bad_request_at_all_will_not_end_it():
    assert runway(days_of(10_000, 0), OBJECTIVE, NOW).chance == 0.0


def test_a_steady_pace_ends_where_the_plain_forecast_says():
    """20 days at half of what is allowed, 10 at three times it: 40 % over; the range holds the exact replay."""
    hours = days_of(10_000, [40] * 20 + [190] * 10)
    plain = budget(hours, OBJECTIVE, NOW)
    said = runway(hours, OBJECTIVE, NOW)
    assert plain.outlook == said.outlook == "ends"
    assert said.low <= plain.exhausted_at <= (said.high or said.until)
    assert said.low <= said.ends <= (said.high or said.until)


def test_quiet_nights_are_no_reason_to_expect_the_end_in_one():
    """All traffic and all bad requests come between 8 and 20 o'clock; nothing is spent at night, so no end falls there."""
    place = np.arange(720)
    busy = (place - 720) % 24 < 12  # NOW is the start of a busy half day
    hours = days_of(0, 0).with_columns(
        pl.Series("valid", np.where(busy, 1000.0, 0.0)),
        pl.Series("bad", np.where(busy, np.where(place < 648, 5.0, 60.0), 0.0)),
    )
    said = runway(hours, OBJECTIVE, NOW)
    for moment in (said.low, said.ends, said.high):
        into = ((moment - NOW) / HOUR - 1e-9) % 24
        assert into <= 12


@pytest.mark.parametrize(
    ("hours", "outlook"),
    [
        (days_of(0, 0), "no_traffic"),
        (days_of(10_000, 200), "spent"),
        (days_of([0] * 29 + [20], [0] * 29 + [0]), "low_traffic"),
        (days_of([0] * 24 + [10_000] * 6, [0] * 24 + [20] * 6), "never"),
    ],
    ids=["no traffic", "spent", "few requests", "six days of traffic are too few to simulate"],
)
def test_without_enough_to_go_by_there_is_no_range(hours, outlook):
    found = foreseen(budget(hours, OBJECTIVE, NOW), hours, OBJECTIVE, NOW)
    assert (found.outlook, found.runway) == (outlook, None)


def test_a_week_of_traffic_is_enough_and_the_time_before_it_is_no_quiet_time():
    young, old = days_of([0] * 20 + [10_000] * 10, [0] * 20 + [60] * 10), days_of(10_000, 60)
    for hours in (young, old):
        assert runway(hours, OBJECTIVE, NOW).outlook in ("ends", "may_end", "never")
    assert runway(days_of([0] * 22 + [10_000] * 8, [0] * 22 + [90] * 8), OBJECTIVE, NOW).chance > 0.2


def test_the_same_hours_have_the_same_range():
    hours = days_of(10_000, [40] * 20 + [190] * 10)
    assert runway(hours, OBJECTIVE, NOW) == runway(hours, OBJECTIVE, NOW)


def test_a_range_does_not_need_hours_that_begin_now():
    """Clock hours cut at odd minutes, from rows."""
    now = NOW + timedelta(minutes=17, seconds=3)
    rows = ({"timestamp": now - timedelta(minutes=5 * n + 1), "status": "timeout" if n % 120 == 0 else "success"}
            for n in range(12 * 24 * 28))  # fmt: skip
    span = budget_span(OBJECTIVE, now)
    frame = requests(*rows).sort("timestamp")
    hours = hourly(frame, OBJECTIVE, span, budget_cuts(OBJECTIVE, now))
    said = runway(hours, OBJECTIVE, now)
    assert said.until == now + OBJECTIVE.period
    assert 0 <= said.chance <= 1


def test_the_budget_says_the_simulated_date_and_its_range():
    hours = days_of(10_000, [40] * 20 + [190] * 10)
    found = foreseen(budget(hours, OBJECTIVE, NOW), hours, OBJECTIVE, NOW)
    assert (found.outlook, found.exhausted_at) == ("ends", found.runway.ends)


def test_a_calendar_month_ends_inside_it_or_not_at_all():
    zone = "Asia/Ho_Chi_Minh"
    objective = Objective(calendar="month", zone=zone)
    start = datetime(2026, 11, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    now = start + 15 * DAY
    table = pieces(budget_span(objective, now), budget_cuts(objective, now))
    steady = table.with_columns((pl.col("hours") * 1000).alias("valid"))
    for share, expected in ((0.001, "never"), (0.015, "ends")):
        said = runway(steady.with_columns((pl.col("valid") * share).alias("bad")), objective, now)
        assert (said.outlook, said.until) == (expected, start + 30 * DAY)
    assert now < said.ends < said.until
    assert budget_span(objective, now) == TimeSpan(now - 30 * DAY, now)


SATURDAY, WEDNESDAY, THURSDAY = (datetime(2026, 11, day, 7, 20, tzinfo=UTC) for day in (28, 25, 26))
LATER = datetime(2026, 12, 24, 7, 0, tzinfo=UTC)
WORDS = {
    "a closed range": (
        Runway("ends", THURSDAY, WEDNESDAY, SATURDAY, 0.95, LATER),
        "Going by the last 30 d, the error budget ends Thu 26 Nov, 07:20 (Wed 25 Nov, 07:20 to Sat 28 Nov, 07:20).",
        "Theo 30 ngày qua, ngân sách lỗi sẽ hết vào T5 26/11, 07:20 (từ T4 25/11, 07:20 đến T7 28/11, 07:20).",
    ),
    "an open range": (
        Runway("ends", THURSDAY, WEDNESDAY, None, 0.7, LATER),
        ("Going by the last 30 d, the error budget ends Thu 26 Nov, 07:20 (Wed 25 Nov, 07:20 at the earliest, perhaps "
        "not before Thu 24 Dec, 07:00)."),
        ("Theo 30 ngày qua, ngân sách lỗi sẽ hết vào T5 26/11, 07:20 (sớm nhất T4 25/11, 07:20, có thể không hết trước "
        "T5 24/12, 07:00)."),
    ),
    "more likely not": (
        Runway("may_end", None, WEDNESDAY, None, 0.3, LATER),
        ("The error budget probably lasts beyond Thu 24 Dec, 07:00; the chance that it ends before is 30 %, Wed 25 Nov, "
        "07:20 at the earliest."),
        ("Ngân sách lỗi nhiều khả năng còn đến sau T5 24/12, 07:00; xác suất hết trước đó là 30 %, sớm nhất T4 25/11, "
        "07:20."),
    ),
    "it lasts": (
        Runway("never", None, None, None, 0.1, LATER),
        "Going by the last 30 d, the error budget will not run out before Thu 24 Dec, 07:00.",
        "Theo 30 ngày qua, ngân sách lỗi sẽ không hết trước T5 24/12, 07:00.",
    ),
}  # fmt: skip


def summary_with(runway):
    fresh = Freshness(NOW - timedelta(minutes=1), NOW, 1)
    found = answer(source(many(success=963, timeout=37)), Selection(last=1000), parse(""), NOW, fresh)
    budget = replace(
        found.budget, runway=runway, outlook=runway.outlook, exhausted_at=runway.ends, exhausted_since=None
    )
    return replace(found, budget=budget)


@pytest.mark.parametrize(("runway", "english", "vietnamese"), WORDS.values(), ids=WORDS.keys())
def test_a_runway_is_said_in_both_languages(runway, english, vietnamese):
    found = summary_with(runway)
    for language, said in (("en", english), ("vi", vietnamese)):
        shown = sentence(found, language, ZoneInfo("UTC")).budget
        assert shown.replace("\N{NO-BREAK SPACE}", " ") == said
        settings = parse(f"language: {language}")
        assert outlook(found.budget, settings)


@pytest.mark.parametrize("runway", [row[0] for row in WORDS.values()], ids=WORDS.keys())
def test_a_runway_comes_back_from_json_as_it_was(runway):
    whole = Projection(NOW - DAY, NOW + DAY, 900_000.0, 9_000.0, 0.25)
    found = summary_with(runway)
    found = replace(found, budget=replace(found.budget, projected=whole))
    assert from_json(json.loads(json.dumps(to_json(found)))).budget == found.budget
