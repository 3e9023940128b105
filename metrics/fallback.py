"""The fallback scorecard: timeouts and failures saved by a fallback or felt by users, and what saving one costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from metrics.classes import classify, weight_of
from metrics.latency import latency
from metrics.rates import effective_rows, rate
from metrics.rescue import BAD, OUTCOMES, outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metrics.values import Rate

COLUMNS = (
    "request_id", "timestamp", "execution_time_ms", "status", "agent_id", "operation", "timeout_ms", "fallback_used",
    "fallback_ok", "fallback_ms", "sample_rate",
)  # fmt: skip
"""What `scored` needs of a request."""

PERCENTILES = ("p50", "p95", "p99")


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Bad requests of one class or both, weighted: `bad` = `saved` + `felt`, and `felt_by` says why each was felt.

    `saved_rate` is of the bad ones. `used` counts every valid request with a fallback, whatever its class;
    `ok_rate` is of those that say whether the fallback answered. `fallback_ms` are percentiles of how long it took,
    None where none says.
    """

    bad: float
    saved: float
    felt: float
    felt_by: Mapping[str, float]
    saved_rate: Rate | None
    used: float
    ok_rate: Rate | None
    fallback_ms: Mapping[str, float | None]


def scored(requests: pl.DataFrame, limit_ms: float) -> pl.DataFrame:
    """Classified requests with `outcome`, one of `metrics.rescue.OUTCOMES` for a bad one, else null."""
    return classify(requests, limit_ms).with_columns(outcome(limit_ms).alias("outcome"))


def scorecard(scored: pl.DataFrame, classes: tuple[str, ...] = BAD) -> Scorecard:
    """The sums over `scored` requests; `classes` are those that count as bad."""
    bad = pl.col("class").is_in(classes)
    used = pl.col("fallback_used").fill_null(value=False) & pl.col("class").is_in(("success", *BAD))
    told = used & pl.col("fallback_ok").is_not_null()
    found = scored.select(
        weight_of(bad).alias("bad"),
        weight_of(used).alias("used"),
        weight_of(told & pl.col("fallback_ok")).alias("ok"),
        weight_of(told).alias("told"),
        *(weight_of(bad & (pl.col("outcome") == name)).alias(name) for name in OUTCOMES),
        *(condition.sum().alias(f"{name}_rows") for name, condition in (("bad", bad), ("told", told))),
        *(effective_rows(condition).alias(f"{name}_n") for name, condition in (("bad", bad), ("told", told))),
    ).row(0, named=True)
    took = pl.col("fallback_ms").cast(pl.Float64)
    times = latency(
        scored.filter(used & took.is_finite()).with_columns(took.alias("latency_ms"), pl.lit(value=False).alias("cut")),
        None,
        PERCENTILES,
    ).row(0, named=True)
    felt_by = {name: found[name] for name in OUTCOMES if name != "saved"}
    return Scorecard(
        bad=found["bad"],
        saved=found["saved"],
        felt=sum(felt_by.values()),
        felt_by=felt_by,
        saved_rate=rate(found["saved"], found["bad"], rows=found["bad_rows"], effective=found["bad_n"]),
        used=found["used"],
        ok_rate=rate(found["ok"], found["told"], rows=found["told_rows"], effective=found["told_n"]),
        fallback_ms={name: times[name] for name in PERCENTILES},
    )


@dataclass(frozen=True, slots=True)
class Marginal:
    """What fallbacks cost where that is known: of `requests` with logged calls and a fallback, `saved` bad ones.

    `per_saved` is None when none of them was saved.
    """

    usd: float
    requests: float
    saved: float
    per_saved: float | None


def marginal(scored: pl.DataFrame, charges: pl.DataFrame) -> Marginal | None:
    """US dollars of the calls made in fallbacks, by the bad requests these saved.

    Of requests that used a fallback and logged their calls, all at a known cost; None when there is none: what a
    fallback cost whose calls nobody logged is unknown, not 0. Both frames are of the same requests.
    """
    amount = pl.col("cost_usd") * pl.col("weight")
    calls = charges.group_by("row").agg(
        pl.col("calls_known").any().alias("known"),
        amount.filter("in_fallback").sum().alias("usd"),
    )
    seen = (
        scored.with_row_index("row")
        .filter(pl.col("fallback_used").fill_null(value=False))
        .join(calls.filter("known"), on="row", how="inner")
    )
    if not seen.height:
        return None
    usd, requests, saved = seen.select(
        pl.col("usd").sum().alias("usd"),
        pl.col("weight").sum().alias("requests"),
        weight_of(pl.col("outcome") == "saved").alias("saved"),
    ).row(0)
    return Marginal(usd, requests, saved, usd / saved if saved else None)
