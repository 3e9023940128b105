"""What a team wants its numbers to be: a target to meet, and a threshold that must not be crossed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from core.sections import Section, duration, ratio

TargetName = Literal[
    "timeout_rate", "error_rate", "success_rate", "fallback_rate", "uptime", "hang_rate", "hallucination_rate",
    "feedback_rate", "source_attribution", "disclaimer_rate", "trace_coverage", "trace_coverage_bad", "adoption",
    "average_latency", "p50", "p75", "p90", "p95", "p99", "p99.9", "accuracy", "confidence_median",
    "tokens_per_request", "nps", "drift", "daily_cost_change", "cost_per_request", "cost_per_active_user",
]  # fmt: skip
"""The metrics a target can be set for."""

_DURATIONS = ("average_latency", "p50", "p75", "p90", "p95", "p99", "p99.9")
_PLAIN = ("tokens_per_request", "nps", "drift", "cost_per_request", "cost_per_active_user")
Direction = Literal["higher", "lower", "within"]
Tier = Literal["24/7", "daily", "weekly"]


class TargetSettings(Section):
    """One metric: `target` is what to reach, beyond `threshold` it is too far off; without one nothing is.

    `direction` says which is better: higher, lower, or within (as near to 0 as the target; only too high is too far).
    Latencies are written as durations and kept in milliseconds, shares and scores as 99.9% or 0.999, the rest as
    numbers.
    """

    metric: TargetName
    target: float = Field(allow_inf_nan=False)
    threshold: float | None = Field(None, allow_inf_nan=False)
    direction: Direction
    tier: Tier = "daily"

    @field_validator("target", "threshold", mode="before")
    @classmethod
    def _in_the_unit_of_the_metric(cls, value: Any, info: ValidationInfo) -> Any:
        metric = info.data.get("metric")
        if value is None or metric is None or metric in _PLAIN:
            return value
        if metric in _DURATIONS:
            return duration(value) / timedelta(milliseconds=1)
        share = ratio(value)
        if isinstance(share, int | float) and not 0 <= share <= 1 and metric != "daily_cost_change":
            raise ValueError(f"a share lies from 0% to 100%; write {share:.6g}% for {share:.6g} percent")
        return share

    @model_validator(mode="after")
    def _threshold_is_beyond_the_target(self) -> TargetSettings:
        if self.threshold is None or self.threshold == self.target:
            return self
        if (self.threshold < self.target) != (self.direction == "higher"):
            raise ValueError(
                f"{self.metric}: {self.direction} is better, so the threshold ({self.threshold:.6g}) lies "
                f"{'below' if self.direction == 'higher' else 'above'} the target ({self.target:.6g})"
            )
        return self


DEFAULT = tuple(
    TargetSettings.model_validate(
        {"metric": metric, "target": target, "threshold": threshold, "direction": direction, "tier": tier}
    )
    for metric, target, threshold, direction, tier in (
        ("uptime", "99.9%", "99.5%", "higher", "24/7"),
        ("p95", "2s", "3s", "lower", "24/7"),
        ("error_rate", "0.5%", "1%", "lower", "24/7"),
        ("hallucination_rate", "2%", "3%", "lower", "24/7"),
        ("daily_cost_change", "20%", "50%", "within", "24/7"),
        ("accuracy", "90%", None, "higher", "daily"),
        ("tokens_per_request", 3000, None, "lower", "daily"),
        ("nps", 40, None, "higher", "daily"),
        ("source_attribution", "100%", None, "higher", "daily"),
        ("confidence_median", "80%", None, "higher", "weekly"),
        ("adoption", "60%", None, "higher", "weekly"),
        ("cost_per_active_user", 5, None, "lower", "weekly"),
        ("drift", 0.1, None, "lower", "weekly"),
    )
)
"""What a team that sets nothing is measured by. Cost per active user is of 30 days, in US dollars."""
