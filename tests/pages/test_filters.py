"""The URL is the choice: what it may say, what it falls back to, and the selection it means."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from fake_engine import FakeEngine, FakeReader, requests
from hypothesis import given
from hypothesis import strategies as st

from core.selection import Selection
from core.settings import Settings
from core.timespan import TimeSpan
from metrics.query import BEGINNING
from pages.shared.filters import NAMES, RANGES, Choice, params_of, read

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_bare_address_is_the_last_1000_of_everything():
    choice, bad = read({})
    assert (choice, bad) == (Choice(), ())
    assert choice.selection(NOW) == Selection(last=1000)


@pytest.mark.parametrize(("name", "hours"), [("1h", 1), ("6h", 6), ("24h", 24), ("7d", 168), ("30d", 720)])
def test_a_range_is_the_time_until_now(name, hours):
    choice, _ = read({"range": name, "agent": "planner", "environment": "prod"})
    span = TimeSpan(NOW - timedelta(hours=hours), NOW)
    assert choice.selection(NOW) == Selection(span, agent="planner", environment="prod")


@pytest.mark.parametrize(
    ("params", "choice", "bad"),
    [
        ({"range": "2y"}, Choice(), (("range", "2y"),)),
        ({"agent": ""}, Choice(), ()),
        ({"agent": "   "}, Choice(), ()),
        ({"agent": "a\nb"}, Choice(), (("agent", "a\nb"),)),
        ({"model": "x" * 301, "agent": "a"}, Choice(agent="a"), (("model", "x" * 301),)),
        ({"lang": "vi", "other": "1"}, Choice(), ()),
        ({"start": "2026-02-01T00:00:00+00:00"}, Choice(start=datetime(2026, 2, 1, tzinfo=UTC)), ()),
        ({"start": "2026-02-01T00:00:00"}, Choice(), (("start", "2026-02-01T00:00:00"),)),
        ({"end": "9999-12-31T00:00:00+00:00"}, Choice(), (("end", "9999-12-31T00:00:00+00:00"),)),
        (
            {"start": "2026-02-02T00:00:00+00:00", "end": "2026-02-01T00:00:00+00:00", "user": "u1"},
            Choice(user="u1"),
            (("start", "2026-02-02T00:00:00+00:00"), ("end", "2026-02-01T00:00:00+00:00")),
        ),
        ({"compare": "month"}, Choice(), (("compare", "month"),)),
    ],
)
def test_what_cannot_be_understood_is_left_out_and_named(params, choice, bad):
    assert read(params) == (choice, bad)


@given(st.dictionaries(st.sampled_from([*NAMES]), st.text()))
def test_no_address_is_too_strange(params):
    choice, _ = read(params)
    assert choice.range in RANGES
    choice.selection(NOW)


MOMENTS = st.none() | st.integers(1, 50_000_000).map(
    lambda minutes: datetime(1970, 1, 2, tzinfo=UTC) + timedelta(minutes=minutes)
)
WORDS = st.none() | st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=300)


@given(st.sampled_from([*RANGES]), WORDS, MOMENTS, MOMENTS, st.sampled_from(["before", "week"]))
def test_an_address_says_the_choice_it_was_made_of(range_, agent, start, end, compare):
    """Reading what was written gives the same requests; a reversed time is the one thing that is refused."""
    choice = Choice(range_, agent=agent, user=agent, start=start, end=end, compare=compare)
    found, bad = read({name: value for name, value in params_of(choice).items() if value is not None})
    if start and end and end <= start:
        assert {name for name, _ in bad} == {"start", "end"}
        return
    assert bad == ()
    assert (found.selection(NOW), found.compare) == (choice.selection(NOW), compare)


@pytest.mark.parametrize(
    ("choice", "span"),
    [
        (Choice(start=NOW - timedelta(hours=3)), TimeSpan(NOW - timedelta(hours=3), NOW)),
        (Choice(end=NOW + timedelta(days=9)), TimeSpan(BEGINNING, NOW)),
        (Choice(start=NOW + timedelta(days=1)), TimeSpan(NOW + timedelta(days=1), NOW + timedelta(days=1))),
    ],
)
def test_a_time_of_ones_own_ends_now_at_the_latest(choice, span):
    assert choice.selection(NOW) == Selection(span)


def test_a_week_ago_is_the_same_time_a_week_ago():
    span = TimeSpan(NOW - timedelta(hours=6), NOW)
    found = Choice("6h", agent="a", compare="week").earlier(Selection(span, agent="a"), span)
    week = timedelta(days=7)
    assert found == Selection(TimeSpan(span.start - week, span.end - week), agent="a")


def test_days_of_the_calendar_are_local_days_and_the_last_one_is_meant_too(visit):
    settings = Settings(timezone="Asia/Ho_Chi_Minh", language="en")
    page = visit(FakeEngine(FakeReader(requests()), settings))
    page.date_input(key="filter.days").set_value((date(2026, 3, 1), date(2026, 3, 2))).run()
    assert page.query_params["start"] == "2026-02-28T17:00:00+00:00"
    assert page.query_params["end"] == "2026-03-02T17:00:00+00:00"
    assert page.segmented_control(key="filter.range").value == "custom"
    page.segmented_control(key="filter.range").set_value("24h").run()
    assert {"start", "end"} & page.query_params.keys() == set()


def test_a_release_is_the_time_until_the_next_one(visit):
    deploys = tuple(
        {"timestamp": NOW - timedelta(days=days), "service": "api", "model_version": f"v{days}"} for days in (9, 5, 1)
    )
    page = visit(FakeEngine(FakeReader(requests(), deploys=deploys)), lang="en")
    page.selectbox(key="filter.release").select_index(1).run()
    assert page.query_params["start"] == (NOW - timedelta(days=5)).isoformat()
    assert page.query_params["end"] == (NOW - timedelta(days=1)).isoformat()
    page.selectbox(key="filter.release").select_index(0).run()
    assert "end" not in page.query_params


def test_choosing_writes_the_url_and_leaves_out_the_default(visit):
    page = visit(FakeEngine(FakeReader(requests())), lang="en")
    page.selectbox(key="filter.agent").select("search").run()
    assert page.query_params == {"lang": "en", "agent": "search"}
    page.segmented_control(key="filter.range").set_value("24h").run()
    assert page.query_params["range"] == "24h"
    page.segmented_control(key="filter.range").set_value("last").run()
    assert "range" not in page.query_params
    page.button(key="filters.clear").click().run()
    assert page.query_params == {"lang": "en"}


def test_a_value_of_the_url_can_be_seen_in_its_control_even_when_nobody_has_it(visit):
    page = visit(FakeEngine(FakeReader(requests())), agent="gone")
    assert page.selectbox(key="filter.agent").value == "gone"
