"""Roles: from what the provider vouches for and the settings, and never more than that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.access import ANYBODY, ROLES, Visitor, visitor
from core.errors import SettingsError
from core.sections import AccessSettings
from core.settings import parse
from core.settings_file import SettingsFile

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LISTS = AccessSettings(
    login=True, claim="roles", viewers=("*@example.com",), analysts=("Lan@example.com",), admins=("boss@example.com",)
)


def claims(**more):
    """What a provider says of somebody who logged in an hour ago."""
    issued = (NOW - timedelta(hours=1)).timestamp()
    return {"is_logged_in": True, "iat": issued, "sub": "1", "email_verified": True, **more}


@pytest.mark.parametrize(
    ("said", "role"),
    [
        ({"email": "minh@example.com"}, "viewer"),
        ({"email": "lan@EXAMPLE.com"}, "analyst"),
        ({"email": "boss@example.com"}, "admin"),
        ({"email": "boss@example.com", "email_verified": False}, None),
        ({"email": "boss@example.com", "email_verified": "true"}, None),
        ({"email": "lan@example.com.evil.org"}, None),
        ({"email": "@example.com@evil.org"}, None),
        ({"email": ["boss@example.com"]}, None),
        ({"roles": "analyst"}, "analyst"),
        ({"roles": ["viewer", "admin"]}, "admin"),
        ({"roles": ["Admin", "owner", None, 3]}, None),
        ({"roles": {"admin": True}}, None),
        ({"email": "lan@example.com", "roles": ["viewer"]}, "analyst"),
        ({}, None),
    ],
)
def test_the_highest_role_that_is_vouched_for_counts(said, role):
    assert visitor(claims(**said), LISTS, NOW).role == role


@pytest.mark.parametrize(
    "said",
    [
        {"is_logged_in": False},
        {"is_logged_in": 1},
        {"iat": None},
        {"iat": "today"},
        {"iat": (NOW - timedelta(hours=13)).timestamp()},
    ],
)
def test_whoever_is_not_logged_in_now_is_nobody(said):
    """An old log-in says who somebody was; a month's cookie must not outlive a job."""
    assert visitor(claims(email="boss@example.com") | said, LISTS, NOW) == Visitor()


def test_a_claim_may_stand_inside_others():
    """Keycloak nests, and another provider puts dots into the name itself."""
    nested = AccessSettings(login=True, claim="realm_access.roles")
    named = AccessSettings(login=True, claim="https://example.com/roles")
    assert visitor(claims(realm_access={"roles": ["admin"]}), nested, NOW).role == "admin"
    assert visitor(claims(realm_access=["admin"]), nested, NOW).role is None
    assert visitor({**claims(), "https://example.com/roles": ["viewer"]}, named, NOW).role == "viewer"


def test_without_log_in_everybody_may_see_everything():
    assert visitor({}, AccessSettings(), NOW) is ANYBODY
    assert all(ANYBODY.may(role) for role in ROLES)


def test_a_role_reaches_itself_and_what_is_below():
    reach = {role: [needs for needs in ROLES if Visitor("x", role).may(needs)] for role in (None, *ROLES)}
    assert reach == {None: [], "viewer": ["viewer"], "analyst": ["viewer", "analyst"], "admin": list(ROLES)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("access: {login: true}", "nobody has a role"),
        ("access: {admins: [lan]}", "is no address"),
        ("access: {admins: ['*@*']}", "is no address"),
        ("access: {hosts: ['https://a.example']}", "the name alone"),
        ("access: {hosts: ['a.example:80']}", "the name alone"),
        ("access: {token_env: 'my token'}", "token_env"),
        ("access: {admin: [a@b.c]}", 'did you mean "admins"?'),
    ],
)
def test_a_slip_in_the_section_is_told(text, reason):
    with pytest.raises(SettingsError, match="access") as caught:
        parse(text)
    assert reason in str(caught.value)


CLOSED = "access: {login: true, admins: [boss@example.com]}\n"


@pytest.mark.parametrize("text", [CLOSED + "timezon: UTC", "access:\n  'login' : yes\n  admin: []"])
def test_a_bad_file_that_wants_log_in_never_starts_open(tmp_path, text):
    """Without earlier settings the defaults would let everybody in."""
    (tmp_path / "b.yaml").write_text(text)
    with pytest.raises(SettingsError, match="people have to log in"):
        SettingsFile(tmp_path / "b.yaml", tmp_path / "kept.yaml")


def test_a_bad_file_without_log_in_starts_with_the_defaults(tmp_path):
    """Nothing is opened by that, and alerts go on; a comment wants nothing."""
    (tmp_path / "b.yaml").write_text("timezon: UTC\naccess: {login: false}\n# login: true\n")
    assert SettingsFile(tmp_path / "b.yaml", tmp_path / "kept.yaml").current().access.login is False


def test_a_file_that_is_gone_or_broken_leaves_log_in_on(tmp_path):
    """An editor that moves the file away for a moment must not open the door; nor must a slip after a restart."""
    path, kept = tmp_path / "b.yaml", tmp_path / "kept.yaml"
    path.write_text(CLOSED)
    file = SettingsFile(path, kept)
    path.unlink()
    assert file.current().access.login is True
    assert "is gone" in file.problem
    path.write_text(CLOSED + "timezon: UTC")
    assert file.current().access.login is True
    assert SettingsFile(path, kept).current().access.login is True
    path.write_text("access: {login: false}")
    assert file.current().access.login is False
