"""Whether the data can be trusted to be about now. Silence is not health."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from metrics.values import DataAge

if TYPE_CHECKING:
    from datetime import datetime

    from core.selection import Freshness

STALE_AFTER = timedelta(minutes=10)
"""Exactly this old is still fresh."""


def data_age(freshness: Freshness, now: datetime) -> DataAge:
    """Empty without a stored row, stale when the newest is older than STALE_AFTER, else fresh.

    A row from the future (a clock ahead of ours) says nothing about now; the moment a row was last stored does.
    """
    newest = freshness.newest
    if newest is None:
        return DataAge("empty", None, None)
    seen = newest if newest <= now else (freshness.read_at or now)
    age = max(timedelta(0), now - seen)
    return DataAge("stale" if age > STALE_AFTER else "fresh", newest, age.total_seconds())
