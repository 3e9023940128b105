"""The budget over time: it ends with the budget as it is, and what may come agrees with the runway."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from metric_frames import NOW, requests, source

from core.selection import Selection
from core.slo import Objective
from core.timespan import TimeSpan
from metrics.answer import standing_budget
from metrics.budget import HOUR, budget
from metrics.burn import burn_pairs
from metrics.burn_down import burn_down, history, level
from metrics.runway import band, runway

ROLLING = Objective()
MONTH = Objective(calendar="month", zone="Asia/Ho_Chi_Minh")
WEEK = Objective(period=timedelta(days=7))


def hours_before(now, valid, bad):
    """`hourly` rows of one hour each that end at `now`."""
    starts = [now - HOUR * (len(valid) - place) for place in range(len(valid))]
    return pl.DataFrame(
        {"start": starts, "hours": 1.0, "valid": valid, "bad": bad, "rows": [int(n) for n in valid], "squares": valid},
        schema_overrides={"start": pl.Datetime("us", "UTC")},
    )


def drawn(seed, level, days=60):
    """Hours of `days` with a bad share around `level` that wanders from day to day."""
    rng = np.random.default_rng(seed)
    valid = rng.poisson(60, days * 24).astype(float)
    share = np.repeat(level * np.exp(rng.normal(0, 0.5, days)), 24).clip(0, 1)
    return hours_before(NOW, valid.tolist(), rng.binomial(valid.astype(int), share).astype(float).tolist())


@pytest.mark.parametrize("objective", [ROLLING, WEEK, MONTH])
def test_the_last_point_is_the_budget_as_it_is(objective):
    hours = drawn(1, 0.006)
    shown, found = history(hours, objective, NOW), budget(hours, objective, NOW)
    left = 1 - found.projected.consumed if found.projected else found.remaining
    assert shown["start"][-1] == NOW
    assert shown["left"][-1] == pytest.approx(left, abs=1e-9)


def test_each_point_of_a_rolling_budget_is_the_budget_of_that_moment():
    hours = drawn(2, 0.008)
    shown = history(hours, ROLLING, NOW)
    for place in (0, 100, 500):
        at = shown["start"][place]
        then = budget(hours.filter(pl.col("start") < at), ROLLING, at)
        assert shown["left"][place] == pytest.approx(then.remaining, abs=1e-9)


def test_a_calendar_budget_burns_down_from_all_of_it_and_never_up():
    left = history(drawn(3, 0.01), MONTH, NOW)["left"].drop_nulls()
    assert left[0] == pytest.approx(1, abs=0.02)
    assert (left.diff().drop_nulls() <= 1e-12).all()


def test_before_the_first_request_nothing_is_known():
    hours = hours_before(NOW, [0.0] * 1430 + [100.0] * 10, [0.0] * 1440)
    left = history(hours, ROLLING, NOW)["left"]
    assert left.null_count() == len(left) - 10
    assert left[-1] == 1.0


@pytest.mark.parametrize(("seed", "share"), [(4, 0.0092), (5, 0.0085), (6, 0.008), (7, 0.007), (8, 0.003)])
@pytest.mark.parametrize("objective", [ROLLING, MONTH])
def test_the_band_reaches_nought_when_the_runway_says(seed, share, objective):
    hours = drawn(seed, share)
    said, shown = runway(hours, objective, NOW), band(hours, objective, NOW)
    for name, end in (("low", said.low), ("middle", said.ends), ("high", said.high)):
        gone = shown.filter(pl.col(name) <= 0)["start"]
        assert (gone[0] if len(gone) else None) == end
    assert (shown["low"] <= shown["middle"]).all()
    assert (shown["middle"] <= shown["high"]).all()


def test_the_runways_of_these_tests_are_of_every_kind():
    """Closed, open and without a date: otherwise the agreement above would prove less than it says."""
    found = [runway(drawn(seed, share), ROLLING, NOW) for seed, share in ((4, 0.0092), (7, 0.007), (8, 0.003))]
    assert {(said.outlook, said.high is not None) for said in found} >= {("ends", True), ("never", False)}


def test_one_reading_gives_the_same_budget_and_pairs_as_the_others():
    rows = [
        {"timestamp": NOW - timedelta(minutes=2 * n + 1), "status": "timeout" if n % 130 == 0 else "success"}
        for n in range(25_000)
    ]
    frame = requests(*reversed(rows))
    found = burn_down(source(frame), Selection(), ROLLING, NOW)
    assert found.budget == standing_budget(source(frame), Selection(), ROLLING, NOW)
    assert found.left["left"][-1] == pytest.approx(found.budget.remaining)
    assert found.sli.value == pytest.approx(1 - found.budget.bad / found.budget.valid)
    assert found.sli.n == found.budget.valid
    assert [pair.window for pair in found.pairs] == list(ROLLING.burn)
    assert found.band.height == 720


def test_a_weighted_level_is_as_sure_as_its_rows():
    """100 rows that stand for ten requests each are 100 rows, not a thousand."""
    hours = hours_before(NOW, [0.0] * 719 + [1000.0], [0.0] * 719 + [100.0])
    hours = hours.with_columns(
        (pl.col("valid") / 10).cast(pl.Int64).alias("rows"), (pl.col("valid") * 10).alias("squares")
    )
    found = level(hours, ROLLING, NOW)
    assert (found.n, found.value) == (100, 0.9)
    assert found.low == pytest.approx(0.8256, abs=1e-3)


def test_without_traffic_there_is_no_level_and_no_band():
    found = burn_down(source(requests()), Selection(), ROLLING, NOW)
    assert found.sli is None
    assert found.band.is_empty()
    assert found.left["left"].null_count() == found.left.height
    assert TimeSpan(found.left["start"][0], found.left["start"][-1]).length == ROLLING.period
    assert [pair.state for pair in burn_pairs(hours_before(NOW, [0.0], [0.0]), ROLLING, NOW)] == ["no_traffic"] * 4
