"""Who spent the error budget: one spend, by hour, agent, operation, error code and incident, to the last request."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from metrics.budget import HOUR, MIN_BAD, counted, spending
from metrics.classes import weight_of
from metrics.rates import squares_of, wilson_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from core.slo import Objective

KEYS = ("agent_id", "operation", "error_code")
COLUMNS = ("timestamp", "execution_time_ms", "status", "fallback_used", "sample_rate", *KEYS)
"""What `cube` needs of every request of the period."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The spend of a period and its breakdowns, most first; each has its key, `spent`, `of_budget` and `of_spend`.

    `spent` is in requests (or minutes), `of_budget` the share of what the period allows (null when that is nothing),
    `of_spend` of all that was spent. `incidents` are runs of clock hours (UTC) in which an agent was surely worse than
    the objective allows: agent_id, start, end, hours; one row without a start is what no incident spent.
    """

    spent: float
    hours: pl.DataFrame
    agents: pl.DataFrame
    operations: pl.DataFrame
    error_codes: pl.DataFrame
    incidents: pl.DataFrame


def cube(frame: pl.DataFrame, objective: Objective) -> pl.DataFrame:
    """Columns hour, agent_id, operation, error_code, valid, squares (of weights), bad, spent: what a ledger is made of.

    Cubes of frames that part at a full minute can be concatenated, so a long period can be read piece by piece.
    """
    keys = (pl.col("timestamp").dt.truncate("1h").alias("hour"), *KEYS)
    requests = counted(frame, objective).filter(pl.col("valid"))
    seen = requests.group_by(keys).agg(
        pl.col("weight").sum().alias("valid"),
        squares_of(pl.lit(value=True)).alias("squares"),
        weight_of(~pl.col("good")).alias("bad"),
    )
    spent = spending(frame, objective).group_by(keys).agg(pl.col("spent").sum())
    found = seen.join(spent, on=["hour", *KEYS], how="left", nulls_equal=True)
    return found.with_columns(pl.col("spent").fill_null(0.0))


def ledger(cubes: Iterable[pl.DataFrame], objective: Objective, allowed: float) -> Ledger:
    """The ledger of one or more cubes, beside what the period allows."""
    cells = pl.concat(cubes)
    spent = math.fsum(cells["spent"])

    def by(keys: list[str], rows: pl.DataFrame = cells) -> pl.DataFrame:
        found = rows.filter(pl.col("spent") > 0).group_by(keys).agg("spent")
        sums = [math.fsum(parts) for parts in found["spent"]]
        return (
            found.with_columns(pl.Series("spent", sums, pl.Float64))
            .with_columns(
                (pl.col("spent") / allowed if allowed > 0 else pl.lit(None, pl.Float64)).alias("of_budget"),
                (pl.col("spent") / spent).alias("of_spend"),
            )
            .sort("spent", *keys, descending=[True, *[False] * len(keys)], nulls_last=True)
        )

    incidents = _bad_hours(cells, objective)
    told = cells.join(incidents, on=["agent_id", "hour"], how="left", nulls_equal=True)
    told = told.with_columns(pl.when(pl.col("start").is_not_null()).then("agent_id").alias("agent_id"))
    return Ledger(
        spent,
        by(["hour"]),
        by(["agent_id"]),
        by(["operation"]),
        by(["error_code"]),
        by(["agent_id", "start", "end", "hours"], told),
    )


def first(table: pl.DataFrame, top: int) -> Iterator[dict[str, Any]]:
    """The first rows of a breakdown and, in one row with `others`, the sum of so many more: together what was spent."""
    for row in table.head(top).iter_rows(named=True):
        yield {**row, "others": None}
    rest = table.slice(top)
    if rest.height:
        names = (name for name in table.columns if name in {"hour", "start", "end", "hours", *KEYS})
        sums = {name: rest[name].sum() for name in ("spent", "of_spend")}
        whole = None if rest["of_budget"].null_count() else rest["of_budget"].sum()
        yield {**dict.fromkeys(names), **sums, "of_budget": whole, "others": rest.height}


def _bad_hours(cells: pl.DataFrame, objective: Objective) -> pl.DataFrame:
    """Columns agent_id, hour and the start, end and hours of the incident it belongs to.

    An hour is bad when at least 5 requests are, and the low end of the 95 % range of their share is above what the
    objective allows (of a minute, for one by minutes). Hours in a row of one agent are one incident.
    """
    limit = objective.budget if objective.by == "requests" else 1 - objective.minute_up
    low, _ = wilson_columns(pl.col("bad") / pl.col("valid"), pl.col("valid") ** 2 / pl.col("squares"))
    hour = pl.col("hour")
    hours = cells.group_by("agent_id", "hour").agg(pl.sum("valid", "squares", "bad"))
    bad = hours.filter((pl.col("bad") >= MIN_BAD) & (low > limit))
    return (
        bad.sort("agent_id", "hour")
        .with_columns((hour - pl.int_range(pl.len()) * HOUR).over("agent_id").alias("run"))
        .with_columns(
            hour.min().over("agent_id", "run").alias("start"),
            (hour.max() + HOUR).over("agent_id", "run").alias("end"),
            pl.len().over("agent_id", "run").cast(pl.Int64).alias("hours"),
        )
        .select("agent_id", "hour", "start", "end", "hours")
    )
