"""The same numbers for every local day of a span."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.timespan import local_day
from metrics.many import requests_of
from metrics.named_queries import COLUMNS, between

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import polars as pl

    from core.selection import RequestSource, Selection
    from core.settings import Settings
    from core.timespan import TimeSpan

QUARTER = timedelta(minutes=15)
"""Every local midnight is on a quarter of an hour (UTC), so no slot lies across one."""


def midnights(span: TimeSpan, zone: ZoneInfo) -> list[datetime]:
    """The span's ends and the local midnights inside it, in order."""
    first, last = span.start.astimezone(zone).date(), span.end.astimezone(zone).date()
    days = (local_day(first + timedelta(days=n), zone).start for n in range(1, (last - first).days + 1))
    return [span.start, *(at for at in days if span.start < at < span.end), span.end]


def by_day(source: RequestSource, selection: Selection, settings: Settings) -> pl.DataFrame:
    """One row per local day of the selection's span, quiet ones too: columns as `metrics.named_queries.between`."""
    if selection.span is None:
        raise ValueError("days need a span")
    limit = settings.limit_values.limit_ms
    rows = requests_of(source, selection, COLUMNS, width=QUARTER, edges=(limit,))
    return between(rows, midnights(selection.span, settings.zone), limit)
