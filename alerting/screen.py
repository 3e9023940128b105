"""What a rule surely saw at many moments at once: a shortcut of the replay, never another opinion.

Sums over all windows come from one pass over the rows. Where they settle the outcome beyond any rounding, it is given;
everywhere else it is null, and the replay asks `alerting.evaluate` itself.
"""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

import polars as pl

from metrics.budget import counted
from metrics.classes import is_valid
from metrics.latency import timed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alerting.grammar import Comparison
    from alerting.rules import Rule
    from core.settings import Settings

SHARES = {"timeout_rate": "timeout", "error_rate": "failed", "success_rate": "success", "fallback_rate": "fallback"}
COUNTS = {
    "request_count": "requests", "timeout_count": "timeout",
    "requests_per_second": "requests", "timeouts_per_second": "timeout",
}  # fmt: skip
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
SERVICE = ("sli", "burn_rate")
SCREENED = {*SHARES, *COUNTS, *PERCENTILES, *SERVICE, "avg_latency"}

_EPSILON = 2.0**-52
_HAIR = 1e-9
"""Durations this close to a limit (relatively) are not judged here: they are rounded on the way to it."""
_FOREVER = pl.lit(float("inf"))
_NEVER, _UNSURE = pl.lit(value=False), pl.lit(None, pl.Boolean)


def screen(rule: Rule, rows: pl.DataFrame, settings: Settings, ends: pl.Series) -> pl.Series:
    """Outcome ("true", "false", "no_data") of each window [end - window, end), null where it is not sure.

    `rows` are the rule's requests with `metrics.summary.COLUMNS`, oldest first, from before the first window on.
    """
    parts, objective = rule.condition.comparisons, settings.objective_values[0]
    names = {part.metric.name for part in parts}
    by_minutes = objective.by != "requests" and not names.isdisjoint(SERVICE)
    if by_minutes or not names <= SCREENED or any(part.baseline for part in parts):
        return pl.Series("outcome", [None] * len(ends), pl.String)
    judged = timed(rows, settings.limit_values.limit_ms).with_columns(
        counted(rows, objective).select(pl.col("good"), pl.col("valid"))
    )
    even = judged["weight"].n_unique() <= 1
    windows = _windows(judged, rule, ends)
    found = windows.select(
        expression
        for number, part in enumerate(parts)
        for expression in _judged(part, number, rule, objective.budget, even=even)
    )
    return found.select(_outcome(rule, len(parts)).alias("outcome"))["outcome"]


def _windows(judged: pl.DataFrame, rule: Rule, ends: pl.Series) -> pl.DataFrame:
    """One row per window: sums of weights, how far each may be off (`..._off`), and counts of rows."""
    weight, value = pl.col("weight"), pl.col("latency_ms")
    sums = {
        "requests": weight,
        "all_valid": weight * is_valid(),
        **{name: weight * (pl.col("class") == name) for name in ("timeout", "failed", "success")},
        "fallback": weight * (is_valid() & pl.col("fallback_used").fill_null(value=False)),
        "sli_good": weight * pl.col("good"),
        "sli_valid": weight * pl.col("valid"),
        "timed_weight": weight * value.is_not_null(),
        "ms": weight * value,
    }
    counts = {"rows": is_valid(), "sli_rows": pl.col("valid"), "timed": value.is_not_null()}
    for number, part in enumerate(rule.condition.comparisons):
        if part.metric.dimension == "duration":
            sums[f"beyond{number}"] = weight * (value > part.limit)
            counts[f"over{number}"] = value > part.limit * (1 + _HAIR)
            counts[f"near{number}"] = value >= part.limit * (1 - _HAIR)
    running = judged.select(
        *(each.fill_null(0.0).cum_sum().alias(name) for name, each in sums.items()),
        *(each.fill_null(value=False).cast(pl.Int64).cum_sum().alias(name) for name, each in counts.items()),
    )
    running = pl.concat([running.clear(1).fill_null(0), running])
    whole = bool((judged["weight"] == judged["weight"].round()).all())
    off = {
        f"{name}_off": 0.0 if whole and name != "ms" else 2 * judged.height * _EPSILON * float(running[name][-1])
        for name in sums
    }
    last, first = (judged["timestamp"].search_sorted(at, "left") for at in (ends, ends - rule.window))
    return running.select(
        *(pl.col(name).gather(last) - pl.col(name).gather(first) for name in running.columns),
        pl.lit(rule.window.total_seconds()).alias("seconds"),
    ).with_columns(pl.lit(far).alias(name) for name, far in off.items())


