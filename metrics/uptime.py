"""Uptime by minutes: the share of minutes with traffic in which the service did its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.slo import Objective
from metrics.budget import sli
from metrics.rates import rate

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from metrics.values import Rate

MINUTE_UP = Objective(by="minutes").minute_up


def minute_up_of(objectives: Iterable[Objective]) -> float:
    """The share of good requests that makes a minute up: that of the first objective by minutes, else MINUTE_UP."""
    return next((each.minute_up for each in objectives if each.by == "minutes"), MINUTE_UP)


def uptime(frame: pl.DataFrame, limit_ms: float, minute_up: float = MINUTE_UP) -> Rate | None:
    """Minutes that were up of the minutes (UTC) with a valid request; None without one. `n` is minutes.

    A minute is up when at least `minute_up` of its valid requests are good: what an objective `by: minutes` counts.
    Minutes of an outage follow each other, so Wilson's range, made for independent ones, is rather too narrow.
    """
    found = sli(frame, Objective("uptime", limit_ms=limit_ms, by="minutes", minute_up=minute_up))
    return rate(found.good, found.valid)
