"""A click is not undone by a run that the browser asked for before it knew of the click."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from pages.shared import address

address.settle()
st.button("slow", on_click=address.change, args=({"view": "slow", "page": None},))
st.button("user", on_click=address.change, args=({"user": "u"},))
st.text(" ".join(f"{name}={value}" for name, value in st.query_params.to_dict().items()))
"""


def shown(page: AppTest) -> str:
    return page.text[0].value


def opened(**params: str) -> AppTest:
    page = AppTest.from_string(SCRIPT)
    for name, value in params.items():
        page.query_params[name] = value
    return page.run()


def comes_with(page: AppTest, /, **params: str) -> None:
    """A run that brings this address, as the browser had it."""
    page.query_params.clear()
    for name, value in params.items():
        page.query_params[name] = value
    page.run()


def test_a_run_with_the_address_of_before_the_click_does_not_undo_it():
    page = opened(agent="a", page="3")
    page.button[0].click().run()
    assert shown(page) == "agent=a view=slow"
    comes_with(page, agent="a", page="3")
    assert shown(page) == "agent=a view=slow"


def test_two_quick_clicks_both_stand():
    page = opened()
    page.button[0].click().run()
    page.button[1].click().run()
    for old in ({}, {"view": "slow"}):
        comes_with(page, **old)
        assert shown(page) == "view=slow user=u"


def test_once_our_address_came_back_the_way_back_is_open():
    page = opened(agent="a")
    page.button[0].click().run()
    comes_with(page, agent="a", view="slow")
    comes_with(page, agent="a")
    assert shown(page) == "agent=a"


def test_an_address_written_by_hand_is_taken_at_once():
    page = opened(agent="a")
    page.button[0].click().run()
    comes_with(page, agent="b")
    assert shown(page) == "agent=b"
