"""A provider of log-ins, as small as OpenID Connect allows: it asks nobody for a password and signs what it says."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

CLIENT = ("burnline", "a secret of the client")


class Provider:
    """People by their name, each with the claims that are made of them."""

    def __init__(self, url: str, people: dict[str, dict[str, object]]) -> None:
        self.url, self.people = url, people
        self.key = RSAKey.generate_key(2048, parameters={"kid": "k1", "use": "sig"})
        self.codes: dict[str, tuple[str, str, str]] = {}
        routes = {"/.well-known/openid-configuration": self.metadata, "/keys": self.keys, "/authorize": self.authorize}
        self.app = Starlette(
            routes=[
                *(Route(path, endpoint) for path, endpoint in routes.items()),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    def metadata(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys", "response_types_supported": ["code"],
                "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
            }
        )  # fmt: skip

    def keys(self, _: Request) -> Response:
        return JSONResponse(KeySet([self.key]).as_dict(private=False))

    def authorize(self, request: Request) -> Response:
        """Who are you? A link for each person; it leads back with a code."""
        asked = request.query_params
        assert (asked["client_id"], asked["response_type"]) == (CLIENT[0], "code")
        links = []
        for name in self.people:
            code = secrets.token_urlsafe(16)
            self.codes[code] = (name, asked["nonce"], asked["redirect_uri"])
            links.append(
                f'<a href="{asked["redirect_uri"]}?{urlencode({"code": code, "state": asked["state"]})}">{name}</a>'
            )
        return HTMLResponse("<title>Who are you?</title><link rel=icon href=data:,>" + "<br>".join(links))

    async def token(self, request: Request) -> Response:
        """The signed claims for a code, once, for the client it was made for."""
        form = await request.form()
        shown = b64decode(request.headers["authorization"].removeprefix("Basic ")).decode().replace("+", " ")
        assert shown.replace("%20", " ") == ":".join(CLIENT)
        name, nonce, back = self.codes.pop(str(form["code"]))
        assert form["redirect_uri"] == back
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT[0], "sub": name, "nonce": nonce, "iat": now, "exp": now + 600}
        signed = jwt.encode({"alg": "RS256", "kid": "k1"}, claims | self.people[name], self.key)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "expires_in": 600, "id_token": signed})


@contextmanager
def providing(people: dict[str, dict[str, object]]) -> Iterator[str]:
    """The address of a provider of these people until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(Provider(url, people).app, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield url
        server.should_exit = True
        thread.join(30)
