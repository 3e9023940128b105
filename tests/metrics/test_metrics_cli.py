"""`python -m metrics summary` over a real store, and over HTTP while another process holds it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner
from metric_frames import NOW, many, requests, source

from core.selection import Freshness, Selection
from core.settings import parse
from core.timespan import utc_now
from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store
from metrics.__main__ import cli
from metrics.answer import answer
from metrics.received import from_json
from metrics.summary import to_json

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "pri\x1b[31mcing"


def line(place, **row):
    usual = {"v": 1, "request_id": f"r{place}", "execution_time_ms": 100, "status": "success", "agent_id": "planner"}
    return json.dumps({**usual, "timestamp": (utc_now() - timedelta(minutes=1)).isoformat(), **row})


@pytest.fixture
def store(tmp_path):
    """A store of 37 timeouts in 1,000 requests; 11 of them are of an agent with a hostile name."""
    path = tmp_path / "burnline.duckdb"
    rows = [{"status": "timeout"}] * 26 + [{"status": "timeout", "agent_id": HOSTILE}] * 11 + [{}] * 963
    data = "".join(line(place, **row) + "\n" for place, row in enumerate(rows)).encode()
    with Store.open(path, clock=utc_now) as opened:
        account = opened.open_generation(tmp_path / "a.jsonl", Identity(0, 0), "v1")
        opened.append(Chunk(account.id, 0, 1, data, Windows(), len(data)))
    return path


def run(*arguments):
    done = CliRunner().invoke(cli, ["summary", *map(str, arguments)], catch_exceptions=False)
    return done.exit_code, done.stdout.replace("\N{NO-BREAK SPACE}", " "), done.stderr


def test_the_answer_in_words(store):
    code, shown, _ = run("--store", store)
    assert code == 0
    assert "37 of the last 1,000 requests timed out: 3.7 % (2.7 to 5.1 %)." in shown
    assert "planner has 26 of the 37." in shown
    assert "The error budget has been spent since" in shown


def test_the_answer_as_json_holds_for_one_agent(store):
    code, shown, _ = run("--store", store, "--since", "24h", "--agent", HOSTILE, "--json")
    assert code == 0
    found = json.loads(shown)
    assert (found["requests"], found["timeout"], found["budget"]["bad"]) == (11, 11, 11)


def test_log_text_cannot_steer_the_terminal(store):
    _, shown, _ = run("--store", store, "--agent", HOSTILE)
    assert "\x1b" not in shown


def test_an_agent_nobody_knows_is_answered(store):
    code, shown, _ = run("--store", store, "--agent", "nobody")
    assert (code, shown.strip()) == (0, "0 of 1,000 requests match these filters.")


def test_vietnamese_when_the_settings_say_so(store, tmp_path):
    (tmp_path / "burnline.yaml").write_text("language: vi\n")
    _, shown, _ = run("--store", store, "--config", tmp_path / "burnline.yaml")
    assert "37 trong 1.000 yêu cầu gần nhất bị quá hạn: 3,7 % (2,7 đến 5,1 %)." in shown
    assert "Trung bình" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "yesterday"], '"yesterday" is not a duration'),
        (["--last-requests", "0"], "whole number from 1 on"),
        (["--agent", ""], "agent is empty"),
        (["--store", "/nowhere/at/all"], "there is no store at /nowhere/at/all"),
        (["--nonsense"], "No such option"),
    ],
)
def test_wrong_use_is_2_and_says_what_to_do(store, arguments, said):
    code, _, complaint = run("--store", store, *arguments)
    assert code == 2
    assert said in complaint


def test_bad_settings_are_named(store, tmp_path):
    (tmp_path / "burnline.yaml").write_text("langage: vi\n")
    code, _, complaint = run("--store", store, "--config", tmp_path / "burnline.yaml")
    assert code == 2
    assert 'did you mean "language"?' in complaint


@contextmanager
def dashboard(status, answer_with, asked):
    """A server that answers every question alike and remembers what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            address = urlsplit(self.path)
            asked.append((address.path, dict(parse_qsl(address.query))))
            body = answer_with if isinstance(answer_with, bytes) else json.dumps(answer_with).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def held(store):
    """The store, held by another process."""
    script = (
        "import sys; from pathlib import Path; from loaders.store import Store; from core.timespan import utc_now\n"
        "with Store.open(Path(sys.argv[1]), clock=utc_now): print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(store)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout.readline() == b"open\n"
    yield store
    holder.communicate(timeout=30)


def owner(store, url):
    store.with_name(f"{store.name}.owner.json").write_text(json.dumps({"pid": 1, "url": url}))


EXAMPLE = answer(
    source(many(success=963, timeout=37)), Selection(last=1000), parse(""), NOW, Freshness(NOW, NOW, 1)
)  # fmt: skip


def test_while_the_store_is_held_the_dashboard_is_asked_with_the_same_parameters(held):
    asked = []
    with dashboard(200, to_json(EXAMPLE), asked) as url:
        owner(held, url)
        code, shown, _ = run("--store", held, "--last-requests", "1000", "--agent", "a&b=c")
        as_json = run("--store", held, "--json")[1]
    assert code == 0
    assert "37 of the last 1,000 requests timed out: 3.7 % (2.7 to 5.1 %)." in shown
    assert json.loads(as_json) == to_json(EXAMPLE)
    assert asked == [
        ("/api/v1/summary", {"last_requests": "1000", "agent": "a&b=c"}),
        ("/api/v1/summary", {}),
    ]


def test_a_dashboard_that_cannot_answer_is_named(held):
    code, _, complaint = run("--store", held)
    assert code == 1
    assert str(held) in complaint
    owner(held, "http://127.0.0.1:1")
    code, _, complaint = run("--store", held)
    assert (code, "is in use by process" in complaint) == (1, True)
    for status, body, code in ((503, {"error": "starting"}, 1), (400, {"error": "no such thing"}, 2), (200, b"<p>", 1)):
        with dashboard(status, body, []) as url:
            owner(held, url)
            assert run("--store", held)[0] == code, (status, body)


def test_a_dashboard_that_shows_the_sample_is_asked_and_says_so(tmp_path):
    """With no store of one's own yet, the command answers what the page shows, and says what it is."""
    nothing = tmp_path / "none.duckdb"
    with dashboard(200, to_json(EXAMPLE) | {"sample": True}, []) as url:
        owner(nothing, url)
        code, shown, complaint = run("--store", nothing)
    assert code == 0
    assert "37 of the last 1,000" in shown
    assert "Sample data" in complaint
    code, _, complaint = run("--store", nothing)
    assert (code, "there is no store at" in complaint) == (2, True)


ANSWERS = {
    "usual": EXAMPLE,
    "nothing": answer(source(requests()), Selection(last=9), parse(""), NOW, Freshness(None, None, 0)),
    "no match": answer(source(many(success=3)), Selection(agent="x"), parse(""), NOW, Freshness(NOW, NOW, 1)),
    "sampled": answer(
        source(requests(*[{"sample_rate": 0.3}] * 40, {"execution_time_ms": 7000.0})),
        Selection(last=99), parse(""), NOW, Freshness(NOW, NOW, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("found", ANSWERS.values(), ids=ANSWERS.keys())
def test_what_was_sent_is_what_is_received(found):
    assert from_json(json.loads(json.dumps(to_json(found)))) == found
