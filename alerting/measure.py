"""The value of a metric in one window, of every group, and whether a comparison holds on enough to judge by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from alerting.catalogue import SCORE
from metrics.budget import burn_rate, sli
from metrics.classes import CLASSES
from metrics.cost_answer import WHOLE
from metrics.fallback import scorecard, scored
from metrics.figures import percentile
from metrics.latency import timed
from metrics.quality import accuracy, confidence_rows, feedback_rate, hallucination_rate, score_rows, scores
from metrics.rates import rate
from metrics.tokens import tokens
from metrics.uptime import minute_up_of, uptime
from metrics.values import Rate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerting.catalogue import Metric
    from alerting.grammar import Comparison
    from alerting.rules import Rule
    from alerting.window import Window
    from metrics.evidence import Evidence
    from metrics.figures import Figure
    from metrics.host import Host


@dataclass(frozen=True, slots=True)
class Value:
    """What a metric is in one window: `value` in its own unit, None when it cannot be told.

    `rows` is what it was seen in and `bad` how many requests speak against it (None where that means nothing).
    `at_least` marks a bound. `unsaid`: there are requests, but none of them carries it. `partial`: too much of it is
    unknown for it to be compared with.
    """

    value: float | None
    rows: int = 0
    bad: float | None = None
    at_least: bool = False
    rate: Rate | None = None
    unsaid: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """A baseline: the median of the `days` past windows that could tell, None when those are too few.

    `being_read`: not all of them have been looked at yet.
    """

    value: float | None
    days: int
    being_read: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One comparison as seen: `value` in the metric's own unit, None without traffic; a bound is compared as a value.

    `rows`, `bad`, `at_least`, `rate` and `unsaid` are those of `Value`; `before` is the baseline the limit is a
    multiple of, None for a limit that is a number. `holds` is whether the comparison does, None
    when it cannot be told; `thin` that it would, on too little to judge.
    """

    comparison: Comparison
    value: float | None
    at_least: bool = False
    rows: int = 0
    bad: float | None = None
    rate: Rate | None = None
    holds: bool | None = None
    thin: bool = False
    before: Before | None = None
    unsaid: bool = False

    @property
    def limit(self) -> float | None:
        """What the value is compared with, in the metric's unit; None when that is a baseline nobody has."""
        if self.before is None:
            return self.comparison.limit
        return None if self.before.value is None else self.comparison.limit * self.before.value


NOTHING, ZERO = Value(None), Value(0.0)


def reading(comparison: Comparison, rule: Rule, found: Value, before: Before | None = None) -> Reading:
    """Compare the metric with its limit.

    A breach seen in fewer than `min_samples` rows, or with fewer than `min_bad` bad ones, is none; counts, money and
    rates per second are their own evidence.
    """
    value, usual = found.value, 1.0 if before is None else before.value
    holds: bool | None = None
    thin = False
    if value is not None and usual is not None:
        few = found.rows < rule.min_samples or (found.bad is not None and found.bad < rule.min_bad)
        holds = comparison.holds(value, usual)
        thin = holds and few and comparison.metric.guarded
        holds = holds and not thin
    return Reading(
        comparison, value, found.at_least, found.rows, found.bad, found.rate, holds, thin, before, found.unsaid
    )


def of_nobody(metric: Metric) -> Value:
    """The value of a group without a request: counting nothing is an answer."""
    return ZERO if metric.needs == "requests" and metric.dimension in ("count", "per_second") else NOTHING


def values(comparison: Comparison, window: Window) -> Mapping[int, Value]:
    """The metric of every group of the window that can tell, by the group's number."""
    metric = comparison.metric
    if metric.dimension == "duration":
        what = f"values of {metric.name} {comparison.upward} {comparison.baseline} {comparison.limit}"
        return window.once(what, lambda: _times(comparison, window))
    return window.once(f"values of {metric.name}", lambda: _values(metric, window))


def _values(metric: Metric, window: Window) -> dict[int, Value]:
    look, needs = window.look, metric.needs
    if needs == "budget":
        left, valid, bad = look.budget_left(window.question.requests)
        return {0: Value(left, round(valid), bad)}
    if needs == "host":
        return dict.fromkeys(window.groups().numbers.values(), _of_hosts(metric.name, window.hosts()))
    if needs == "said":
        return {number: _of_evidence(metric.name, part) for number, part in window.said().items()}
    if needs == "cost":
        return _costs(metric.name, window)
    if needs == "requests" and not (look.objective.by == "minutes" and metric.name in ("sli", "burn_rate")):
        return {number: _of_tally(metric.name, row, window) for number, row in window.tallies().items()}
    return {number: _of_part(metric.name, part, window) for number, part in window.parts(needs).items()}


def _times(comparison: Comparison, window: Window) -> dict[int, Value]:
    """A duration, and as what is bad how many requests are themselves beyond the limit: one is no slow service."""
    column = "average_ms" if comparison.metric.name == "avg_latency" else comparison.metric.name
    bound = "average_at_least" if column == "average_ms" else f"{column}_at_least"
    judged = comparison.upward and not comparison.baseline
    beyond = window.beyond(comparison.limit) if judged else ""
    return {
        number: Value(row[column], row["n"], row[beyond] if judged else None, bool(row[bound]))
        for number, row in window.tallies().items()
    }


