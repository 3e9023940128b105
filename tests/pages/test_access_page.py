"""Who sees which page: asked where pages are registered and again where they are drawn."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from fake_engine import FakeEngine, FakeReader, requests
from stored import opened, words
from streamlit.testing.v1 import AppTest

from core import services
from core.settings import Settings
from pages.access import door
from pages.ways import SECTIONS, UNLISTED

MAIN = str(Path(__file__).resolve().parents[2] / "pages" / "main.py")
CLOSED = Settings.model_validate(
    {"access": {"login": True, "claim": "roles", "viewers": ["*@example.com"], "admins": ["boss@example.com"]}}
)
WAYS = {way.name: way for way in (*(way for ways in SECTIONS.values() for way in ways), *UNLISTED)}


def person(**claims: object) -> dict[str, object]:
    return {"is_logged_in": True, "iat": time.time(), "email_verified": True, **claims}


VIEWER, ANALYST = person(email="minh@example.com"), person(sub="lan", roles=["analyst"])


@pytest.fixture
def open_as():
    """`open_as(user, "requests", settings=...)` -> the page after its first run."""

    def visit(user: dict[str, object], url_path: str = "", settings: Settings = CLOSED, **query: str) -> AppTest:
        services.publish(FakeEngine(FakeReader(requests(300)), settings))
        page = opened(url_path, query)
        page.user = user
        return page.run()

    return visit


@pytest.mark.parametrize("user", [{}, {"is_logged_in": False}, person(email="minh@example.com", iat=1000)])
@pytest.mark.parametrize("url_path", ["", "requests"])
def test_nobody_sees_anything_before_they_log_in(open_as, user, url_path):
    """No number, no agent's name, no page to turn to: only the way in."""
    page = open_as(user, url_path)
    assert not page.exception
    assert "Log in to see" in words(page)
    assert [button.label for button in page.button] == ["Log in"]
    assert len(page.metric) == len(page.dataframe) == len(page.sidebar) == 0


def test_a_stranger_who_logged_in_is_told_so(open_as):
    page = open_as(person(email="eve@evil.org"))
    assert "no role here yet" in words(page)
    assert "eve@evil.org" in words(page)
    assert [button.label for button in page.button] == ["Log out"]
    assert len(page.metric) == 0


def test_a_viewer_sees_the_answer_and_their_own_name(open_as):
    page = open_as(VIEWER)
    assert len(page.metric) == 6
    assert "minh@example.com" in words(page)
    assert "Viewer" in words(page)


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "It needs the role Analyst; yours is Viewer"), ("vi", "Người phân tích")]
)
def test_a_link_to_a_page_of_another_role_says_what_it_needs(open_as, lang, said):
    """The page stands at its address, kindly, and shows none of its rows."""
    page = open_as(VIEWER, "requests", lang=lang)
    assert not page.exception
    assert said in words(page)
    assert "boss@example.com" in words(page)
    assert len(page.dataframe) == 0


def test_an_analyst_by_claim_sees_single_requests(open_as):
    assert "not for your role" not in words(open_as(ANALYST, "requests"))


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if way.needs != "viewer"])
def test_every_page_asks_again_where_it_is_drawn(open_as, name, monkeypatch):
    """Even a page that was registered by mistake shows nothing to a visitor it is not for."""
    answers = iter([door.ANYBODY])
    honest = door.visitor_now
    monkeypatch.setattr(door, "visitor_now", lambda settings: next(answers, None) or honest(settings))
    page = open_as(VIEWER, name)
    assert "not for your role" in words(page)


def test_who_is_taken_off_the_list_sees_nothing_from_the_next_drawing_on(open_as):
    """Settings are read again at every drawing: nobody has to be thrown out by a restart."""
    page = open_as(VIEWER)
    assert len(page.metric) == 6
    only_boss = {"access": {"login": True, "admins": ["boss@example.com"]}}
    services.services().settings = Settings.model_validate(only_boss)
    page = page.run()
    assert "no role here yet" in words(page)
    assert len(page.metric) == len(page.sidebar) == 0


def test_without_log_in_nothing_stands_in_the_way(open_as):
    page = open_as({}, "", Settings())
    assert len(page.metric) == 6
    assert "Log out" not in [button.label for button in page.button]


def test_log_in_that_is_not_set_up_is_told_without_secrets(open_as):
    page = open_as({})
    page = page.button(key="access.in").click().run()
    assert not page.exception
    assert "not set up" in page.error[0].value.replace("\\", "")
