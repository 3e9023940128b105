"""A switch follows the URL, tells what a reader chose, and takes no value at all for no choice."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from pages.shared import address
from pages.shared.controls import switch

address.settle()
wanted = st.query_params.get("by", "agent")
switch("By", {"agent": "Agents", "model": "Models"}, wanted, lambda name: address.change({"by": name}), key="by")
st.text(wanted)
"""


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_string(SCRIPT).run()


def test_a_choice_goes_into_the_url_and_comes_back_from_it(page):
    page.segmented_control(key="by").set_value("model").run()
    assert (page.text[0].value, page.query_params["by"]) == ("model", "model")
    page.query_params["by"] = "agent"
    page.run().run()
    assert page.segmented_control(key="by").value == "agent"


def test_a_browser_that_missed_the_value_does_not_undo_the_choice(page):
    page.segmented_control(key="by").set_value("model").run()
    page.segmented_control(key="by").set_value(None).run()
    assert (page.text[0].value, page.segmented_control(key="by").value) == ("model", "model")
