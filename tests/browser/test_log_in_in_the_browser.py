"""A person logs in with a provider of their own and finds what their role may see; needs the extra `access`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from running_dashboard import Server, day, serving

pytest.importorskip("authlib", reason="Authlib is absent; pip install -e '.[dashboard,access]' runs the log-in tests")
from oidc_provider import CLIENT, providing

SETTINGS = """
language: en
access: {login: true, claim: realm_access.roles, viewers: ["*@example.com"], admins: [boss@example.com]}
"""
PEOPLE = {
    "minh": {"email": "minh@example.com", "email_verified": True},
    "lan": {"email": "lan@example.org", "email_verified": True, "realm_access": {"roles": ["analyst", "offline"]}},
    "eve": {"email": "boss@example.com", "email_verified": False, "name": "<b>Eve</b>"},
}


@pytest.fixture(scope="module")
def closed(tmp_path_factory) -> Iterator[Server]:
    """A dashboard people log in to."""
    environment = {
        "BURNLINE_OIDC_CLIENT_ID": CLIENT[0], "BURNLINE_OIDC_CLIENT_SECRET": CLIENT[1],
        "BURNLINE_COOKIE_SECRET": "0123456789abcdef" * 3,
    }  # fmt: skip
    with providing(PEOPLE) as url, pytest.MonkeyPatch.context() as patch:
        for name, value in {
            **environment,
            "BURNLINE_OIDC_METADATA_URL": f"{url}/.well-known/openid-configuration",
        }.items():
            patch.setenv(name, value)
        with serving(tmp_path_factory.mktemp("closed"), day(300), SETTINGS) as running:
            yield running


def log_in(visit, closed: Server, name: str, path: str = "/"):
    """The page after somebody has logged in, at the name the provider sends them back to."""
    page = visit(closed.url.replace("127.0.0.1", "localhost") + path)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name=name).click()
    return page


def test_a_viewer_logs_in_sees_the_answer_and_is_kept_from_single_requests(closed, visit):
    """Through the real log-in and back; then the link of a colleague says kindly what it needs."""
    page = log_in(visit, closed, "minh", "/requests?view=timeouts")
    expect(page.locator("[data-testid=stMetricValue]")).to_have_count(6)
    expect(page.locator("[data-testid=stSidebar]")).to_contain_text("minh@example.com")
    expect(page.locator("[data-testid=stSidebar]").get_by_role("link", name="Requests")).to_have_count(0)
    page.goto(closed.url.replace("127.0.0.1", "localhost") + "/requests?view=timeouts")
    expect(page.locator("[data-testid=stMain]")).to_contain_text("This page is not for your role")
    expect(page.locator("[data-testid=stDataFrame]")).to_have_count(0)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_an_analyst_by_a_nested_claim_sees_single_requests(closed, visit):
    page = log_in(visit, closed, "lan")
    page.locator("[data-testid=stSidebar]").get_by_role("link", name="Requests").click()
    expect(page.locator("[data-testid=stDataFrame]")).to_be_visible()


def test_an_address_nobody_vouches_for_opens_nothing(closed, visit):
    """Whoever writes the admin's address into their profile is not the admin; their name is text."""
    page = log_in(visit, closed, "eve")
    expect(page.locator("[data-testid=stMain]")).to_contain_text("no role here yet")
    expect(page.locator("[data-testid=stMain]")).to_contain_text("<b>Eve</b>")
    expect(page.locator("[data-testid=stMetricValue]")).to_have_count(0)


def test_a_cookie_made_by_somebody_else_is_no_log_in(closed, visit):
    page = visit(closed.url.replace("127.0.0.1", "localhost"))
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    page.context.add_cookies([{"name": "_streamlit_user", "value": "eyJlbWFpbCI6ImJvc3MifQ.x.y", "url": page.url}])
    page.reload()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    expect(page.locator("[data-testid=stMetricValue]")).to_have_count(0)
