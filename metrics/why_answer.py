"""Is it getting worse, and why: the requests of a selection against its baseline, as one value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from core.rows import Rows
from core.timespan import TimeSpan
from metrics import many
from metrics.baseline import HOUR, MIN_WEEKS, Baseline, baselines
from metrics.causes import causes, inside
from metrics.rates import rate, squares_of
from metrics.verdict import Slot, Verdict, verdict
from metrics.why import COLUMNS, MEASURES, cube, measured, placed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.rows import RowKind
    from core.selection import Reader, Selection
    from core.settings import Settings
    from metrics.causes import Cause
    from metrics.values import Rate
    from metrics.why import Measure

PAST = tuple(name for name in COLUMNS if name != "request_id")
"""What is read of the baseline."""

DIMENSIONS = tuple(name for name in PAST if name not in {"timestamp", "execution_time_ms", "status", "sample_rate"})

KINDS: dict[Measure, RowKind] = {"timeout": "timeout", "error": "failed", "near": "near"}
"""The rows people look through to see the requests of a measure."""

QUARTER = timedelta(minutes=15)
"""Offsets of time zones are whole quarters of an hour, so that each lies in one hour of every clock."""

EXAMPLES = 3
MOST_LOOKED_AT = 5000
"""Newest requests of a measure that examples of a cause are looked for among."""

MICROSECOND = timedelta(microseconds=1)
RELEASES_BACK = timedelta(days=14)
"""A deploy older than this before the baseline began is no release any more."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One measure: its rate in both periods, the verdict on it, what raised it and what lowered it, and examples.

    `examples` are ids of requests of the span for each cause in `raised`, newest first.
    """

    measure: Measure
    before: Rate | None
    now: Rate | None
    verdict: Verdict
    raised: tuple[Cause, ...]
    lowered: tuple[Cause, ...]
    examples: tuple[tuple[str, ...], ...]

    @property
    def causes(self) -> tuple[Cause, ...]:
        """What to name: what raised it or, when nothing did, what lowered it."""
        return self.raised or self.lowered


@dataclass(frozen=True, slots=True)
class Why:
    """The answer. `span` is None without requests, `baseline` None without a past. `asked` is the measure to speak of.

    `counts` is the cube of both periods, from which `metrics.why.ledger` splits any measure along any dimension.
    """

    span: TimeSpan | None
    baseline: Baseline | None
    asked: Measure
    moved: Mapping[Measure, Moved]
    counts: pl.DataFrame

    @property
    def answer(self) -> Moved:
        """The measure to speak of."""
        return self.moved[self.asked]

    def compared(self, moved: Moved) -> pl.DataFrame:
        """The cube a measure was judged by: without the windows its verdict left out."""
        return self.counts.filter(~pl.col("window").is_in(moved.verdict.left_out))


def why(reader: Reader, selection: Selection, settings: Settings, measure: Measure | None = None) -> Why:
    """Judge every measure, and speak of `measure` or of the one that moved most.

    That is the one with the strongest cause of a rise, else one that rose as a whole, else the strongest of a fall.
    """
    found = _requests(reader, selection, settings, COLUMNS)
    span = selection.span
    if selection.last is not None or span is None or not found.height:
        span = _extent(found)
    baseline, rows = _with_past(reader, selection, settings, span, found)
    releases = None
    if baseline is not None and span is not None:
        releases = reader.deploys(TimeSpan(baseline.spans[-1].start - RELEASES_BACK, span.end))
    slots = _slots(rows)
    rows = placed(rows.filter("inside"), settings.zone, releases)
    counts = cube(rows)
    single = "request_id" in rows.columns

    def hit(measure: Measure) -> pl.DataFrame:
        if single:
            return rows.filter(pl.col("window") == 0, measure)
        return placed(_newest(reader, selection, settings, measure), settings.zone, releases)

    same_hours = baseline is not None and baseline.kind != "before"
    moved = {name: _moved(name, counts, verdict(slots[name], same_hours=same_hours), hit) for name in MEASURES}
    return Why(span, baseline, measure or _loudest(moved), moved, counts)


def _requests(
    reader: Reader, selection: Selection, settings: Settings, columns: tuple[str, ...], cuts: tuple[datetime, ...] = ()
) -> pl.DataFrame:
    """The valid requests, `measured`, oldest first: one by one with these columns or, when they are many, compact.

    Compact rows have no id, their time is the quarter of an hour they are in, cut at `cuts` and at every deploy.
    """
    limits = settings.limit_values
    compact = many.compact_source(reader, selection)
    if compact is None or reader.extent(selection).rows <= many.FEW:
        return measured(reader.requests(selection, columns), limits)
    moments = (*cuts, *reader.deploys(selection.span)["timestamp"])
    edges = (limits.limit_ms, limits.near_ms)
    rows = compact.compact(selection, DIMENSIONS, width=QUARTER, cuts=moments, edges=edges, durations=False)
    return measured(rows, limits)


def _newest(reader: Reader, selection: Selection, settings: Settings, measure: Measure) -> pl.DataFrame:
    """The newest requests that are of this measure, to take examples from."""
    return reader.page(selection, Rows(KINDS[measure]), settings.limit_values, 0, MOST_LOOKED_AT)


def _extent(rows: pl.DataFrame) -> TimeSpan | None:
    if not rows.height:
        return None
    oldest, newest = rows.select(pl.min("timestamp").alias("a"), pl.max("timestamp").alias("b")).row(0)
    return TimeSpan(oldest, newest + MICROSECOND)


def _with_past(
    reader: Reader, selection: Selection, settings: Settings, span: TimeSpan | None, found: pl.DataFrame
) -> tuple[Baseline | None, pl.DataFrame]:
    """The best baseline that holds requests, and the requests of the span and of it, in one frame.

    Added columns are `window` (0 is the span, 1 its newest baseline window), `place` (slots before the end of its
    window) and `inside`: whether a row is of the window itself, or of the lead that only shows how much hours differ.
    """

    def window(rows: pl.DataFrame, number: int, span: TimeSpan, width: timedelta) -> pl.DataFrame:
        before = (pl.lit(span.end) - pl.col("timestamp")).dt.total_microseconds() - 1
        return rows.with_columns(
            pl.lit(number).alias("window"),
            (before // (width // MICROSECOND)).alias("place"),
            (pl.col("timestamp") >= span.start).alias("inside"),
        )

    if span is None:
        return None, window(
            found, 0, TimeSpan(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)), HOUR
        )
    for baseline in baselines(span, reader.losses(span).since, settings.zone):
        frames, held = [window(found, 0, span, baseline.width)], list[TimeSpan]()
        for past in baseline.spans:
            whole = selection.over(TimeSpan(past.start - baseline.lead, past.end))
            rows = _requests(reader, whole, settings, PAST, (past.start,))
            if rows.height and rows["timestamp"][-1] >= past.start:
                frames.append(window(rows, len(frames), past, baseline.width))
                held.append(past)
        if len(held) >= (MIN_WEEKS if baseline.kind == "weeks" else 1):
            return replace(baseline, spans=tuple(held)), pl.concat(frames, how="diagonal")
    return None, window(found, 0, span, HOUR)


def _slots(rows: pl.DataFrame) -> dict[Measure, list[Slot]]:
    weight = pl.col("weight")
    sums = (
        rows.group_by("window", "place")
        .agg(
            weight.sum().alias("valid"),
            squares_of(pl.lit(value=True)).alias("squares"),
            *(weight.filter(pl.col(name)).sum().alias(name) for name in MEASURES),
        )
        .sort("window", "place")
    )
    return {
        name: [Slot(*row) for row in sums.select("window", "place", name, "valid", "squares").iter_rows()]
        for name in MEASURES
    }


def _moved(measure: Measure, counts: pl.DataFrame, judged: Verdict, hit: Callable[[Measure], pl.DataFrame]) -> Moved:
    """`hit` reads the requests of the measure, to take examples from; only for what has causes, as it may be slow."""
    compared = counts.filter(~pl.col("window").is_in(judged.left_out))
    raised: tuple[Cause, ...] = ()
    lowered: tuple[Cause, ...] = ()
    if judged.outcome != "too_few":
        raised = causes(compared, measure, 1, inflation=judged.inflation)
        lowered = causes(compared, measure, -1, inflation=judged.inflation)
    before_rate, now_rate = (_rate(compared, measure, now=value) for value in (False, True))
    hits = hit(measure) if raised else None
    examples = () if hits is None else tuple(_examples(hits, cause) for cause in raised)
    return Moved(measure, before_rate, now_rate, judged, raised, lowered, examples)


def _rate(counts: pl.DataFrame, measure: Measure, *, now: bool) -> Rate | None:
    valid, squares, hits = counts.filter(pl.col("now") == now).select(pl.sum("valid", "squares", measure)).row(0)
    if not valid:
        return None
    effective = valid * valid / squares
    return rate(hits, valid, effective=effective, rows=round(effective))


def _examples(hits: pl.DataFrame, cause: Cause) -> tuple[str, ...]:
    hit = hits.filter(inside(cause.where) & pl.col("request_id").is_not_null())
    return tuple(hit.sort("timestamp", descending=True).head(EXAMPLES)["request_id"])


def _loudest(moved: Mapping[Measure, Moved]) -> Measure:
    def strength(found: Moved) -> tuple[float, float, float]:
        worse = found.verdict.outcome == "worse"
        harm = 0.5 if found.measure == "near" else 1.0  # near the limit is no fault yet
        return (
            harm * found.raised[0].score if found.raised else 0.0,
            (found.verdict.confidence or 0.0) if worse else 0.0,
            found.lowered[0].score if found.lowered else 0.0,
        )

    return max(moved.values(), key=strength).measure
