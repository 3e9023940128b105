"""Freshness: a line appended to a live file -> the number changed in an open browser, without a reload.

The peer of this claim is the eye: the page refreshes itself, nothing is clicked. Prints p50 and p95 over the tries.
"""

from __future__ import annotations

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import click
import httpx
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = "/usr/bin/chromium"


def line(status: str) -> str:
    now = datetime.now(UTC).isoformat()
    record = {"v": 1, "kind": "request", "request_id": uuid.uuid4().hex, "timestamp": now, "status": status}
    record |= {"execution_time_ms": 8000.0 if status == "timeout" else 900.0, "agent_id": "planner"}
    return json.dumps(record) + "\n"


def append(path: Path, lines: list[str]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(lines))


def timeouts_shown(text: str) -> int | None:
    found = re.search(r"([\d,]+) of the last 1,000 requests", text)
    return int(found[1].replace(",", "")) if found else None


def queryable(url: str, expected: int) -> float:
    """Seconds until the API counts `expected` timeouts."""
    start = time.perf_counter()
    while httpx.get(f"{url}/api/v1/summary").json()["timeout"] != expected:
        pass
    return time.perf_counter() - start


@click.command()
@click.option("--tries", default=20, show_default=True)
def main(tries: int) -> None:
    """Append 10 timeouts to a live file and wait for the open page, so many times."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        inbox = Path(folder, "logs")
        inbox.mkdir()
        live = inbox / "live.jsonl"
        append(live, [line("success") for _ in range(2000)])
        env = os.environ | {
            "BURNLINE_INBOX": str(inbox),
            "BURNLINE_STORE": f"{folder}/s.duckdb",
            "BURNLINE_STATE": f"{folder}/s.sqlite",
            "BURNLINE_CONFIG": f"{folder}/none.yaml",
        }
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            measure(url, live, tries)
        finally:
            server.terminate()
            server.wait(30)


def measure(url: str, live: Path, tries: int) -> None:
    while True:
        try:
            if httpx.get(f"{url}/api/v1/summary").json().get("requests") == 1000:
                break
        except (httpx.TransportError, ValueError):
            continue
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*flags, "--disable-sync"])
        page = browser.new_page(viewport={"width": 1440, "height": 950})
        page.goto(f"{url}/?lang=en")
        shown = "document.querySelector('[data-testid=stMain]')?.innerText || ''"
        page.wait_for_function(f"/of the last 1,000 requests/.test({shown})", timeout=60_000)
        delays, api = [], []
        for attempt in range(1, tries + 1):
            expected = attempt * 10
            start = time.perf_counter()
            append(live, [line("timeout") for _ in range(10)])
            page.wait_for_function(f"/^{expected} of the last 1,000 requests/m.test({shown})", timeout=30_000)
            delays.append(time.perf_counter() - start)
            page.wait_for_timeout(137 * (attempt % 8))  # so that tries do not march in step with the page's own beat
        for attempt in range(1, tries + 1):
            append(live, [line("timeout")])
            api.append(queryable(url, tries * 10 + attempt))
        browser.close()
    for name, values in (("appended -> on the page", delays), ("appended -> queryable", api)):
        ordered = sorted(values)
        p95 = statistics.quantiles(ordered, n=20, method="inclusive")[-1]
        print(f"{name}: p50 {statistics.median(ordered):.2f} s, p95 {p95:.2f} s, worst {ordered[-1]:.2f} s")


if __name__ == "__main__":
    main()
