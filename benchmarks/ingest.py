"""A file of requests into the store, beside what bare DuckDB needs to read the same file into a table.

Ours: the file lies there -> found, read in whole lines, every field validated, de-duplicated, committed with offset
and account, the store closed. The peer: `CREATE TABLE AS SELECT * FROM read_ndjson(explicit columns)` into a fresh
file, closed: no validation, no line numbers, no account, and a bad field becomes null or stops it. Each run is a
process of its own and starts its clock when everything is imported; the two take turns.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import duckdb

from core.record import COLUMNS
from core.timespan import utc_now
from loaders.once import listing_of, read_into
from loaders.store import Store

TARGET = 0.7
OPERATIONS = ("analyze_document", "extract_metrics", "flag_risks", "generate_snapshot", "api_gateway")
MODELS = ("gpt-4o", "claude-sonnet", "llama-3")


def write_lines(path: Path, lines: int) -> None:
    """Version 1 requests of some 470 bytes, one every 60 ms, a twentieth of them cut or failed."""
    chance = random.Random(1)
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    with path.open("w") as file:
        for _ in range(lines):
            moment += timedelta(milliseconds=chance.expovariate(1 / 60))
            status = chance.choices(["success", "timeout", "failed"], [94, 4, 2])[0]
            made = {
                "v": 1,
                "kind": "request",
                "request_id": f"{chance.getrandbits(128):032x}",
                "timestamp": moment.isoformat(timespec="microseconds"),
                "execution_time_ms": round(chance.lognormvariate(7, 0.7), 3),
                "status": status,
                "agent_id": f"agent-{chance.randrange(12)}",
                "trace_id": f"{chance.getrandbits(128):032x}",
                "span_id": f"{chance.getrandbits(64):016x}",
                "operation": chance.choice(OPERATIONS),
                "service": "analysis-api",
                "environment": "production",
                "model": chance.choice(MODELS),
                "tokens_used": {"input": chance.randrange(4000), "output": chance.randrange(900)},
                "cost_usd": round(chance.random() / 50, 6),
                "user_id": f"user-{chance.randrange(2000)}",
                "session_id": f"{chance.getrandbits(64):016x}",
            }
            if status != "success":
                made["error_code"] = "API_TIMEOUT" if status == "timeout" else "HTTP_503"
                made["error_message"] = "upstream took too long: read timed out"
            if status == "timeout":
                made |= {"timeout_type": "api", "timeout_ms": 8000.0}
            file.write(json.dumps(made, separators=(",", ":")) + "\n")


def ours(log: Path, store: Path) -> int:
    with Store.open(store, clock=utc_now) as opened:
        (account,), notes = read_into(opened, listing_of([log]), utc_now, lambda _: None)
        assert not notes, notes
        assert account["quarantined"] == account["duplicates"] == 0, account
    return account["stored"]


def peer(log: Path, store: Path) -> int:
    nested: dict[str, list[str]] = {}
    for column in COLUMNS:
        if column.path:
            nested.setdefault(column.path[0], []).append(f"{column.path[1]} {column.type}")
    columns = {c.name: c.type for c in COLUMNS if not c.path} | {
        n: f"STRUCT({', '.join(f)})" for n, f in nested.items()
    }
    listed = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    chosen = ", ".join(f"{c.path[0]}.{c.path[1]} AS {c.name}" if c.path else f'"{c.name}"' for c in COLUMNS)
    with duckdb.connect(str(store)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE records AS SELECT {chosen} FROM read_ndjson('{log}', columns = {{{listed}}})")
        return connection.execute("SELECT count(*) FROM records").fetchone()[0]


RUNS = {"Burnline": ours, "DuckDB read_ndjson": peer}


def measure(name: str, log: Path) -> dict[str, float]:
    """One run in a process of its own: seconds, cpu (seconds), peak (bytes), stored (rows), size (bytes)."""
    with tempfile.TemporaryDirectory(dir=log.parent) as folder:
        command = [
            sys.executable,
            "-m",
            "benchmarks.ingest",
            "--run",
            name,
            str(log),
            str(Path(folder, "store.duckdb")),
        ]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run(name: str, log: Path, store: Path) -> None:
    start, worked = time.perf_counter(), time.process_time()
    stored = RUNS[name](log, store)
    found = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - worked, "stored": stored}
    found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(found | {"size": store.stat().st_size}))


@click.command()
@click.option("--lines", default=1_000_000, show_default=True, help="Lines of the generated file.")
@click.option("--rounds", default=5, show_default=True, help="Runs of each; medians are compared.")
@click.option("--run", "one", nargs=3, hidden=True)
def main(lines: int, rounds: int, one: tuple[str, str, str] | None) -> None:
    """Ingest speed as a ratio to bare DuckDB on the same file and columns."""
    if one:
        run(one[0], Path(one[1]), Path(one[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "requests.jsonl")
        write_lines(log, lines)
        print(f"ingest: {lines:,} lines, {log.stat().st_size / lines:.0f} bytes each, medians of {rounds}")
        seen = {name: [] for name in RUNS}
        for _ in range(rounds):
            for name, found in seen.items():
                found.append(measure(name, log))
    medians = {}
    for name, found in seen.items():
        assert {run["stored"] for run in found} == {lines}, found
        middle = {key: statistics.median(run[key] for run in found) for key in found[0]}
        medians[name] = middle
        print(
            f"  {name:20s}{middle['seconds']:7.2f} s {lines / middle['seconds']:>11,.0f} lines/s, "
            f"{middle['cpu']:6.2f} s CPU, peak {middle['peak'] / 2**20:5.0f} MiB, "
            f"file {middle['size'] / 2**20:4.0f} MiB"
        )
    bare, ours_ = medians["DuckDB read_ndjson"], medians["Burnline"]
    clock, cpu = (bare[key] / ours_[key] for key in ("seconds", "cpu"))
    print(f"  Burnline reaches {clock:.2f} of bare DuckDB by the clock (target {TARGET}), {cpu:.2f} by CPU")


if __name__ == "__main__":
    main()
