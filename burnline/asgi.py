"""`RequestLog`: one record per HTTP request of any ASGI application (FastAPI, Starlette, ...)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from burnline.complaint import complaint
from burnline.deadline import DeadlineExceeded, outcome, within
from burnline.request import Request, current, flush

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-|$)")
_MAX_NAME = 200


class RequestLog:
    """ASGI middleware: `app.add_middleware(burnline.asgi.RequestLog)`.

    A request is a `timeout` when a limit cut it or the answer is 408 or 504, `failed` for any other 5xx or an exception
    (raised on), `rejected` for any other 4xx, `cancelled` when the client went away, else `success`. Its `operation` is
    the route's template where the framework tells it, else the path; its `agent_id` what `agent_header` says, else
    `agent_id` (a name, or a function of the ASGI scope), else the service. It is over with the last byte of the answer.

    `timeout` seconds without the start of an answer cut the request: it is cancelled and answered with
    `timeout_status`. A DeadlineExceeded that nobody handled is answered so too. Paths in `skip` leave no record.
    """

    def __init__(
        self,
        app: App,
        *,
        agent_id: str | Callable[[Scope], str | None] | None = None,
        agent_header: str | None = None,
        skip: Collection[str] = ("/healthz", "/metrics"),
        timeout: float | None = None,
        timeout_status: int = 504,
    ) -> None:
        if timeout is not None and not 0 < timeout < float("inf"):
            raise ValueError(f"timeout is {timeout}; write a number of seconds above 0, or leave it out")
        self.app = app
        self._agent_id, self._agent_header = agent_id, agent_header.lower().encode() if agent_header else None
        self._skip, self._timeout, self._timeout_status = frozenset(skip), timeout, timeout_status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; only `http` is recorded, and only once when the middleware is there twice."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, _flushing(send))
        elif scope["type"] != "http" or scope["path"] in self._skip or "burnline.request" in scope:
            await self.app(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        found = _TRACEPARENT.match(headers.get(b"traceparent", b"").decode("latin-1"))
        request = scope["burnline.request"] = Request(*found.group(1, 2)) if found else Request()
        agent = self._agent(scope, headers)
        root, path = scope.get("root_path", ""), scope["path"]

        def ended(seen: dict[str, object]) -> None:
            request.close(
                {
                    "operation": _operation(scope, root, path),
                    "agent_id": agent,
                    "method": scope["method"],
                    "http_status": exchange.status,
                    **seen,
                }
            )

        exchange = _Exchange(receive, send, ended)
        token = current.set(request)
        try:
            await self._run(scope, exchange)
        except BaseException as error:  # noqa: BLE001 - a cancellation is an outcome too; all but our own is raised on
            seen: dict[str, object] = {"status": "cancelled"} if exchange.gone else outcome(error)
            try:
                if not isinstance(error, DeadlineExceeded) or exchange.status is not None:
                    raise
                await exchange.answer(self._timeout_status, error.limit)
            finally:
                ended(seen)
        else:
            ended(exchange.unfinished())
        finally:
            current.reset(token)

    async def _run(self, scope: Scope, exchange: _Exchange) -> None:
        serving, limit = self.app(scope, exchange.receive, exchange.send), self._timeout
        if limit is None:
            await serving
            return
        began = time.monotonic()

        def exceeded(stack: str) -> DeadlineExceeded:
            return DeadlineExceeded(str(scope["path"]), limit, time.monotonic() - began, "API_TIMEOUT", stack)

        await within(limit, serving, exceeded, spared=lambda: exchange.status is not None)

    def _agent(self, scope: Scope, headers: dict[bytes, bytes]) -> str | None:
        if self._agent_header and (found := headers.get(self._agent_header)):
            return found.decode("latin-1")[:_MAX_NAME]
        if not callable(self._agent_id):
            return self._agent_id
        try:
            return self._agent_id(scope)
        except Exception as error:  # noqa: BLE001 - a name for the log is not worth a request
            complaint.say(f"agent_id raised {type(error).__name__}; the request is recorded under the service's name")
            return None


class _Exchange:
    """What passes between server and application for one request."""

    def __init__(self, receive: Receive, send: Send, ended: Callable[[dict[str, object]], None]) -> None:
        self._receive, self._send, self._ended = receive, send, ended
        self.status: int | None = None
        self.gone = False
        self._over = self._trailers = self._muted = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self._over:
            self.gone = True
        return message

    async def send(self, message: Message) -> None:
        if self._muted:
            return
        if message["type"] == "http.response.start":
            self.status, self._trailers = message["status"], message.get("trailers", False)
        try:
            await self._send(message)
        except OSError:  # how servers say that the client is no longer there
            self.gone = True
            raise
        if self._is_last(message):
            self._over = True
            self._ended({"status": "cancelled"} if self.gone else _by_status(self.status))

    def _is_last(self, message: Message) -> bool:
        kind = message["type"]
        if kind == "http.response.trailers":
            return not bool(message.get("more_trailers", False))
        if kind in ("http.response.body", "http.response.zerocopysend"):
            return not (message.get("more_body", False) or self._trailers)
        return bool(kind == "http.response.pathsend")

    async def answer(self, status: int, limit: float) -> None:
        """Answer in the application's place; what it still sends is dropped."""
        self.status, self._muted = status, True
        body = json.dumps({"detail": f"The request was cut after {limit:g} s."}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    def unfinished(self) -> dict[str, object]:
        """The outcome when the application returned; without meaning once the answer was complete."""
        if self.gone:
            return {"status": "cancelled"}
        code = "NO_RESPONSE" if self.status is None else "INCOMPLETE_RESPONSE"
        return {"status": "failed", "error_code": code, "error_message": "the application returned without an answer"}


def _by_status(status: int | None) -> dict[str, object]:
    if status is None or status < 400:
        return {"status": "success"}
    kind = "timeout" if status in (408, 504) else "failed" if status >= 500 else "rejected"
    return {"status": kind, "error_code": f"HTTP_{status}"}


def _operation(scope: Scope, root: str, path: str) -> str:
    """The route's template, with the mount it is in; the path when nobody matched it against a template."""
    template = getattr(scope.get("route"), "path", None)
    if isinstance(fastapi := scope.get("fastapi"), dict):  # an included route alone does not know its router's prefix
        template = getattr(fastapi.get("effective_route_context"), "path_format", template)
    if not isinstance(template, str):
        return path[:_MAX_NAME]
    mount: str = scope.get("root_path", "")
    return mount.removeprefix(root) + template


def _flushing(send: Send) -> Send:
    """Servers may end by signal right after the shutdown; nothing recorded before it may be lost."""

    async def flushed(message: Message) -> None:
        if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            import asyncio  # noqa: PLC0415 - `import burnline` stays cheap

            await asyncio.to_thread(flush)
        await send(message)

    return flushed
