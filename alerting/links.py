"""Addresses of pages that open on the same requests, and so the same numbers, that a message tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from datetime import datetime

    from core.selection import Selection
    from core.settings import Settings
    from core.timespan import TimeSpan

PAGE_OF = {
    "p50": "latency", "p95": "latency", "p99": "latency", "avg_latency": "latency",
    "budget_remaining": "budget", "burn_rate": "budget", "uptime": "budget",
    "timeout_rate": "why", "error_rate": "why", "timeout_count": "why", "timeouts_per_second": "why",
}  # fmt: skip
"""The page that explains a metric of a rule; any other is on the first page."""
MEASURE_OF = {"error_rate": "error", "timeout_rate": "timeout", "timeout_count": "timeout"}
"""What the page of causes is to speak of."""


def page(settings: Settings, name: str, requests: Selection, **more: str) -> str:
    """A page over exactly these requests: their span to the microsecond, and their filters.

    "" when nobody said where the dashboard is.
    """
    span: TimeSpan | None = requests.span
    between = {"start": span.start.isoformat(), "end": span.end.isoformat()} if span else {}
    return _address(settings, name, between | requests.filters | more)


def page_of_metric(settings: Settings, metric: str, requests: Selection) -> str:
    """The page that explains a metric."""
    name = PAGE_OF.get(metric, "")
    measure = {"measure": MEASURE_OF[metric]} if name == "why" and metric in MEASURE_OF else {}
    return page(settings, name, requests, **measure)


def request(settings: Settings, identity: str, at: datetime) -> str:
    """The page of one request; the id is log text."""
    return _address(settings, "request", {"id": identity, "at": at.isoformat()})


def _address(settings: Settings, name: str, params: dict[str, str]) -> str:
    if not settings.dashboard_url:
        return ""
    query = urlencode(params)
    return f"{settings.dashboard_url.rstrip('/')}/{name}" + (f"?{query}" if query else "")
