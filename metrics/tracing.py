"""How much of the traffic can be looked into: requests with a trace, and spans whose request never came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from metrics.classes import is_valid
from metrics.figures import share_of

if TYPE_CHECKING:
    from metrics.values import Rate


@dataclass(frozen=True, slots=True)
class TraceCoverage:
    """Shares of valid requests, and of the bad of them (timed out or failed), that are traced; None without any."""

    valid: Rate | None
    bad: Rate | None


def trace_coverage(requests: pl.DataFrame, spans: pl.DataFrame) -> TraceCoverage:
    """A request is traced when it has a trace id and a span was recorded for it, by that id or by its request id.

    `requests` is classified, with request_id and trace_id; `spans` has request_id and trace_id.
    """
    by_trace, by_request = (
        spans.select(pl.col(name)).drop_nulls().unique().with_columns(pl.lit(value=True).alias(f"by_{name}"))
        for name in ("trace_id", "request_id")
    )
    marked = requests.join(by_trace, on="trace_id", how="left").join(by_request, on="request_id", how="left")
    traced = pl.col("trace_id").is_not_null() & (pl.col("by_trace_id") | pl.col("by_request_id")).fill_null(value=False)
    bad = pl.col("class").is_in(["timeout", "failed"])
    return TraceCoverage(share_of(marked, traced, is_valid()), share_of(marked, traced, bad))


def without_request(spans: pl.DataFrame, request_ids: pl.DataFrame) -> pl.DataFrame:
    """Spans whose request was not recorded: columns request_id, started (its first span), spans; oldest first.

    A request is recorded when it ends: one of these still runs, hangs, or ended with its process. `spans` has
    request_id and timestamp; `request_ids` one column of that name.
    """
    return (
        spans.filter(pl.col("request_id").is_not_null())
        .join(request_ids.drop_nulls(), on="request_id", how="anti")
        .group_by("request_id")
        .agg(pl.min("timestamp").alias("started"), pl.len().alias("spans"))
        .sort("started", "request_id")
    )
