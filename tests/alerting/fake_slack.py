"""A local Slack: a real HTTP server that enforces the vendor's limits and can be told to misbehave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from fake_server import FakeServer, Planned, running, write

TOKEN = "xoxb-1234-secret-token"
CHANNEL = "C0OPS"

__all__ = ["CHANNEL", "TOKEN", "FakeSlack", "Planned", "fake_slack", "fault_in", "write"]


class FakeSlack(FakeServer):
    """What was posted and edited, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.posts: list[dict] = []
        self.edits: list[dict] = []
        self.deleted: set[str] = set()
        self.scopes = {"chat:write", "files:write"}
        self.uploads: dict[str, bytes] = {}
        self.shared: list[dict] = []
        self.url = f"{self.root}/api/"

    def take(self, request: BaseHTTPRequestHandler, raw: bytes) -> tuple[int, str]:
        where = urlsplit(request.path)
        if where.path.startswith("/upload/"):
            self.uploads[where.path.rsplit("/", 1)[1]] = raw
            return 200, f"OK - {len(raw)}"
        if where.path.startswith("/api/files."):
            asked = dict(parse_qsl(where.query) + parse_qsl(raw.decode()))
            return 200, json.dumps(self._file(where.path.rsplit("/", 1)[1], asked))
        return 200, json.dumps(self._take(request, json.loads(raw or b"{}")))

    def _file(self, method: str, asked: dict[str, str]) -> dict:
        if "files:write" not in self.scopes:
            return {"ok": False, "error": "missing_scope", "needed": "files:write"}
        if method == "files.getUploadURLExternal":
            name = f"F{len(self.uploads)}"
            self.uploads[name] = b""
            return {"ok": True, "file_id": name, "upload_url": f"{self.root}/upload/{name}"}
        files = json.loads(asked["files"])
        if asked["channel_id"] != CHANNEL or any(not self.uploads[file["id"]] for file in files):
            return {"ok": False, "error": "invalid_arguments"}
        self.shared.append({"thread_ts": asked.get("thread_ts"), "files": files})
        return {"ok": True, "files": files}

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


@contextmanager
def fake_slack() -> Iterator[FakeSlack]:
    with running(FakeSlack()) as server:
        yield server
