"""What pages read. Everything is kept under the version of the data it was read from, and bounded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from core.selection import FILTERS, Extent
from core.timespan import TimeSpan
from metrics.answer import answer, selected_requests, standing_budget
from metrics.change import Changes, changes
from metrics.coverage import Coverage, coverage
from metrics.groups import by_group
from metrics.heatmap import edges, heatmap
from metrics.many import counts_of, is_exact, requests_of
from metrics.trend import trend
from metrics.why_answer import Why
from metrics.why_answer import why as why_of
from pages.shared import axes
from pages.shared.kept import kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.rows import Rows
    from core.selection import Freshness, Losses, Reader, Selection
    from core.settings import Settings
    from metrics.values import Summary
    from pages.shared.filters import Choice
    from pages.shared.frame import Frame

COLUMNS = (
    "timestamp", "execution_time_ms", "status", "agent_id", "timeout_ms", "fallback_used", "sample_rate",
)  # fmt: skip
"""What the charts and the table of the first page are made of."""

OFTEN, SELDOM = 0.3, 0.01
"""Of a process's time, for repeating the first page's numbers, and what filters can be set to."""

HEATMAP = (timedelta(hours=6), timedelta(minutes=5))
TREND = (timedelta(hours=24), timedelta(minutes=15))
"""Length and slot of the two charts."""

SPARK_SLOTS = 48
_WIDTHS = (
    *(timedelta(seconds=seconds) for seconds in (1, 5, 15, 60, 300, 900)),
    *(timedelta(hours=hours) for hours in (1, 3, 6, 24)),
    *(timedelta(days=days) for days in (7, 28, 364, 3640)),
)
PAGE_ROWS, MOST_PAGES = 50, 2000
"""Rows on a page, and how many pages one can turn to: nobody reads on, and far pages are slow to find."""
MOST_EXPORTED = 100_000
RELEASES = 50
"""Deploys offered to choose from."""
AROUND = timedelta(hours=1)
"""How far from its request a trace is looked for."""
_DEPLOYED = ("service", "agent_id", "model", "model_version", "prompt_version")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Key:
    """What makes a cached answer the same answer: the data's version, the minute, the settings, sample or real."""

    version: int
    minute: datetime
    settings: str
    demo: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the first page shows. Times in the frames are naive and local."""

    summary: Summary
    changes: Changes
    spark: pl.DataFrame
    heat: pl.DataFrame
    trend: pl.DataFrame
    agents: pl.DataFrame
    deploys: pl.DataFrame
    coverage: Coverage
    losses: Losses


def key(settings: Settings, freshness: Freshness, now: datetime, *, demo: bool) -> Key:
    """The key for this moment: time windows slide once a minute even when nothing arrives."""
    minute = now.replace(second=0, microsecond=0)
    return Key(freshness.version, minute, settings.model_dump_json(), demo)


def lookup(kept_under: Key, reader: Reader) -> Mapping[str, list[str]]:
    """What each filter can be set to, most frequent first."""
    return kept("values", None, kept_under, lambda: {name: reader.values(name) for name in FILTERS}, share=SELDOM)


def releases(kept_under: Key, reader: Reader) -> pl.DataFrame:
    """Deploys as start and label, the newest first, at most RELEASES."""

    def read() -> pl.DataFrame:
        return _labelled(reader.deploys(None)).sort("start", descending=True).head(RELEASES)

    return kept("releases", None, kept_under, read)


def overview(frame: Frame) -> Overview:
    """The first page for this choice, as it stands now."""
    return kept("overview", frame.choice, frame.key, lambda: _overview(frame), share=OFTEN)


def _overview(frame: Frame) -> Overview:
    reader, choice, settings, now, freshness = frame.reader, frame.choice, frame.settings, frame.now, frame.freshness
    selection, limit, zone = choice.selection(now), settings.limit_values.limit_ms, settings.timezone
    standing = kept(
        "budget",
        replace(selection, span=None, last=None),
        frame.key,
        lambda: standing_budget(reader, selection, frame.objective, now),
    )
    rows = selected_requests(reader, selection, settings, COLUMNS)
    summary = answer(reader, selection, settings, now, freshness, standing=standing, selected=rows)
    found = summary.span or TimeSpan(now, now)
    before = answer(reader, choice.earlier(selection, found), settings, now, freshness, standing=standing)
    spark = slots_within(found)
    until = now if summary.freshness.state == "fresh" else min(freshness.newest or now, now)
    heat, line = (slots_until(until, *chart) for chart in (HEATMAP, TREND))
    losses = reader.losses(selection.span)
    over_time = rows if is_exact(rows) else requests_of(reader, selection, COLUMNS, width=spark[1], edges=(limit,))
    recent = requests_of(reader, selection.over(line[0]), COLUMNS, width=line[1], edges=(limit,))
    last_hours = counts_of(reader, selection.over(heat[0]), COLUMNS, width=heat[1], edges=edges(limit))
    return Overview(
        summary,
        changes(summary, before),
        axes.on_the_wall(trend(over_time, *spark, limit), zone),
        axes.on_the_wall(_with_at(heatmap(last_hours, *heat, limit)), zone),
        axes.on_the_wall(trend(recent, *line, limit), zone),
        by_group(rows, "agent_id", limit),
        axes.on_the_wall(deploys(reader, line[0]), zone),
        coverage(summary.freshness, losses, selection, Extent(summary.receipt.rows, None, None)),
        losses,
    )


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the requests wanted: `total` of them on `pages` pages, and how many more no page shows (`cut`)."""

    rows: pl.DataFrame
    total: int
    pages: int
    cut: int


