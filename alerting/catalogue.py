"""The metrics a rule may name: a closed list, so that a typo is found when the file is read, not in the night."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Dimension = Literal["duration", "ratio", "per_second", "count", "money", "factor"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One name of the catalogue. `missing` says why its value cannot be had from requests; such a rule never fires."""

    name: str
    dimension: Dimension
    missing: str = ""


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

_COST = "cost is not summed for rules"
_HALLUCINATION = "requests carry no hallucination verdicts"

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("timeout_rate", "ratio"),
        Metric("error_rate", "ratio"),
        Metric("success_rate", "ratio"),
        Metric("sli", "ratio"),
        Metric("fallback_rate", "ratio"),
        Metric("budget_remaining", "ratio"),
        Metric("uptime", "ratio"),
        Metric("hallucination_rate", "ratio", missing=_HALLUCINATION),
        Metric("avg_latency", "duration"),
        Metric("p50", "duration"),
        Metric("p95", "duration"),
        Metric("p99", "duration"),
        Metric("timeout_count", "count"),
        Metric("request_count", "count"),
        Metric("requests_per_second", "per_second"),
        Metric("timeouts_per_second", "per_second"),
        Metric("burn_rate", "factor"),
        Metric("cost", "money", missing=_COST),
        Metric("daily_cost", "money", missing=_COST),
    )
}

ALIASES = {"p50_latency": "p50", "p95_latency": "p95", "p99_latency": "p99"}