def _of_tally(name: str, row: Mapping[str, Any], window: Window) -> Value:
    rows, valid, seconds = row["n"], row["valid"], window.question.window.total_seconds()
    if name in ("sli", "burn_rate"):
        good, counted = row["good"], row["counted"]
        bad = counted - good
        if name == "burn_rate":
            return Value(burn_rate(bad, counted, window.look.objective), rows, bad)
        return Value(min(1.0, good / counted) if counted > 0 else None, rows, bad)
    hits = {
        "timeout_rate": (row["timeout"], row["timeout"]),
        "error_rate": (row["failed"], row["failed"]),
        "success_rate": (row["success"], valid - row["success"]),
        "fallback_rate": (row["fallback"], row["fallback"]),
    }
    if name in hits:
        share = rate(hits[name][0], valid, rows=rows, effective=row["effective"])
        return Value(share.value if share else None, rows, hits[name][1], rate=share)
    requests = sum(row[each] for each in CLASSES)
    plain = {
        "request_count": requests,
        "timeout_count": row["timeout"],
        "requests_per_second": requests / seconds,
        "timeouts_per_second": row["timeout"] / seconds,
    }
    return Value(plain[name], round(requests))


def _of_part(name: str, part: pl.DataFrame, window: Window) -> Value:
    """What needs the requests themselves."""
    limit_ms, objective = window.look.limits.limit_ms, window.look.objective
    if name == "uptime":
        up = uptime(part, limit_ms, minute_up_of(window.look.settings.objective_values))
        return NOTHING if up is None else Value(up.value, up.n, (1 - up.value) * up.n, rate=up)
    if name == "fallback_failure_rate":
        ok = scorecard(scored(part, limit_ms)).ok_rate
        if ok is None:
            return Value(None, part.height, unsaid=part.height > 0)
        failed = Rate(1 - ok.value, 1 - ok.high, 1 - ok.low, ok.n)
        return Value(1 - ok.value, ok.n, (1 - ok.value) * ok.n, rate=failed)
    if name in ("tokens", "tokens_per_request"):
        used = tokens(timed(part, limit_ms))
        if name == "tokens_per_request":
            return _figure(used.per_request, part.height)
        said = [each for each in (used.input, used.output) if each is not None]
        return Value(sum(said) if said else None, part.height, unsaid=not said and part.height > 0)
    found = sli(part, objective)
    bad = found.valid - found.good
    value = found.value if name == "sli" else burn_rate(bad, found.valid, objective)
    return Value(value, round(found.valid), bad)


def _of_evidence(name: str, part: Evidence) -> Value:
    requests, said, share = part.requests, part.said, None
    if name == "hallucination_rate":
        share = hallucination_rate(said)
    elif name == "feedback_rate":
        share = feedback_rate(requests, said)
    elif name == "confidence_median":
        return _figure(percentile(confidence_rows(said), pl.col("value"), 50, "score"), requests.height)
    else:
        found, wanted = scores(score_rows(said)), name.removeprefix(SCORE)
        named = next((each.mean for each in found if each.name == wanted), None)
        return _figure(accuracy(found) if name == "accuracy" else named, requests.height)
    if share is None:
        return Value(None, requests.height, unsaid=requests.height > 0)
    bad = share.value * share.n if name == "hallucination_rate" else None
    return Value(share.value, share.n, bad, rate=share)


def _figure(found: Figure | None, requests: int) -> Value:
    if found is None:
        return Value(None, requests, unsaid=requests > 0)
    return Value(found.value, found.n, at_least=found.at_least)


def _costs(name: str, window: Window) -> dict[int, Value]:
    """Of a group with requests but no charge nothing is said."""
    found = {number: cost_value(name, row) for number, row in window.spent().items()}
    silent = set(window.groups().numbers.values()) - set(found) if found or window.any_request() else ()
    return found | dict.fromkeys(silent, Value(None, unsaid=True))


def cost_value(name: str, row: Mapping[str, Any]) -> Value:
    """A row of `metrics.cost.spent_by`, the sums of one group."""
    requests = round(row["requests"])
    value = row["per_request"] if name == "cost_per_request" else row["spent"]
    if value is None:
        return Value(None, requests, unsaid=requests > 0)
    partial = row["known_requests"] < WHOLE * row["requests"]
    return Value(value, requests, at_least=row["unknown"] > 0 and name != "cost_per_request", partial=partial)


def _of_hosts(name: str, machines: tuple[Host, ...]) -> Value:
    """The highest mean of any machine, as a share."""
    found = [machine.gauges[f"{name}_percent"] for machine in machines if f"{name}_percent" in machine.gauges]
    if not found:
        return Value(None, unsaid=True)
    worst = max(found, key=lambda gauge: gauge.mean)
    return Value(worst.mean / 100, worst.n)
