"""`python -m loaders`: reads, accounts, and asks the dashboard while that holds the store."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from filling import line

from core.timespan import utc_now
from loaders.__main__ import cli
from loaders.report import SUMS, quarantine_report, status_report
from loaders.store import Store
from loaders.watch import Watcher

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command in an empty folder: (exit status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "INBOX", "STORE", "STATE"):
        monkeypatch.delenv(f"BURNLINE_{name}", raising=False)

    def command(*words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(cli, words)
        return result.exit_code, result.stdout, result.stderr

    return command


def test_a_folder_is_read_and_accounted_for_in_a_table(run, tmp_path):
    logs = tmp_path / "old"
    logs.mkdir()
    (logs / "a.jsonl").write_bytes(line() + b"\n" + line() + line(status="lost"))
    (logs / "b.jsonl.gz").write_bytes(gzip.compress(line() * 2))
    status, out, err = run("ingest", "old")
    assert (status, err) == (1, "")
    rows = [text.split() for text in out.splitlines()]
    assert rows[0] == ["file", "format", "state", "lines", "stored", "quarantined", "duplicates", "blank"]
    assert rows[1] == ["old/a.jsonl", "v1", "open", "4", "2", "1", "0", "1"]
    assert rows[2] == ["old/b.jsonl.gz", "v1", "done", "2", "1", "0", "1", "0"]
    assert rows[3] == ["2", "files", "6", "3", "1", "1", "1"]
    assert run("ingest", "old")[1] == out, "what was read is not read again"
    assert run("status")[:2] == (1, out)


def test_the_json_of_status_has_exactly_the_promised_names(run, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(line() * 3)
    assert run("ingest", "a.jsonl")[0] == 0
    status, out, _ = run("status", "--json")
    report = json.loads(out)
    assert status == 0
    assert set(report) == {"files", "totals", "mode", "lag_s", "notes"}
    (row,) = report["files"]
    assert set(row) == {"path", "format", "state", *SUMS}
    assert report["totals"] == {name: row[name] for name in SUMS}
    assert (row["lines"], row["stored"], row["duplicates"]) == (3, 1, 2)
    assert row["bytes"] == row["offset"] == (tmp_path / "a.jsonl").stat().st_size
    assert (report["mode"], report["lag_s"]) == ("stopped", None)


def test_what_cannot_be_read_is_told_and_is_a_finding(run, tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "picture.jsonl").write_bytes(bytes(range(256)) * 9)
    (logs / "half.jsonl").write_bytes(b'{"half')
    os.mkfifo(logs / "pipe.jsonl")
    status, out, _ = run("ingest", "logs", "--json")
    notes = json.loads(out)["notes"]
    assert status == 1
    assert [note.removeprefix(f"{logs}/") for note in sorted(notes)] == [
        "half.jsonl: 6 bytes without a newline",
        "picture.jsonl: a binary file: 242 of its first 2,303 bytes are control characters",
        "pipe.jsonl: not a regular file (a pipe, socket or device)",
    ]


def test_refused_lines_are_shown_and_cannot_steer_the_terminal(run, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"\x1b[2Jred\xe2\x80\xae[bold]":1\n' + line(execution_time_ms=-1))
    run("ingest", "a.jsonl")
    status, out, _ = run("quarantine")
    assert status == 1
    assert "\x1b" not in out
    assert r'{"\x1b[2Jred\u202e[bold]":1' in out
    assert "negative" in out
    report = json.loads(run("quarantine", "--json", "--limit", "1")[1])
    assert report["counts"] == {"invalid_json": 1, "negative": 1}
    assert [(found["line"], found["reason"]) for found in report["lines"]] == [(2, "negative")]


def test_nothing_refused_is_no_finding(run, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(line())
    run("ingest", "a.jsonl")
    assert run("quarantine") == (0, "No line was refused.\n", "")


WRONG_USE = {
    "no path": (["ingest"], "Missing argument"),
    "a path where nothing is": (["ingest", "nothing"], "nothing: No such file or directory"),
    "an empty folder": (["ingest", "empty"], "no files below empty"),
    "no store yet": (["status"], "there is no store at"),
    "no such command": (["swallow"], "No such command"),
}


@pytest.mark.parametrize("case", WRONG_USE)
def test_wrong_use_says_what_to_do_and_exits_with_2(run, tmp_path, case):
    (tmp_path / "empty").mkdir()
    words, said = WRONG_USE[case]
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert said in err
    assert not (tmp_path / "data").exists()


# while the dashboard holds the store


@contextmanager
def dashboard(folder: Path):
    """What a running dashboard is to a command: the store's lock, a note beside it, two routes, and a watcher."""
    with Store.open(folder / "data" / "burnline.duckdb", clock=utc_now) as store:
        watcher = Watcher(store, folder / "logs", clock=utc_now)

        class Routes(BaseHTTPRequestHandler):
            def do_GET(self):
                reports = {"status": lambda: status_report(store, watcher.mode, watcher.lag(utc_now()))}
                reports["quarantine"] = lambda: quarantine_report(store)
                body = json.dumps(reports[self.path.removeprefix("/api/v1/").partition("?")[0]]()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Routes)
        thread = threading.Thread(target=server.serve_forever)
        note = {"pid": os.getpid(), "url": f"http://127.0.0.1:{server.server_port}"}
        (folder / "data" / "burnline.duckdb.owner.json").write_text(json.dumps(note))
        watcher.start()
        thread.start()
        try:
            yield watcher
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            watcher.stop()


def elsewhere(folder: Path, *words: str) -> tuple[int, dict]:
    """A command in a process of its own; the lock is between processes."""
    done = subprocess.run(
        [sys.executable, "-m", "loaders", *words, "--json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_files_go_through_the_inbox_of_the_dashboard_that_holds_the_store(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(line() + line() + line()[:-1])
    (tmp_path / "b.gz").write_bytes(gzip.compress(line(status="lost") + line()))
    (tmp_path / "half.jsonl").write_bytes(b'{"half')
    with dashboard(tmp_path) as watcher:
        (watcher.inbox / "a.jsonl").write_bytes(line())
        status, report = elsewhere(tmp_path, "ingest", "a.jsonl", "b.gz", "half.jsonl")
        account = {Path(row["path"]).name: (row["state"], row["lines"], row["stored"]) for row in report["files"]}
        assert account == {"a-2.jsonl": ("open", 3, 3), "b.gz": ("done", 2, 1), "half.jsonl": ("open", 0, 0)}
        assert status == 1
        assert report["notes"] == [f"{watcher.inbox}/half.jsonl: 6 bytes without a newline"]
        assert sorted(path.name for path in watcher.inbox.iterdir()) == ["a-2.jsonl", "a.jsonl", "b.gz", "half.jsonl"]
        again = elsewhere(tmp_path, "ingest", "a.jsonl")[1]
        assert again["files"] == [row for row in report["files"] if row["path"].endswith("a-2.jsonl")]
        status, report = elsewhere(tmp_path, "status")
        assert (status, report["totals"]["lines"], report["mode"]) == (1, 6, "events")
        assert elsewhere(tmp_path, "quarantine")[1]["counts"] == {"unknown_status": 1}


def test_a_lock_without_a_note_names_the_process(tmp_path):
    with Store.open(tmp_path / "data" / "burnline.duckdb", clock=utc_now):
        (tmp_path / "a.jsonl").write_bytes(line())
        for words in (["ingest", "a.jsonl"], ["status"]):
            done = subprocess.run(
                [sys.executable, "-m", "loaders", *words],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.returncode, done.stdout) == (1, "")
            assert f"is in use by process {os.getpid()}" in done.stderr
