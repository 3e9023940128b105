"""How fast the dashboard is for its visitors over millions of requests, beside a page written in an afternoon.

The store is that of `benchmarks.overview`. Everything goes through a server of its own on a free port, as a browser or
the browser's protocol does it: a run is timed from the message that asks for it to the one that says it is finished.
`cold` is the first visit after a start, painted to the last chart in Chromium; a rerun has all it reads kept; a change
of filter has nothing kept, and its charts come before the reasons. Tabs ask for a run every five seconds each, at
moments spread evenly.

    python -m benchmarks.pages                       2 and 10 million requests
    python -m benchmarks.pages --minutes 30          the tabs for half an hour, as the promise says

The peer is `benchmarks/plain_overview.py`: the same tiles, charts and table as one script with pandas and no cache,
over the same rows in one Parquet file, served by the same Streamlit.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import duckdb
import httpx
from playwright.sync_api import sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.overview import MILLION, make_store

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
TABS, EVERY_S = 100, 5.0
RERUNS = 40
PAINTED = "document.querySelectorAll('[data-testid=stVegaLiteChart] :is(canvas, svg.marks)').length >= 8"


@contextmanager
def serving(script: str, env: dict[str, str]) -> Iterator[tuple[str, int, float]]:
    """A Streamlit server; yields its address, its process id and the seconds from its start to its first answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        script,
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]
    began = time.perf_counter()
    server = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        while True:
            try:
                httpx.get(url, timeout=30).raise_for_status()
                break
            except httpx.HTTPError:
                if server.poll() is not None:
                    raise RuntimeError(f"{script} ended with {server.returncode}") from None
        yield url, server.pid, time.perf_counter() - began
    finally:
        server.terminate()
        server.wait(30)


class Tab:
    """A browser's tab without the browser: it asks for runs and waits for their end."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire, self._page = wire, ""
        self.charted = 0.0
        """Milliseconds until the last chart of the last run had come."""

    async def run(self, page: str = "", **query: str) -> float:
        """Milliseconds of one run of a page with this query string."""
        asked = BackMsg()
        asked.rerun_script.query_string = urlencode(query)
        asked.rerun_script.page_name = page
        if not page:
            asked.rerun_script.page_script_hash = self._page
        began = time.perf_counter()
        await self._wire.send(asked.SerializeToString())
        while True:
            told = ForwardMsg.FromString(await self._wire.recv())
            kind = told.WhichOneof("type")
            if kind == "delta" and told.delta.new_element.WhichOneof("type") == "vega_lite_chart":
                self.charted = (time.perf_counter() - began) * 1000
            if kind == "new_session":
                self._page = told.new_session.page_script_hash
            if kind == "script_finished":
                return (time.perf_counter() - began) * 1000


async def tab(url: str) -> Tab:
    """Open one."""
    address = f"{url.replace('http', 'ws')}/_stcore/stream"
    return Tab(await connect(address, subprotocols=["streamlit"], max_size=None, origin=url))


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


async def runs(url: str) -> dict[str, float]:
    """Reruns, changes of filter, and the first rows of the Requests page."""
    one = await tab(url)
    await one.run(range="30d", lang="en")
    again = [await one.run(range="30d", lang="en") for _ in range(RERUNS)]
    changed, charted = [], []
    for number in range(12):
        for name in ("30d", "24h"):
            changed.append(await one.run(range=name, lang="en", agent=f"agent-{number}"))
            charted.append(one.charted)
    rows = [await (await tab(url)).run("requests", range="30d", lang="en", agent=f"agent-{n}") for n in range(12)]
    return {
        "rerun, all kept, p50": statistics.median(again),
        "another agent or range, to the last chart, p50": statistics.median(charted),
        "another agent or range, to the last chart, p95": p95(charted),
        "... to the end of the run, why included, p95": p95(changed),
        "Requests, first rows of one agent, p95": p95(rows),
    }


async def crowd(url: str, seconds: float) -> tuple[float, float]:
    """p50 and p95 in milliseconds of the runs of all tabs."""
    tabs = [await tab(url) for _ in range(TABS)]
    for each in tabs:
        await each.run(lang="en")
    taken: list[float] = []
    until = time.perf_counter() + seconds

    async def refresh(each: Tab, delay: float) -> None:
        await asyncio.sleep(delay)
        while time.perf_counter() < until:
            taken.append(await each.run(lang="en"))
            await asyncio.sleep(max(0.0, EVERY_S - taken[-1] / 1000))

    await asyncio.gather(*(refresh(each, EVERY_S * place / TABS) for place, each in enumerate(tabs)))
    return statistics.median(taken), p95(taken)


def resident_mb(pid: int) -> float:
    """Memory of a process, in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} is gone")


