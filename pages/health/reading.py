"""What the page of health shows beside the numbers of the Overview, read once for every visitor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from core.selection import Selection
from metrics.classes import classify
from metrics.dropped import COLUMNS as DROPS_COLUMNS
from metrics.dropped import dropped
from metrics.evidence import Evidence, spans, unrecorded
from metrics.figures import Figure, of_rate
from metrics.files import Files, files, first
from metrics.host import COLUMNS as HOST_COLUMNS
from metrics.host import PERCENTS, gauges, hosts, over_time
from metrics.latency import timed
from metrics.many import counts_of, newest_of
from metrics.scorecard import is_stale, standing
from metrics.tracing import trace_coverage
from metrics.traffic import hang_rate, in_flight, per_hour, seen_span
from metrics.uptime import minute_up_of, uptime
from pages.shared import axes, data
from pages.shared.kept import kept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from metrics.host import Host
    from metrics.scorecard import Standing
    from metrics.traffic import InFlight
    from pages.shared.frame import Frame

COLUMNS = (
    "timestamp", "request_id", "execution_time_ms", "status", "timeout_ms", "fallback_used", "trace_id", "sample_rate",
)  # fmt: skip
MINUTE = timedelta(minutes=1)
MOST_SAMPLES = 100_000
"""Samples of machines read, the newest: a minute apart, ten machines for a week."""
MOST_MACHINES = 4
"""Machines drawn, those with the most samples: more lines than that are not told apart."""
MOST_FILES, MOST_REFUSED, MOST_DROPS = 20, 20, 1000


@dataclass(frozen=True, slots=True)
class Health:
    """The service over the chosen time. `figures` by name and `standings` of those with a target.

    What only single requests tell (in flight, hangs, traces) is of the newest `read` of `total`. `unrecorded` is how
    many requests began and never came to an end, None where that cannot be told. `gauges` are the machines over time,
    by gauge: start (naive), name, mean, n, in slots of `width`; `drops` are service, reason, dropped.
    """

    figures: Mapping[str, Figure | None]
    standings: Mapping[str, Standing]
    read: int
    total: int
    under_way: InFlight | None
    unrecorded: int | None
    hosts: tuple[Host, ...]
    gauges: Mapping[str, pl.DataFrame]
    width: timedelta
    drops: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of the files, those to look at first, and the refused lines: counts by reason, and the newest."""

    files: Files
    first: Sequence[Mapping[str, Any]]
    reasons: Mapping[str, int]
    refused: Sequence[Mapping[str, Any]]


def health(frame: Frame) -> Health:
    """What the service and its machines did in the chosen time."""
    return kept("health", frame.choice, frame.key, lambda: _health(frame))


def reading(frame: Frame) -> Reading:
    """What became of the files."""

    def read() -> Reading:
        ledger = frame.reader.ledger()
        refused = frame.reader.quarantine(MOST_REFUSED)
        return Reading(files(ledger), first(ledger, MOST_FILES), frame.reader.quarantine_counts(), refused)

    return kept("files", None, frame.key, read)


def _health(frame: Frame) -> Health:
    reader, settings, now = frame.reader, frame.settings, frame.now
    limit_ms, wanted = settings.limit_values.limit_ms, frame.choice.selection(now)
    selection, total = newest_of(reader, wanted)
    rows = timed(reader.requests(selection, COLUMNS), limit_ms)
    span = seen_span(rows, selection, now)
    begun = spans(reader, span, now)
    traced = trace_coverage(rows, begun)
    lost = unrecorded(reader, selection, Evidence(rows, pl.DataFrame(), span), begun, now)
    whole = frame.choice.selection(now).span or span
    around = replace(Selection(whole), last=MOST_SAMPLES) if whole else Selection(last=0)
    samples = gauges(reader.records(("host",), around, HOST_COLUMNS))
    machines = hosts(samples)
    names = samples["host"].drop_nulls().value_counts(sort=True)["host"].head(MOST_MACHINES).to_list()
    slots, width = data.slots_within(whole) if whole else (None, data.TREND[1])
    view = data.overview(frame)
    minutes = counts_of(reader, wanted, COLUMNS, width=MINUTE, edges=(limit_ms,))
    volume = per_hour(classify(minutes, limit_ms), wanted, now)
    hourly = None if volume is None else Figure(volume, "requests", view.summary.receipt.rows)
    figures = _figures(view) | {
        "requests_per_hour": hourly,
        "uptime": of_rate(uptime(minutes, limit_ms, minute_up_of(settings.objective_values))),
        "hang_rate": of_rate(hang_rate(rows, limit_ms)),
        "trace_coverage": of_rate(traced.valid),
        "trace_coverage_bad": of_rate(traced.bad),
    }
    stale = is_stale(frame.freshness, now, wanted)
    return Health(
        figures,
        {
            each.metric: standing(each, figures[each.metric], stale=stale)
            for each in settings.targets
            if each.metric in figures
        },
        rows.height,
        total,
        in_flight(rows, span) if span else None,
        None if lost is None else lost.height,
        machines,
        {
            name: axes.on_the_wall(over_time(samples, name, slots, width, names), frame.look.zone)
            for name in PERCENTS
            if slots and samples[name].count()
        },
        width,
        dropped(reader.records(("drops",), replace(around, last=MOST_DROPS), DROPS_COLUMNS)),
    )


def _figures(view: data.Overview) -> dict[str, Figure | None]:
    """The Overview's numbers as figures."""
    summary = view.summary
    n = summary.success_rate.n if summary.success_rate else 0
    average = summary.average_ms
    return {
        "average_latency": None if average is None else Figure(average, "ms", n, at_least=summary.average_at_least),
        **{
            name: None if found is None else Figure(found.value, "ms", n, at_least=found.at_least)
            for name, found in summary.percentiles.items()
        },
        "error_rate": of_rate(summary.error_rate),
        "timeout_rate": of_rate(summary.timeout_rate),
    }
