"""The metrics a rule may name: a closed list, so that a typo is found when the file is read, not in the night."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Dimension = Literal["duration", "ratio", "per_second", "count", "money", "factor"]
Needs = Literal["requests", "minutes", "fallback", "tokens", "said", "cost", "host", "budget"]
"""What a value is computed from: the window's requests, each in its own way; what was said about them (evaluations,
feedback); what they and their calls were charged; host records; the objective's whole period."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One name of the catalogue.

    `guarded` values are judged only on enough requests; the others are their own evidence.
    """

    name: str
    dimension: Dimension
    needs: Needs = "requests"
    guarded: bool = True


UNITS: dict[Dimension, dict[str, Decimal]] = {
    "duration": {"ms": Decimal(1), "s": Decimal(1000)},
    "ratio": {"%": Decimal("0.01"), "": Decimal(1)},
    "per_second": {"/s": Decimal(1), "/min": 1 / Decimal(60)},
    "count": {"": Decimal(1)},
    "money": {"USD": Decimal(1), "": Decimal(1)},
    "factor": {"x": Decimal(1), "": Decimal(1)},
}
"""The units of a limit, and what one of each is in the metric's own (ms, share, 1/s, count, USD, factor)."""

WRITE_AS: dict[Dimension, tuple[str, str]] = {
    "duration": ("a duration", '"{n}s" or "500ms"'),
    "ratio": ("a ratio between 0 and 1", '"{n}%"'),
    "per_second": ("a number per second", '"{n}/s" or "{n}/min"'),
    "count": ("a count", '"{n}"'),
    "money": ("an amount of money", '"{n} USD"'),
    "factor": ("a factor", '"{n}" or "{n}x"'),
}
"""What a dimension is called, and how its limit is written ({n} is the number that was written)."""

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("timeout_rate", "ratio"),
        Metric("error_rate", "ratio"),
        Metric("success_rate", "ratio"),
        Metric("sli", "ratio"),
        Metric("uptime", "ratio", "minutes"),
        Metric("fallback_rate", "ratio"),
        Metric("fallback_failure_rate", "ratio", "fallback"),
        Metric("budget_remaining", "ratio", "budget"),
        Metric("burn_rate", "factor"),
        Metric("avg_latency", "duration"),
        Metric("p50", "duration"),
        Metric("p95", "duration"),
        Metric("p99", "duration"),
        Metric("timeout_count", "count", guarded=False),
        Metric("request_count", "count", guarded=False),
        Metric("requests_per_second", "per_second", guarded=False),
        Metric("timeouts_per_second", "per_second", guarded=False),
        Metric("hallucination_rate", "ratio", "said"),
        Metric("accuracy", "ratio", "said"),
        Metric("confidence_median", "ratio", "said"),
        Metric("feedback_rate", "ratio", "said"),
        Metric("tokens", "count", "tokens", guarded=False),
        Metric("tokens_per_request", "count", "tokens"),
        Metric("cost", "money", "cost", guarded=False),
        Metric("daily_cost", "money", "cost", guarded=False),
        Metric("cost_per_request", "money", "cost"),
        Metric("cpu", "ratio", "host", guarded=False),
        Metric("gpu", "ratio", "host", guarded=False),
        Metric("memory", "ratio", "host", guarded=False),
    )
}

SCORE = "score."
"""Before the name of an evaluation's score: `score.groundedness < 70%`."""

ALIASES = {
    "p50_latency": "p50",
    "p95_latency": "p95",
    "p99_latency": "p99",
    "average_latency": "avg_latency",
    "confidence": "confidence_median",
    "cpu_percent": "cpu",
    "gpu_percent": "gpu",
    "memory_percent": "memory",
}
