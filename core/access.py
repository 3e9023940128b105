"""Who may see what: a visitor's role, from what the identity provider says of them and the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.sections import AccessSettings

Role = Literal["viewer", "analyst", "admin"]
"""Viewers see the answers, analysts single requests and the health of all, too; admins are analysts so far."""
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page. Without a name nobody is logged in; without a role they may see nothing."""

    name: str = ""
    role: Role | None = None

    def may(self, needs: Role) -> bool:
        """Whether their role reaches what is needed."""
        return self.role is not None and ROLES.index(self.role) >= ROLES.index(needs)


ANYBODY = Visitor(role="admin")
"""Whoever reaches a dashboard without log-in."""


def visitor(claims: Mapping[str, Any], access: AccessSettings, now: datetime) -> Visitor:
    """The visitor of whom the provider said this; the highest of the roles they are given counts.

    A log-in older than `access.session` is none: the claims are of then, and a person may have left the team since.
    """
    if not access.login:
        return ANYBODY
    issued = claims.get("iat")
    if claims.get("is_logged_in") is not True or not isinstance(issued, int | float):
        return Visitor()
    if now.timestamp() - issued > access.session.total_seconds():
        return Visitor()
    held = _texts(_claim(claims, access.claim)) if access.claim else set()
    address = _verified_address(claims)
    given = [role for role in ROLES if role in held or _named(access.members(role), address)]
    name = address or next((str(claims[key]) for key in ("preferred_username", "name", "sub") if claims.get(key)), "?")
    return Visitor(name, given[-1] if given else None)


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of this name; with dots in it also one inside others, "realm_access.roles"."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _texts(value: Any) -> set[str]:
    return {value} if isinstance(value, str) else {str(item) for item in value} if isinstance(value, list) else set()


def _verified_address(claims: Mapping[str, Any]) -> str:
    """The address the provider vouches for: an unverified one may be anybody's."""
    address = claims.get("email")
    return address.casefold() if isinstance(address, str) and claims.get("email_verified") is True else ""


def _named(members: Sequence[str], address: str) -> bool:
    """Whether the list names this address, its whole domain ("*@example.com"), or everybody ("*")."""
    domain = f"*@{address.rpartition('@')[2]}" if address else ""
    return any(member == "*" or (address and member.casefold() in (address, domain)) for member in members)
