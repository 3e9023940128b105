"""Timeouts are saved by the fallback or felt by users, never both and never neither."""

from __future__ import annotations

import polars as pl
import pytest
from charge_frames import asked, called
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW

from metrics.charges import charges
from metrics.fallback import marginal, scorecard, scored

CUT = {"status": "timeout", "execution_time_ms": 8400.0, "timeout_ms": 8000.0}
FALLBACK = {"fallback_used": True, "fallback_ok": True, "fallback_ms": 400.0}
TIMEOUT = ("timeout",)

CASES = {
    "an answer in time is saved": (FALLBACK, "saved"),
    "a fallback as slow as the limit is saved": ({**FALLBACK, "fallback_ms": 8000.0}, "saved"),
    "a fallback slower than the limit is felt": ({**FALLBACK, "fallback_ms": 8000.1}, "fallback_slow"),
    "a fallback that failed is felt": ({**FALLBACK, "fallback_ok": False}, "fallback_failed"),
    "a fallback that does not say whether it answered saved nobody": (
        {**FALLBACK, "fallback_ok": None},
        "fallback_unknown",
    ),
    "a fallback that does not say how long it took is not known to be slow": (
        {**FALLBACK, "fallback_ms": None},
        "saved",
    ),
    "no fallback is felt": ({}, "no_fallback"),
    "a fallback nobody says was used is none": ({**FALLBACK, "fallback_used": None}, "no_fallback"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_timeout_meant_to_its_caller(case):
    fields, expected = CASES[case]
    assert scored(asked(CUT | fields), 8000.0)["outcome"].to_list() == [expected]


def test_good_cancelled_and_unmeasured_requests_have_no_outcome():
    rows = asked(FALLBACK, {"status": "cancelled"}, {"execution_time_ms": None})
    assert scored(rows, 8000.0)["outcome"].to_list() == [None] * 3


rows = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["success", "timeout", "failed", "cancelled", "rejected"]),
            "execution_time_ms": st.sampled_from([None, 10.0, 8000.0, 8001.0, 9000.0]),
            "fallback_used": st.sampled_from([None, True, False]),
            "fallback_ok": st.sampled_from([None, True, False]),
            "fallback_ms": st.sampled_from([None, 0.0, 300.0, 8000.0, 20_000.0]),
            "sample_rate": st.sampled_from([1.0, 0.25]),
        }
    ),
    max_size=20,
)


@settings(deadline=None)
@given(rows)
def test_timeouts_are_saved_plus_felt(drawn):
    """The same timeouts the class counts, and failures likewise; the shares agree with the counts."""
    found = scored(asked(*drawn), 8000.0)
    for bad in ("timeout", "failed"):
        card = scorecard(found, (bad,))
        assert card.bad == pytest.approx(found.filter(pl.col("class") == bad)["weight"].sum())
        assert card.saved + card.felt == pytest.approx(card.bad)
        assert sum(card.felt_by.values()) == pytest.approx(card.felt)
        assert (card.saved_rate is None) == (card.bad == 0)
        if card.saved_rate:
            assert card.saved_rate.value == pytest.approx(card.saved / card.bad)


def test_the_fallback_itself_is_judged_over_every_valid_request_that_used_it():
    """A second model that answers makes a success; one that does not say is in neither share."""
    found = scorecard(
        scored(
            asked(
                *[FALLBACK | {"fallback_ms": float(ms)} for ms in range(100, 200)],
                *[CUT | FALLBACK | {"fallback_ok": False, "fallback_ms": None}] * 25,
                *[CUT | FALLBACK | {"fallback_ok": None, "fallback_ms": None}] * 5,
                {"status": "cancelled", **FALLBACK},
                {},
            ),
            8000.0,
        )
    )
    assert (found.used, found.ok_rate.value, found.ok_rate.n) == (130.0, 0.8, 125)
    assert found.fallback_ms == pytest.approx({"p50": 149.5, "p95": 194.05, "p99": 198.01})


def test_without_timeouts_and_fallbacks_shares_are_null_and_counts_zero():
    found = scorecard(scored(asked({}), 8000.0))
    assert (found.bad, found.saved, found.felt, found.used) == (0.0, 0.0, 0.0, 0.0)
    assert (found.saved_rate, found.ok_rate, found.fallback_ms["p50"]) == (None, None, None)
    assert scorecard(scored(asked(), 8000.0)).saved_rate is None


def priced(requests, calls):
    return marginal(scored(requests, 8000.0), charges(requests, calls, (), 8000.0))


def test_a_saved_request_costs_what_the_fallbacks_called():
    """Three fallbacks with calls of 0.10, 0.20 and 0.30 after the cut, of which two saved the request."""
    ok, failed = CUT | FALLBACK | {"timestamp": NOW}, CUT | FALLBACK | {"timestamp": NOW, "fallback_ok": False}
    during, late = {"timestamp": NOW, "cost_usd": 5.0}, NOW.replace(second=8)
    calls = [during | {"request_id": f"r{n}", "operation": "main"} for n in range(3)]
    calls += [
        {"timestamp": late, "cost_usd": (n + 1) / 10, "request_id": f"r{n}", "operation": "short"} for n in range(3)
    ]
    found = priced(asked(ok, ok, failed), called(*calls))
    assert (found.usd, found.requests, found.saved, found.per_saved) == pytest.approx((0.6, 3.0, 2.0, 0.3))


def test_what_a_fallback_cost_whose_calls_nobody_logged_is_unknown():
    assert priced(asked(CUT | FALLBACK | {"cost_usd": 1.0}), called()) is None


def test_a_fallback_whose_own_call_has_no_known_cost_is_unknown_whatever_the_request_cost():
    main, short = {"timestamp": NOW, "cost_usd": 0.4}, {"timestamp": NOW.replace(second=8), "operation": "short"}
    assert priced(asked(CUT | FALLBACK | {"timestamp": NOW, "cost_usd": 1.0}), called(main, short)) is None


def test_a_fallback_without_calls_cost_nothing_where_calls_are_logged():
    found = priced(asked(CUT | FALLBACK | {"timestamp": NOW}), called({"timestamp": NOW, "cost_usd": 1.0}))
    assert (found.usd, found.per_saved) == (0.0, 0.0)


def test_a_fallback_that_saved_nobody_has_no_price_per_saved_request():
    bad = CUT | FALLBACK | {"timestamp": NOW, "fallback_ok": False}
    found = priced(asked(bad), called({"timestamp": NOW.replace(second=8), "cost_usd": 1.0}))
    assert (found.usd, found.per_saved) == (1.0, None)
