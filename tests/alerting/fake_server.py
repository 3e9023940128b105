"""A real HTTP server that plays a vendor and can be told to misbehave."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar


@dataclass
class Planned:
    """An answer other than the right one; `drip` sends the body a byte at a time until the server closes.

    `drip_head` does so with the head of the answer; `cut` closes the connection without one; `accept` takes it in.
    """

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    accept: bool = False
    drip: bool = False
    drip_head: bool = False
    cut: bool = False


class FakeServer:
    """`take` is the vendor: what was posted, to the answer. `plan` holds answers for the next calls."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.calls = 0
        self.plan: list[Planned] = []
        self.closing = threading.Event()
        self.dripped = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                outer._answer(self)

            do_GET = do_POST  # noqa: N815 - the names the server looks for

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """A client that hangs up is part of the test."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.root = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def take(self, request: BaseHTTPRequestHandler, raw: bytes) -> tuple[int, str]:
        """Status and body of the right answer."""
        raise NotImplementedError

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        raw = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        with self._lock:
            self.calls += 1
            planned = self.plan.pop(0) if self.plan else None
            status, reply = self.take(request, raw) if planned is None or planned.accept else (200, "")
        if planned is None:
            write(request, status, reply)
        elif planned.cut:
            request.close_connection = True
            request.connection.close()
        elif planned.drip or planned.drip_head:
            self._drip(request, head=planned.drip_head)
        else:
            write(request, planned.status, planned.body or reply, planned.headers)

    def _drip(self, request: BaseHTTPRequestHandler, *, head: bool) -> None:
        """One byte every 0.1 s: every socket operation is in time, the whole never is."""
        if not head:
            request.send_response(200)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", "100000")
            request.end_headers()
        else:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        try:
            while not self.closing.wait(0.1):
                request.wfile.write(b" ")
        except OSError:
            self.dripped.set()  # the other side hung up


def write(request: BaseHTTPRequestHandler, status: int, body: str, headers: dict[str, str] | None = None) -> None:
    request.send_response(status)
    for name, value in ({"Content-Type": "application/json"} | (headers or {})).items():
        request.send_header(name, value)
    raw = body.encode()
    request.send_header("Content-Length", str(len(raw)))
    request.end_headers()
    request.wfile.write(raw)


Vendor = TypeVar("Vendor", bound=FakeServer)


@contextmanager
def running(server: Vendor) -> Iterator[Vendor]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
