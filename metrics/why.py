"""What moved a rate: its change between two periods, split exactly into shifts of rates and shifts of traffic.

For the groups g of one dimension, with traffic shares w and rates r before (0) and in the span (1),

    change     = sum w1 r1 - sum w0 r0
    rate shift = (r1 - r0) (w0 + w1) / 2
    mix shift  = (w1 - w0) ((r0 + r1) / 2 - R)          R = the mean of both overall rates

so that rate and mix shifts of all groups sum to the change. Source: E. M. Kitagawa, "Components of a Difference Between
Two Rates", Journal of the American Statistical Association 50 (1955); midpoint weights are the Shapley value of the two
factors, and neither period is the reference. A group that is only in one period has no rate to compare: its rate shift
is 0, and its mix shift what it brought, w1 (r1 - R), or took away, -w0 (r0 - R). An error code is no traffic but a way
to fail: its rate shift is the change of its own share of all requests, its mix shift 0.

The same split holds for any mean over requests; of a latency, `hits` are milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import polars as pl

from metrics.classes import classify, is_valid
from metrics.rates import squares_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from core.slo import Limits

Measure = Literal["timeout", "error", "near"]
MEASURES: tuple[Measure, ...] = ("timeout", "error", "near")

DIMENSIONS = (
    "agent", "model", "model_version", "prompt_version", "operation", "environment", "prompt_size", "release", "hour",
)  # fmt: skip
"""Where a request belongs. Of two that single out the same requests, the first is named."""

COLUMNS = (
    "request_id", "timestamp", "execution_time_ms", "status", "sample_rate", "agent_id", "operation", "model",
    "model_version", "prompt_version", "environment", "tokens_input", "error_code",
)  # fmt: skip
"""What the why-ledger needs of every request."""

SIZES = (1_000, 4_000, 16_000, 64_000)
"""Edges of the bands of prompt size, in input tokens; an edge belongs to the band above it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One group of a dimension: requests and rates before and in the span, and its two shifts of the overall rate.

    `group` None is the requests that do not say. A rate is None where the group has no request.
    """

    group: str | None
    valid_before: float
    valid_now: float
    rate_before: float | None
    rate_now: float | None
    rate_shift: float
    mix_shift: float


@dataclass(frozen=True, slots=True)
class Ledger:
    """The change of a rate along one dimension, its largest part first; the shifts of the parts sum to `change`."""

    dimension: str
    change: float
    parts: tuple[Part, ...]

    @property
    def rate_shift(self) -> float:
        """What groups that behave differently contributed."""
        return math.fsum(part.rate_shift for part in self.parts)

    @property
    def mix_shift(self) -> float:
        """What requests moving between groups contributed."""
        return math.fsum(part.mix_shift for part in self.parts)


def measured(frame: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """The valid requests of `frame` with `weight` and, for each measure, whether they are one (`timeout`, ...).

    Near is a success that took 75 % of the limit or longer (`limits.near`).
    """
    success = pl.col("class") == "success"
    return (
        classify(frame, limits.limit_ms)
        .filter(is_valid())
        .with_columns(
            (pl.col("class") == "timeout").alias("timeout"),
            (pl.col("class") == "failed").alias("error"),
            (success & (pl.col("execution_time_ms") >= limits.near_ms)).alias("near"),
        )
    )


def placed(rows: pl.DataFrame, zone: ZoneInfo, releases: pl.DataFrame | None = None) -> pl.DataFrame:
    """`rows` with a column for every dimension, as text; null where a request does not say.

    A version is one of its model. An unknown prompt size is null, and so is 0: a request that never reached a model.
    The hour is of the reader's clock. `releases` (`core.selection.Reader.deploys`) are matched by `release_of`.
    """
    tokens = pl.col("tokens_input")
    size = pl.lit(f">={_thousands(SIZES[-1])}")
    for low, high in reversed(list(pairwise((0, *SIZES)))):
        band = f"{_thousands(low)}-{_thousands(high)}" if low else f"<{_thousands(high)}"
        size = pl.when(tokens < high).then(pl.lit(band)).otherwise(size)
    return rows.with_columns(
        pl.col("agent_id").alias("agent"),
        pl.concat_str("model", "model_version", separator=" ").alias("model_version"),
        pl.when(tokens > 0).then(size).alias("prompt_size"),
        pl.col("timestamp").dt.convert_time_zone(str(zone)).dt.strftime("%H:00").alias("hour"),
        release_of(releases).alias("release"),
    )


def _thousands(tokens: int) -> str:
    return f"{tokens // 1000}k"


_CONCERNS = {name: name for name in ("environment", "agent_id", "model")}


def release_of(releases: pl.DataFrame | None) -> pl.Expr:
    """The newest deploy before a request that concerns it, as text: what it says of agent, model and versions.

    A deploy concerns the requests whose agent, model and environment are those it names. None before the first.
    """
    found: pl.Expr = pl.lit(None, pl.String)
    if releases is None:
        return found
    for row in releases.sort("timestamp").iter_rows(named=True):
        said = [row[name] for name in ("agent_id", "model", "model_version", "prompt_version") if row[name] is not None]
        if not said:
            continue
        concerned = pl.col("timestamp") >= row["timestamp"]
        for name in _CONCERNS:
            if row[name] is not None:
                concerned &= pl.col(name) == row[name]
        text = " ".join([*said, f"{row['timestamp']:%Y-%m-%d %H:%M}Z"])
        found = pl.when(concerned).then(pl.lit(text)).otherwise(found)
    return found


def cube(rows: pl.DataFrame, keys: Sequence[str] = (*DIMENSIONS, "error_code")) -> pl.DataFrame:
    """Valid requests counted by `window` and `keys`: columns now (whether of the span), valid, squares, and hits.

    `rows` are `measured` and `placed`, with `window` (0 is the span, others its baseline). Hits stand in one column for
    each measure. Everything below works on it.
    """
    weight = pl.col("weight")
    return (
        rows.group_by("window", *keys)
        .agg(
            weight.sum().alias("valid"),
            squares_of(pl.lit(value=True)).alias("squares"),
            *(weight.filter(pl.col(measure)).sum().alias(measure) for measure in MEASURES),
        )
        .with_columns((pl.col("window") == 0).alias("now"))
    )


Sums = tuple[float, ...]
Groups = dict[str | None, dict[int, Sums]]
"""Group -> window (0 is the span) -> valid, squared weights, then hits in the order of MEASURES."""


def groups_of(counts: pl.DataFrame, dimensions: Sequence[str]) -> dict[str, Groups]:
    """A cube along each of `dimensions`."""
    columns = ("valid", "squares", *MEASURES)
    plans = [counts.lazy().group_by(name, "window").agg(pl.sum(*columns)).sort(name, "window") for name in dimensions]
    found: dict[str, Groups] = {}
    for name, frame in zip(dimensions, pl.collect_all(plans), strict=True):
        groups = found.setdefault(name, {})
        for group, window, *sums in frame.iter_rows():
            groups.setdefault(group, {})[window] = tuple(sums)
    return found


def ledger(groups: Groups, dimension: str, measure: Measure) -> Ledger:
    """The exact split of the change of a rate along `dimension`; `groups` are of `groups_of`.

    Without a valid request in one of the periods there is no change: 0, and no parts.
    """
    hits = 2 + MEASURES.index(measure)
    sums = {group: (*total(windows, 0, hits), *total(windows, 1, hits)) for group, windows in groups.items()}
    return split({group: (n0, k0, n1, k1) for group, (n0, _, k0, n1, _, k1) in sums.items()}, dimension)


def total(windows: Mapping[int, Sums], now: int, hits: int) -> tuple[float, float, float]:
    """Valid requests, squared weights and hits (place `hits` of the sums) of a group, now (1) or before (0)."""
    chosen = [sums for window, sums in windows.items() if (window == 0) == bool(now)]
    return sum(s[0] for s in chosen), sum(s[1] for s in chosen), sum(s[hits] for s in chosen)


def split(sums: Mapping[str | None, tuple[float, float, float, float]], dimension: str) -> Ledger:
    """The split of (requests before, hits before, requests now, hits now) of every group."""
    n0, k0, n1, k1 = (math.fsum(found[i] for found in sums.values()) for i in range(4))
    if n0 <= 0 or n1 <= 0:
        return Ledger(dimension, 0.0, ())
    if dimension == "error_code":
        parts = [
            Part(group, n0, n1, hit0 / n0, hit1 / n1, hit1 / n1 - hit0 / n0, 0.0)
            for group, (_, hit0, _, hit1) in sums.items()
            if hit0 or hit1
        ]
    else:
        middle = (k0 / n0 + k1 / n1) / 2
        parts = [_part(group, found, (n0, n1), middle) for group, found in sums.items() if found[0] > 0 or found[2] > 0]
    parts.sort(key=lambda part: (-abs(part.rate_shift + part.mix_shift), part.group is None, part.group or ""))
    return Ledger(dimension, k1 / n1 - k0 / n0, tuple(parts))


def _part(
    group: str | None, found: tuple[float, float, float, float], whole: tuple[float, float], middle: float
) -> Part:
    valid0, hits0, valid1, hits1 = found
    share0, share1 = valid0 / whole[0], valid1 / whole[1]
    rate0 = hits0 / valid0 if valid0 > 0 else None
    rate1 = hits1 / valid1 if valid1 > 0 else None
    start, end = rate1 if rate0 is None else rate0, rate0 if rate1 is None else rate1
    assert start is not None  # noqa: S101 - a group has requests in one of the periods
    assert end is not None  # noqa: S101
    shift = (end - start) * (share0 + share1) / 2
    mix = (share1 - share0) * ((start + end) / 2 - middle)
    return Part(group, valid0, valid1, rate0, rate1, shift, mix)
