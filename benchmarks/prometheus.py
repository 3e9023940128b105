"""Beside a real Prometheus: the same hour of traffic through our `/metrics` into it, and through Burnline.

Traffic is generated from a seed, so the truth is known: durations as they would have been without a limit, and which
requests were cut. Lines are appended to a log file and read by the watcher; every 15 s of that time the text of
`/metrics` is taken as a scrape would. The scrapes become a Prometheus database (`promtool tsdb create-blocks-from
openmetrics`) that a real Prometheus answers from, as of the end of the hour: an hour takes no hour. No request crosses
an edge of the hour, so that both count the same ones. The same seed gives the same figures: there is nothing to repeat.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import httpx
import numpy as np

from core.selection import Selection
from core.settings import parse
from core.timespan import TimeSpan
from loaders.store import Store
from loaders.watch import Watcher
from metrics.answer import answer
from metrics.exposition import EDGES_MS, prometheus_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from metrics.values import Summary

HOUR, SCRAPE_S = 3600.0, 15.0
LIMIT_MS = 8000.0
BEGIN = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
"""The hour that is asked about begins one hour later; what ran before it began here."""
AGENTS, SHARES = ("planner", "writer", "search", "critic", "router"), (0.4, 0.3, 0.15, 0.1, 0.05)

QUERIES = {
    "timeouts": "sum(increase(api_timeout_total[1h]))",
    "timeout rate, %": "100 * sum(rate(api_timeout_total[1h])) / sum(rate(api_requests_total[1h]))",
    "timeouts in the last 1,000": "1000 * sum(increase(api_timeout_total[1h])) / sum(increase(api_requests_total[1h]))",
    "failed (5xx), %": "100 * sum(rate(api_errors_total[1h])) / sum(rate(api_requests_total[1h]))",
    **{
        f"{name}, s": f"histogram_quantile({share}, sum by (le) (rate(api_duration_seconds_bucket[1h])))"
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    },
}
BY_AGENT = "sum by (agent_id) (increase(api_timeout_total[1h]))"


PATTERNS = ("steady", "bursty", "low")
RESTART = 1.5 * HOUR + 7
"""When the counters of the third history begin at 0 again, as those kept in a process do."""


class Answer(NamedTuple):
    """A number, and whether it is said to be a lower bound."""

    value: float
    at_least: bool = False


@dataclass(frozen=True)
class Traffic:
    """Requests in the order they end. Seconds count from BEGIN; `true_ms` is what a cut request would have taken."""

    start: np.ndarray
    end: np.ndarray
    true_ms: np.ndarray
    took_ms: np.ndarray
    status: np.ndarray
    agent: np.ndarray

    def only(self, rows: np.ndarray) -> Traffic:
        return Traffic(*(values[rows] for values in vars(self).values()))

    def lines(self) -> list[str]:
        """One line each, as the helper writes them."""
        found = []
        for place in range(len(self.start)):
            status = str(self.status[place])
            record = {
                "v": 1, "kind": "request", "request_id": f"r{self.start[place]:.6f}-{place}", "status": status,
                "timestamp": (BEGIN + timedelta(seconds=float(self.start[place]))).isoformat(),
                "execution_time_ms": float(self.took_ms[place]), "agent_id": str(self.agent[place]),
                "operation": "answer",
            }  # fmt: skip
            if status == "timeout":
                record |= {"error_code": "API_TIMEOUT", "timeout_type": "API_TIMEOUT", "timeout_ms": LIMIT_MS}
            if status == "failed":
                record["error_code"] = "UPSTREAM_503"
            found.append(json.dumps(record) + "\n")
        return found


def poisson(rng: np.random.Generator, start: float, end: float, per_s: float) -> np.ndarray:
    return rng.uniform(start, end, rng.poisson((end - start) * per_s))


def traffic(pattern: str, seed: int) -> Traffic:
    """Two hours. Durations are log-normal around 1.2 s, and around 5 s in the bursts; 1 % fail."""
    rng = np.random.default_rng([seed, PATTERNS.index(pattern)])
    if pattern == "bursty":
        bursts = [poisson(rng, at, at + 8, 60) for at in np.sort(rng.uniform(0, 2 * HOUR - 60, 16))]
        calm, busy = poisson(rng, 0, 2 * HOUR, 1), np.concatenate(bursts)
        start = np.concatenate([calm, busy])
        median = np.concatenate([np.full(len(calm), 1200.0), np.full(len(busy), 5000.0)])
        true_ms = median * rng.lognormal(0, 0.7, len(start))
    else:
        start = poisson(rng, 0, 2 * HOUR, {"steady": 10, "low": 80 / HOUR}[pattern])
        true_ms = 1200.0 * rng.lognormal(0, 0.95, len(start))
    cut = true_ms > LIMIT_MS
    took = np.where(cut, LIMIT_MS + rng.uniform(0.5, 12, len(start)), true_ms)
    failed = ~cut & (rng.random(len(start)) < 0.01)
    status = np.where(cut, "timeout", np.where(failed, "failed", "success"))
    end = start + took / 1000
    found = Traffic(start, end, true_ms, took, status, rng.choice(AGENTS, len(start), p=SHARES))
    crossing = (found.start < HOUR) & (found.end >= HOUR) | (found.end >= 2 * HOUR)
    found = found.only(~crossing)
    return found.only(np.argsort(found.end))


def scrape(store: Store, now: datetime) -> str:
    """What `/metrics` says at `now`."""
    settings = parse("")
    hour = answer(store, Selection(TimeSpan.last(timedelta(hours=1), now)), settings, now, store.freshness())
    return prometheus_text(
        store.cube(LIMIT_MS, EDGES_MS), hour, quarantined=store.quarantine_counts(), limit_ms=LIMIT_MS
    )


@contextmanager
def watched(folder: Path, clock: list[datetime]) -> Iterator[tuple[Store, Watcher]]:
    inbox = folder / "logs"
    inbox.mkdir(parents=True)
    with Store.open(folder / "store.duckdb", clock=lambda: clock[0]) as store:
        watcher = Watcher(store, inbox, clock=lambda: clock[0], polling=True)
        yield store, watcher
        watcher.stop()


def scrapes(folder: Path, found: Traffic, times: Sequence[float]) -> tuple[list[tuple[float, str]], dict[str, Answer]]:
    """The text of `/metrics` at these times, and what Burnline answers at the end of the hour.

    Lines arrive in the log as requests end; the watcher reads them before each scrape, and once more at the end.
    """
    lines, clock, texts = found.lines(), [BEGIN], []
    with watched(folder, clock) as (store, watcher), (folder / "logs" / "api.jsonl").open("a") as log:
        done = 0
        for at in (*times, 2 * HOUR):
            clock[0] = BEGIN + timedelta(seconds=at)
            ended = int(np.searchsorted(found.end, at))
            log.writelines(lines[done:ended])
            log.flush()
            done = ended
            watcher.scan_once()
            texts.append((at, scrape(store, clock[0])))
        return texts[: len(times)], burnline(store, clock[0])


def openmetrics(texts: Sequence[tuple[float, str]], path: Path) -> None:
    """All scrapes as one OpenMetrics file: the same samples, each with the time of its scrape."""
    with path.open("w", encoding="utf-8") as file:
        for at, text in texts:
            stamp = BEGIN.timestamp() + at
            file.writelines(f"{line} {stamp:.3f}\n" for line in text.splitlines() if not line.startswith("#"))
        file.write("# EOF\n")


@contextmanager
def prometheus(folder: Path, source: Path) -> Iterator[str]:
    """The address of a real Prometheus over these samples."""
    data, config = folder / "tsdb", folder / "prometheus.yml"
    config.write_text("global: {}\n")
    backfill = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(source), str(data)]
    subprocess.run(backfill, check=True, stdout=subprocess.DEVNULL)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address={address}",
    ]
    server = subprocess.Popen([*command, "--storage.tsdb.retention.time=100y"], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while not ready(f"http://{address}/-/ready"):
            if server.poll() is not None or time.monotonic() > until:
                raise click.ClickException(f"prometheus does not start: {' '.join(command)}")
            time.sleep(0.1)
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(30)


def ready(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def asked(url: str, query: str) -> list[dict]:
    """The samples of an instant query at the end of the hour."""
    at = (BEGIN + timedelta(seconds=2 * HOUR)).timestamp()
    reply = httpx.get(f"{url}/api/v1/query", params={"query": query, "time": str(at)}).raise_for_status()
    return reply.json()["data"]["result"]


def through_prometheus(folder: Path, texts: Sequence[tuple[float, str]]) -> dict[str, Answer]:
    """What a real Prometheus that saw these scrapes says; what it has no samples for is missing."""
    openmetrics(texts, folder / "scrapes.txt")
    with prometheus(folder, folder / "scrapes.txt") as url:
        found = {name: asked(url, query) for name, query in QUERIES.items()}
        agents = {f"timeouts of {sample['metric']['agent_id']}": [sample] for sample in asked(url, BY_AGENT)}
    return {name: Answer(float(samples[0]["value"][1])) for name, samples in (found | agents).items() if samples}


def burnline(store: Store, now: datetime) -> dict[str, Answer]:
    """What Burnline says about the same hour."""
    settings, freshness = parse(""), store.freshness()

    def summary(selection: Selection) -> Summary:
        return answer(store, selection, settings, now, freshness)

    hour = TimeSpan.last(timedelta(hours=1), now)
    shown = summary(Selection(hour))
    percentiles = {name: shown.percentiles[name] for name in ("p50", "p95", "p99")}
    agents = {f"timeouts of {agent}": summary(Selection(hour, agent=agent)).counts.timeout for agent in AGENTS}
    values = {
        "timeouts": shown.counts.timeout,
        "timeout rate, %": shown.timeout_rate.value * 100,
        "timeouts in the last 1,000": summary(Selection(last=1000)).counts.timeout,
        "failed (5xx), %": shown.error_rate.value * 100,
    }
    return {
        **{name: Answer(value) for name, value in (values | agents).items()},
        **{f"{name}, s": Answer(found.value / 1000, found.at_least) for name, found in percentiles.items()},
    }


def truth(found: Traffic) -> dict[str, float]:
    """Counted from the generated requests; of the percentiles, as if nothing had been cut."""
    hour = found.only(found.start >= HOUR)
    cut, newest = hour.status == "timeout", np.argsort(found.start)[-1000:]
    return {
        "timeouts": float(cut.sum()),
        "timeout rate, %": 100 * float(cut.mean()),
        "timeouts in the last 1,000": float((found.status[newest] == "timeout").sum()),
        "failed (5xx), %": 100 * float((hour.status == "failed").mean()),
        **{f"p{p}, s": float(np.percentile(hour.true_ms, p)) / 1000 for p in (50, 95, 99)},
        **{f"timeouts of {agent}": float((cut & (hour.agent == agent)).sum()) for agent in AGENTS},
    }


def cell(name: str, said: Answer | None, true: float) -> str:
    """A value and how far it is off; a bound is right when the truth is not below it."""
    if said is None:
        return "no answer"
    digits = 2 if name.endswith((" s", "%")) else 1
    if said.at_least:
        return f">= {said.value:.{digits}f} ({'true' if said.value <= true + 1e-9 else 'WRONG'})"
    off = said.value - true
    return f"{said.value:.{digits}f} ({'exact' if abs(off) < 1e-9 else f'{off:+.{digits}f}'})"


def row(pattern: str, name: str, true: Mapping[str, float], *said: Mapping[str, Answer]) -> str:
    """One line of the table; `said` is what Prometheus and what Burnline answered."""
    digits = 2 if name.endswith((" s", "%")) else 0
    cells = [f"{true[name]:.{digits}f}", *(cell(name, answers.get(name), true[name]) for answers in said)]
    return f"| {' | '.join([pattern, name, *cells])} |"


def farthest(true: Mapping[str, float], said: Mapping[str, Answer]) -> str:
    """The agent whose timeouts Prometheus misses most; no sample of an agent is 0 of it."""
    agents = [f"timeouts of {agent}" for agent in AGENTS]
    return max(agents, key=lambda name: abs((said[name].value if name in said else 0.0) - true[name]))


@click.command()
@click.option("--seed", default=1, show_default=True)
@click.option("--late", default=6.0, show_default=True, help="Seconds from the last scrape to the end of the hour.")
def main(seed: int, late: float) -> None:
    """An hour of steady, bursty and low traffic, as Prometheus and as Burnline tell it."""
    for program in ("prometheus", "promtool"):
        if shutil.which(program) is None:
            raise click.ClickException(f"{program} is not installed; Debian's package is called prometheus")
    version = subprocess.run(["prometheus", "--version"], check=True, capture_output=True, text=True)
    print(f"{(version.stdout or version.stderr).splitlines()[0]}; seed {seed}; asked {late:g} s after a scrape\n")
    last = 2 * HOUR - late
    times = [last - SCRAPE_S * back for back in reversed(range(int((HOUR - late) // SCRAPE_S) + 1))]
    print("| traffic | number | truth | Prometheus | Burnline |\n|---|---|---|---|---|")
    for pattern in PATTERNS:
        found = traffic(pattern, seed)
        true, hour = truth(found), found.only(found.start >= HOUR)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            texts, ours = scrapes(folder / "running", found, times)
            running = through_prometheus(folder / "running", texts)
            begun, since_start = scrapes(folder / "begun", hour, times)
            started = through_prometheus(folder / "begun", begun)
            later = [at for at in times if at > RESTART]
            again, _ = scrapes(folder / "again", found.only(found.end > RESTART), later)
            restarted = through_prometheus(folder / "again", [*texts[: -len(later)], *again])
        print(f"| {pattern} | requests | {len(hour.start)} | | |")
        for name in (*QUERIES, farthest(true, running)):
            print(row(pattern, name, true, running, ours))
        for what, theirs, own in (("started", started, since_start), ("restarted", restarted, ours)):
            for name in ("timeouts", "timeout rate, %"):
                print(row(f"{pattern}, {what}", name, true, theirs, own))


if __name__ == "__main__":
    sys.exit(main())
