"""What the page of quality shows, read once for every visitor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from metrics.catalogue import drifts_of
from metrics.evidence import gather
from metrics.many import newest_of
from metrics.quality import confidence_bins, confidence_rows, newest, score_rows, scores
from metrics.quality_figures import quality_figures, quality_standings
from metrics.quality_trend import hallucinations_over_time, means_over_time, poor_answers
from metrics.scorecard import is_stale
from pages.shared import axes
from pages.shared.data import slots_within
from pages.shared.kept import kept

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from core.timespan import TimeSpan
    from metrics.drift import Drift
    from metrics.figures import Figure
    from metrics.quality import Score
    from metrics.scorecard import Standing
    from pages.shared.frame import Frame

MOST_DRAWN = 4
"""Scores drawn over time, the most frequent first: more lines than that are not told apart."""
MOST_POOR = 20
MOST_COMPARED = 20_000
"""Requests of each past window that drift is measured against: chance is below 0.001 then."""
SLOTS = 12
"""Few answers are judged: finer slots would show chance."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What was said about `read` of the `total` requests chosen, the newest, which lie in `span`.

    `figures` by name, `standings` of those that have a target. Frames over time have naive local starts, `width` apart:
    `hallucinations` (rate, low, high, n), `score_means` and `thumb_means` (name, mean, n). `confidence` has from, to
    and requests. `poor` are answers to look at.
    """

    read: int
    total: int
    span: TimeSpan
    figures: Mapping[str, Figure | None]
    standings: Mapping[str, Standing]
    scores: tuple[Score, ...]
    drifts: Mapping[str, Drift]
    confidence: pl.DataFrame
    width: timedelta
    hallucinations: pl.DataFrame
    score_means: pl.DataFrame
    thumb_means: pl.DataFrame
    poor: pl.DataFrame


def quality(frame: Frame) -> Quality | None:
    """What was said about the requests chosen; None when there are none."""
    return kept("quality", frame.choice, frame.key, lambda: _quality(frame))


def _quality(frame: Frame) -> Quality | None:
    reader, settings, now, look = frame.reader, frame.settings, frame.now, frame.look
    selection, total = newest_of(reader, frame.choice.selection(now))
    found = gather(reader, selection, settings.limit_values.limit_ms, now)
    if not found.requests.height or found.span is None:
        return None
    table = score_rows(found.said)
    named = scores(table)
    drifts = drifts_of(
        reader, selection, settings, now=now, found=found, score_table=table, named=named, most=MOST_COMPARED
    )
    figures = quality_figures(found, named, drifts)
    stale = is_stale(frame.freshness, now, selection)
    whole, width = slots_within(found.span, SLOTS)
    drawn = [score.name for score in named[:MOST_DRAWN]]
    thumbs = newest(found.said, "feedback").with_columns(pl.lit("nps").alias("name"), pl.col("feedback") * 100)
    confidence = confidence_rows(found.said)
    return Quality(
        found.requests.height,
        total,
        found.span,
        figures,
        quality_standings(figures, settings.targets, drifts, stale=stale),
        named,
        drifts,
        _bins(confidence_bins(confidence)) if confidence.height else pl.DataFrame(),
        width,
        axes.on_the_wall(hallucinations_over_time(found.said, whole, width), look.zone),
        axes.on_the_wall(means_over_time(table, "score", whole, width, drawn), look.zone),
        axes.on_the_wall(means_over_time(thumbs, "feedback", whole, width, ["nps"]), look.zone),
        poor_answers(found, table, MOST_POOR),
    )


def _bins(counts: list[float]) -> pl.DataFrame:
    rows = [(place / 10, (place + 1) / 10, count) for place, count in enumerate(counts)]
    return pl.DataFrame(rows, ["from", "to", "requests"], orient="row")
