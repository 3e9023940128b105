"""A month of costs by day, groups of charges with the rest as one, spend over time, and what answers are worth."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from charge_frames import asked, called, frame
from metric_frames import NOW

from core.selection import Selection
from core.settings import Settings, parse
from core.timespan import TimeSpan
from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store
from metrics.charges import charges
from metrics.cost import dearest, spend, spend_by, spend_over, unpriced
from metrics.fallback import scored
from metrics.monthly_cost import month, monthly_cost_per_user
from metrics.worth import worth

HANOI = parse("timezone: Asia/Ho_Chi_Minh")
PRICES = parse("prices: [{model: mini, input_per_million: 1, output_per_million: 1, from: 2026-01-01}]").price_values


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "b.duckdb", clock=lambda: NOW, threads=1) as opened:
        yield opened


def filled(store, *records):
    usual = {"v": 1, "execution_time_ms": 900, "status": "success", "agent_id": "planner", "model": "mini"}
    data = "".join(f"{json.dumps(usual | record)}\n" for record in records).encode()
    account = store.open_generation("a.jsonl", Identity(0, 0), "v1")
    store.append(Chunk(account.id, 0, 1, data, Windows(), len(data)))
    return store


def daily(days, **fields):
    """A request of one dollar by one user on each of the days before NOW, newest first."""
    return [
        {"request_id": f"r{n}", "timestamp": (NOW - timedelta(days=n, hours=1)).isoformat(), "user_id": "u", "cost_usd": 1.0}
        | fields
        for n in range(days)
    ]  # fmt: skip


def test_every_charge_of_the_month_is_on_one_day(store):
    found = month(filled(store, *daily(40)), Selection(last=1), HANOI, NOW)
    assert found.days["spent"].sum() == pytest.approx(30)
    assert found.days["day"].is_sorted()
    assert found.days["day"].n_unique() == found.days.height == 31
    assert found.days["complete"].to_list() == [False, *[True] * 29, False]


def test_a_month_ahead_is_thirty_of_the_newest_seven_complete_days(store):
    dear = [{**row, "cost_usd": 1.0 if n <= 7 else 100.0} for n, row in enumerate(daily(20))]
    found = month(filled(store, *dear), Selection(), HANOI, NOW)
    assert (found.per_day, found.averaged, found.ahead) == (1.0, 7, 30.0)


def test_the_first_day_with_records_is_not_complete(store):
    found = month(filled(store, *daily(3)), Selection(), HANOI, NOW)
    assert found.days["complete"].to_list() == [False, True, False]


def test_cost_per_active_user_is_the_same_with_and_without_days(store):
    rows = [{**row, "user_id": f"u{n % 3}"} for n, row in enumerate(daily(20))]
    found = month(filled(store, *rows), Selection(), HANOI, NOW)
    assert found.per_user == monthly_cost_per_user(store, Selection(), Settings(), NOW)
    assert (found.per_user.value, found.per_user.n, found.budget(5)) == (pytest.approx(20 / 3), 3, 15)


def test_days_that_are_too_many_to_read_are_counted_and_leave_users_unknown(store):
    found = month(filled(store, *daily(20)), Selection(), HANOI, NOW, most=5)
    assert found.days["spent"].sum() == 5
    assert found.unread == 15
    assert (found.per_user, found.budget(5)) == (None, None)


def test_a_month_is_read_on_from_the_days_that_are_kept(store):
    """Each look reads some more days, until it is the month that one long look would have read."""
    filled(store, *daily(20))
    shelf = {}

    def keep(span, read):
        return shelf[span] if span in shelf else shelf.setdefault(span, read())

    looks = [month(store, Selection(), HANOI, NOW, most=5, keep=keep) for _ in range(6)]
    assert [look.unread for look in looks[:3]] == [15, 11, 7]
    whole = month(store, Selection(), HANOI, NOW)
    assert looks[-1].days.equals(whole.days)
    assert looks[-1].per_user == whole.per_user


def test_a_day_without_requests_costs_nothing_and_one_of_unknown_cost_is_unknown(store):
    rows = [daily(6)[5], *daily(2, cost_usd=None)]
    days = month(filled(store, *rows), Selection(), HANOI, NOW).days
    assert days["spent"].to_list() == [1.0, 0.0, 0.0, 0.0, None, None]


def test_the_dearest_groups_and_the_rest_sum_to_all():
    rows = [{"cost_usd": float(n), "agent_id": f"a{n}"} for n in range(6)]
    found = charges(asked(*rows, {"cost_usd": 0.5, "agent_id": None}), called(), PRICES, 8000.0)
    top = dearest(found, "agent_id", 3)
    assert top["group"].to_list() == ["a5", "a4", "a3", None]
    assert top["others"].to_list() == [0, 0, 0, 4]
    assert top["spent"].sum() == spend(found).spent
    assert dearest(found, "agent_id", 7).drop("others").equals(spend_by(found, "agent_id"))


def test_spend_over_time_is_nothing_where_nothing_was_charged():
    found = charges(asked({"cost_usd": 1.0}, {"cost_usd": 2.0, "status": "timeout"}), called(), PRICES, 8000.0)
    over = spend_over(found, TimeSpan(NOW, NOW + timedelta(minutes=3)), timedelta(minutes=1))
    assert over["billed_ok"].to_list() == [1.0, 0.0, 0.0]
    assert over["wasted"].to_list() == [0.0, 2.0, 0.0]


def test_a_price_helps_only_charges_that_say_their_tokens():
    rows = asked({"tokens_input": 5, "tokens_output": 5}, {"billed": True}, {"tokens_input": 5, "cost_usd": 1.0})
    assert unpriced(charges(rows, called(), (), 8000.0)).rows() == [("mini", 1.0, True), ("mini", 1.0, False)]


VALUES = {
    "answers won beside what they cost": ([{"cost_usd": 1.0}, {"cost_usd": 1.0}], (2, 0, 10.0, 0.0, 4.0, False)),
    "a timeout is lost": ([{"cost_usd": 1.0, "status": "timeout"}], (0, 1, 0.0, 5.0, -1.0, False)),
    "a saved one is an answer": (
        [{"cost_usd": 1.0, "status": "timeout", "fallback_used": True, "fallback_ok": True}], (1, 0, 5.0, 0.0, 4.0, False),
    ),
    "nothing spent has no return": ([{"cost_usd": 0.0}], (1, 0, 5.0, 0.0, None, False)),
    "an unknown cost makes it too high": ([{"cost_usd": 1.0}, {}], (2, 0, 10.0, 0.0, 9.0, True)),
}  # fmt: skip


@pytest.mark.parametrize("case", VALUES)
def test_what_answers_are_worth(case):
    rows, expected = VALUES[case]
    requests = asked(*rows)
    found = worth(scored(requests, 8000.0), spend(charges(requests, frame([]), (), 8000.0)), 5.0)
    assert (found.answered, found.unanswered, found.won, found.lost, found.roi, found.at_most) == expected
