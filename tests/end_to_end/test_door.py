"""The door of the real server: whom it answers, and what it wants to be shown."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from dashboard import ROOT, Dashboard
from surfaces import command
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from core.places import Places
from core.settings import Settings, parse
from core.timespan import utc_now
from guard import LOCAL, LONG_ENOUGH, SECRETS, names_in_force, open_to_all
from routes import ROUTES

TOKEN = "correct horse bättery staple"
SETTINGS = "dashboard_url: https://Public.example:8443/\naccess: {hosts: [burn.example, '[2001:db8::7]'], token_env: OUR_TOKEN}\n"
OPEN = ("/healthz",)
CLOSED = [path.replace("{path:path}", "nothing") for path in ROUTES if path not in OPEN]


def installation(folder, settings):
    """Twenty requests and these settings."""
    places = Places(folder / "burnline.yaml", folder / "logs", folder / "b.duckdb", folder / "b.sqlite")
    places.inbox.mkdir()
    places.config.write_text(settings, "utf-8")
    rows = [
        {
            "v": 1, "request_id": f"r{n}", "status": "success", "execution_time_ms": 900.0, "agent_id": "planner",
            "timestamp": (utc_now() - timedelta(seconds=n)).isoformat(),
        }
        for n in range(20)
    ]  # fmt: skip
    (places.inbox / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return places


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    return installation(tmp_path_factory.mktemp("closed"), SETTINGS)


@pytest.fixture(scope="module")
def served(places):
    """The dashboard with names of its own and a token."""
    dashboard = Dashboard(places)
    dashboard.env |= {"OUR_TOKEN": TOKEN}
    dashboard.start()
    yield dashboard
    dashboard.stop()


def bearer(token):
    return {"Authorization": f"Bearer {token}".encode()}


@pytest.mark.parametrize("path", CLOSED)
def test_every_number_wants_the_token(served, path):
    """A route that is added later is closed, too, unless it is opened by name; the refusal says what to do."""
    refused = httpx.get(f"{served.url}{path}", timeout=30)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Bearer realm="burnline"'
    assert "Authorization: Bearer" in refused.json()["error"]
    assert "OUR_TOKEN" in refused.json()["error"]
    assert TOKEN not in refused.text
    assert httpx.get(f"{served.url}{path}", headers=bearer(TOKEN), timeout=30).status_code != 401


@pytest.mark.parametrize(
    "shown",
    [
        {}, {"Authorization": "Bearer"}, bearer(TOKEN[:-1]), bearer(TOKEN + "x"), bearer("\xff"), {"Authorization": TOKEN.encode()},
        {"Authorization": f"Basic {TOKEN}".encode()}, {"X-Token": "x"},
    ],
)  # fmt: skip
def test_nothing_but_the_token_opens(served, shown):
    assert httpx.get(f"{served.url}/api/v1/summary", headers=shown, timeout=30).status_code == 401
    assert httpx.get(f"{served.url}/api/v1/summary", params={"token": TOKEN}, timeout=30).status_code == 401


@pytest.mark.parametrize("path", OPEN)
def test_the_machines_that_look_after_us_need_no_token(served, path):
    assert httpx.get(f"{served.url}{path}", timeout=30).status_code in (200, 503)


def test_a_command_shows_the_token_it_finds_in_its_environment(served, places, monkeypatch):
    """Under the name the dashboard was told; without it or with another the command says which to set."""
    monkeypatch.setenv("OUR_TOKEN", TOKEN)
    words = ("metrics", "summary", "--last-requests", "20", "--json")
    while command(places, *words)["requests"] < 20:
        assert served.process.poll() is None
    assert command(places, "loaders", "status", "--json")["totals"]["lines"] == 20
    assert command(places, "alerting", "check", "--json")
    monkeypatch.setenv("OUR_TOKEN", "another")
    with pytest.raises(AssertionError, match="OUR_TOKEN holds another token"):
        command(places, *words)
    monkeypatch.delenv("OUR_TOKEN")
    with pytest.raises(AssertionError, match="OUR_TOKEN is not set here"):
        command(places, *words)


OURS = [
    "localhost",
    "127.0.0.1:{port}",
    "[::1]:{port}",
    "LOCALHOST.",
    "burn.example",
    "BURN.example.:443",
    "[2001:db8::7]",
]
OURS += ["public.example", "public.example:8443"]
OTHERS = ["evil.example", "evil.example:{port}", "burn.example.evil.org", "localhost.evil.org", "xburn.example", ""]
OTHERS += ["localhost@evil.example", "localhost:8501:1", "burn.example/../", "0.0.0.0", "127.0.0.1.nip.io"]
PATHS = ("/", "/requests", "/healthz", "/api/v1/summary", "/metrics", "/_stcore/health", "/static/x.js", "/auth/login")


@pytest.mark.parametrize("path", PATHS)
def test_only_requests_to_a_name_of_ours_are_answered(served, path):
    """Else a page on a stranger's name that resolves to this machine reads the numbers through somebody's browser."""
    for host in OURS:
        found = httpx.get(f"{served.url}{path}", headers={"Host": host.format(port=served.port)}, timeout=30)
        assert found.status_code != 421, host
    for host in OTHERS:
        found = httpx.get(f"{served.url}{path}", headers={"Host": host.format(port=served.port)}, timeout=30)
        assert (found.status_code, "access: {hosts: [...]}" in found.json()["error"]) == (421, True), host


@pytest.mark.parametrize(
    ("host", "origin", "answered"),
    [
        ("127.0.0.1:{port}", "http://127.0.0.1:{port}", True),
        ("127.0.0.1:{port}", None, True),
        ("127.0.0.1:{port}", "https://burn.example", False),
        ("burn.example", "https://burn.example", True),
        ("127.0.0.1:{port}", "http://localhost:1", False),
        ("127.0.0.1:{port}", "https://evil.example", False),
        ("burn.example", "null", False),
        ("burn.example", "https://[burn.example", False),
        ("burn.example", "https://evil.example@burn.example", False),
        ("evil.example", "http://evil.example", False),
        ("evil.example", None, False),
    ],
)
def test_the_page_speaks_to_its_own_origin_alone(served, host, origin, answered):
    """The websocket carries every number, and a browser opens one to anywhere a script tells it to.

    What Streamlit refuses besides is refused: it knows no origin but that of the Host header.
    """
    options = {"origin": origin.format(port=served.port)} if origin else {}
    line = socket.create_connection(("127.0.0.1", served.port), timeout=30)
    try:
        with connect(f"ws://{host.format(port=served.port)}/_stcore/stream", sock=line, **options):
            found = True
    except InvalidStatus as refused:
        assert refused.response.status_code == 403
        found = False
    assert found is answered


@pytest.mark.parametrize(
    ("text", "address", "told"),
    [
        ("", "localhost", False),
        ("", "::1", False),
        ("", "0.0.0.0", True),
        ("", None, True),
        ("dashboard_url: https://a.example", None, True),
        ("access: {login: true, viewers: ['*']}", None, False),
        ("access: {hosts: [a.example]}", None, True),
    ],
)
def test_a_dashboard_the_network_can_look_at_says_so_at_its_start(text, address, told):
    """Names keep strange pages out, not people."""
    assert open_to_all(parse(text), address) is told


def test_a_dashboard_that_wants_log_in_and_cannot_do_it_does_not_start(tmp_path):
    """It says what is missing and where it is read from, and is never open instead."""
    dashboard = Dashboard(installation(tmp_path, "access: {login: true, admins: [lan@example.com]}\n"))
    with pytest.raises(AssertionError, match=r"Burnline cannot start\. access\.login is on"):
        dashboard.start()


PAGE = (ROOT / "docs" / "access.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "yaml"])
def test_the_settings_on_the_page_about_access_are_settings(text):
    assert parse(text).access.model_fields_set


def test_the_page_about_access_names_every_secret_and_setting():
    assert set(re.findall(r"^\| `(BURNLINE_\w+)` \|", PAGE, re.MULTILINE)) == set(SECRETS.values())
    assert f"{LONG_ENOUGH} random characters" in PAGE


def test_the_commands_on_the_page_about_access_work(served, places):
    """As they stand there, for the dashboard that runs here; the token they make is long enough for a cookie, too."""
    make, *ask = next(text for kind, text in BLOCKS if kind == "sh").splitlines()
    here = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
    env = served.env | {"PATH": here, "OUR_TOKEN": TOKEN}
    made = subprocess.run(
        ["bash", "-c", f'{make}\nprintf %s "$BURNLINE_TOKEN"'], env=env, capture_output=True, check=True
    )
    assert len(made.stdout) >= LONG_ENOUGH
    script = "\n".join(ask).replace("BURNLINE_TOKEN", "OUR_TOKEN").replace("8501", str(served.port))
    told = subprocess.run(["bash", "-ec", script], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert '"requests"' in told.stdout
    assert '"error"' not in told.stdout


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://Public.example:8443/burn?x#y", "public.example"),
        ("http://[2001:db8::7]:80", "[2001:db8::7]"),
        ("", None),
        ("public.example", None),
        ("https://[", None),
        ("https://evil.example@public.example", None),
    ],
)
def test_the_host_of_the_dashboard_url_is_a_name_of_ours_when_it_has_one(url, name):
    """Whatever stands there, requests to this machine are answered."""
    found = names_in_force(Settings(dashboard_url=url), "localhost")
    assert found == LOCAL | ({name} if name else set())
