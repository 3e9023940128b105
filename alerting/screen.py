"""What a rule surely saw at many moments at once: a shortcut of the replay, never another opinion.

Sums over all windows come from one pass over the rows. Where they settle the outcome beyond any rounding, it is given;
everywhere else it is null, and the replay asks `alerting.evaluate` itself.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

import polars as pl

from alerting.look import NEAR
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


def screened(rule: Rule, settings: Settings) -> bool:
    """Whether sums can settle what it sees: one window of requests, judged as a whole against numbers."""
    parts = rule.condition.comparisons
    names = {part.metric.name for part in parts}
    by_minutes = settings.objective_values[0].by != "requests" and not names.isdisjoint(SERVICE)
    rounded = rule.window > NEAR and any(part.metric.dimension == "duration" for part in parts)
    plain = not rule.group_by and not any(part.baseline for part in parts)
    return plain and names <= SCREENED and not by_minutes and not rounded


def judged(rows: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Requests (`metrics.summary.COLUMNS`, oldest first) with class and latency, and what the objective counts."""
    return timed(rows, settings.limit_values.limit_ms).with_columns(
        counted(rows, settings.objective_values[0]).select("good", "valid")
    )


def screen(rule: Rule, judged: pl.DataFrame, settings: Settings, ends: pl.Series) -> pl.Series:
    """Outcome ("true", "false", "no_data") of each window [end - window, end), null where it is not sure.

    `judged` are the rule's requests, from before the first window on; the rule is `screened`.
    """
    parts, objective = rule.condition.comparisons, settings.objective_values[0]
    even = judged["weight"].n_unique() <= 1
    windows = _windows(judged, rule, ends)
    for number, part in enumerate(parts):
        if part.metric.name in PERCENTILES:
            windows = windows.with_columns(_between(part, number, rule, windows, judged, even=even))
    found = windows.select(
        expression for number, part in enumerate(parts) for expression in _judged(part, number, rule, objective.budget)
    )
    outcome = found.select(_outcome(rule, len(parts)).alias("outcome"))["outcome"]
    if rule.short is None:
        return outcome
    soon = replace(rule, window=rule.short, short=None, min_samples=0, min_bad=0)
    return _holding_soon(outcome, screen(soon, judged, settings, ends))


def _holding_soon(outcome: pl.Series, soon: pl.Series) -> pl.Series:
    """What breaches must do so over the short window, too, on however little."""
    now = pl.when(pl.col("soon").is_null()).then(None).otherwise(pl.lit("false"))
    both = pl.DataFrame({"outcome": outcome, "soon": soon})
    breaches = (pl.col("outcome") == "true") & ((pl.col("soon") != "true") | pl.col("soon").is_null())
    return both.select(pl.when(breaches).then(now).otherwise(pl.col("outcome")).alias("outcome"))["outcome"]


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
        first.cast(pl.Int64).alias("first"),
        last.cast(pl.Int64).alias("last"),
    ).with_columns(pl.lit(far).alias(name) for name, far in off.items())


def _judged(part: Comparison, number: int, rule: Rule, budget: float) -> Iterable[pl.Expr]:
    """For one comparison `none`, whether it has no value, and `holds` as `alerting.measure` has it, null if unsure."""
    low, high, none = _bounds(part, number, budget)
    at_low, at_high = _compared(part, low), _compared(part, high)
    same = low == high if part.op in ("==", "!=") else at_low == at_high
    holds = pl.when(same).then(at_low).otherwise(_UNSURE)
    if part.metric.guarded:
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


def _bounds(part: Comparison, number: int, budget: float) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
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
    return pl.col(f"low{number}"), pl.col(f"high{number}"), pl.col("timed") == 0


def _between(
    part: Comparison, number: int, rule: Rule, windows: pl.DataFrame, judged: pl.DataFrame, *, even: bool
) -> list[pl.Series]:
    """The least and the most a percentile can be: first from how many durations are beyond the limit.

    Where the percentile lies between two durations on both sides of it, and requests enough to judge by, it is taken.
    Of requests of different weight nothing is known.
    """
    name, timed = part.metric.name, pl.col("timed")
    place = (timed - 1) * PERCENTILES[name]
    above = timed - pl.col(f"over{number}") <= (place - _HAIR).floor()
    below = timed - pl.col(f"near{number}") > (place + _HAIR).ceil()
    enough = pl.col("rows") >= rule.min_samples
    if part.upward:
        enough &= pl.col(f"beyond{number}") >= rule.min_bad
    bounds = windows.select(
        pl.when(pl.lit(even) & above).then(_FOREVER).otherwise(-_FOREVER).alias(f"low{number}"),
        pl.when(pl.lit(even) & below).then(-_FOREVER).otherwise(_FOREVER).alias(f"high{number}"),
        (pl.lit(even) & ~above & ~below & enough & (timed > 0)).alias("look"),
    )
    low, high = (bounds[f"{end}{number}"].to_list() for end in ("low", "high"))
    durations, spans = judged["latency_ms"], windows.select("first", "last")
    for window in bounds["look"].arg_true():
        first, last = spans.row(window)
        value = durations.slice(first, last - first).quantile(PERCENTILES[name], "linear")
        if value is not None:
            low[window], high[window] = value * (1 - _HAIR), value * (1 + _HAIR)
    return [pl.Series(f"low{number}", low, pl.Float64), pl.Series(f"high{number}", high, pl.Float64)]


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
