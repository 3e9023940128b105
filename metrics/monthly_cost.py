"""What an active user costs in a month, read a day at a time: a month of requests is too much to hold at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from core.timespan import TimeSpan
from metrics.cost import cost_per_active_user
from metrics.cost_answer import charges_of
from metrics.figures import Figure

if TYPE_CHECKING:
    from datetime import datetime

    from core.selection import Reader, Selection
    from core.settings import Settings

DAYS = 30
DAY = timedelta(days=1)


def monthly_cost_per_user(reader: Reader, selection: Selection, settings: Settings, end: datetime) -> Figure | None:
    """US dollars: `metrics.cost.cost_per_active_user` of the 30 times 24 hours before `end`; `n` is users.

    None when no user's request has a known cost. Unknown costs are left out, so it is a lower bound when there are any.
    """
    spent, known, unknown = 0.0, False, False
    people: list[pl.Series] = []
    for number in range(DAYS):
        until = end - number * DAY
        requests, charges = charges_of(reader, selection.over(TimeSpan(until - DAY, until)), settings)
        users = requests["user_id"].drop_nulls().unique()
        each = cost_per_active_user(requests, charges)
        spent += (each or 0.0) * users.len()
        known |= each is not None
        unknown |= bool(charges.select((pl.col("user_id").is_not_null() & ~pl.col("known")).any()).item())
        people.append(users)
    everyone = pl.concat(people).n_unique()
    return Figure(spent / everyone, "USD", everyone, at_least=unknown) if known else None
