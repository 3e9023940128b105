"""Active users: distinct ones, of a week and of its days."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW, requests

from metrics.adoption import adoption

DAY = timedelta(days=1)


def by(*users_and_days, **more):
    """Requests as (user, days before NOW)."""
    return requests(*({"user_id": user, "timestamp": NOW - DAY * days, **more} for user, days in users_and_days))


def test_a_user_counts_once_a_week_and_once_each_day():
    found = adoption(by(("a", 0.1), ("a", 0.2), ("a", 3), ("b", 6.9), ("c", 7.1)), NOW)
    assert (found.weekly, found.daily) == (2, pytest.approx(3 / 7))
    assert found.stickiness == pytest.approx(3 / 14)


def test_the_share_needs_to_know_how_many_users_there_are():
    frame = by(("a", 1), ("b", 2), ("c", 3))
    assert adoption(frame, NOW).share is None
    assert adoption(frame, NOW, 5).share == pytest.approx(0.6)
    assert adoption(frame, NOW, 2).share is None, "more than all: the number of users is out of date"


def test_a_week_without_a_named_user_is_unknown_not_0():
    assert adoption(by((None, 1)), NOW) is None
    assert adoption(by(("a", 8)), NOW) is None
    assert adoption(requests(), NOW) is None


def test_requests_that_do_not_name_their_user_are_said():
    found = adoption(by(("a", 1), (None, 1), (None, 2)), NOW)
    assert (found.said, found.requests) == (1, 3)


def test_a_sampled_log_gives_a_lower_bound():
    assert adoption(by(("a", 1), sample_rate=0.1), NOW).at_least
    assert not adoption(by(("a", 1)), NOW).at_least


def test_a_million_different_users_are_all_counted():
    frame = pl.DataFrame({"user_id": pl.int_range(1_000_000, eager=True).cast(pl.String)}).with_columns(
        timestamp=pl.lit(NOW - DAY).cast(pl.Datetime("us", "UTC")), sample_rate=pl.lit(1.0)
    )
    found = adoption(frame, NOW, 2_000_000)
    assert (found.weekly, found.share) == (1_000_000, 0.5)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 167)), min_size=1, max_size=40))
def test_daily_users_lie_between_a_seventh_of_the_weekly_and_all_of_them(found):
    got = adoption(by(*((user, hours / 24) for user, hours in found)), NOW)
    assert got.weekly == len({user for user, _ in found})
    assert got.weekly / 7 <= got.daily + 1e-12
    assert got.daily <= got.weekly
