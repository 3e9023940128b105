"""Where the time of cut and of slow requests went, step by step, beside what the same steps usually take."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from metrics.latency import timed
from metrics.self_time import Span, open_at, self_times

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

REQUEST_COLUMNS = (
    "request_id", "timestamp", "execution_time_ms", "status", "agent_id", "operation", "timeout_ms", "sample_rate",
)  # fmt: skip
SPAN_COLUMNS = (
    "request_id", "timestamp", "kind", "operation", "execution_time_ms", "span_id", "parent_span_id",
)  # fmt: skip
SLACK_MS = 20.0
"""A span that ended so shortly before the cut was open at it: clocks and rounding."""

NEWEST = 500
"""At most so many requests are looked at, the newest."""

Step = tuple[str, str | None]
"""Kind and operation of a span. The operation is log text."""

_ALL = (None, None)


@dataclass(frozen=True, slots=True)
class Trace:
    """A request with its steps. `length` is its milliseconds, of a cut one those until the cut, where `cut` is true.

    `of` is its agent and operation: whose usual times its own are compared with.
    """

    request_id: str
    length: float
    cut: bool
    weight: float
    of: tuple[str | None, str | None]
    spans: tuple[Span[Step], ...]


@dataclass(frozen=True, slots=True)
class StepTime:
    """One step of several requests; `step` None is the time no step was open ("unaccounted").

    `ms` is the mean self time per request and `share` its part of their time. `usual_ms` is what the same agents' and
    operations' ordinary requests spend in it, None without one that was traced. `open_at_cut` counts the requests in
    which it was the innermost open step at the cut; `example` is the newest request that spent most of its time here.
    """

    step: Step | None
    ms: float
    share: float
    usual_ms: float | None
    open_at_cut: float
    example: str | None


def traces(timed: pl.DataFrame, spans: pl.DataFrame, limit_ms: float) -> Iterator[Trace]:
    """The requests that have spans, oldest first; of several records with one id the first.

    A span without a duration never said that it ended, and counts as open to the end of its request.
    """
    length = pl.when("cut").then(pl.min_horizontal("latency_ms", pl.coalesce("timeout_ms", pl.lit(limit_ms))))
    requests = (
        timed.filter(pl.col("request_id").is_not_null() & pl.col("latency_ms").is_not_null())
        .unique("request_id", keep="first", maintain_order=True)
        .select(
            *("request_id", "cut", "weight", "agent_id"),
            pl.col("timestamp").alias("began"),
            pl.col("operation").alias("asked_for"),
            length.otherwise("latency_ms").alias("length"),
        )
    )
    start = (pl.col("timestamp") - pl.col("began")).dt.total_microseconds() / 1000
    took = pl.when(pl.col("execution_time_ms") >= 0).then("execution_time_ms").otherwise("length")
    steps = (
        requests.join(spans.select(SPAN_COLUMNS), on="request_id", how="inner", maintain_order="left")
        .with_columns(start.alias("start"))
        .with_columns((pl.col("start") + took).alias("end"))
    )
    for rows in steps.partition_by("request_id", maintain_order=True):
        one = rows.row(0, named=True)
        yield Trace(
            one["request_id"],
            one["length"],
            one["cut"],
            one["weight"],
            (one["agent_id"], one["asked_for"]),
            tuple(
                Span((kind, operation), begin, end, own, parent)
                for kind, operation, begin, end, own, parent in rows.select(
                    "kind", "operation", "start", "end", "span_id", "parent_span_id"
                ).iter_rows()
            ),
        )


def usual_times(ordinary: Iterable[Trace]) -> Mapping[tuple[str | None, str | None], Mapping[Step | None, float]]:
    """Mean self times per request of each agent and operation, and of all of them under (None, None)."""
    sums: dict[tuple[str | None, str | None], dict[Step | None, float]] = defaultdict(lambda: defaultdict(float))
    weights: dict[tuple[str | None, str | None], float] = defaultdict(float)
    for trace in ordinary:
        times, gap = self_times(trace.spans, trace.length)
        for of in {trace.of, _ALL}:
            weights[of] += trace.weight
            for step, ms in (*times.items(), (None, gap)):
                sums[of][step] += trace.weight * ms
    return {of: {step: ms / weights[of] for step, ms in found.items()} for of, found in sums.items()}


def time_spent(
    slow: Sequence[Trace], usual: Mapping[tuple[str | None, str | None], Mapping[Step | None, float]]
) -> tuple[StepTime, ...]:
    """A row per step, what takes more than usual first; the `ms` of all rows sum to the requests' mean time.

    A step that ordinary requests have and these do not is a row, too. Empty without requests.
    """
    weight = sum(trace.weight for trace in slow)
    if not weight:
        return ()
    spent: dict[Step | None, float] = defaultdict(float)
    normal: dict[Step | None, float] = defaultdict(float)
    opened: dict[Step | None, float] = defaultdict(float)
    examples: dict[Step | None, str] = {}
    for trace in slow:
        times, gap = self_times(trace.spans, trace.length)
        rows: dict[Step | None, float] = dict((*times.items(), (None, gap)))
        for step, ms in rows.items():
            spent[step] += trace.weight * ms
        for step, ms in usual.get(trace.of, usual.get(_ALL, {})).items():
            normal[step] += trace.weight * ms
        if trace.cut:
            innermost = set(open_at(trace.spans, trace.length, SLACK_MS))
            for step in innermost:
                opened[step] += trace.weight
        examples[max(rows, key=lambda step: rows[step])] = trace.request_id
    whole = sum(spent.values())
    found = (
        StepTime(
            step,
            spent[step] / weight,
            spent[step] / whole if whole else 0.0,
            normal[step] / weight if usual else None,
            opened[step],
            examples.get(step),
        )
        for step in dict.fromkeys((*spent, *normal))
    )
    return tuple(sorted(found, key=lambda row: (row.step is None, (row.usual_ms or 0.0) - row.ms, str(row.step))))


def by_speed(requests: pl.DataFrame, limit_ms: float, near_ms: float) -> dict[str, pl.DataFrame]:
    """Timed requests as `cut`, `slow` (not cut, but `near_ms` or longer) and `ordinary` (good and faster), in order."""
    rows = timed(requests, limit_ms)
    slow = pl.col("latency_ms") >= near_ms
    return {
        "cut": rows.filter("cut", pl.col("class") == "timeout"),
        "slow": rows.filter(~pl.col("cut") & slow),
        "ordinary": rows.filter((pl.col("class") == "success") & ~slow),
    }