def _judged(part: Comparison, number: int, rule: Rule, budget: float, *, even: bool) -> Iterable[pl.Expr]:
    """For one comparison `none`, whether it has no value, and `holds` as `alerting.measure` has it, null if unsure."""
    low, high, none = _bounds(part, number, budget, even=even)
    at_low, at_high = _compared(part, low), _compared(part, high)
    same = low == high if part.op in ("==", "!=") else at_low == at_high
    holds = pl.when(same).then(at_low).otherwise(_UNSURE)
    if part.metric.dimension not in ("count", "per_second"):
        few = [pl.col("rows") < rule.min_samples]
        maybe = list(few)
        if (bad := _bad(part, number)) is not None:
            few.append(bad[1] < rule.min_bad)
            maybe.append(bad[0] < rule.min_bad)
        surely, perhaps = reduce(or_, few), reduce(or_, maybe)
        thinned = pl.when(perhaps & holds.fill_null(value=True)).then(_UNSURE).otherwise(holds)
        holds = pl.when(surely).then(_NEVER).otherwise(thinned)
    return none.alias(f"none{number}"), pl.when(~none).then(holds).alias(f"holds{number}")


def _compared(part: Comparison, value: pl.Expr) -> pl.Expr:
    return {
        ">": value > part.limit, ">=": value >= part.limit, "<": value < part.limit, "<=": value <= part.limit,
        "==": value == part.limit, "!=": value != part.limit,
    }[part.op]  # fmt: skip


def _bounds(part: Comparison, number: int, budget: float, *, even: bool) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """The least and the most the value can be, and whether there is none."""
    name = part.metric.name
    if name in SHARES:
        low, high = _quotient(*_sum(SHARES[name]), *_sum("all_valid"))
        return _at_most_1(low), _at_most_1(high), pl.col("rows") == 0
    if name == "sli":
        low, high = _quotient(*_sum("sli_good"), *_sum("sli_valid"))
        return _at_most_1(low), _at_most_1(high), pl.col("sli_rows") == 0
    if name == "burn_rate":
        low, high = _quotient(*_sli_bad(), *_sum("sli_valid"))
        return low / budget, high / budget, pl.col("sli_rows") == 0
    if name in COUNTS:
        count, off = _sum(COUNTS[name])
        each = pl.col("seconds") if part.metric.dimension == "per_second" else 1.0
        return (count - off) / each, (count + off) / each, _NEVER
    if name == "avg_latency":
        low, high = _quotient(*_sum("ms"), *_sum("timed_weight"))
        return low * (1 - _HAIR), high * (1 + _HAIR), pl.col("timed") == 0
    place = (pl.col("timed") - 1) * PERCENTILES[name]
    lower, upper = (place - _HAIR).floor(), (place + _HAIR).ceil()
    above = pl.lit(even) & (pl.col("timed") - pl.col(f"over{number}") <= lower)
    below = pl.lit(even) & (pl.col("timed") - pl.col(f"near{number}") > upper)
    low = pl.when(above).then(_FOREVER).otherwise(-_FOREVER)
    high = pl.when(below).then(-_FOREVER).otherwise(_FOREVER)
    return low, high, pl.col("timed") == 0


def _sum(name: str) -> tuple[pl.Expr, pl.Expr]:
    return pl.col(name), pl.col(f"{name}_off")


def _sli_bad() -> tuple[pl.Expr, pl.Expr]:
    return pl.col("sli_valid") - pl.col("sli_good"), pl.col("sli_valid_off") + pl.col("sli_good_off")


def _quotient(hits: pl.Expr, hits_off: pl.Expr, total: pl.Expr, total_off: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    return (hits - hits_off) / (total + total_off), (hits + hits_off) / (total - total_off)


def _at_most_1(value: pl.Expr) -> pl.Expr:
    return pl.min_horizontal(value, pl.lit(1.0))


def _bad(part: Comparison, number: int) -> tuple[pl.Expr, pl.Expr] | None:
    """The least and the most requests that speak against the metric, None where that means nothing."""
    name = part.metric.name
    if part.metric.dimension == "duration":
        if not part.upward:
            return None
        count, off = _sum(f"beyond{number}")
    elif name in SERVICE:
        count, off = _sli_bad()
    elif name == "success_rate":
        (valid, valid_off), (good, good_off) = _sum("all_valid"), _sum("success")
        count, off = valid - good, valid_off + good_off
    elif name == "fallback_rate":  # measured as the share times the valid, which rounds
        count, _ = _sum("fallback")
        off = count * _HAIR + pl.col("fallback_off")
    else:
        count, off = _sum(SHARES[name])
    return count - off, count + off


def _outcome(rule: Rule, parts: int) -> pl.Expr:
    """The condition over its comparisons, as `alerting.evaluate` joins them."""
    holds = [pl.col(f"holds{number}") for number in range(parts)]
    settles = rule.condition.joiner != "and"
    settled = reduce(or_, ((each == pl.lit(settles)).fill_null(value=False) for each in holds))
    none = reduce(or_, (pl.col(f"none{number}") for number in range(parts)))
    sure = reduce(and_, (each.is_not_null() | pl.col(f"none{number}") for number, each in enumerate(holds)))
    return (
        pl.when(settled)
        .then(pl.lit("true" if settles else "false"))
        .when(none & sure)
        .then(pl.lit("no_data"))
        .when(sure)
        .then(pl.lit("false" if settles else "true"))
        .otherwise(None)
    )
