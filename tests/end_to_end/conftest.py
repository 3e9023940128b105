"""One run of a real service and its clients, shared by every test that counts."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from surfaces import command
from visitors import Visit, visit

from core.places import Places

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REQUESTS, CONNECTIONS = 2000, 50
SETTINGS = "limits: {api_timeout: 300ms, graph_timeout: 300ms}\n"


@contextmanager
def service(folder: Path):
    """The service's address while it runs; it is stopped as a server is, by SIGTERM."""
    logs = folder / "logs"
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening, (folder / "service.txt").open("wb") as said:
        words = ["-m", "uvicorn", "service_app:app", "--app-dir", HERE, "--fd", str(listening.fileno())]
        process = subprocess.Popen(
            [sys.executable, *words, "--no-access-log", "--log-level", "critical", "--timeout-keep-alive", "60"],
            cwd=folder,
            env=os.environ | {"SERVICE_LOGS": str(logs), "PYTHONPATH": str(ROOT)},
            pass_fds=[listening.fileno()],
            stderr=said,
        )
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


@dataclass(frozen=True)
class Day:
    """What clients got, the installation that has read the service's logs, and its account of them."""

    visits: list[Visit]
    places: Places
    account: dict[str, Any]


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    for _ in range(3):
        folder = tmp_path_factory.mktemp("service")
        with service(folder) as address:
            visits = asyncio.run(visit(address, REQUESTS, CONNECTIONS))
        if not any(visit.doubtful for visit in visits):
            break
    else:
        pytest.fail("three times an answer took the limit to within 5 ms: the machine is too busy to tell")
    places = Places(folder / "burnline.yaml", folder / "logs", folder / "b.duckdb", folder / "b.sqlite")
    places.config.write_text(SETTINGS, "utf-8")
    return Day(visits, places, command(places, "loaders", "ingest", str(places.inbox), "--json"))
