"""The pairs of burn windows: their factors, what trips them, and when they say nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from metric_frames import NOW

from alerting.rules import compile_rules
from core.errors import SettingsError
from core.settings import parse
from core.slo import GOOGLE_30D, BurnWindow, Objective
from core.timespan import TimeSpan
from metrics.budget import HOUR, burn_rate, pieces
from metrics.burn import burn_cuts, burn_pairs, detected_after

OBJECTIVE = Objective()
MINUTE = timedelta(minutes=1)
WORKED = [
    # factor, long, short, share of bad, share of the budget, hours to spend all, minutes at 100, 50 and 20 % bad, few
    (14.4, 60, 5, 0.144, 0.02, 50, (8.6, 17.3, 43.2), 7),
    (6, 360, 30, 0.06, 0.05, 120, (21.6, 43.2, 108), 17),
    (3, 1440, 120, 0.03, 0.10, 240, (43.2, 86.4, 216), 34),
    (1, 4320, 360, 0.01, 0.10, 720, (43.2, 86.4, 216), 100),
]


@pytest.mark.parametrize(("window", "row"), list(zip(GOOGLE_30D, WORKED, strict=True)))
def test_worked_table_of_burn_pairs(window, row):
    """Every column of the table in docs/error-budget.md, from the objective alone."""
    factor, long, short, share, spend, gone, minutes, few = row
    assert (window.long, window.short) == (long * MINUTE, short * MINUTE)
    assert window.factor(OBJECTIVE.period) == pytest.approx(factor)
    assert window.factor(OBJECTIVE.period) * OBJECTIVE.budget == pytest.approx(share)
    assert factor * window.long / OBJECTIVE.period == pytest.approx(spend)
    assert OBJECTIVE.period / factor == gone * HOUR
    found = [detected_after(window, OBJECTIVE, bad) for bad in (1.0, 0.5, 0.2)]
    assert [round(value, 1) for value in found] == list(minutes)
    assert max(n for n in range(1, 1000) if burn_rate(1, n, OBJECTIVE) > factor + 1e-9) == few - 1


@pytest.mark.parametrize(
    ("days", "factors"), [(28, (13.44, 5.6, 2.8, 0.933)), (30, (14.4, 6, 3, 1))], ids=["28 days", "30 days"]
)
def test_factors_follow_the_period(days, factors):
    found = [round(window.factor(timedelta(days=days)), 3) for window in GOOGLE_30D]
    assert found == pytest.approx(list(factors))


def test_worked_factors_of_seven_days():
    """10 % in 1 h is 16.8 times, 20 % in 6 h 5.6 times the sustainable rate."""
    fast, slow = BurnWindow("critical", 0.1, HOUR, 5 * MINUTE), BurnWindow("critical", 0.2, 6 * HOUR, 30 * MINUTE)
    assert [w.factor(timedelta(days=7)) for w in (fast, slow)] == pytest.approx([16.8, 5.6])


def at(long_share, short_share, valid=100.0):
    """A month at `valid` requests a minute: bad at the long share for an hour, at the short one in its last 5 min."""
    table = pieces(TimeSpan(NOW - OBJECTIVE.period, NOW), burn_cuts(OBJECTIVE, NOW))
    start = pl.col("start")
    share = (
        pl.when(start >= NOW - 5 * MINUTE).then(short_share).when(start >= NOW - HOUR).then(long_share).otherwise(0.0)
    )
    requests = pl.col("hours") * 60 * valid
    return table.with_columns(requests.alias("valid"), (requests * share).alias("bad"))


DECISIONS = {
    "both windows burn faster: it fires": (at(0.2, 0.2), "fires"),
    "the damage is done but over: quiet": (at(0.2, 0.0), "quiet"),
    "it just began and may be nothing: quiet": (at(0.0, 0.5), "quiet"),
    "exactly the factor is not faster: quiet": (at(0.144, 0.144, 1000.0), "quiet"),
    "few requests, most of them bad: low traffic": (at(0.9, 0.9, 0.5), "low_traffic"),
    "no request: no traffic": (at(0.0, 0.0, 0.0), "no_traffic"),
}


@pytest.mark.parametrize(("hours", "state"), DECISIONS.values(), ids=DECISIONS.keys())
def test_a_pair_decides(hours, state):
    hours = hours.with_columns(pl.col("bad").round(6))
    assert burn_pairs(hours, OBJECTIVE, NOW)[0].state == state


def test_a_pair_that_cannot_be_reached_never_fires():
    """14.4 needs a target of 93.06 % or more."""
    table = at(1.0, 1.0)
    assert burn_pairs(table, replace(OBJECTIVE, target=0.93), NOW)[0].state == "never"
    assert burn_pairs(table, replace(OBJECTIVE, target=0.931), NOW)[0].state == "fires"


def test_a_written_pair_that_can_never_be_reached_is_refused():
    pair = "burn: [{severity: critical, spend: 2%, long: 1h, short: 5m}]"
    with pytest.raises(SettingsError, match="at most 10") as found:
        parse(f"objectives: [{{target: 90%, {pair}}}]")
    assert "14.4 times the sustainable rate, and can never be reached" in str(found.value)


def test_usual_pairs_that_a_low_target_makes_unreachable_are_warned_of():
    assert [p.where for p in compile_rules(parse("objectives: [{target: 90%}]")).warnings] == ['objective "api", burn']
    assert not compile_rules(parse("")).warnings
