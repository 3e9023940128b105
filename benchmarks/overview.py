"""All numbers of the Overview over 30 days of requests: how long one look takes, and what roll-ups cost.

A store is made by Burnline; its `records` are then filled by seeded SQL, a request every so often, with the ledger and
the freshness a real load would have left, and everything to be rolled up (as in a store from before roll-ups). From
there on only Burnline's own calls are used. A look is `pages.shared.data.overview` itself, with nothing cached: the
summary and that of the period before, error budget and runway, sparklines, heatmap, trend, agents. Medians of five
after one to warm up, in this process; nothing else may run beside it.

    python -m benchmarks.overview                    1 and 10 million requests
    python -m benchmarks.overview --large            100 million, too: 25 minutes, 8 GB of disk
    python -m benchmarks.overview --store FILE       a store that was made before, and is kept

The peer is chdb (embedded ClickHouse), when it can be imported: the same rows in a MergeTree table; counts,
percentiles, hours, days, slots, bands and agents by its own functions (approximate percentiles, as it has them).
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from benchmarks.ingest import ours, write_lines
from core.selection import Selection
from core.settings import Settings
from core.timespan import TimeSpan, micros, utc_now
from loaders import rollup
from loaders.store import Store
from metrics.answer import selected_requests
from metrics.latency import latency, timed
from pages.shared.data import Key, overview
from pages.shared.filters import Choice
from pages.shared.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from pages.shared.data import Overview

MILLION = 1_000_000
DAYS = 30
END = datetime(2026, 11, 24, 7, 13, 5, tzinfo=UTC)
RUNS = 5
AT_ONCE = 5 * MILLION
INGESTED = 300_000

_RANDOM = ", ".join(f"random() AS r{number}" for number in range(6))
_LOGNORMAL = "exp({mean} + 0.7 * sqrt(-2 * ln(1 - r0)) * cos(2 * pi() * r1))"
_MADE = f"""
SELECT 1 AS generation, i + 1 AS line, 'request' AS kind, 'request-' || i AS request_id,
    make_timestamptz($start + (i * $step)::BIGINT) AS timestamp,
    CASE WHEN r2 < 0.985 THEN least({_LOGNORMAL.format(mean=7)}, 7999) WHEN r2 < 0.992 THEN 8000
        ELSE {_LOGNORMAL.format(mean=6)} END AS execution_time_ms,
    CASE WHEN r2 < 0.985 THEN 'success' WHEN r2 < 0.992 THEN 'timeout' ELSE 'failed' END AS status,
    'agent-' || (12 * r3 * r3)::INTEGER AS agent_id,
    ['analyze_document', 'extract_metrics', 'flag_risks', 'generate_snapshot', 'gateway'][1 + (r4 * 4.99)::INTEGER]
        AS operation,
    ['gpt-4o', 'claude-sonnet', 'llama-3'][1 + (r5 * 2)::INTEGER] AS model, 'production' AS environment,
    CASE WHEN r2 BETWEEN 0.985 AND 0.992 THEN 8000.0 END AS timeout_ms, r2 BETWEEN 0.985 AND 0.988 AS fallback_used,
    round(r4 / 50, 6) AS cost_usd, 1.0 AS sample_rate, 'user-' || (r5 * 20000)::INTEGER AS user_id
