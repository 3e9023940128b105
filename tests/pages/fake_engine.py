"""A running engine without threads or files: a frame of requests behind the interfaces pages know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl

from core.record import REQUEST_FRAME
from core.selection import FILTER_COLUMNS, Freshness, Losses, Selection
from core.services import WorkerHealth
from core.settings import Settings
from core.timespan import TimeSpan

TYPES = {
    "timestamp": pl.Datetime("us", "UTC"), "execution_time_ms": pl.Float64, "timeout_ms": pl.Float64,
    "fallback_used": pl.Boolean, "fallback_ok": pl.Boolean, "cost_usd": pl.Float64, "tokens_input": pl.Int64,
    "tokens_output": pl.Int64, "sample_rate": pl.Float64,
}  # fmt: skip
DEPLOYED = ("service", "environment", "agent_id", "model", "model_version", "prompt_version")
DEPLOYS = {"timestamp": pl.Datetime("us", "UTC"), **dict.fromkeys(DEPLOYED, pl.String())}
SCHEMA = {name: TYPES.get(name, pl.String()) for name in (*REQUEST_FRAME, "model_version", "prompt_version")}


class FakeReader:
    """`core.selection.Reader` over a frame."""

    def __init__(self, frame: pl.DataFrame, version: int = 1, deploys: tuple[dict[str, object], ...] = ()) -> None:
        self.frame, self.version = frame.sort("timestamp"), version
        self.asked = 0
        self.deployed = pl.DataFrame(deploys, schema=DEPLOYS)

    def requests(self, selection: Selection, columns=None) -> pl.DataFrame:
        self.asked += 1
        found = self.frame
        for name, value in selection.filters.items():
            found = found.filter(pl.col(FILTER_COLUMNS[name]) == value)
        if selection.span:
            found = found.filter(
                (pl.col("timestamp") >= selection.span.start) & (pl.col("timestamp") < selection.span.end)
            )
        if selection.last is not None:
            found = found.tail(selection.last)
        return found.select(columns or REQUEST_FRAME)

    def freshness(self) -> Freshness:
        newest = self.frame["timestamp"].max()
        return Freshness(newest, newest, self.version)

    def losses(self, span: TimeSpan | None) -> Losses:
        return Losses(since=self.frame["timestamp"].min())

    def values(self, filter_name: str, limit: int = 500) -> list[str]:
        counted = self.frame[FILTER_COLUMNS[filter_name]].drop_nulls().value_counts(sort=True)
        return counted.to_series(0).to_list()[:limit]

    def deploys(self, span: TimeSpan | None = None) -> pl.DataFrame:
        return self.deployed

    def ledger(self) -> list[dict[str, object]]:
        return []


class FakeEngine:
    """`core.services.Services` around a FakeReader."""

    def __init__(self, reader: FakeReader, settings: Settings | None = None, *, demo: bool = False) -> None:
        self.reader, self.settings, self.demo = reader, settings or Settings(), demo
        self.state = Path("no state")
        self.said: list[str] = []
        self.workers: list[WorkerHealth] = []

    def health(self) -> list[WorkerHealth]:
        return self.workers

    def notes(self) -> list[str]:
        return self.said


def requests(count: int = 3000, *, end: datetime | None = None, hours: float = 30, seed: int = 1) -> pl.DataFrame:
    """Seeded requests of three agents, the newest at `end` (now): planner is slow, and times out in the last hour."""
    rng, end = Random(seed), end or datetime.now(UTC)
    rows = []
    for index in range(count):
        agent = rng.choice(("planner", "search", "pricing"))
        at = end - timedelta(hours=hours) * (1 - (index + 1) / count)
        took = rng.lognormvariate(6.8 if agent == "planner" else 6.2, 0.7)
        slow = agent == "planner" and end - at < timedelta(hours=1) and rng.random() < 0.3
        status = "timeout" if slow else "failed" if rng.random() < 0.01 else "success"
        rows.append(
            {
                "request_id": f"r{index}", "timestamp": at, "execution_time_ms": 8000.0 if slow else took,
                "status": status, "agent_id": agent, "operation": "analyze", "model": "atlas", "environment": "prod",
                "timeout_ms": 8000.0 if slow else None, "cost_usd": 0.01, "sample_rate": 1.0,
            }
        )  # fmt: skip
    return pl.DataFrame(rows, schema={name: SCHEMA[name] for name in rows[0]} if rows else SCHEMA).with_columns(
        pl.lit(None, type_).alias(name) for name, type_ in SCHEMA.items() if name not in (rows[0] if rows else SCHEMA)
    )
