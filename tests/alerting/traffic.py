"""Made-up traffic as a source of requests, and a clock that stands where a test puts it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import polars as pl

from alerting.checker import Checker
from alerting.lease import Holder
from core.record import REQUEST_FRAME
from core.selection import FILTER_COLUMNS, Freshness, Selection
from core.settings import Settings, parse

DEAD = count(2**22 + 1)
"""Process numbers no process can have."""
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
_TEXT = {"request_id", "status", "agent_id", "operation", "model", "environment", "service", "error_code"}


def frame(rows: list[dict]) -> pl.DataFrame:
    """Requests from a few fields each: `timestamp` and whatever else matters."""
    schema = {
        name: pl.Datetime("us", "UTC")
        if name == "timestamp"
        else pl.Boolean
        if name.startswith("fallback")
        else pl.Int64
        if name.startswith("tokens")
        else pl.Float64
        if name in ("execution_time_ms", "timeout_ms", "cost_usd", "sample_rate")
        else pl.String
        for name in REQUEST_FRAME
    }
    standard = {"status": "success", "execution_time_ms": 1000.0, "agent_id": "planner", "sample_rate": 1.0}
    filled = [{name: (standard | row).get(name) for name in REQUEST_FRAME} for row in rows]
    return pl.DataFrame(filled, schema=schema).sort("timestamp", maintain_order=True)


def steady(
    start: datetime,
    length: timedelta,
    *,
    every: float = 1.0,
    bad: float = 0.0,
    slow: float = 0.0,
    agent: str = "planner",
) -> list[dict]:
    """A request every `every` seconds; the share `bad` times out, the share `slow` takes 7 s."""
    rows, timeouts, slows = [], 0.0, 0.0
    for number in range(int(length.total_seconds() / every)):
        row = {"timestamp": start + timedelta(seconds=number * every), "agent_id": agent}
        timeouts, slows = timeouts + bad, slows + slow
        if timeouts >= 1:
            timeouts -= 1
            row |= {"status": "timeout", "execution_time_ms": 8000.0}
        elif slows >= 1:
            slows -= 1
            row |= {"execution_time_ms": 7000.0}
        rows.append(row)
    return rows


@dataclass
class Traffic:
    """A source that knows what had happened by its clock, and can be broken or stopped."""

    rows: pl.DataFrame
    now: datetime = START
    broken: str = ""
    stopped_at: datetime | None = None
    version: int = 1
    reads: list[Selection] = field(default_factory=list)

    def clock(self) -> datetime:
        return self.now

    def requests(self, selection: Selection, columns=None) -> pl.DataFrame:
        if self.broken:
            raise RuntimeError(self.broken)
        self.reads.append(selection)
        found = self._known()
        if selection.span:
            found = found.filter(
                (pl.col("timestamp") >= selection.span.start) & (pl.col("timestamp") < selection.span.end)
            )
        for name, value in selection.filters.items():
            found = found.filter(pl.col(FILTER_COLUMNS[name]) == value)
        if selection.last is not None:
            found = found.tail(selection.last)
        return found.select(columns) if columns else found

    def freshness(self) -> Freshness:
        newest = self._known()["timestamp"].max()
        return Freshness(newest, newest, self.version)

    def _known(self) -> pl.DataFrame:
        return self.rows.filter(pl.col("timestamp") <= min(self.now, self.stopped_at or self.now))


def settings(text: str = "") -> Settings:
    return parse(text)


@dataclass
class Stage:
    """A checker over traffic, ticked by hand through simulated time."""

    traffic: Traffic
    path: object
    settings: Settings
    checker: Checker = None

    def __post_init__(self):
        self.restart()

    def restart(self) -> None:
        """A new process: the old one is gone without a word."""
        self.checker = Checker(
            self.traffic,
            lambda: self.settings,
            self.path,
            self.traffic.freshness,
            self.traffic.clock,
            holder=Holder(pid=next(DEAD)),
        )

    def run(self, length: timedelta, *, deliver: bool = True) -> None:
        """Tick every interval; messages go out after each tick."""
        end = self.traffic.now + length
        while self.traffic.now < end:
            self.traffic.now += self.settings.alerting.interval
            self.checker.tick(self.traffic.now)
            if deliver:
                self.checker.deliver()

    def rows(self, query: str) -> list[tuple]:
        with self.checker._open().transaction() as db:
            return [tuple(row) for row in db.execute(query)]


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
