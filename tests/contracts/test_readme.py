"""The README cannot lie: its commands and its Python run here, as a newcomer would run them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line.split("#")[0].strip() for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]
RUN, OWN_FOLDER = (command for command in COMMANDS if command.endswith("make run"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The tracked files alone, as a fresh clone has them, with the environment already filled."""
    clone = tmp_path_factory.mktemp("clone")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, tracked.decode().split("\0")):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    (clone / ".venv").symlink_to(Path(sys.prefix))
    os.utime(clone / "requirements.lock", (0, 0))
    return clone


def environment(**more):
    """The shell of somebody who has set nothing up, with our Python first on the path."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("BURNLINE_", "STREAMLIT_"))}
    return {**clean, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **more}


@contextmanager
def serving(checkout, command):
    """The dashboard behind a README command, on a free port; yields its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        ["bash", "-c", command], cwd=checkout, env=environment(PORT=str(port)), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while True:
            assert server.poll() is None, server.stdout.read()
            assert time.monotonic() < deadline, "the dashboard did not answer within a minute"
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=1)
                break
            except httpx.TransportError:
                server_is_down = server.poll() is not None
                assert not server_is_down, server.stdout.read()
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.communicate(timeout=30)


def test_it_stays_short():
    """A README of 150 lines is a manual."""
    assert len(README.splitlines()) < 150


def test_every_link_leads_somewhere():
    """Relative links and pictures exist in the checkout."""
    targets = [t for t in re.findall(r"\]\(([^)#]+)", README) if "://" not in t]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_no_command_goes_untested():
    """A new command in the README needs a test here."""
    ours = {RUN, OWN_FOLDER, "make test", "pip install -e '.[dashboard]'", "export BURNLINE_STORE=data/try.duckdb"}
    assert [c for c in COMMANDS if c not in ours and not c.startswith("python -m ")] == []


def test_make_run_serves_a_living_sample(checkout):
    """In a fresh clone one command gives numbers, without a file of the user's."""
    with serving(checkout, RUN) as url:
        deadline = time.monotonic() + 60
        found = 0
        while found < 1000 and time.monotonic() < deadline:
            found = httpx.get(f"{url}/api/v1/summary", timeout=30).json()["requests"]
        assert found == 1000


def test_your_own_folder_is_read(checkout, tmp_path):
    """The command that names a folder watches that folder and no other."""
    inbox, store = tmp_path / "inbox", tmp_path / "store" / "store.duckdb"
    shutil.copytree(ROOT / "sample_logs" / "small", inbox)
    command = OWN_FOLDER.replace("/var/log/myservice", str(inbox)).replace("/var/lib/burnline/store.duckdb", str(store))
    assert str(inbox) in command
    assert str(store) in command
    with serving(checkout, f"{command}"), httpx.Client(timeout=30) as _:
        assert store.exists()


def test_make_test_is_what_ci_runs():
    """One test command, for a newcomer and for CI."""
    assert "make test" in COMMANDS
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    dry = subprocess.run(
        ["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True, env=environment()
    )
    assert "-m pytest" in dry.stdout


def test_an_own_environment_needs_nothing_that_is_not_locked(checkout):
    """`pip install -e '.[dashboard]'` asks for what requirements.lock provides."""
    command = "python -m pip install --dry-run --no-index --no-build-isolation -e '.[dashboard]'"
    result = subprocess.run(
        ["bash", "-c", command], cwd=checkout, capture_output=True, text=True, check=False, env=environment()
    )
    assert result.returncode == 0, result.stdout + result.stderr
    wanted = re.search(r"Would install (.*)", result.stdout)
    assert [name for name in wanted[1].split() if not name.startswith("burnline-")] == []


def test_the_commands_answer_without_a_dashboard(checkout, tmp_path):
    """Every `python -m` line of the README works on a fresh store, in the order shown."""
    lines = [command for command in COMMANDS if command.startswith(("python -m ", "export "))]
    assert len(lines) == 6
    script = "set -e\n" + "\n".join(lines)
    env = environment(BURNLINE_STATE=str(tmp_path / "s.sqlite"), BURNLINE_INBOX=str(tmp_path))
    result = subprocess.run(["bash", "-c", script], cwd=checkout, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert not (checkout / "data" / "burnline.duckdb").exists()


def test_two_lines_in_a_service_write_one_line_a_request(tmp_path, monkeypatch):
    """The FastAPI snippet, run as it stands, and one request."""
    monkeypatch.chdir(tmp_path)
    script = PYTHON[0] + (
        "\nfrom fastapi.testclient import TestClient\n"
        "app.get('/hello')(lambda: 'hi')\n"
        "assert TestClient(app).get('/hello').status_code == 200\n"
        "assert burnline.flush(5)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=environment(PYTHONPATH=str(ROOT)), cwd=tmp_path)
    lines = [
        json.loads(line)
        for path in (tmp_path / "logs").glob("*.jsonl")
        for line in path.read_text("utf-8").splitlines()
    ]
    assert [(line["kind"], line["status"], line["service"]) for line in lines] == [("request", "success", "api")]


def test_the_guard_snippet_runs():
    """The second snippet is Python that does what the text says."""
    namespace = {}
    exec(compile(PYTHON[1], "README.md", "exec"), namespace)
    assert asyncio.run(namespace["short_answer"]("?")).startswith("Still working")
    assert asyncio.run(namespace["answer"]("?")) is None
