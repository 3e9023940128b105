"""The server killed at random moments while it reads: nothing lost, nothing twice.

BURNLINE_KILLS and BURNLINE_KILL_LINES make the campaign longer; 20 kills over 200,000 lines is the one we publish.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from core.selection import Selection
from core.timespan import utc_now
from loaders.store import Store

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("BURNLINE_KILLS", "2"))
LINES = int(os.environ.get("BURNLINE_KILL_LINES", "30000"))
FILES = 4
START = datetime(2026, 11, 23, tzinfo=UTC)


def line(seq):
    """One request that no other line equals; every hundredth is cut off in the middle of its JSON."""
    record = {"v": 1, "kind": "request", "request_id": f"r{seq}", "status": "success", "agent_id": "planner"}
    record |= {"timestamp": (START + timedelta(milliseconds=seq)).isoformat(), "execution_time_ms": 900.5 + seq % 7}
    text = json.dumps(record)
    return (text[: len(text) // 2] if seq % 100 == 99 else text) + "\n"


class Server:
    """`streamlit run app.py` over one inbox, as often as it is killed."""

    def __init__(self, folder):
        self.inbox, self.store = folder / "logs", folder / "s.duckdb"
        self.inbox.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.env = os.environ | {
            "BURNLINE_INBOX": str(self.inbox),
            "BURNLINE_STORE": str(self.store),
            "BURNLINE_STATE": str(folder / "s.sqlite"),
            "BURNLINE_CONFIG": str(folder / "none.yaml"),
        }
        self.log = folder / "server.log"

    def start(self):
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        while True:
            assert self.process.poll() is None, self.log.read_text("utf-8")
            try:
                return httpx.get(f"http://localhost:{self.port}/healthz", timeout=30)
            except httpx.TransportError:
                continue

    def kill_after(self, seconds):
        """Let it live for so long, unless it dies by itself; then kill it."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        else:
            raise AssertionError(self.log.read_text("utf-8"))

    def totals(self):
        """The sums of the account."""
        return httpx.get(f"http://localhost:{self.port}/api/v1/status", timeout=30).json()["totals"]

    def stop(self):
        """Ask it to end, and wait for it."""
        self.process.terminate()
        self.process.wait(30)


def test_a_server_killed_while_it_reads_loses_nothing_and_doubles_nothing(tmp_path):
    """After every kill the account continues where the last commit ended; at the end every line is there once."""
    chance = random.Random(20261124)
    server, share = Server(tmp_path), LINES // (KILLS + 1)
    written = 0

    def write(until):
        nonlocal written
        files = [(server.inbox / f"w{number}.jsonl").open("a", encoding="utf-8") for number in range(FILES)]
        for seq in range(written, until):
            files[seq % FILES].write(line(seq))
        for file in files:
            file.close()
        written = until

    write(share)
    for _ in range(KILLS):
        server.start()
        write(min(LINES, written + share))
        server.kill_after(chance.uniform(0, 0.8))
    server.start()
    write(LINES)
    while (totals := server.totals())["lines"] < LINES:
        assert server.process.poll() is None, server.log.read_text("utf-8")
    server.stop()
    broken = LINES // 100
    assert (totals["stored"], totals["quarantined"], totals["duplicates"], totals["blank"]) == (
        LINES - broken,
        broken,
        0,
        0,
    )
    assert totals["offset"] == sum(path.stat().st_size for path in server.inbox.iterdir())
    with Store.open(server.store, clock=utc_now) as store:
        found = store.requests(Selection(), ("request_id",))["request_id"].to_list()
    assert len(found) == len(set(found))
    assert set(found) == {f"r{seq}" for seq in range(LINES) if seq % 100 != 99}
