"""What the page of costs shows, read once for every visitor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from metrics.classes import classify
from metrics.cost import cost_per_active_user, dearest, spend, spend_over, unpriced
from metrics.cost_answer import charges_of
from metrics.fallback import marginal, scorecard, scored
from metrics.many import newest_of
from metrics.monthly_cost import Day, Month, month
from metrics.tokens import tokens
from metrics.traffic import seen_span
from metrics.worth import worth
from pages.shared import axes
from pages.shared.data import slots_within
from pages.shared.kept import kept

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from core.timespan import TimeSpan
    from metrics.cost import Spend
    from metrics.fallback import Marginal, Scorecard
    from metrics.tokens import Tokens
    from metrics.worth import Worth
    from pages.shared.frame import Frame

GROUPS = {"operation": "operation", "model": "model", "agent": "agent_id", "feature": "feature", "user": "user_id"}
"""What costs are told apart by, by its name in the URL: the column of charges."""
MOST_GROUPS = 10
MOST_AT_ONCE = 300_000
"""A month is read a day at a time, the newest first, and no further once this many requests were: about 2 s. Days that
are over are kept, so the next time it is read on from there."""


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of `read` of the `total` requests chosen, the newest, which lie in `span`; `width` is a slot of `over`.

    `fallback` is of timeouts. `worth` is None when the settings do not say what an answer is worth.
    """

    read: int
    total: int
    span: TimeSpan
    spend: Spend
    tokens: Tokens
    per_user: float | None
    fallback: Scorecard
    saving: Marginal | None
    worth: Worth | None
    over: pl.DataFrame
    width: timedelta
    groups: Mapping[str, pl.DataFrame]
    unpriced: pl.DataFrame

    @property
    def wasted_share(self) -> float | None:
        """Of what was spent."""
        return self.spend.wasted / self.spend.spent if self.spend.spent and self.spend.wasted is not None else None

    @property
    def parts(self) -> pl.DataFrame:
        """One row: what sums to the total."""
        return pl.DataFrame([{name: getattr(self.spend, name) for name in ("billed_ok", "wasted", "unbilled")}])


def costs(frame: Frame) -> Costs | None:
    """The costs of the requests chosen; None when there are none."""
    return kept("cost", frame.choice, frame.key, lambda: _costs(frame))


def of_month(frame: Frame) -> tuple[Month, pl.DataFrame]:
    """The month before now, of the same filters, and its days with the `start` of each, naive."""
    choice = frame.choice.over_last()
    selection = choice.selection(frame.now)

    hourly = replace(frame.key, minute=frame.now.replace(minute=0, second=0, microsecond=0))

    def keep(span: TimeSpan, read_day: Callable[[], Day]) -> Day:
        """A day that is over is read again when it has other requests, and once an hour for what came late of calls."""
        rows = frame.reader.extent(selection.over(span)).rows
        return kept("month-day", (choice, span), replace(hourly, version=rows), read_day)

    def read() -> tuple[Month, pl.DataFrame]:
        found = month(frame.reader, selection, frame.settings, frame.now, most=MOST_AT_ONCE, keep=keep)
        return found, found.days.with_columns(pl.col("day").cast(pl.Datetime("us")).alias("start"))

    return kept("month", choice, frame.key, read)


def _costs(frame: Frame) -> Costs | None:
    settings, limit_ms = frame.settings, frame.settings.limit_values.limit_ms
    selection, total = newest_of(frame.reader, frame.choice.selection(frame.now))
    requests, charges = charges_of(frame.reader, selection, settings)
    span = seen_span(requests, selection, frame.now)
    if not requests.height or span is None:
        return None
    found, outcomes, value = spend(charges), scored(requests, limit_ms), settings.value_per_request_usd
    whole, width = slots_within(span)
    return Costs(
        requests.height,
        total,
        span,
        found,
        tokens(classify(requests, limit_ms)),
        cost_per_active_user(requests, charges),
        scorecard(outcomes, ("timeout",)),
        marginal(outcomes, charges),
        None if value is None else worth(outcomes, found, value),
        axes.on_the_wall(spend_over(charges, whole, width), frame.look.zone),
        width,
        {name: dearest(charges, column, MOST_GROUPS) for name, column in GROUPS.items()},
        unpriced(charges),
    )
