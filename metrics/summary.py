"""The first page as one value, and that value as JSON."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from core.selection import FILTERS
from core.timespan import TimeSpan
from metrics.budget import sli
from metrics.classes import count, is_valid, rows_of, weight_of
from metrics.freshness import data_age
from metrics.latency import latency, timed
from metrics.many import is_exact
from metrics.rates import effective_rows, rate, rate_json, too_few
from metrics.values import PERCENTILES, Leader, Percentile, Receipt, Summary

if TYPE_CHECKING:
    from core.selection import Freshness, Selection
    from core.slo import Limits, Objective
    from metrics.values import Budget, DataAge, Estimate, Projection, Rate, Runway, Sli

COLUMNS = (
    "timestamp", "execution_time_ms", "status", "agent_id", "timeout_ms", "fallback_used", "sample_rate",
)  # fmt: skip
"""What `summarize` needs of the selected requests."""


def summarize(
    selected: pl.DataFrame,
    standing: Budget,
    *,
    selection: Selection,
    limits: Limits,
    objective: Objective,
    freshness: Freshness,
    now: datetime,
    unfiltered: int | None = None,
) -> Summary:
    """The numbers of `selected`, and the error budget as it stands."""
    rows = timed(selected, limits.limit_ms)
    counts = count(rows)
    good, value = pl.col("class") == "success", pl.col("execution_time_ms")
    more = rows.select(
        rows_of(is_valid()).alias("rows"),
        effective_rows(is_valid()).alias("effective"),
        weight_of(good & (value >= limits.near_ms)).alias("near"),
        weight_of(good & (value >= limits.critical_ms)).alias("critical"),
        weight_of(is_valid() & pl.col("fallback_used").fill_null(value=False)).alias("fallback"),
    ).row(0, named=True)
    times = latency(rows).row(0, named=True)

    def share(hits: float) -> Rate | None:
        return rate(hits, counts.valid, rows=more["rows"], effective=more["effective"])

    return Summary(
        counts=counts,
        timeout_rate=share(counts.timeout),
        error_rate=share(counts.failed),
        success_rate=share(counts.success),
        average_ms=times["average_ms"],
        percentiles={name: _percentile(times, name) for name in PERCENTILES},
        near=more["near"],
        critical=more["critical"],
        fallback_rate=share(more["fallback"]),
        sli=sli(selected, objective),
        budget=standing,
        span=_span(selected, selection),
        freshness=data_age(freshness, now),
        receipt=Receipt(selection, int(rows["rows"].sum()), freshness.version, now, is_exact(selected)),
        average_at_least=bool(times["average_at_least"]),
        leader=_leader(rows),
        unfiltered=unfiltered,
        estimates=_estimates(rows, limits),
    )


def _estimates(rows: pl.DataFrame, limits: Limits) -> tuple[Estimate, ...]:
    near = (pl.col("class") == "success") & (pl.col("execution_time_ms") >= limits.near_ms)
    parts: dict[Estimate, pl.Expr] = {
        "requests": pl.lit(value=True), "valid": is_valid(), "timeout": pl.col("class") == "timeout", "near": near,
    }  # fmt: skip
    sampled = pl.col("weight") != pl.col("rows")
    found = rows.select((part & sampled).any().alias(name) for name, part in parts.items()).row(0, named=True)
    return tuple(name for name in parts if found[name])


def _percentile(times: dict[str, Any], name: str) -> Percentile | None:
    return None if times[name] is None else Percentile(times[name], times[f"{name}_at_least"])


def _span(selected: pl.DataFrame, selection: Selection) -> TimeSpan | None:
    """The span that was asked for or, of the last N, the half-open span that holds exactly their times."""
    if not selected.height:
        return None
    if selection.span is not None and selection.last is None:
        return selection.span
    oldest, newest = selected.select(pl.min("timestamp").alias("a"), pl.max("timestamp").alias("b")).row(0)
    return TimeSpan(oldest, newest + timedelta(microseconds=1))


def _leader(rows: pl.DataFrame) -> Leader | None:
    """The agent with most timeouts; of equals the first by name."""
    found = (
        rows.filter((pl.col("class") == "timeout") & pl.col("agent_id").is_not_null())
        .group_by("agent_id")
        .agg(pl.col("weight").sum())
        .sort("weight", "agent_id", descending=[True, False])
        .head(1)
        .rows()
    )
    return Leader(*found[0]) if found else None


def to_json(summary: Summary) -> dict[str, Any]:
    """Plain JSON types: absent is null, whole numbers are integers, times are ISO 8601 with offset, lengths seconds."""
    counts, span, receipt = summary.counts, summary.span, summary.receipt
    return {
        "requests": _number(counts.requests),
        "success": _number(counts.success),
        "timeout": _number(counts.timeout),
        "failed": _number(counts.failed),
        "excluded": _number(counts.excluded),
        "unmeasured": _number(counts.unmeasured),
        "timeout_rate": rate_json(summary.timeout_rate),
        "error_rate": rate_json(summary.error_rate),
        "success_rate": rate_json(summary.success_rate),
        "too_few": summary.timeout_rate is not None and too_few(summary.timeout_rate),
        "latency_ms": {
            "avg": _bound(summary.average_ms, at_least=summary.average_at_least),
            **{name: _bound(p.value, at_least=p.at_least) if p else None for name, p in summary.percentiles.items()},
        },
        "near": _number(summary.near),
        "critical": _number(summary.critical),
        "fallback_rate": rate_json(summary.fallback_rate),
        "top_agent": _leader_json(summary.leader),
        "sli": _sli(summary.sli),
        "budget": budget_json(summary.budget),
        "span": {"start": span.start.isoformat(), "end": span.end.isoformat()} if span else None,
        "freshness": _freshness(summary.freshness),
        "receipt": {
            "selection": _selection(receipt.selection),
            "rows": receipt.rows,
            "version": receipt.version,
            "percentiles": "exact" if receipt.exact else "within 1 %",
            "computed_at": receipt.computed_at.isoformat(),
            "unfiltered": summary.unfiltered,
            "estimates": list(summary.estimates),
        },
    }


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _bound(value: float | None, *, at_least: bool) -> dict[str, Any] | None:
    return None if value is None else {"value": value, "at_least": at_least}


def _leader_json(value: Leader | None) -> dict[str, Any] | None:
    return {"agent_id": value.agent, "timeouts": _number(value.timeouts)} if value else None


def _sli(value: Sli) -> dict[str, Any]:
    return {
        "objective": value.objective,
        "target": value.target,
        "limit_ms": value.limit_ms,
        "value": value.value,
        "good": _number(value.good),
        "valid": _number(value.valid),
    }


def budget_json(value: Budget) -> dict[str, Any]:
    """Plain JSON types."""
    return {
        "objective": value.objective,
        "target": value.target,
        "period_s": value.period.total_seconds(),
        "valid": _number(value.valid),
        "bad": _number(value.bad),
        "allowed": value.allowed,
        "consumed": value.consumed,
        "remaining": value.remaining,
        "burn": dict(value.burn),
        "outlook": value.outlook,
        "exhausted_at": _moment(value.exhausted_at),
        "exhausted_since": _moment(value.exhausted_since),
        "runway": _runway(value.runway) if value.runway else None,
        "projected": _projection(value.projected) if value.projected else None,
    }


def _runway(value: Runway) -> dict[str, Any]:
    return {
        "outlook": value.outlook,
        "ends": _moment(value.ends),
        "low": _moment(value.low),
        "high": _moment(value.high),
        "chance": value.chance,
        "until": _moment(value.until),
    }


def _projection(value: Projection) -> dict[str, Any]:
    return {
        "start": _moment(value.start),
        "end": _moment(value.end),
        "valid": value.valid,
        "allowed": value.allowed,
        "consumed": value.consumed,
    }


def _freshness(value: DataAge) -> dict[str, Any]:
    return {"state": value.state, "newest": _moment(value.newest), "age_s": value.age_s}


def _selection(value: Selection) -> dict[str, Any]:
    return {
        "start": _moment(value.span.start if value.span else None),
        "end": _moment(value.span.end if value.span else None),
        "last": value.last,
        **{name: getattr(value, name) for name in FILTERS},
    }
