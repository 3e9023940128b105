"""Local stand-ins for services nobody can run here; each enforces what its vendor documents and keeps what it took."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from fake_server import FakeServer
from fake_slack import fault_in

SECRET = "Zk4sEcReTpArT9q"
"""Stands in the path or query of every webhook's address."""
ROUTING_KEY = "r0uting0key0of0thirty0two0chars0"
SIGNING = "whsec_" + base64.b64encode(b"a signing secret of some length").decode()


class FakeSlackWebhook(FakeServer):
    """Incoming webhook: the word ok, or an error in plain text."""

    path = f"/services/T0/B0/{SECRET}"

    def __init__(self, tls=None) -> None:
        super().__init__(tls)
        self.posts: list[dict] = []
        self.url = self.root + self.path

    def take(self, request: BaseHTTPRequestHandler, raw: bytes) -> tuple[int, str]:
        if request.path != self.path:
            return 404, "no_service"
        body = json.loads(raw)
        if fault := fault_in(body):
            return 400, fault
        self.posts.append(body)
        return 200, "ok"


class FakePagerDuty(FakeServer):
    """Events API v2; `incidents` holds the state by dedup key."""

    def __init__(self, tls=None) -> None:
        super().__init__(tls)
        self.posts: list[dict] = []
        self.incidents: dict[str, str] = {}
        self.url = self.root

    def take(self, request: BaseHTTPRequestHandler, raw: bytes) -> tuple[int, str]:
        if request.path != "/v2/enqueue":
            return 404, ""
        if len(raw) > 512 * 1024:
            return 413, ""
        body = json.loads(raw)
        if errors := pagerduty_faults(body):
            said = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return 400, json.dumps(said)
        self.posts.append(body)
        key = body["dedup_key"]
        state = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}[body["event_action"]]
        if key in self.incidents or state == "triggered":
            self.incidents[key] = state
        return 202, json.dumps({"status": "success", "message": "Event processed", "dedup_key": key})


def pagerduty_faults(body: dict) -> list[str]:
    """What the API says about an event."""
    if body.get("routing_key") != ROUTING_KEY:
        return ["Invalid routing key"]
    if body.get("event_action") not in ("trigger", "acknowledge", "resolve"):
        return ["'event_action' is invalid"]
    if not 0 < len(body.get("dedup_key", "")) <= 255:
        return ["'dedup_key' is missing or too long"]
    if body["event_action"] != "trigger":
        return []
    payload = body.get("payload", {})
    bad = [
        *(["'payload.summary' is missing or blank"] if not payload.get("summary", "").strip() else []),
        *(["'payload.summary' is too long"] if len(payload.get("summary", "")) > 1024 else []),
        *(["'payload.source' is missing"] if not payload.get("source") else []),
        *(
            ["'payload.severity' is invalid"]
            if payload.get("severity") not in ("critical", "error", "warning", "info")
            else []
        ),
        *(["'links' is invalid"] if any(not link["href"].startswith("http") for link in body.get("links", [])) else []),
    ]
    if "timestamp" in payload and datetime.fromisoformat(payload["timestamp"]).tzinfo is None:
        bad.append("'payload.timestamp' has no zone")
    return bad


class FakeGoogleChat(FakeServer):
    """A space's webhook; `threads` holds the messages by thread key."""

    path = "/v1/spaces/AAAA/messages"

    def __init__(self, tls=None) -> None:
        super().__init__(tls)
        self.posts: list[dict] = []
        self.threads: dict[str, list[dict]] = {}
        self.url = f"{self.root}{self.path}?key=api-key-of-the-space&token={SECRET}"

    def take(self, request: BaseHTTPRequestHandler, raw: bytes) -> tuple[int, str]:
        query = parse_qs(urlsplit(request.path).query)
        if urlsplit(request.path).path != self.path or query.get("token") != [SECRET]:
            return 403, json.dumps({"error": {"code": 403, "message": "The caller does not have permission"}})
        body = json.loads(raw)
        if fault := "too large" if len(raw) > 32_000 else google_chat_fault(body):
            return 400, json.dumps({"error": {"code": 400, "message": fault}})
        self.posts.append(body)
        if query.get("messageReplyOption") == ["REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"]:
            self.threads.setdefault(query["threadKey"][0], []).append(body)
        return 200, json.dumps({"name": f"spaces/AAAA/messages/{len(self.posts)}"})


