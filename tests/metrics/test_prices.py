"""What one record cost, and by which price."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from metric_frames import NOW

from core.errors import SettingsError
from core.settings import parse
from metrics.prices import priced

PRICES = """
timezone: Asia/Ho_Chi_Minh
prices:
  - {model: mini, input_per_million: 1, output_per_million: 4, from: 2026-01-01}
  - {model: mini, input_per_million: 2, output_per_million: 8, from: 2026-11-24}
  - {model: embed, input_per_million: 0.1, output_per_million: 0, from: 2026-01-01}
"""
SCHEMA = {
    "timestamp": pl.Datetime("us", "UTC"), "model": pl.String, "tokens_input": pl.Int64, "tokens_output": pl.Int64,
    "cost_usd": pl.Float64, "billed": pl.Boolean,
}  # fmt: skip


def one(settings=PRICES, **fields):
    """One record, priced."""
    usual = {"timestamp": NOW, "model": "mini", "tokens_input": 1_000_000, "tokens_output": 500_000}
    frame = pl.DataFrame([{name: (usual | fields).get(name) for name in SCHEMA}], schema=SCHEMA)
    return priced(frame, parse(settings).price_values).row(0, named=True)


CASES = {
    "tokens by the price of the day": ({}, 6.0, 6.0, "price", "mini@2026-11-24"),
    "the record's own cost wins": ({"cost_usd": 0.5}, 0.5, 0.5, "record", None),
    "a cost of 0 that the record states is known": ({"cost_usd": 0.0}, 0.0, 0.0, "record", None),
    "a model without a price is unknown, not 0": ({"model": "other"}, None, None, "unknown", None),
    "no model is unknown": ({"model": None}, None, None, "unknown", None),
    "one kind of tokens missing is unknown": ({"tokens_output": None}, None, None, "unknown", None),
    "tokens that cost nothing may be missing": (
        {"model": "embed", "tokens_output": None}, 0.1, 0.1, "price", "embed@2026-01-01",
    ),
    "a call that was not billed cost 0, and would have cost its price": (
        {"billed": False}, 6.0, 0.0, "unbilled", "mini@2026-11-24",
    ),
    "a rate-limited call that says it was not billed cost 0 though nobody knows its tokens": (
        {"billed": False, "tokens_input": None, "tokens_output": None}, None, 0.0, "unbilled", None,
    ),
    "a rate-limited call that does not say is unknown": (
        {"tokens_input": None, "tokens_output": None}, None, None, "unknown", None,
    ),
    "an instant before midnight of the local day is the old price": (
        {"timestamp": datetime(2026, 11, 23, 17, tzinfo=UTC) - timedelta(microseconds=1)}, 3.0, 3.0, "price", "mini@2026-01-01",
    ),
    "local midnight is the new price": (
        {"timestamp": datetime(2026, 11, 23, 17, tzinfo=UTC)}, 6.0, 6.0, "price", "mini@2026-11-24",
    ),
    "before the first price it is unknown": (
        {"timestamp": datetime(2025, 12, 1, tzinfo=UTC)}, None, None, "unknown", None,
    ),
    "a cost that is no number is unknown where there is no price": (
        {"cost_usd": float("nan"), "model": "other"}, None, None, "unknown", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_one_record_cost(case):
    fields, listed, charged, source, version = CASES[case]
    found = one(**fields)
    assert (found["list_usd"], found["cost_usd"]) == pytest.approx((listed, charged))
    assert (found["cost_source"], found["price_version"]) == (source, version)


def test_without_prices_a_record_without_a_cost_is_unknown():
    assert one("")["cost_source"] == "unknown"


def test_rows_keep_their_order_and_their_other_columns():
    frame = pl.DataFrame(
        [
            {"timestamp": NOW - timedelta(hours=n % 3), "model": "mini", "tokens_input": n, "tokens_output": 0}
            for n in range(9)
        ],
        schema=SCHEMA,
    ).with_columns(pl.int_range(9).alias("mine"))
    assert priced(frame, parse(PRICES).price_values)["mine"].to_list() == list(range(9))


@pytest.mark.parametrize(
    ("price", "said"),
    [
        ("{model: m, input_per_million: -1, output_per_million: 0, from: 2026-01-01}", "greater than or equal to 0"),
        ("{model: m, input_per_million: 1, output_per_million: .inf, from: 2026-01-01}", "finite"),
        ("{model: m, input_per_million: 1, output_per_million: 1}", "from"),
        ("{model: m, inputpermillion: 1, output_per_million: 1, from: 2026-01-01}", "input_per_million"),
        (
            (
                "{model: m, input_per_million: 1, output_per_million: 1, from: 2026-01-01}, "
                "{model: m, input_per_million: 2, output_per_million: 1, from: 2026-01-01}"
            ),
            "priced twice: m from 2026-01-01",
        ),
    ],
)
def test_a_price_that_cannot_be_meant_is_refused(price, said):
    with pytest.raises(SettingsError, match=said):
        parse(f"prices: [{price}]")
