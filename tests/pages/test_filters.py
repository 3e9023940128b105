"""The URL is the choice: what it may say, what it falls back to, and the selection it means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fake_engine import FakeEngine, FakeReader, requests
from hypothesis import given
from hypothesis import strategies as st

from core.selection import Selection
from core.timespan import TimeSpan
from pages.shared.filters import RANGES, Choice, read

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
    ],
)
def test_what_cannot_be_understood_is_left_out_and_named(params, choice, bad):
    assert read(params) == (choice, bad)


@given(st.dictionaries(st.sampled_from(["range", "agent", "operation", "model", "environment"]), st.text()))
def test_no_address_is_too_strange(params):
    choice, _ = read(params)
    assert choice.range in RANGES
    choice.selection(NOW)


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
