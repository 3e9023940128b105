"""What the selected requests were charged for: one row per charge, so that nothing is counted twice.

A request's own cost is what it cost. Its calls (spans of kind `llm`, joined by `request_id`) then only say what it went
into: each billed one takes its own cost of it, all in proportion where they claim more, and the rest is the request's.
Without a cost of its own a request costs the sum of its calls; without a call whose cost is known either, its own
tokens at their price.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from core.selection import Selection
from core.timespan import TimeSpan
from metrics.classes import classify
from metrics.prices import priced
from metrics.rescue import saved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.price import Price
    from core.record import Kind
    from core.selection import RecordSource

REQUEST_COLUMNS = (
    "request_id", "timestamp", "execution_time_ms", "status", "agent_id", "operation", "feature", "model", "user_id",
    "tokens_input", "tokens_output", "cost_usd", "billed", "timeout_ms", "fallback_used", "fallback_ok", "fallback_ms",
    "sample_rate",
)  # fmt: skip
CALL_COLUMNS = (
    "request_id", "timestamp", "status", "operation", "parent_span_id", "model", "tokens_input", "tokens_output",
    "cost_usd", "billed",
)  # fmt: skip
COLUMNS = (
    "row", "request_id", "timestamp", "agent_id", "operation", "feature", "user_id", "model", "class", "weight",
    "list_usd", "cost_usd", "cost_source", "price_version", "why", "is_call", "retry", "in_fallback",
    "known", "whole", "calls_known", "tokens_said",
)  # fmt: skip
REASONS = ("timeout", "failed", "excluded", "call")
"""Why a charge bought nothing: how its request ended or, of an answered one, that the call itself did not succeed."""

_TOKENS_SAID = pl.any_horizontal(pl.col("tokens_input", "tokens_output").is_not_null()).alias("tokens_said")
_SHARED = (
    "row", "request_id", "timestamp", "agent_id", "operation", "feature", "user_id", "model", "class", "weight",
    "saved",
)  # fmt: skip
_LATE = timedelta(minutes=10)
_LONGEST = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)


def spans_of(
    reader: RecordSource,
    requests: pl.DataFrame,
    kinds: Sequence[Kind] = ("llm",),
    columns: Sequence[str] = CALL_COLUMNS,
) -> pl.DataFrame:
    """The spans that can belong to these requests: begun while the first to the last of them can have been under way.

    Filters do not apply: a request of the selection may call any model. Spans are looked for until ten minutes after
    the newest request began, plus the longest one's duration, at most a day.
    """
    if not requests.height:
        return reader.records(kinds, Selection(last=0), columns)
    oldest, newest, longest = requests.select(
        pl.min("timestamp").alias("a"),
        pl.max("timestamp").alias("b"),
        pl.col("execution_time_ms").clip(0, _LONGEST / _MILLISECOND).max().fill_null(0.0).alias("c"),
    ).row(0)
    return reader.records(
        kinds, Selection(TimeSpan(oldest - _MILLISECOND, newest + longest * _MILLISECOND + _LATE)), columns
    )


def charges(requests: pl.DataFrame, calls: pl.DataFrame, prices: Sequence[Price], limit_ms: float) -> pl.DataFrame:
    """One row per charge of these requests; columns as COLUMNS. Needs REQUEST_COLUMNS and CALL_COLUMNS.

    `row` is the request's place in `requests`; time, weight and fields are the request's, but `model` is the one that
    was charged. The costs are those of `metrics.prices.priced`: `list_usd`, `cost_usd`, `cost_source` and the price.
    `why` is one of REASONS, null where the charge bought an answer. `retry` marks a call right after one of the same
    parent and operation that did not succeed, `in_fallback` a call begun after the request's fallback was. `known` is
    whether the cost is, `whole` whether that of every charge of the request is, `calls_known` whether that of each of
    its calls is (null without calls). A request that says nothing of a model, tokens, cost, billing or calls has no
    row; the charges of one request stand together.
    """
    whole = priced(classify(requests, limit_ms).with_row_index("row"), prices).with_columns(
        saved(limit_ms).alias("saved"),
        (pl.col("list_usd").is_not_null() & pl.col("price_version").is_null()).alias("own"),
        (~pl.col("billed")).fill_null(value=False).alias("request_unbilled"),
    )
    made = _calls(whole, calls, prices)
    billed = pl.col("cost_source") != "unbilled"
    sums = made.group_by("row").agg(
        pl.col("list_usd").filter(billed).sum().alias("claimed"),
        ((billed & pl.col("list_usd").is_not_null()).any() | ~billed.any()).alias("told"),
        (pl.col("cost_source") != "unknown").all().alias("calls_known"),
    )
    whole = whole.join(sums, on="row", how="left", maintain_order="left").with_columns(pl.col("claimed").fill_null(0.0))
    found = pl.concat([_own(whole), _called(whole, made)]).with_columns(
        _why(), (pl.col("cost_source") != "unknown").alias("known")
    )
    doubtful = found.filter(~pl.col("known"))["row"].unique()
    return (
        found.with_columns((~pl.col("row").is_in(doubtful.implode())).alias("whole"))
        .select(COLUMNS)
        .sort("row", maintain_order=True)
    )


def _calls(whole: pl.DataFrame, calls: pl.DataFrame, prices: Sequence[Price]) -> pl.DataFrame:
    """The calls of these requests, priced, each with the time and the fields of the first request of its id."""
    spent = pl.coalesce(
        pl.col("execution_time_ms") - pl.col("fallback_ms"), pl.when(pl.col("status") == "timeout").then("timeout_ms")
    )
    about = (
        whole.join(calls.select("request_id"), on="request_id", how="semi")
        .unique("request_id", keep="first", maintain_order=True)
        .select(
            *("request_id", "row", "agent_id", "feature", "user_id", "class", "weight", "saved", "request_unbilled"),
            pl.when("fallback_used")
            .then(pl.col("timestamp") + pl.duration(microseconds=(spent * 1000).cast(pl.Int64, strict=False)))
            .alias("fell_at"),
            pl.col("timestamp").alias("began"),
            pl.col("operation").alias("asked_for"),
        )
    )
    before = pl.col("status").shift(1).over("row", "parent_span_id", "operation", order_by="timestamp")
    joined = (
        calls.select(CALL_COLUMNS)
        .join(about, on="request_id", how="inner")
        .with_columns(
            pl.when(~pl.col("request_unbilled")).then("billed").otherwise(False).alias("billed"),
            (before != "success").fill_null(value=False).alias("retry"),
            (pl.col("timestamp") >= pl.col("fell_at") - _MILLISECOND).fill_null(value=False).alias("in_fallback"),
            pl.lit(value=True).alias("is_call"),
        )
    )
    return priced(joined, prices).with_columns(
        pl.col("began").alias("timestamp"), pl.col("asked_for").alias("operation")
    )


def _own(whole: pl.DataFrame) -> pl.DataFrame:
    """The charge of a request itself: of its own cost what no call takes, or all there is when no call tells."""
    says = pl.col("model", "tokens_input", "tokens_output", "cost_usd", "billed", "told")
    rest = (pl.col("list_usd") - pl.col("claimed")).clip(0.0)
    kept = pl.when("own").then((rest > 0) | (pl.col("claimed") == 0)).otherwise(~pl.col("told").fill_null(value=False))
    return whole.filter(pl.any_horizontal(says.is_not_null()) & kept).select(
        *_SHARED,
        pl.when("own").then(rest).otherwise("list_usd").alias("list_usd"),
        pl.when(pl.col("cost_source") == "record").then(rest).otherwise("cost_usd").alias("cost_usd"),
        *("cost_source", "price_version"),
        *(pl.lit(value=False).alias(name) for name in ("is_call", "retry", "in_fallback")),
        "calls_known",
        _TOKENS_SAID,
        pl.lit(None, pl.String).alias("status"),
    )


def _called(whole: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """The charges of calls."""
    of_request = whole.select("row", "own", "claimed", "told", "calls_known", pl.col("list_usd").alias("own_usd"))
    billed, part = pl.col("cost_source") != "unbilled", pl.min_horizontal(1.0, pl.col("own_usd") / pl.col("claimed"))
    takes = pl.when(pl.col("own") & billed).then(part).otherwise(1.0)
    kept = (
        pl.when("own")
        .then(pl.when(billed).then(pl.col("list_usd").is_not_null()).otherwise(~pl.col("request_unbilled")))
        .otherwise(pl.col("told") | ~billed)  # what was not billed comes on top of the request's own tokens, too
    )
    return (
        made.join(of_request, on="row", how="left", maintain_order="left")
        .filter(kept)
        .select(
            *_SHARED,
            (pl.col("list_usd") * takes).alias("list_usd"),
            (pl.col("cost_usd") * takes).alias("cost_usd"),
            *("cost_source", "price_version", "is_call", "retry", "in_fallback", "calls_known"),
            _TOKENS_SAID,
            "status",
        )
    )


def _why() -> pl.Expr:
    """What a saved request paid for its fallback did buy an answer; the rest of a bad request did not."""
    answered = pl.col("in_fallback") & pl.col("saved")
    return (
        pl.when(pl.col("status").is_not_null() & (pl.col("status") != "success"))
        .then(pl.when(pl.col("class").is_in(REASONS)).then(pl.col("class").cast(pl.String)).otherwise(pl.lit("call")))
        .when(pl.col("class").is_in(REASONS) & ~answered)
        .then(pl.col("class").cast(pl.String))
        .cast(pl.Enum(REASONS))
        .alias("why")
    )
