"""The numbers as Prometheus text, under the names teams already have in their Grafana boards.

Counters count every request stored, weighted by 1/sample_rate. They are sums of rows, so they fall when old rows are
removed (Prometheus reads that as a reset), and "other" may fall when another agent becomes one of the top.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import polars as pl
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, SummaryMetricFamily
from prometheus_client.registry import Collector

from core.record import EXCLUDED_STATUSES
from metrics.classes import VALID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prometheus_client.metrics_core import Metric

    from metrics.values import Summary

EDGES_MS = (100.0, 500.0, 1000.0, 2000.0, 5000.0, 8000.0, 10_000.0, 15_000.0, 30_000.0)
"""Upper edges of the duration buckets, in milliseconds: what `Store.cube` is asked for."""

TOP_AGENTS = 100
TOP_VALUES = 50
"""Most frequent agents, and operations, error codes and timeout types, that have a label of their own."""

LABEL_LENGTH = 128
OTHER, UNKNOWN = "other", "unknown"

_LABELS = {"state": "status"}
"""Labels that are not called as their column is."""


def prometheus_text(cube: pl.DataFrame, hour: Summary, *, quarantined: Mapping[str, int], limit_ms: float) -> str:
    """The text of `/metrics`.

    Args:
        cube: requests by agent_id, operation, status, error_code, timeout_type, bucket (index into EDGES_MS, their
            number above the last one, null without a duration) and over_limit; `n` of them, `sum_ms` their durations.
        hour: the answer over the last hour.
        quarantined: refused lines by reason.
        limit_ms: what a cut request without a duration took at least.
    """
    return generate_latest(_Families([*_requests(_labelled(cube), limit_ms), *_own(hour, quarantined)])).decode()


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _labelled(cube: pl.DataFrame) -> pl.DataFrame:
    """The cube with the class of each row as `state`, and its label values clean and bounded in number."""
    status, over = pl.col("status"), pl.col("over_limit").fill_null(value=False)
    named = (
        pl.when(status.is_in(EXCLUDED_STATUSES))
        .then(status)
        .when((status == "timeout") | over)
        .then(pl.lit("timeout"))
        .when((status == "success") & pl.col("bucket").is_null())
        .then(pl.lit("unmeasured"))
        .otherwise(status)
        .alias("state")
    )
    timeout_type = pl.coalesce("timeout_type", pl.when(status != "timeout").then(pl.lit("over_limit")))
    cube = cube.with_columns(named, timeout_type.alias("timeout_type"))
    tops = {"agent_id": TOP_AGENTS, "operation": TOP_VALUES, "error_code": TOP_VALUES, "timeout_type": TOP_VALUES}
    for column, most in tops.items():
        clean = pl.col(column).str.replace_all(r"\p{C}", "\N{REPLACEMENT CHARACTER}").str.slice(0, LABEL_LENGTH)
        cube = cube.with_columns(clean.replace("", None).fill_null(UNKNOWN).alias(column))
        frequent = cube.group_by(column).agg(pl.col("n").sum()).sort("n", column, descending=[True, False])
        keep = pl.col(column).is_in(frequent[column].head(most).implode())
        cube = cube.with_columns(pl.when(keep).then(column).otherwise(pl.lit(OTHER)).alias(column))
    return cube


def _requests(cube: pl.DataFrame, limit_ms: float) -> Iterable[Metric]:
    timeouts, failed = cube.filter(pl.col("state") == "timeout"), cube.filter(pl.col("state") == "failed")
    success, timed = cube.filter(pl.col("state") == "success"), _timed(cube, limit_ms)
    agents, operations = {"agent_id": cube["agent_id"].to_list()}, {"operation": cube["operation"].to_list()}
    states = {"state": [*VALID, *cube["state"]]}
    types, codes = {"timeout_type": timeouts["timeout_type"].to_list()}, {"error_code": failed["error_code"].to_list()}
    yield _counter("api_requests_total", "Requests by what became of them.", cube, agents | states)
    yield _counter(
        "api_timeout_total", "Requests that were cut or took longer than the limit.", timeouts, agents | types
    )
    yield _counter("api_errors_total", "Requests that failed.", failed, agents | codes)
    yield _histogram("api_duration_seconds", "How long requests took, by agent.", timed, "agent_id")
    yield _summary("api_duration_seconds_summary", "How long requests took, by agent.", timed, "agent_id")
    yield _histogram(
        "http_server_request_duration_seconds", "How long requests took, by operation and what became of them.", timed,
        "operation", "state",
    )  # fmt: skip
    yield _counter(
        "http_server_requests_by_status_total",
        "Requests by what became of them, by operation.",
        cube,
        operations | states,
    )
    yield _counter("workflow_timeout_total", "Timeouts by operation.", timeouts, operations)
    yield _counter("workflow_api_timeout_total", "Timeouts by operation.", timeouts, operations)
    yield _counter("workflow_api_success_total", "Successes by operation.", success, operations)
    yield _histogram("workflow_api_duration_seconds", "How long requests took, by operation.", timed, "operation")


def _own(hour: Summary, quarantined: Mapping[str, int]) -> Iterable[Metric]:
    """What is known about now. A number that is not known has no sample: neither 0 nor NaN."""
    objective, budget = hour.budget.objective, hour.budget
    rate = hour.timeout_rate.value * 100 if hour.timeout_rate else None
    yield GaugeMetricFamily("api_timeout_rate_percent", "Share of timeouts over the last hour, in percent.", value=rate)
    yield GaugeMetricFamily(
        "burnline_data_age_seconds", "How long ago the newest request started.", value=hour.freshness.age_s
    )
    left = GaugeMetricFamily(
        "burnline_error_budget_remaining_ratio", "Share of the error budget that is left.", labels=["objective"]
    )
    left.add_metric([objective], budget.remaining)
    yield left
    burn = GaugeMetricFamily(
        "burnline_error_budget_burn_rate",
        "How many times faster than sustainable the error budget is spent.",
        labels=["objective", "window"],
    )
    for window, value in budget.burn.items():
        if value is not None:
            burn.add_metric([objective, window], value)
    yield burn
    lines = CounterMetricFamily("burnline_quarantined_lines_total", "Log lines that were refused.", labels=["reason"])
    for reason, count in sorted(quarantined.items()):
        lines.add_metric([reason], count)
    yield lines


def _counter(name: str, text: str, counted: pl.DataFrame, labels: Mapping[str, Iterable[str]]) -> CounterMetricFamily:
    """One counter per combination of the values known of each column: 0 where none was counted.

    A counter that is not there before its first count hides that one from `increase()`.
    """
    family = CounterMetricFamily(name, text, labels=[_LABELS.get(column, column) for column in labels])
    counts = {tuple(values): n for *values, n in counted.group_by(*labels).agg(pl.col("n").sum()).iter_rows()}
    for values in product(*(sorted(set(known)) for known in labels.values())):
        family.add_metric(values, counts.get(values, 0.0))
    return family


def _timed(cube: pl.DataFrame, limit_ms: float) -> pl.DataFrame:
    """Valid requests that have a duration. A cut request without one is above every edge, and took the limit."""
    cut = (pl.col("status") == "timeout") & pl.col("bucket").is_null()
    timed = cube.filter(pl.col("state").is_in(VALID)).with_columns(
        pl.when(cut).then(len(EDGES_MS)).otherwise(pl.col("bucket")).alias("bucket"),
        pl.when(cut).then(pl.col("n") * limit_ms).otherwise(pl.col("sum_ms")).alias("sum_ms"),
    )
    return timed.filter(pl.col("bucket").is_not_null())


def _histogram(name: str, text: str, timed: pl.DataFrame, *columns: str) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, text, labels=[_LABELS.get(column, column) for column in columns])
    edges = [*(f"{edge / 1000}" for edge in EDGES_MS), "+Inf"]
    upto = [pl.col("n").filter(pl.col("bucket") <= place).sum().alias(edge) for place, edge in enumerate(edges)]
    for row in timed.group_by(columns).agg(*upto, pl.col("sum_ms").sum()).sort(columns).iter_rows():
        values, counts, total = row[: len(columns)], row[len(columns) : -1], row[-1]
        family.add_metric(values, list(zip(edges, counts, strict=True)), total / 1000)
    return family


def _summary(name: str, text: str, timed: pl.DataFrame, column: str) -> SummaryMetricFamily:
    """Count and sum alone, as Prometheus' Python client writes a summary."""
    family = SummaryMetricFamily(name, text, labels=[column])
    for value, n, total in timed.group_by(column).agg(pl.col("n", "sum_ms").sum()).sort(column).iter_rows():
        family.add_metric([value], n, total / 1000)
    return family