def painted(url: str, charts: str = PAINTED) -> list[float]:
    """Seconds of a visit and of the next one in another tab, until the last chart is painted."""
    taken = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        window = browser.new_context(viewport={"width": 1440, "height": 950})
        for _ in range(2):
            page = window.new_page()
            began = time.perf_counter()
            page.goto(url)
            page.wait_for_function(charts, timeout=300_000)
            taken.append(time.perf_counter() - began)
            page.close()
        browser.close()
    return taken


def measure(store: Path, folder: Path, minutes: float) -> None:
    """Print one store's figures."""
    (folder / "logs").mkdir(exist_ok=True)
    env = {f"BURNLINE_{name}": str(folder / path) for name, path in
           {"INBOX": "logs", "STATE": "state.sqlite", "CONFIG": "none.yaml"}.items()}  # fmt: skip
    env["BURNLINE_STORE"] = str(store)
    with serving("app.py", env):
        pass  # what a first start after an upgrade does, it does here
    found: dict[str, str] = {}
    starts = []
    for _ in range(3):
        with serving("app.py", env) as (url, pid, start):
            starts.append(start)
            cold, warm = painted(f"{url}/?range=30d&lang=en")
    found["start to the first 200 (median of 3)"] = f"{statistics.median(starts):.1f} s"
    found["first Overview, 30 d, cold"] = f"{cold:.1f} s"
    found["the next one, warm"] = f"{warm:.1f} s"
    with serving("app.py", env) as (url, pid, _):
        for name, taken in asyncio.run(runs(url)).items():
            found[name] = f"{taken:.0f} ms"
        before = resident_mb(pid)
        half, most = asyncio.run(crowd(url, minutes * 60))
        found[f"{TABS} tabs, a run every {EVERY_S:.0f} s each, p50 / p95"] = f"{half:.0f} / {most:.0f} ms"
        found[f"memory before / after {minutes:g} min of it"] = f"{before:.0f} / {resident_mb(pid):.0f} MB"
    rows = folder / "rows.parquet"
    with duckdb.connect(str(store), read_only=True) as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute(
            "COPY (SELECT timestamp, execution_time_ms, status, agent_id FROM records WHERE kind = 'request') "
            f"TO '{rows}' (FORMAT parquet)"
        )
    with serving("benchmarks/plain_overview.py", {"ROWS": str(rows)}) as (url, _, start):
        cold, warm = painted(url)
        peer = {"start to the first 200 (median of 3)": f"{start:.1f} s"}
        peer |= {"first Overview, 30 d, cold": f"{cold:.1f} s", "the next one, warm": f"{warm:.1f} s"}
        peer["rerun, all kept, p50"] = f"{asyncio.run(plain_rerun(url)):.0f} ms"
    print("\n| | Burnline | plain script |\n|---|---|---|")
    for name, value in found.items():
        print(f"| {name} | {value} | {peer.get(name, '')} |", flush=True)


async def plain_rerun(url: str) -> float:
    """The peer keeps nothing: every run is the same."""
    one = await tab(url)
    await one.run()
    return statistics.median([await one.run() for _ in range(5)])


def main() -> None:
    """Measure stores of 2 and 10 million requests."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=2.0, help="how long the tabs refresh (default 2)")
    parser.add_argument("--millions", type=int, nargs="+", default=[2, 10], help="sizes of the stores")
    arguments = parser.parse_args()
    for millions in arguments.millions:
        with tempfile.TemporaryDirectory(prefix="burnline-pages-") as temporary:
            store = Path(temporary, "burnline.duckdb")
            make_store(store, millions * MILLION)
            print(f"\n{millions} million requests over 30 days")
            measure(store, Path(temporary), arguments.minutes)


if __name__ == "__main__":
    main()
