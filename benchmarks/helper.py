"""The helper on the caller's thread: one flat record of 8 fields, beside what services use today.

Every peer writes the same fields to a file of its own (OpenTelemetry exports to nowhere, its cheapest case). A round is
CALLS calls of each, one after the other; between rounds everybody catches up, so nobody's queue runs full. The cost is
the CPU time of the calling thread; beside it the wall time, which also holds what background threads take from it, and
the CPU time of the whole process until the record is written.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import queue
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from pythonjsonlogger.json import JsonFormatter

import burnline

if TYPE_CHECKING:
    import io
    from collections.abc import Callable

CALLS = 1_000
FIELDS = {
    "request_id": "0b4f7f0e-6b1c-4f0e-9d61-0b8a0c0d1e2f",
    "execution_time_ms": 1250.5,
    "status": "success",
    "agent_id": "researcher",
    "operation": "analyze_document",
    "model": "gpt-4o-mini",
    "environment": "production",
    "cost_usd": 0.045,
}
TARGETS = {"stdlib QueueHandler": 4, "OpenTelemetry span": 10}
"""How many times cheaper than these the helper has to be."""


@dataclass(frozen=True)
class Peer:
    name: str
    call: Callable[[], object]
    catch_up: Callable[[], object]


class Nowhere(SpanExporter):
    def export(self, spans):  # noqa: ARG002 - the exporter's interface
        return SpanExportResult.SUCCESS


class Json(logging.Formatter):
    def format(self, record):
        return json.dumps({name: getattr(record, name) for name in FIELDS} | {"timestamp": record.created})


def helper(folder: Path) -> Peer:
    burnline.configure(folder / "burnline", service="bench")
    return Peer("burnline.record", lambda: burnline.record(**FIELDS), lambda: burnline.flush(60))


def queue_handler(folder: Path) -> Peer:
    waiting: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    written = logging.FileHandler(folder / "queue.jsonl")
    written.setFormatter(Json())
    logging.handlers.QueueListener(waiting, written).start()
    logger = fresh_logger("queue", logging.handlers.QueueHandler(waiting))

    def catch_up() -> None:
        while not waiting.empty():
            time.sleep(0.001)

    return Peer("stdlib QueueHandler", lambda: logger.info("request", extra=FIELDS), catch_up)


def json_logger(folder: Path) -> Peer:
    handler = logging.FileHandler(folder / "json.jsonl")
    handler.setFormatter(JsonFormatter(timestamp=True))
    logger = fresh_logger("json", handler)
    return Peer("python-json-logger", lambda: logger.info("request", extra=FIELDS), handler.flush)


def struct_log(file: io.TextIOBase) -> Peer:
    logger = structlog.wrap_logger(
        structlog.WriteLogger(file),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
    ).bind()
    return Peer("structlog JSON", lambda: logger.info("request", **FIELDS), file.flush)


def otel_span() -> Peer:
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    tracer = provider.get_tracer("bench")

    def call() -> None:
        with tracer.start_as_current_span("request", attributes=FIELDS):
            pass

    return Peer("OpenTelemetry span", call, provider.force_flush)


def fresh_logger(name: str, handler: logging.Handler) -> logging.Logger:
    logger = logging.getLogger(f"bench.{name}")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return logger


def run(rounds: int = 9) -> list[dict[str, float | str]]:
    """One row per peer: median microseconds of a call, and how many times the helper's that is."""
    with tempfile.TemporaryDirectory() as name, Path(name, "struct.jsonl").open("w", encoding="utf-8") as file:
        folder = Path(name)
        peers = [helper(folder), queue_handler(folder), struct_log(file), json_logger(folder), otel_span()]
        cost: dict[str, list[tuple[float, float, float]]] = {peer.name: [] for peer in peers}
        for number in range(rounds + 1):
            for peer in peers:
                measured = measure(peer)
                if number:  # the first round warms up
                    cost[peer.name].append(measured)
        burnline.configure(folder / "burnline")
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in cost.items()}
    own = medians["burnline.record"][0]
    return [
        {"name": name, "cpu_us": cpu, "wall_us": wall, "process_us": whole, "ratio": cpu / own}
        for name, (cpu, wall, whole) in medians.items()
    ]


def measure(peer: Peer) -> tuple[float, float, float]:
    """Microseconds of one call: CPU of this thread, wall, and CPU of the process until it has caught up."""
    call, whole = peer.call, time.process_time_ns()
    wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
    for _ in range(CALLS):
        call()
    cpu, wall = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
    peer.catch_up()
    return cpu / CALLS / 1000, wall / CALLS / 1000, (time.process_time_ns() - whole) / CALLS / 1000


@click.command()
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(5))
def main(rounds: int) -> None:
    """Print the cost of one record on the caller's thread, and how many times the helper's the peers' is."""
    print(
        f"\nhelper: one record of {len(FIELDS)} fields on the caller's thread, median of {rounds} rounds of {CALLS:,}"
    )
    print(f"{'':22}{'CPU us':>9}{'wall us':>9}{'process us':>12}{'times':>8}  target")
    for row in run(rounds):
        target = TARGETS.get(str(row["name"]))
        verdict = "" if target is None else f">= {target}: {'met' if row['ratio'] >= target else 'MISSED'}"
        columns = f"{row['cpu_us']:9.2f}{row['wall_us']:9.2f}{row['process_us']:12.2f}{row['ratio']:8.1f}"
        print(f"{row['name']:22}{columns}  {verdict}")


if __name__ == "__main__":
    main()
