"""Uptime by minutes: the share of minutes with traffic in which the service did its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.slo import Objective
from metrics.budget import sli
from metrics.rates import rate

if TYPE_CHECKING:
    import polars as pl

    from metrics.values import Rate

MINUTE_UP = Objective(by="minutes").minute_up


def uptime(frame: pl.DataFrame, limit_ms: float, minute_up: float = MINUTE_UP) -> Rate | None:
    """Minutes that were up of the minutes (UTC) with a valid request; None without one. `n` is minutes.

    A minute is up when at least `minute_up` of its valid requests are good: what an objective `by: minutes` counts.
    Minutes of an outage follow each other, so Wilson's range, made for independent ones, is rather too narrow.
    """
    found = sli(frame, Objective("uptime", limit_ms=limit_ms, by="minutes", minute_up=minute_up))
    return rate(found.good, found.valid)
