"""Durations as people write them, and spans that cannot be wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.timespan import TimeSpan, parse_duration

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5), ("30s", 30), ("30 sec", 30), ("5m", 300), ("5min", 300), ("5 minutes", 300), ("1h", 3600),
        ("1hour", 3600), ("2hours", 7200), ("1day", 86_400), ("30d", 2_592_000), ("1w", 604_800), ("1.5h", 5400),
    ],
)  # fmt: skip
def test_a_duration_reads_as_people_write_it(text, seconds):
    """Each spelling a team uses means what it says."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "5 parsecs", "-5m", "m", "5mm", "1h30m", "nan s", "5sm"])
def test_what_is_no_duration_is_refused_with_examples(text):
    """The message shows what would have been read."""
    with pytest.raises(ValueError, match="is not a duration; write 500ms, 30s, 5m, 1h or 1d"):
        parse_duration(text)


def test_a_reversed_or_naive_span_cannot_exist():
    """A span with no zone or no direction would count the wrong rows."""
    with pytest.raises(ValueError, match="before it starts"):
        TimeSpan(NOON, NOON - timedelta(seconds=1))
    with pytest.raises(ValueError, match="zone"):
        TimeSpan(NOON.replace(tzinfo=None), NOON)


@given(st.timedeltas(timedelta(0), timedelta(days=365)))
def test_the_last_span_ends_now_and_is_as_long_as_asked(length):
    """`last` neither shifts nor stretches."""
    span = TimeSpan.last(length, NOON)
    assert (span.end, span.length) == (NOON, length)
