"""Spend: nothing counted twice, nothing unknown taken for 0, and what was billed split into what bought an answer."""

from __future__ import annotations

import math
from datetime import timedelta

import polars as pl
import pytest
from charge_frames import asked, called
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW

from core.settings import parse
from metrics.charges import charges
from metrics.cost import change, cost_per_active_user, spend, spend_by, with_day

PRICES = parse("prices: [{model: mini, input_per_million: 1, output_per_million: 1, from: 2026-01-01}]").price_values
M = 1_000_000


def charged(requests, calls=None):
    return charges(requests, called() if calls is None else calls, PRICES, 8000.0)


def one(request, *calls):
    return spend(charged(asked(request), called(*calls)))


CASES = {
    "a request's own cost is what it cost": ({"cost_usd": 0.5}, [], {"spent": 0.5, "billed_ok": 0.5, "unknown": 0}),
    "its calls do not count again": ({"cost_usd": 0.5}, [{"cost_usd": 0.3}, {"cost_usd": 0.2}], {"total": 0.5, "spent": 0.5}),
    "calls that claim more than the request's cost share it": (
        {"cost_usd": 0.5}, [{"cost_usd": 0.9}, {"cost_usd": 0.1, "status": "failed"}], {"spent": 0.5, "wasted": 0.05},
    ),
    "what no call claims is the request's own": (
        {"cost_usd": 0.5}, [{"cost_usd": 0.1, "status": "timeout"}], {"spent": 0.5, "wasted": 0.1, "billed_ok": 0.4},
    ),
    "without a cost of its own it is the sum of its calls": (
        {"tokens_input": M, "tokens_output": M}, [{"cost_usd": 0.3}, {"tokens_input": M, "tokens_output": 0}], {"spent": 1.3},
    ),
    "calls that tell nothing leave the request's tokens at their price": (
        {"tokens_input": M, "tokens_output": M}, [{}], {"spent": 2.0, "unknown": 0},
    ),
    "a call of unknown cost beside a known one is counted as unknown": (
        {}, [{"cost_usd": 0.3}, {"model": "other"}], {"spent": 0.3, "unknown": 1, "known_requests": 0, "per_request": None},
    ),
    "nothing known at all is null, not 0": (
        {"model": "other"}, [], {"spent": None, "total": None, "wasted": None, "unknown": 1, "requests": 1},
    ),
    "a request that called no model costs nothing and is not unknown": (
        {"model": None}, [], {"spent": None, "unknown": 0, "requests": 0},
    ),
    "a cut request that was billed bought nothing": (
        {"status": "timeout", "cost_usd": 0.5}, [], {"wasted": 0.5, "billed_ok": 0.0, "spent": 0.5},
    ),
    "a success above the limit is a timeout": ({"execution_time_ms": 8001.0, "cost_usd": 0.5}, [], {"wasted": 0.5}),
    "a cancelled request that was billed bought nothing": ({"status": "cancelled", "cost_usd": 0.5}, [], {"wasted": 0.5}),
    "a failed request that was not billed cost nothing": (
        {"status": "failed", "billed": False, "tokens_input": M, "tokens_output": 0}, [],
        {"spent": 0.0, "wasted": 0.0, "unbilled": 1.0, "total": 1.0, "unknown": 0},
    ),
    "a request that only says it was billed is unknown": (
        {"model": None, "billed": True}, [], {"unknown": 1, "requests": 1, "spent": None},
    ),
    "what a call that was not billed would have cost is told where the request's own tokens are charged, too": (
        {"tokens_input": M, "tokens_output": M}, [{"cost_usd": 0.3, "billed": False, "status": "failed"}, {"model": "other"}],
        {"spent": 2.0, "billed_ok": 2.0, "unbilled": 0.3, "total": 2.3, "unknown": 0},
    ),
    "a rejected request that does not say is unknown": ({"status": "rejected"}, [], {"unknown": 1, "spent": None}),
    "a rejected request that says it was not billed costs 0": (
        {"status": "rejected", "billed": False}, [], {"unknown": 0, "spent": 0.0},
    ),
    "nothing of a request that was not billed is charged by its calls": (
        {"billed": False, "status": "failed"}, [{"cost_usd": 0.4}], {"spent": 0.0, "unbilled": 0.4},
    ),
    "a call that was not billed takes nothing of the request's cost": (
        {"cost_usd": 0.5}, [{"cost_usd": 0.3, "billed": False, "status": "failed"}, {"cost_usd": 0.5}],
        {"spent": 0.5, "billed_ok": 0.5, "unbilled": 0.3, "total": 0.8},
    ),
    "a call that failed and its repetition": (
        {}, [{"cost_usd": 0.2, "status": "failed"}, {"cost_usd": 0.3}, {"cost_usd": 0.4}],
        {"spent": 0.9, "wasted": 0.2, "retried": 0.3},
    ),
    "another operation after a failed one is no repetition": (
        {}, [{"cost_usd": 0.2, "status": "failed"}, {"cost_usd": 0.3, "operation": "embed"}], {"retried": 0.0},
    ),
    "without calls nobody knows what was repeated": ({"cost_usd": 0.5}, [], {"retried": None, "fallback": None}),
    "what a fallback called in time bought the answer, what was cut did not": (
        {"status": "timeout", "execution_time_ms": 8300.0, "timeout_ms": 8000.0, "fallback_used": True, "fallback_ok": True, "fallback_ms": 300.0},
        [{"cost_usd": 0.5, "status": "timeout"}, {"cost_usd": 0.1, "timestamp": NOW + timedelta(seconds=8), "operation": "short"}],
        {"wasted": 0.5, "billed_ok": 0.1, "fallback": 0.1},
    ),
    "what a fallback called in vain bought nothing": (
        {"status": "timeout", "execution_time_ms": 8300.0, "timeout_ms": 8000.0, "fallback_used": True, "fallback_ok": False, "fallback_ms": 300.0},
        [{"cost_usd": 0.1, "timestamp": NOW + timedelta(seconds=8)}],
        {"wasted": 0.1, "billed_ok": 0.0, "fallback": 0.1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_one_request_cost(case):
    request, calls, expected = CASES[case]
    found = one(request, *calls)
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value), name


money = st.one_of(st.none(), st.integers(0, 900).map(lambda cents: cents / 100))
billed = st.sampled_from([None, True, False])
call = st.fixed_dictionaries(
    {
        "cost_usd": money,
        "billed": billed,
        "status": st.sampled_from(["success", "failed", "timeout"]),
        "tokens_input": st.sampled_from([None, M, 2 * M]),
        "model": st.sampled_from(["mini", "other", None]),
    }
).map(lambda fields: fields | {"tokens_output": 0})
request = st.fixed_dictionaries(
    {
        "cost_usd": money,
        "billed": billed,
        "status": st.sampled_from(["success", "failed", "timeout", "cancelled", "rejected"]),
        "tokens_input": st.sampled_from([None, M]),
        "model": st.sampled_from(["mini", "other", None]),
        "sample_rate": st.sampled_from([1.0, 0.5, 0.1]),
        "user_id": st.sampled_from(["a", "b", None]),
        "calls": st.lists(call, max_size=4),
    }
).map(lambda fields: fields | {"tokens_output": 0})


def made(plan):
    rows = [{name: value for name, value in one.items() if name != "calls"} for one in plan]
    calls = [one | {"request_id": f"r{n}"} for n, row in enumerate(plan) for one in row["calls"]]
    return asked(*rows), called(*calls)


@settings(deadline=None)
@given(st.lists(request, max_size=12))
def test_billed_ok_and_wasted_and_unbilled_are_the_total(plan):
    """Against sums by hand of every charge, too; and every split by a column gives the same total."""
    requests, calls = made(plan)
    rows = charged(requests, calls)
    found = spend(rows)
    listed = [
        (row["list_usd"] or 0.0) * row["weight"]
        for row in rows.iter_rows(named=True)
        if row["cost_source"] != "unknown"
    ]
    if found.total is None:
        assert not listed
        return
    assert found.total == pytest.approx(math.fsum(listed), abs=1e-9)
    assert math.fsum([found.billed_ok, found.wasted, found.unbilled]) == pytest.approx(found.total, abs=1e-9)
    assert math.fsum([found.billed_ok, found.wasted]) == pytest.approx(found.spent, abs=1e-9)
    assert math.fsum(found.wasted_by.values()) == pytest.approx(found.wasted, abs=1e-9)
    for column in ("model", "user_id", "agent_id", "why"):
        by = spend_by(rows, column)
        assert by["spent"].sum() == pytest.approx(found.spent, abs=1e-9)
        assert by["unknown"].sum() == pytest.approx(found.unknown)


@settings(deadline=None)
@given(request)
def test_a_billed_request_with_a_cost_of_its_own_costs_just_that(plan):
    """Whatever its calls say; and each row says why it is known."""
    requests, calls = made([plan])
    rows = charged(requests, calls)
    if plan["cost_usd"] is not None and plan["billed"] is not False:
        assert spend(rows).spent == pytest.approx(plan["cost_usd"] / plan["sample_rate"], abs=1e-9)
    by_price = rows.filter(pl.col("price_version").is_not_null())
    assert by_price["cost_source"].is_in(["price", "unbilled"]).all()
    assert rows.filter(pl.col("cost_source") == "unknown")["cost_usd"].is_null().all()
    assert rows.filter(pl.col("cost_source") != "unknown")["cost_usd"].is_not_null().all()


@settings(deadline=None)
@given(st.lists(request, min_size=1, max_size=8), st.randoms())
def test_the_order_of_the_calls_in_the_file_does_not_matter(plan, random):
    requests, calls = made(plan)
    places = list(range(calls.height))
    random.shuffle(places)
    first, second = spend(charged(requests, calls)), spend(charged(requests, calls[places]))
    assert (second.spent, second.retried) == pytest.approx((first.spent, first.retried), abs=1e-9)


def test_a_call_whose_request_is_not_selected_is_not_charged():
    assert (
        charged(asked({"cost_usd": 1.0}), called({"request_id": "elsewhere", "cost_usd": 5.0}))["list_usd"].sum() == 1.0
    )


def test_two_records_of_one_request_do_not_charge_a_call_twice():
    rows = charged(asked({}, {"request_id": "r0", "model": None}), called({"cost_usd": 2.0}))
    assert spend(rows).spent == 2.0


def test_a_row_that_stands_for_ten_requests_costs_ten_times():
    found = one({"cost_usd": 0.5, "sample_rate": 0.1})
    assert (found.spent, found.requests, found.per_request) == pytest.approx((5.0, 10.0, 0.5))


def test_a_call_is_charged_to_its_model_and_to_the_agent_and_day_of_its_request():
    """A request just before local midnight whose call comes after it."""
    late = NOW.replace(hour=16, minute=59, second=59)
    rows = charged(
        asked({"timestamp": late, "model": None, "feature": "chat", "user_id": "u"}),
        called({"timestamp": late + timedelta(seconds=2), "model": "big", "cost_usd": 1.0}),
    )
    zone = parse("timezone: Asia/Ho_Chi_Minh").zone
    for column, expected in (("model", "big"), ("agent_id", "planner"), ("feature", "chat"), ("user_id", "u")):
        assert spend_by(rows, column)["group"].to_list() == [expected]
    assert [str(day) for day in spend_by(with_day(rows, zone), "day")["group"]] == ["2026-11-24"]


def test_cost_per_active_user_counts_users_that_cost_nothing_and_no_spend_of_nobody():
    requests = asked({"user_id": "a", "cost_usd": 3.0}, {"user_id": "b", "model": None}, {"cost_usd": 9.0})
    assert cost_per_active_user(requests, charged(requests)) == 1.5
    assert cost_per_active_user(asked({"cost_usd": 1.0}), charged(asked({"cost_usd": 1.0}))) is None


@pytest.mark.parametrize(
    ("spent", "before", "expected"),
    [
        (15.0, [10.0, 10.0], 0.5),
        (12.0, [8.0, None, 12.0], 0.2),
        (5.0, [], None),
        (None, [10.0], None),
        (5.0, [0.0, 0.0], None),
        (0.0, [4.0], -1.0),
    ],
)
def test_a_day_against_the_average_of_the_days_before(spent, before, expected):
    assert change(spent, before) == pytest.approx(expected)
