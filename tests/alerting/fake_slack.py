"""A local Slack: a real HTTP server that enforces the vendor's limits and can be told to misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "xoxb-1234-secret-token"
CHANNEL = "C0OPS"


@dataclass
class Planned:
    """An answer other than the right one; `drip` sends the body a byte at a time until the server closes."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    accept: bool = False
    drip: bool = False
    cut: bool = False


class FakeSlack:
    """What was posted and edited, in order; `plan` holds answers for the next calls."""

    def __init__(self) -> None:
        self.posts: list[dict] = []
        self.edits: list[dict] = []
        self.calls = 0
        self.deleted: set[str] = set()
        self.plan: list[Planned] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                outer._answer(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])) or b"{}")
        with self._lock:
            self.calls += 1
            planned = self.plan.pop(0) if self.plan else None
            reply = self._take(request, body) if planned is None or planned.accept else None
        if planned is None:
            assert reply is not None
            write(request, 200, json.dumps(reply))
        elif planned.cut:
            request.close_connection = True
            request.connection.close()
        elif planned.drip:
            self._drip(request)
        else:
            write(request, planned.status, planned.body or json.dumps(reply), planned.headers)

    def _drip(self, request: BaseHTTPRequestHandler) -> None:
        """One byte every 0.2 s: every socket operation is in time, the whole never is."""
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", "100000")
        request.end_headers()
        try:
            while not self.closing.wait(0.2):
                request.wfile.write(b" ")
        except OSError:
            pass

    def _take(self, request: BaseHTTPRequestHandler, body: dict) -> dict:
        method = request.path.rsplit("/", 1)[1]
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return {"ok": False, "error": "invalid_auth"}
        if body.get("channel") != CHANNEL:
            return {"ok": False, "error": "channel_not_found"}
        if fault := fault_in(body):
            return {"ok": False, "error": fault}
        if method == "chat.update":
            if body["ts"] in self.deleted or not any(post["ts"] == body["ts"] for post in self.posts):
                return {"ok": False, "error": "message_not_found"}
            self.edits.append(body)
            return {"ok": True, "channel": CHANNEL, "ts": body["ts"]}
        if method != "chat.postMessage":
            return {"ok": False, "error": "unknown_method"}
        stamp = f"1700000000.{len(self.posts):06d}"
        self.posts.append(body | {"ts": stamp})
        return {"ok": True, "channel": CHANNEL, "ts": stamp}


def fault_in(body: dict) -> str:
    """The vendor's word for what is wrong with a message, or ""."""
    blocks = body.get("blocks") or []
    if not body.get("text"):
        return "no_text"
    if len(blocks) > 50:
        return "invalid_blocks"
    if len(body["text"]) + len(json.dumps(blocks, ensure_ascii=False)) >= 10_000:
        return "msg_blocks_too_long"
    for block in blocks:
        kind, text = block["type"], block.get("text", {}).get("text", "")
        fields = block.get("fields", [])
        bad = (
            (kind == "header" and not 0 < len(text) <= 150)
            or (kind == "section" and not fields and not 0 < len(text) <= 3000)
            or len(fields) > 10
            or any(not 0 < len(part["text"]) <= 2000 for part in fields)
            or (kind == "context" and not 0 < len(block["elements"]) <= 10)
            or kind not in ("header", "section", "context")
        )
        if bad:
            return "invalid_blocks"
    return ""


def write(request: BaseHTTPRequestHandler, status: int, body: str, headers: dict[str, str] | None = None) -> None:
    request.send_response(status)
    for name, value in ({"Content-Type": "application/json"} | (headers or {})).items():
        request.send_header(name, value)
    raw = body.encode()
    request.send_header("Content-Length", str(len(raw)))
    request.end_headers()
    request.wfile.write(raw)


@contextmanager
def fake_slack() -> Iterator[FakeSlack]:
    server = FakeSlack()
    server.start()
    try:
        yield server
    finally:
        server.stop()
