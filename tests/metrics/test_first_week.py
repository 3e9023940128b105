"""The steps of the first week tick when the data says so, one by one, and never of a sample."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from core.selection import Extent
from metrics.first_week import COLUMNS, Facts, days_of, done, first_week, of_requests

ALL = Facts(False, 1, 14.0, 0.95, 0.95, True, True, True, True, 20, True, True)
LOST = {
    "files": (0, {"file"}), "days": (13.9, {"baseline"}), "named_agent": (0.94, {"agent"}),
    "named_service": (0.5, {"service"}), "fallback": (False, {"fallback"}), "cost": (False, {"cost"}),
    "spans": (False, {"spans"}), "evals": (False, {"evals"}), "users": (19, {"users"}),
    "objective": (False, {"objective"}), "channel": (False, {"channel"}),
}  # fmt: skip
"""A fact that is missing, and the steps that are then open."""


def open_steps(facts: Facts) -> set[str]:
    return {step.name for step in first_week(facts) if not step.done}


def test_with_every_fact_every_step_is_done():
    assert open_steps(ALL) == set()
    assert done(first_week(ALL)) == len(first_week(ALL)) == 12


def test_without_any_fact_no_step_is_done():
    assert done(first_week(Facts())) == 0


@pytest.mark.parametrize("fact", LOST)
def test_a_fact_that_is_missing_opens_its_own_steps_only(fact):
    value, expected = LOST[fact]
    assert open_steps(replace(ALL, **{fact: value})) == expected


def test_every_fact_has_a_step():
    assert {field.name for field in fields(Facts)} - {"sample"} == set(LOST)


def test_six_days_are_neither_a_week_nor_a_baseline():
    assert open_steps(replace(ALL, days=6.9)) == {"week", "baseline"}


def test_the_sample_does_no_step_of_the_logs():
    assert open_steps(replace(ALL, sample=True)) == {step.name for step in first_week(ALL)} - {"objective", "channel"}


def requests(**columns: list[object]) -> pl.DataFrame:
    size = len(next(iter(columns.values())))
    return pl.DataFrame({name: columns.get(name, [None] * size) for name in COLUMNS})


def test_shares_and_users_are_counted_over_the_newest_requests():
    found = of_requests(
        requests(agent_id=["a", "a", None, "b"], user_id=["u", "u", "v", None], tokens_input=[None, 1, None, None])
    )
    assert found == {
        "named_agent": 0.75, "named_service": 0.0, "fallback": False, "cost": True, "evals": False, "users": 2,
    }  # fmt: skip


def test_a_fallback_that_was_not_used_is_logged_all_the_same():
    assert of_requests(requests(fallback_used=[False, None]))["fallback"] is True


def test_without_requests_nothing_is_told():
    assert of_requests(requests(agent_id=[])) == {}
    assert days_of(Extent(0, None, None)) == 0.0


def test_days_are_from_the_first_request_to_the_last():
    newest = datetime(2026, 11, 24, tzinfo=UTC)
    assert days_of(Extent(9, newest - timedelta(hours=36), newest)) == 1.5
