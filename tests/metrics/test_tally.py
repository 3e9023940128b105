"""Every group's row of a tally is the summary of its requests alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.selection import Freshness, Selection
from core.slo import Limits, Objective
from metrics.budget import budget
from metrics.classes import CLASSES
from metrics.rates import rate
from metrics.summary import summarize
from metrics.tally import group_numbers, most_telling, tally

NOW = datetime(2026, 11, 24, tzinfo=UTC)
NO_HOURS = pl.DataFrame(schema={"start": pl.Datetime("us", "UTC"), "valid": pl.Float64, "bad": pl.Float64})
ROW = st.fixed_dictionaries(
    {
        "timestamp": st.integers(0, 300).map(lambda s: NOW - timedelta(seconds=s)),
        "execution_time_ms": st.none() | st.floats(-1, 20_000),
        "status": st.sampled_from(["success", "success", "timeout", "failed", "cancelled", "rejected"]),
        "agent_id": st.sampled_from(["a", "b", None]),
        "operation": st.sampled_from(["x", None]),
        "timeout_ms": st.none() | st.floats(1, 9000),
        "fallback_used": st.sampled_from([None, True, False]),
        "sample_rate": st.sampled_from([1.0, 0.5, 0.1]),
    }
)
SCHEMA = {
    "timestamp": pl.Datetime("us", "UTC"), "execution_time_ms": pl.Float64, "status": pl.String,
    "agent_id": pl.String, "operation": pl.String, "timeout_ms": pl.Float64, "fallback_used": pl.Boolean,
    "sample_rate": pl.Float64,
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=40), st.sampled_from(["good", "bad", "excluded"]), st.sampled_from([8000.0, 5000.0]))
def test_a_groups_row_is_the_summary_of_its_requests(rows, fallback, limit):
    frame = pl.DataFrame(rows, SCHEMA).sort("timestamp")
    limits, objective = Limits(), replace(Objective(), fallback_counts_as=fallback, limit_ms=limit)
    numbered, known = group_numbers(frame, ("agent_id", "operation"))
    found = {row["group"]: row for row in tally(numbered, limits, objective, beyond=[3000.0]).iter_rows(named=True)}
    assert set(found) == set(known["group"])
    for group, agent, operation in known.iter_rows():
        mine = frame.filter(
            pl.col("agent_id").eq_missing(pl.lit(agent)), pl.col("operation").eq_missing(pl.lit(operation))
        )
        alone = summarize(
            mine, budget(NO_HOURS, objective, NOW), selection=Selection(), limits=limits, objective=objective,
            freshness=Freshness(NOW, NOW, 1), now=NOW,
        )  # fmt: skip
        row = found[group]
        assert [row[name] for name in CLASSES] == [pytest.approx(getattr(alone.counts, name)) for name in CLASSES]
        assert rate(row["timeout"], row["valid"], rows=row["n"], effective=row["effective"]) == (
            alone.timeout_rate and pytest.approx(alone.timeout_rate)
        )
        assert (row["good"], row["counted"]) == pytest.approx((alone.sli.good, alone.sli.valid))
        assert row["fallback"] == pytest.approx(
            alone.fallback_rate.value * alone.counts.valid if alone.fallback_rate else 0
        )
        for name in ("p50", "p95", "p99"):
            told = alone.percentiles[name]
            assert (row[name], row[f"{name}_at_least"]) == (
                (pytest.approx(told.value), told.at_least) if told else (None, None)
            )
        assert (row["average_ms"], bool(row["average_at_least"])) == (
            alone.average_ms and pytest.approx(alone.average_ms), alone.average_at_least,
        )  # fmt: skip


def test_groups_with_the_most_bad_requests_come_first():
    kinds = (
        [("calm", "success")] * 9 + [("ill", "timeout")] * 2 + [("off", "cancelled")] * 5 + [("worse", "failed")] * 3
    )
    rows = [
        {"timestamp": NOW, "execution_time_ms": 5.0, "status": status, "agent_id": agent, "sample_rate": 1.0}
        for agent, status in kinds
    ]
    numbered, known = group_numbers(pl.DataFrame(rows, SCHEMA), ("agent_id",))
    names = dict(known.iter_rows())
    assert [names[number] for number in most_telling(numbered, Limits())] == ["worse", "ill", "calm", "off"]
