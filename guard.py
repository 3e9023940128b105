"""The door of the server: the names it answers to, the token programs show, and what log-in needs to work."""

from __future__ import annotations

import hmac
import os
import re
from functools import wraps
from typing import TYPE_CHECKING, Any

import streamlit as st
from starlette.responses import JSONResponse
from streamlit.auth_util import is_authlib_installed, validate_auth_credentials
from streamlit.errors import StreamlitAuthError
from streamlit.web.server.server_util import get_cookie_secret

from core.errors import BurnlineError
from core.services import services
from core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.datastructures import Headers
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
LONG_ENOUGH = 32
"""Characters of a cookie secret: whoever guesses it is whom they like."""
SECRETS = {
    "client_id": "BURNLINE_OIDC_CLIENT_ID",
    "client_secret": "BURNLINE_OIDC_CLIENT_SECRET",
    "server_metadata_url": "BURNLINE_OIDC_METADATA_URL",
    "cookie_secret": "BURNLINE_COOKIE_SECRET",
    "redirect_uri": "BURNLINE_OIDC_REDIRECT_URI",
}
"""What log-in needs, by the environment variable that holds it."""
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+?)\.?(:\d{1,5})?")


class OurNames:
    """ASGI middleware that answers only requests to a name of ours: a page elsewhere must not speak through a browser.

    In force when the server listens on this machine alone or when `access.hosts` is set; local names are always ours.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is meant for us; 421 for another name, and no websocket for a page of another origin."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        names = names_in_force(_settings(), st.get_option("server.address"))
        if names is None or _is_meant_for_us(scope, names):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _misdirected(_sent(scope, b"host"))(scope, receive, send)


def names_in_force(settings: Settings, address: str | None) -> frozenset[str] | None:
    """The names the server answers to when it listens on `address`; None when any will do."""
    ours = settings.access.hosts
    if not ours and not _is_local(address):
        return None
    public = host_name(_netloc(settings.dashboard_url))
    return LOCAL | set(ours) | ({public} if public else set())


def open_to_all(settings: Settings, address: str | None) -> bool:
    """Whether anybody on the network may look, because nobody said otherwise."""
    return not settings.access.login and not _is_local(address)


def host_name(header: str) -> str | None:
    """The name in a Host header, without its port; None when it is none."""
    found = _HOST.fullmatch(header.lower())
    return found[1] if found else None


def _is_meant_for_us(scope: Scope, names: frozenset[str]) -> bool:
    """One Host that is ours and, for a websocket, a page of ours behind it; programs send no Origin."""
    hosts, origins = _sent(scope, b"host"), _sent(scope, b"origin")
    if len(hosts) != 1 or host_name(hosts[0]) not in names:
        return False
    if scope["type"] == "http" or not origins:
        return True
    netloc = _netloc(origins[0])
    return len(origins) == 1 and (netloc == hosts[0].lower() or host_name(netloc) in names - LOCAL)


def _netloc(url: str) -> str:
    """Host and port of a web address, small; "" of anything else, "null" among it."""
    found = re.match(r"https?://([^/?#@\s]+)(?:[/?#]|$)", url.lower())
    return found[1] if found else ""


def _sent(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for header, value in scope["headers"] if header == name]


def _is_local(address: str | None) -> bool:
    return (address or "").strip("[]") in ("localhost", "127.0.0.1", "::1")


def _misdirected(hosts: list[str]) -> Response:
    name = host_name(hosts[0]) if len(hosts) == 1 else None
    said = f'"{name}" is not a name' if name else "the Host header is not one name"
    return JSONResponse(
        {"error": f"{said} of this dashboard. If it should be, list it in burnline.yaml: access: {{hosts: [...]}}"}, 421
    )


def needs_token(endpoint: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Let nobody in without the token, once there is one or people have to log in; else 401 that says what to send."""

    @wraps(endpoint)
    def route(request: Request) -> Response:
        access = _settings().access
        token = os.environ.get(access.token_env, "").strip()
        if not (token or access.login) or (token and _shows(request.headers, token)):
            return endpoint(request)
        what = f"send the header 'Authorization: Bearer TOKEN' with the token from {access.token_env}"
        if not token:
            what = f"set {access.token_env} where the dashboard runs; then {what}"
        return JSONResponse({"error": what}, 401, {"WWW-Authenticate": 'Bearer realm="burnline"'})

    return route


def _shows(headers: Headers, token: str) -> bool:
    scheme, _, shown = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode("latin-1"), token.encode())


def secrets(environ: Mapping[str, str]) -> dict[str, Any] | None:
    """What `st.login` reads, from the environment; None when it holds nothing, then secrets.toml counts."""
    found = {key: environ[name] for key, name in SECRETS.items() if environ.get(name)}
    if not found:
        return None
    return {"auth": {"redirect_uri": "http://localhost:{port}/oauth2callback"} | found}


def check_login(settings: Settings) -> None:
    """BurnlineError when people have to log in and cannot."""
    if not settings.access.login:
        return
    if not is_authlib_installed():
        raise BurnlineError(
            "access.login is on, and Authlib is not installed: make setup, or pip install -e '.[access]'"
        )
    try:
        validate_auth_credentials("default")
    except StreamlitAuthError as error:
        said = " ".join(str(error).split())
        raise BurnlineError(
            f"access.login is on, and something it needs is missing. Set {', '.join(SECRETS.values())} in the "
            f"environment, or [auth] in .streamlit/secrets.toml (docs/access.md). {said}"
        ) from None
    if len(get_cookie_secret()) < LONG_ENOUGH:
        raise BurnlineError(
            f"{SECRETS['cookie_secret']} has fewer than {LONG_ENOUGH} characters, and whoever guesses it can be "
            "anybody. Make one: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )


def _settings() -> Settings:
    engine = services()
    return engine.settings if engine else Settings()
