"""A dashboard of its own for the tests of this folder: the real server over a folder of known requests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Server:
    """A dashboard of its own: where it answers, and the folder it reads."""

    url: str
    inbox: Path

    def append(self, *records: dict[str, object], file: str = "live.jsonl") -> None:
        with (self.inbox / file).open("a", encoding="utf-8") as out:
            out.write("".join(json.dumps(record) + "\n" for record in records))


def request(number: int, at: datetime, status: str = "success", **more: object) -> dict[str, object]:
    """One version 1 line."""
    took = 8000.0 if status == "timeout" else 400.0 + number * 37 % 3100
    return {
        "v": 1, "kind": "request", "request_id": f"r{number}-{at.timestamp()}", "timestamp": at.isoformat(), "status": status,
        "execution_time_ms": took, "agent_id": "search", "operation": "answer", "model": "atlas", **more,
    }  # fmt: skip


def day(count: int = 2400) -> list[dict[str, object]]:
    """The last 24 hours: three agents, and planner timing out in the last hour."""
    rng, end = Random(7), datetime.now(UTC)
    records = []
    for number in range(count):
        at = end - timedelta(hours=24) * (1 - number / count)
        agent = rng.choice(("planner", "search", "pricing"))
        late = agent == "planner" and end - at < timedelta(hours=1) and rng.random() < 0.5
        records.append(request(number, at, "timeout" if late else "success", agent_id=agent))
    return records


@contextmanager
def serving(folder: Path, records: list[dict[str, object]], settings: str = "language: en\n") -> Iterator[Server]:
    """Run `streamlit run app.py` over these records until the block ends."""
    inbox = folder / "logs"
    inbox.mkdir()
    (folder / "burnline.yaml").write_text(settings, "utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(f"http://127.0.0.1:{port}", inbox)
    if records:
        server.append(*records, file="day.jsonl")
    places = {"CONFIG": "burnline.yaml", "INBOX": "logs", "STORE": "b.duckdb", "STATE": "b.sqlite"}
    env = os.environ | {f"BURNLINE_{name}": str(folder / path) for name, path in places.items()}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        _answers(server.url, process, folder / "server.log")
        yield server
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Come back when the server answers at all; a 503 (no data yet) is an answer."""
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=30).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            continue
        else:
            return
    raise AssertionError(f"the server ended with {process.returncode}:\n{log.read_text('utf-8', 'replace')[-3000:]}")