FROM (SELECT range AS i, {_RANDOM} FROM range($first, $end))
"""


def make_store(path: Path, requests: int) -> None:
    """A store of so many requests, evenly over the 30 days before END, the same for the same number."""
    Store.open(path, clock=lambda: END).close()
    start, step = micros(END - timedelta(days=DAYS)), DAYS * 86_400 * MILLION / requests
    with duckdb.connect(str(path), config={"memory_limit": "8GB"}) as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute("SELECT setseed(0.42)")
        for first in range(0, requests, AT_ONCE):
            span = {"start": start, "step": step, "first": first, "end": min(first + AT_ONCE, requests)}
            database.execute(f"INSERT INTO records BY NAME {_MADE}", span)
        database.execute(
            "INSERT INTO generations VALUES (1, 'made.jsonl'::BLOB, 'v1', 'open', 0, 0, 0, ''::BLOB, 0, ''::BLOB, 0, "
            "0, $requests, $requests, 0, 0, 0, '')",
            {"requests": requests},
        )
        database.execute(
            "UPDATE store SET version = 1, newest = made.newest, read_at = made.newest "
            'FROM (SELECT max("timestamp") AS newest FROM records) AS made'
        )
        rollup.create(database)
        database.execute("CHECKPOINT")


def roll(store: Store, end: datetime) -> tuple[int, float, float]:
    """Hours and days rolled, seconds by the clock and of CPU."""
    clock, cpu, done = time.perf_counter(), time.process_time(), 0
    while some := store.roll_up(end):
        done += some
    return done, time.perf_counter() - clock, time.process_time() - cpu


def median_ms(work: Callable[[int], Any]) -> float:
    """Of RUNS runs after one to warm up; `work` gets the number of the run."""
    taken = []
    for run in range(RUNS + 1):
        began = time.perf_counter()
        work(run)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:]) * 1000


def looks(store: Store, end: datetime) -> dict[str, float]:
    """Milliseconds of every look, each with nothing cached."""
    settings, freshness = Settings(), store.freshness()
    month = TimeSpan(end - timedelta(days=DAYS), end)

    def page(choice: Choice) -> Callable[[int], Any]:
        def look(run: int) -> Overview:
            kept_under = Key(1, end, f"{choice}{run}", demo=False)
            return overview(Frame(None, False, store, settings, "en", choice, end, freshness, False, kept_under))

        return look

    def one_agent(_: int) -> Any:
        selected = selected_requests(store, Selection(month, agent="agent-3"), settings)
        return latency(timed(selected, settings.limit_values.limit_ms))

    return {
        "overview, 30 d": median_ms(page(Choice("30d"))),
        "overview, 24 h": median_ms(page(Choice("24h"))),
        "overview, last 1,000": median_ms(page(Choice())),
        "overview of one agent, 30 d": median_ms(page(Choice("30d", agent="agent-3"))),
        "one agent's percentiles, 30 d": median_ms(one_agent),
        "last 1,000 requests": median_ms(lambda _: store.requests(Selection(last=1000))),
        "how many, from when to when, 30 d": median_ms(lambda _: store.extent(Selection(month))),
    }


def ingest_cpu(folder: Path) -> float:
    """CPU seconds per row of reading log lines into a store."""
    log = folder / "some.jsonl"
    write_lines(log, INGESTED)
    began = time.process_time()
    ours(log, folder / "some.duckdb")
    return (time.process_time() - began) / INGESTED


def chdb_looks(path: Path, folder: Path, end: datetime) -> dict[str, float]:
    """Milliseconds of the same numbers in chdb, from the same rows."""
    session_of = importlib.import_module("chdb.session")
    parquet = folder / "rows.parquet"
    columns = "timestamp, execution_time_ms, status, agent_id, timeout_ms, fallback_used, cost_usd, sample_rate"
    with duckdb.connect(str(path), read_only=True) as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute(
            f"COPY (SELECT {columns.replace('timestamp', 'epoch_us(timestamp) AS us')} FROM records) "
            f"TO '{parquet}' (FORMAT parquet)"
        )
    session = session_of.Session(str(folder / "chdb"))
    session.query("CREATE DATABASE bench")
    session.query(
        "CREATE TABLE bench.r (at DateTime64(6, 'UTC'), execution_time_ms Nullable(Float64), "
        "status LowCardinality(String), agent_id LowCardinality(String), timeout_ms Nullable(Float64), "
        "fallback_used Bool, cost_usd Nullable(Float64), sample_rate Float64) ENGINE = MergeTree ORDER BY at"
    )
    session.query(
        "INSERT INTO bench.r SELECT fromUnixTimestamp64Micro(us), execution_time_ms, status, agent_id, timeout_ms, "
        f"fallback_used, cost_usd, sample_rate FROM file('{parquet}', Parquet)"
    )
    until = f"toDateTime64('{end:%Y-%m-%d %H:%M:%S}', 6, 'UTC')"
    counts = (
        "count(), countIf(status = 'timeout' OR execution_time_ms > 8000), countIf(status = 'failed'), "
        "countIf(execution_time_ms >= 6000 AND execution_time_ms <= 8000), avg(execution_time_ms)"
    )
    band = "multiIf(execution_time_ms < 2000, 0, execution_time_ms < 5000, 1, execution_time_ms <= 8000, 2, 3)"
    shares = "quantiles(0.5, 0.75, 0.9, 0.95, 0.99, 0.999)(execution_time_ms)"

    def since(hours: int) -> str:
        return f"FROM bench.r WHERE at >= {until} - INTERVAL {hours} HOUR AND at < {until}"

    month = since(24 * DAYS)
    page = (
        f"SELECT {counts}, {shares}, countIf(fallback_used) {month}",
        f"SELECT toStartOfHour(at) AS hour, {counts} {month} GROUP BY hour",
        f"SELECT toStartOfDay(at) AS day, {counts}, {shares} {month} GROUP BY day",
        f"SELECT toStartOfInterval(at, INTERVAL 15 MINUTE) AS slot, {counts}, {shares} {since(24)} GROUP BY slot",
        f"SELECT toStartOfInterval(at, INTERVAL 5 MINUTE) AS slot, {band} AS b, count() {since(6)} GROUP BY slot, b",
        f"SELECT agent_id, {counts}, {shares}, sum(cost_usd) {month} GROUP BY agent_id",
    )
    return {
        "overview, 30 d": median_ms(lambda _: [str(session.query(query, "CSV")) for query in page]),
        "one agent's percentiles, 30 d": median_ms(
            lambda _: str(session.query(f"SELECT {shares} {month} AND agent_id = 'agent-3'", "CSV"))
        ),
        "last 1,000 requests": median_ms(
            lambda _: str(session.query("SELECT * FROM bench.r ORDER BY at DESC LIMIT 1000", "CSV"))
        ),
    }


def measure(path: Path, folder: Path, *, peer: bool) -> None:
    """Print one store's figures."""
    per_row = ingest_cpu(folder)
    with Store.open(path, clock=utc_now) as store:
        rows, newest = store.frame('SELECT count(*), max("timestamp") FROM records').row(0)
        end = newest.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        done, clock, cpu = roll(store, end)
        store.checkpoint()
        found = looks(store, end)
    print(f"\n{rows:,} requests over {DAYS} days, {path.stat().st_size / 1e9:.1f} GB")
    if done:
        print(
            f"rolled up in {clock:.0f} s, {cpu:.0f} s of CPU: {cpu / rows / per_row:.1%} of the CPU it takes to read "
            f"so many lines ({per_row * 1e6:.1f} us each)"
        )
    theirs = chdb_looks(path, folder, end) if peer else {}
    print("\n| look | ms |" + (" chdb, ms |" if peer else "") + "\n|---|---|" + ("---|" if peer else ""))
    for name, taken in found.items():
        print(f"| {name} | {taken:.0f} |" + (f" {theirs[name]:.0f} |" if name in theirs else " |" if peer else ""))


def main() -> None:
    """Measure stores of 1, 10 and, when asked for, 100 million requests."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--large", action="store_true", help="100 million requests, too")
    parser.add_argument("--store", type=Path, help="measure this store only; it is kept")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # Streamlit says again and again that no server runs
    has_chdb = importlib.util.find_spec("chdb") is not None
    if not has_chdb:
        print("chdb cannot be imported here, so it is left out; put the folder it is installed in on PYTHONPATH")
    with tempfile.TemporaryDirectory(prefix="burnline-overview-") as temporary:
        folder = Path(temporary)
        if arguments.store:
            measure(arguments.store, folder, peer=has_chdb)
            return
        for millions in (1, 10, *((100,) if arguments.large else ())):
            inner = folder / str(millions)
            inner.mkdir()
            path = inner / "burnline.duckdb"
            make_store(path, millions * MILLION)
            measure(path, inner, peer=has_chdb and millions <= 10)
            shutil.rmtree(inner)


if __name__ == "__main__":
    main()
