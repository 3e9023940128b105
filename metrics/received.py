"""A Summary from the JSON another process answered with: the way back from `metrics.summary.to_json`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.selection import FILTERS, Selection
from core.timespan import TimeSpan
from metrics.values import (
    Budget,
    Counts,
    DataAge,
    Leader,
    Percentile,
    Projection,
    Rate,
    Receipt,
    Runway,
    Sli,
    Summary,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Mapping

_COUNTS = ("requests", "success", "timeout", "failed", "excluded", "unmeasured")


def from_json(shown: Mapping[str, Any]) -> Summary:
    """The value `shown` was made of; KeyError, TypeError or ValueError when it was made of something else."""
    latency, receipt, leader = dict(shown["latency_ms"]), shown["receipt"], shown["top_agent"]
    average = latency.pop("avg")
    return Summary(
        counts=Counts(**{name: shown[name] for name in _COUNTS}),
        timeout_rate=_rate(shown["timeout_rate"]),
        error_rate=_rate(shown["error_rate"]),
        success_rate=_rate(shown["success_rate"]),
        average_ms=average["value"] if average else None,
        percentiles={name: Percentile(**found) if found else None for name, found in latency.items()},
        near=shown["near"],
        critical=shown["critical"],
        fallback_rate=_rate(shown["fallback_rate"]),
        sli=Sli(**shown["sli"]),
        budget=_budget(shown["budget"]),
        span=_span(shown["span"]),
        freshness=DataAge(**{**shown["freshness"], "newest": _moment(shown["freshness"]["newest"])}),
        receipt=Receipt(
            _selection(receipt["selection"]),
            receipt["rows"],
            receipt["version"],
            datetime.fromisoformat(receipt["computed_at"]),
            receipt["percentiles"] == "exact",
        ),
        average_at_least=bool(average and average["at_least"]),
        leader=Leader(leader["agent_id"], leader["timeouts"]) if leader else None,
        unfiltered=receipt["unfiltered"],
        estimates=tuple(receipt["estimates"]),
    )


def _rate(shown: Mapping[str, Any] | None) -> Rate | None:
    return Rate(**shown) if shown else None


def _moment(shown: str | None) -> datetime | None:
    return datetime.fromisoformat(shown) if shown else None


def _span(shown: Mapping[str, str] | None) -> TimeSpan | None:
    return TimeSpan(datetime.fromisoformat(shown["start"]), datetime.fromisoformat(shown["end"])) if shown else None


def _budget(shown: Mapping[str, Any]) -> Budget:
    values = dict(shown)
    period = timedelta(seconds=values.pop("period_s"))
    ends, since = _moment(values.pop("exhausted_at")), _moment(values.pop("exhausted_since"))
    runway, projected = values.pop("runway"), values.pop("projected")
    return Budget(
        period=period,
        exhausted_at=ends,
        exhausted_since=since,
        runway=Runway(**_moments(runway, "ends", "low", "high", "until")) if runway else None,
        projected=Projection(**_moments(projected, "start", "end")) if projected else None,
        **values,
    )


def _moments(shown: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: _moment(value) if name in names else value for name, value in shown.items()}


def _selection(shown: Mapping[str, Any]) -> Selection:
    filters = {name: shown[name] for name in FILTERS}
    return Selection(_span({**shown}) if shown["start"] else None, shown["last"], **filters)
