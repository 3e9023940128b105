"""What the digest tells that only a store knows: better or worse and why, money, lost lines, a week ago, a picture."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from five_weeks import END, store_file
from traffic import settings

from alerting.channels.console import plain_text
from alerting.digest import build_digest, digest_json
from alerting.digest_message import digest_message
from core.timespan import local_day
from loaders.store import Store
from metrics.questions import QUESTIONS
from pages.shared import filters

VN = "timezone: Asia/Ho_Chi_Minh\ndashboard_url: https://burn.example.com\n"
DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def store():
    with Store.open(store_file(), clock=lambda: END) as opened:
        yield opened


def told(store, text=VN, **more):
    set_ = settings(text)
    digest = build_digest(store, set_, END, store.freshness(), DAY, **more)
    return digest, digest_message(digest, set_)


@pytest.fixture(scope="module")
def digest_and_message(store):
    return told(store)


def asked(store, name):
    span = local_day(DAY, settings(VN).zone)
    params = {"start": span.start.isoformat(), "end": span.end.isoformat(), "at": span.end.isoformat()}
    return QUESTIONS[name].ask(store, params, settings(VN), END)


def test_its_cost_and_verdict_are_those_of_the_commands(store, digest_and_message):
    found = digest_json(digest_and_message[0])
    cost = asked(store, "cost")
    assert found["cost"]["spent_usd"] == pytest.approx(cost["spent_usd"], rel=1e-12)
    assert found["cost"]["wasted_usd"] == pytest.approx(cost["wasted_usd"], rel=1e-12)
    assert found["verdict"] == asked(store, "why")["verdict"]["outcome"]


def test_it_tells_of_the_day_before_and_of_the_week_before(digest_and_message):
    text = plain_text(digest_and_message[1]).replace("\N{NO-BREAK SPACE}", " ")
    for part in (
        "Requests: 96 (+0 % vs the day before, +0 % vs a week before)",
        "points vs a week before",
        "Cost: 0.96 USD; ",
        "USD bought nothing; +0 % vs the day before, +0 % vs a week before",
        "Slowest agents",
    ):
        assert part in text


def test_its_link_opens_the_day(digest_and_message):
    choice, bad = filters.read(dict(parse_qsl(urlsplit(digest_and_message[1].link).query)))
    assert bad == ()
    assert choice.selection(END + timedelta(days=9)).span == local_day(DAY, settings(VN).zone)


def test_two_weeks_are_drawn_where_something_can_draw(digest_and_message):
    pytest.importorskip("typst", reason="the extra `reports` is not installed")
    (picture,) = digest_and_message[1].files
    assert picture.content.startswith(b"\x89PNG")
    assert digest_and_message[0].more.days.height == 14


def test_what_does_not_come_in_time_is_left_out_and_the_digest_goes(store):
    """No time at all: the numbers of the day are there, the money is not."""
    digest, message = told(store, within=0.0)
    assert digest.summary.counts.requests == 96
    assert "Cost" not in {fact.name for fact in message.facts}


@pytest.mark.parametrize("language", ["en", "vi"])
def test_it_is_told_in_either_language(store, language):
    _, message = told(store, VN + f"language: {language}\n")
    assert all(section.lines for section in message.sections)
