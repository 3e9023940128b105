"""A report as one CSV: a row for every number, so that a spreadsheet can sort and add them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from metrics.csv import as_csv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alerting.reports.figures import Report
    from core.settings import Settings

SCHEMA = {
    "part": pl.String, "key": pl.String, "name": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "n": pl.Int64, "text": pl.String,
}  # fmt: skip


def rows(report: Report, settings: Settings) -> list[dict[str, Any]]:
    """`part` is summary, before, budget, day, agent, operation, cost or incident; `key` which one.

    Shares are from 0 to 1, lengths in milliseconds, money in US dollars; absent is empty.
    """
    return [dict.fromkeys(SCHEMA) | row for row in _rows(report, settings)]


def csv(found: list[dict[str, Any]]) -> bytes:
    """The rows as a file."""
    return as_csv(pl.DataFrame(found, schema=SCHEMA))


def _rows(report: Report, settings: Settings) -> Iterator[dict[str, Any]]:
    for part, summary in (("summary", report.summary), ("before", report.before)):
        counts = summary.counts
        for name in ("requests", "success", "timeout", "failed", "excluded", "unmeasured"):
            yield {"part": part, "name": name, "value": getattr(counts, name)}
        for name in ("timeout_rate", "error_rate", "success_rate"):
            found = getattr(summary, name)
            if found is not None:
                yield {
                    "part": part,
                    "name": name,
                    "value": found.value,
                    "low": found.low,
                    "high": found.high,
                    "n": found.n,
                }
        for name, percentile in summary.percentiles.items():
            if percentile is not None:
                said = "at least" if percentile.at_least else None
                yield {"part": part, "name": name, "value": percentile.value, "text": said}
    budget = report.summary.budget
    yield {"part": "budget", "key": budget.objective, "name": "remaining", "value": budget.remaining}
    if budget.exhausted_at is not None:
        yield {"part": "budget", "key": budget.objective, "name": "ends", "text": budget.exhausted_at.isoformat()}
    for row in report.days.iter_rows(named=True):
        yield from _group("day", row["start"].astimezone(settings.zone).date().isoformat(), row)
    for part, frame in (("agent", report.agents), ("operation", report.operations)):
        for row in frame.iter_rows(named=True):
            yield from _group(part, row["group"], row)
    for row in report.cost.days.iter_rows(named=True):
        for name in ("spent", "wasted", "unknown"):
            yield {"part": "cost", "key": row["day"].isoformat(), "name": name, "value": row[name]}
    for one in report.incidents:
        lasted = None if one.ended_at is None else (one.ended_at - one.since).total_seconds() * 1000
        yield {"part": "incident", "key": one.id, "name": one.severity, "value": lasted, "text": one.message.title}


def _group(part: str, key: str | None, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    rate = {"value": row["timeout_rate"], "low": row["low"], "high": row["high"], "n": row["n"]}
    yield {"part": part, "key": key, "name": "requests", "value": row["requests"]}
    yield {"part": part, "key": key, "name": "timeouts", "value": row["timeouts"]}
    yield {"part": part, "key": key, "name": "timeout_rate", **rate}
    said = "at least" if row["p95_at_least"] else None
    yield {"part": part, "key": key, "name": "p95", "value": row["p95"], "text": said}