def google_chat_fault(body: dict) -> str:
    """What the API says about a message."""
    if set(body) - {"text", "cardsV2", "fallbackText"} or not (body.get("text") or body.get("cardsV2")):
        return "Message cannot be empty, or has an unknown field"
    for held in body["cardsV2"]:
        card = held["card"]
        if not card["header"]["title"] or not card["sections"]:
            return "a card needs a title and a section"
        widgets = [widget for section in card["sections"] for widget in section["widgets"]]
        if len(widgets) > 100 or any(not section["widgets"] for section in card["sections"]):
            return "too many widgets, or a section without one"
        for widget in widgets:
            ((kind, inside),) = widget.items()
            if kind not in ("textParagraph", "decoratedText", "buttonList"):
                return f"unknown widget {kind}"
            if kind != "buttonList" and not inside["text"]:
                return "text is required"
            if kind == "buttonList" and any(
                not button["onClick"]["openLink"]["url"].startswith("http") for button in inside["buttons"]
            ):
                return "a button needs a URL"
    return ""


class FakeTeams(FakeServer):
    """A workflow that posts to a channel: accepts before it looks, so what it would drop is a fault here."""

    path = (
        f"/workflows/abc/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SECRET}"
    )

    def __init__(self, tls=None) -> None:
        super().__init__(tls)
        self.posts: list[dict] = []
        self.url = self.root + self.path

    def take(self, request: BaseHTTPRequestHandler, raw: bytes) -> tuple[int, str]:
        if request.path != self.path:
            return 401, json.dumps({"error": {"code": "DirectApiAuthorizationRequired"}})
        body = json.loads(raw)
        if fault := "too large" if len(raw) > 28 * 1024 else teams_fault(body):
            return 400, fault
        self.posts.append(body)
        return 202, ""


def teams_fault(body: dict) -> str:
    """Why the flow would fail, or the card not be shown."""
    attached = body.get("attachments")
    if body.get("type") != "message" or not isinstance(attached, list) or len(attached) != 1:
        return "no message with attachments"
    if attached[0]["contentType"] != "application/vnd.microsoft.card.adaptive":
        return "no adaptive card"
    card = attached[0]["content"]
    if card["type"] != "AdaptiveCard" or float(card["version"]) > 1.5 or not card["body"]:
        return "no card Teams shows"
    for block in card["body"]:
        if block["type"] != "RichTextBlock" or not block["inlines"]:
            return f"unknown element {block['type']}"
        for run in block["inlines"]:
            if run["type"] != "TextRun" or not isinstance(run["text"], str) or not run["text"]:
                return "an empty text run"
    actions = card.get("actions", [])
    if len(actions) > 6 or any(action["type"] != "Action.OpenUrl" for action in actions):
        return "wrong actions"
    return ""


class FakeReceiver(FakeServer):
    """A team's own program: it verifies the signature as standardwebhooks.com says, and drops what it knows."""

    path = f"/hooks/{SECRET}"

    def __init__(self, tls=None) -> None:
        super().__init__(tls)
        self.posts: list[dict] = []
        self.seen: set[str] = set()
        self.now = 0.0
        self.url = self.root + self.path

    def take(self, request: BaseHTTPRequestHandler, raw: bytes) -> tuple[int, str]:
        name, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        key = base64.b64decode(SIGNING.removeprefix("whsec_"))
        digest = hmac.new(key, f"{name}.{at}.{raw.decode()}".encode(), hashlib.sha256).digest()
        wanted = "v1," + base64.b64encode(digest).decode()
        if not hmac.compare_digest(wanted, request.headers["webhook-signature"]):
            return 401, "wrong signature"
        if self.now and abs(self.now - int(at)) > 300:
            return 400, "too old"
        body = json.loads(raw)
        if body["version"] != 1 or not re.fullmatch(r"burnline\.[a-z]+", body["type"]) or body["id"] != name:
            return 400, "unknown body"
        if name not in self.seen:
            self.posts.append(body)
        self.seen.add(name)
        return 204, ""


class FakeAppriseTarget(FakeServer):
    """A service that Apprise reaches by its json:// address."""

    path = f"/{SECRET}"

    def __init__(self, tls=None) -> None:
        super().__init__(tls)
        self.posts: list[dict] = []
        self.url = f"json://127.0.0.1:{self._server.server_port}{self.path}"

    def take(self, request: BaseHTTPRequestHandler, raw: bytes) -> tuple[int, str]:
        if request.path.rstrip("/") != self.path:
            return 403, ""
        body = json.loads(raw)
        if not body.get("message"):
            return 400, ""
        self.posts.append(body)
        return 200, ""
