"""Changes between two periods: told only where both can be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from core.selection import Freshness, Selection
from core.settings import parse
from core.timespan import TimeSpan
from metrics.budget import budget, hourly
from metrics.change import Changes, changes
from metrics.summary import summarize

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = parse("")


def summary(success: int, timeout: int = 0, failed: int = 0, took: float = 1000.0):
    rows = [("success", took)] * success + [("timeout", 8000.0)] * timeout + [("failed", took)] * failed
    frame = pl.DataFrame(
        {
            "timestamp": [NOW - timedelta(seconds=n + 1) for n in range(len(rows))],
            "execution_time_ms": [ms for _, ms in rows],
            "status": [status for status, _ in rows],
            "agent_id": ["a"] * len(rows),
            "timeout_ms": [8000.0] * len(rows),
            "fallback_used": [False] * len(rows),
            "sample_rate": [1.0] * len(rows),
        },
        schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    )
    objective = SETTINGS.objective_values[0]
    hours = hourly(frame, objective, TimeSpan(NOW - timedelta(hours=1), NOW))
    limits = SETTINGS.limit_values
    return summarize(
        frame, budget(hours, objective, NOW), selection=Selection(last=1000), limits=limits, objective=objective, freshness=Freshness(NOW, NOW, 1), now=NOW
    )  # fmt: skip


def test_rates_change_in_shares_and_times_in_milliseconds():
    found = changes(summary(90, failed=10, took=1500.0), summary(80, failed=20))
    assert round(found.success_rate, 9) == 0.1
    assert round(found.error_rate, 9) == -0.1
    assert found.timeout_rate == 0.0
    assert (found.p99, found.p95, found.average_ms) == (500.0, 500.0, 500.0)


def test_a_percentile_that_is_a_bound_on_either_side_has_no_change():
    cut, whole = summary(90, timeout=10), summary(100)
    for now, before in ((cut, whole), (whole, cut)):
        assert changes(now, before).p99 is None
        assert changes(now, before).p95 is None
    assert changes(cut, whole).average_ms == 700.0


def test_too_few_or_no_rows_on_either_side_have_no_change():
    nothing = Changes(None, None, None, None, None, None)
    for few in (summary(19), summary(0)):
        assert changes(few, summary(100)) == nothing
        assert changes(summary(100), few) == nothing


@given(st.integers(20, 60), st.integers(0, 3), st.integers(20, 60), st.integers(0, 3))
def test_back_and_forth_is_no_change(a, b, c, d):
    one, other = summary(a, failed=b), summary(c, failed=d)
    there, back = changes(one, other), changes(other, one)
    assert there.error_rate == -back.error_rate
    assert there.average_ms == -back.average_ms