@dataclass(frozen=True, slots=True)
class Pinned:
    """The moment somebody began to look through rows, and up to when there were any: what came later is left out."""

    key: Key
    now: datetime
    until: datetime

    def selection(self, choice: Choice) -> Selection:
        """The choice as it stood then."""
        return choice.selection(self.now).before(self.until)


def pin(question: object, now: Pinned) -> Pinned:
    """The moment this question was first asked in this tab: its rows stand still until the question is another."""
    kept: tuple[object, Pinned] | None = st.session_state.get("pinned")
    if kept is None or kept[0] != question:
        kept = (question, now)
        st.session_state["pinned"] = kept
    return kept[1]


def unpin() -> None:
    """Look again from now on."""
    st.session_state.pop("pinned", None)


def listing(frame: Frame, pinned: Pinned, rows: Rows, page: int) -> Listing:
    """Page `page` (from 1; beyond the last, the last) of the rows of this choice as they stood when it was pinned."""

    def read() -> Listing:
        reader, selection, limits = frame.reader, pinned.selection(frame.choice), frame.settings.limit_values
        total = reader.total(selection, rows, limits)
        shown = min(total, PAGE_ROWS * MOST_PAGES)
        pages = max(1, -(-shown // PAGE_ROWS))
        found = reader.page(selection, rows, limits, PAGE_ROWS * (min(page, pages) - 1), PAGE_ROWS)
        return Listing(found, total, pages, total - shown)

    return kept("listing", (frame.choice, rows, page, pinned.now, pinned.until), pinned.key, read)


def export(pinned: Pinned, choice: Choice, rows: Rows, reader: Reader, settings: Settings) -> pl.DataFrame:
    """The first MOST_EXPORTED of the rows, to take along."""
    return reader.page(pinned.selection(choice), rows, settings.limit_values, 0, MOST_EXPORTED)


def trace(kept_under: Key, identity: str, at: datetime | None, reader: Reader) -> pl.DataFrame:
    """Every record of a request or trace; `at` is when it was, if that is known.

    Without it all of the store is looked through: again, for what is judged later, as often as that cost allows.
    """

    def read() -> pl.DataFrame:
        found = reader.trace(identity, (at, AROUND)) if at else None
        return found if found is not None and found.height else reader.trace(identity)

    return kept("trace", (identity, at), kept_under, read)


def why(frame: Frame) -> Why:
    """What moved and why, for this choice; looked for again as often as its cost allows."""
    selection = frame.choice.selection(frame.now)
    return kept("why", frame.choice, frame.key, lambda: why_of(frame.reader, selection, frame.settings))


def slots_until(end: datetime, length: timedelta, width: timedelta) -> tuple[TimeSpan, timedelta]:
    """Whole slots on round times, the last one holding `end`: a slot stays where it is while time goes on."""
    last = _EPOCH + width * ((end - _EPOCH) // width + 1)
    return TimeSpan(last - length, last), width


def slots_within(span: TimeSpan, most: int = SPARK_SLOTS) -> tuple[TimeSpan, timedelta]:
    """Round slots over a span, at most `most` and two of them."""
    width = next((width for width in _WIDTHS if span.length <= most * width), _WIDTHS[-1])
    start = _EPOCH + width * ((span.start - _EPOCH) // width)
    end = _EPOCH + width * -((_EPOCH - span.end) // width)
    return TimeSpan(start, max(end, start + width)), width


def deploys(reader: Reader, span: TimeSpan) -> pl.DataFrame:
    """Deploy events as start and label, after a first row without a label: a chart warns of data it has none of."""
    anchor = pl.DataFrame(
        {"start": [span.start], "label": [None]}, {"start": pl.Datetime("us", "UTC"), "label": pl.String}
    )
    return pl.concat([anchor, _labelled(reader.deploys(span))])


def _labelled(deploys: pl.DataFrame) -> pl.DataFrame:
    label = pl.concat_str(*_DEPLOYED, separator=" ", ignore_nulls=True).str.slice(0, 120)
    return deploys.select(pl.col("timestamp").alias("start"), label.alias("label"))


def _with_at(frame: pl.DataFrame) -> pl.DataFrame:
    """`at`: the start of a slot whatever the reader's clock, in milliseconds since 1970."""
    return frame.with_columns(pl.col("start").dt.epoch("ms").alias("at"))
