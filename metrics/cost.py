"""Spend: what was charged, what of it bought nothing, and what nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from metrics.charges import REASONS
from metrics.slots import in_slots, slots

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from zoneinfo import ZoneInfo

    from core.timespan import TimeSpan

THRESHOLD = 0.5
"""A day's spend that lies so far from its baseline is spoken of."""


@dataclass(frozen=True, slots=True)
class Spend:
    """US dollars; None when no charge is known. `billed_ok` + `wasted` is `spent`, with `unbilled` it is `total`.

    `wasted` was billed and bought nothing, by why in `wasted_by`; `unbilled` is what calls that were not charged would
    have cost, where that is known. `retried` went into calls that repeat one that did not succeed, `fallback` into
    calls of a fallback; both are parts of `spent`, None when no call was logged. `unknown` is how many charges are not
    known, `requests` how many requests have any: both weighted. With `unknown` the sums are lower bounds.
    """

    total: float | None
    billed_ok: float | None
    wasted: float | None
    unbilled: float | None
    spent: float | None
    retried: float | None
    fallback: float | None
    wasted_by: Mapping[str, float]
    per_request: float | None
    requests: float
    known_requests: float
    unknown: float


def spend(charges: pl.DataFrame) -> Spend:
    """The sums over all `metrics.charges.charges`."""
    row = charges.select(*_sums(), *_more()).row(0, named=True)
    by = {why: row.pop(f"wasted_{why}") for why in REASONS}
    return Spend(wasted_by=by if row["spent"] is not None else {}, **row)


def spend_by(charges: pl.DataFrame, column: str) -> pl.DataFrame:
    """One row per value of `column`, the dearest first, then by name: what each model, agent, feature, user, day cost.

    Columns group, spent, wasted, unbilled, unknown, requests, per_request; sums are null where no charge is known. A
    null group is the charges that do not say.
    """
    return (
        charges.group_by(pl.col(column).alias("group"))
        .agg(*_sums())
        .sort("spent", "group", descending=[True, False], nulls_last=True)
        .select("group", "spent", "wasted", "unbilled", "unknown", "requests", "per_request")
    )


def spent_by(charges: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """One row per combination of `by`: these, spent, unknown, requests, known_requests, per_request as in `Spend`."""
    names = ("spent", "unknown", "requests", "known_requests", "per_request")
    return charges.group_by(by, maintain_order=True).agg(*_sums()).select(*by, *names)


def dearest(charges: pl.DataFrame, column: str, most: int) -> pl.DataFrame:
    """The `most` dearest groups of `spend_by`, then one row for all others together.

    Its columns, and `others`: how many groups that row stands for (its `group` is null), 0 for a group of its own.
    """
    ranked = spend_by(charges, column)
    first = ranked.head(most).with_columns(pl.lit(0, pl.Int64).alias("others"))
    left = ranked.height - first.height
    if left <= 0:
        return first
    names = ranked["group"][most:]
    rest = charges.filter(pl.col(column).is_in(names.implode(), nulls_equal=True))
    summed = spend_by(rest.with_columns(pl.lit(None, charges.schema[column]).alias(column)), column)
    return pl.concat([first, summed.with_columns(pl.lit(left, pl.Int64).alias("others"))])


def spend_over(charges: pl.DataFrame, span: TimeSpan, width: timedelta) -> pl.DataFrame:
    """One row per slot of `width`: start, billed_ok, wasted, unbilled, spent, requests.

    Sums are null where no charge is known; a slot without charges has sums of 0: nothing was spent.
    """
    sums = in_slots(charges, span, width).group_by("slot").agg(*_sums()).with_columns(pl.lit(value=True).alias("any"))
    names = ("billed_ok", "wasted", "unbilled", "spent", "requests")
    return (
        slots(span, width)
        .join(sums, on="slot", how="left")
        .sort("slot")
        .select("start", *(pl.when("any").then(name).otherwise(0.0).alias(name) for name in names))
    )


def unpriced(charges: pl.DataFrame) -> pl.DataFrame:
    """Charges of unknown cost: model, charges, priceable; most first.

    A price for the model would tell those that are `priceable`: they say their tokens. The others say too little.
    """
    return (
        charges.filter(~pl.col("known"))
        .group_by("model", (pl.col("model").is_not_null() & pl.col("tokens_said")).alias("priceable"))
        .agg(pl.col("weight").sum().alias("charges"))
        .sort("charges", "model", "priceable", descending=[True, False, True])
        .select("model", "charges", "priceable")
    )


def with_day(charges: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """With `day`, the local date the request began on."""
    return charges.with_columns(pl.col("timestamp").dt.convert_time_zone(zone.key).dt.date().alias("day"))


def cost_per_active_user(requests: pl.DataFrame, charges: pl.DataFrame) -> float | None:
    """The known spend of requests that say their user, by the number of users that made any request; None without."""
    users = requests["user_id"].drop_nulls().n_unique()
    known = charges.filter(pl.col("user_id").is_not_null() & pl.col("cost_usd").is_not_null())
    return (
        known.select((pl.col("cost_usd") * pl.col("weight")).sum()).item() / users if users and known.height else None
    )


def change(spent: float | None, before: list[float | None]) -> float | None:
    """How far spend lies from the average of the past windows of the same length: 0.5 is 50 % more.

    Windows without a known charge are left out. None without spend or without any past spend above 0.
    """
    known = [value for value in before if value is not None]
    average = sum(known) / len(known) if known else 0.0
    return spent / average - 1 if spent is not None and average > 0 else None


def _sums() -> tuple[pl.Expr, ...]:
    def usd(column: str, condition: pl.Expr) -> pl.Expr:
        """Null when no charge is known: an unknown sum is not 0."""
        amount = (pl.col(column) * pl.col("weight")).filter(condition).sum()
        return pl.when(pl.col("known").any()).then(amount)

    billed = pl.col("known") & (pl.col("cost_source") != "unbilled")
    unbilled, nothing = pl.col("cost_source") == "unbilled", pl.col("why").is_not_null()
    first = pl.col("row").ne_missing(pl.col("row").shift(1))  # charges of one request stand together
    requests, known_requests = (pl.col("weight").filter(which).sum() for which in (first, first & pl.col("whole")))
    whole = (pl.col("cost_usd") * pl.col("weight")).filter("whole").sum()
    return (
        usd("list_usd", pl.lit(value=True)).alias("total"),
        usd("cost_usd", billed & ~nothing).alias("billed_ok"),
        usd("cost_usd", billed & nothing).alias("wasted"),
        usd("list_usd", unbilled).alias("unbilled"),
        usd("cost_usd", billed).alias("spent"),
        pl.when(known_requests > 0).then(whole / known_requests).alias("per_request"),
        requests.alias("requests"),
        known_requests.alias("known_requests"),
        pl.col("weight").filter(~pl.col("known")).sum().alias("unknown"),
    )


def _more() -> tuple[pl.Expr, ...]:
    amount, seen = pl.col("cost_usd") * pl.col("weight"), pl.col("is_call").any()
    return (
        *(pl.when(seen).then(amount.filter(flag).sum()).alias(name) for name, flag in _OF_CALLS.items()),
        *(amount.filter(pl.col("why") == why).sum().alias(f"wasted_{why}") for why in REASONS),
    )


_OF_CALLS = {"retried": "retry", "fallback": "in_fallback"}
