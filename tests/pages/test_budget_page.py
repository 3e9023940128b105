"""The page of the error budget: three numbers for each objective, its course, who spent it, and another limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from polars.testing import assert_frame_equal
from stored import HOSTILE, append, lines, visit, words

from core import services
from core.selection import Selection
from core.settings import parse
from core.slo import Objective
from core.timespan import utc_now
from loaders.store import Store
from metrics import many
from metrics.budget_answer import ledgers
from pages.budget.table import BREAKDOWNS, rows_params
from pages.budget.words import target
from pages.shared.filters import Choice

MINUTE = timedelta(minutes=1)
TWO = parse("objectives:\n  - {name: api, target: 90%}\n  - {name: availability, target: 99%, by: minutes}\n")


@pytest.fixture
def store(tmp_path):
    """9 days of a request every 20 minutes; the newest hours hold 12 timeouts of one agent and 4 failures of another."""
    with Store.open(tmp_path / "b.duckdb", clock=utc_now) as opened:
        cut = {"status": "timeout", "execution_time_ms": 8000.0, "error_code": "API_TIMEOUT", "agent_id": HOSTILE}
        append(opened, lines(640, every=20 * MINUTE, execution_time_ms=6500.0))
        append(opened, [one | {"request_id": f"t{n}"} for n, one in enumerate(lines(12, ago=2 * MINUTE, **cut))])
        failed = lines(4, ago=3 * MINUTE, status="failed", agent_id="search")
        append(opened, [one | {"request_id": f"f{n}"} for n, one in enumerate(failed)])
        yield opened


def test_each_objective_has_its_three_numbers_its_course_and_its_burn(store):
    page = visit(store, "budget", TWO)
    assert not page.exception
    said = words(page)
    for piece in ("api: 90 % of requests within 8 s", "availability: 99 % of minutes up", "Objective: 90 %"):
        assert piece in said
    assert "So far: 97.56 %" in said
    assert "of 656 requests" in said
    assert "Budget left: 75.6 %" in said
    assert "50 of 66 requests may still go wrong" in said
    assert len(page.get("vega_lite_chart")) == 3
    assert [text.replace("\xa0", " ") for text in page.dataframe[0].value["window"]] == [
        "1 h / 5 min",
        "6 h / 30 min",
        "1 d / 2 h",
        "3 d / 6 h",
    ]


def test_an_overspent_budget_says_by_how_much(store):
    said = words(visit(store, "budget"))
    assert "Budget left: -143.9 %" in said
    assert "9 requests more than the 7 allowed" in said
    assert "has been spent since" in said


@pytest.mark.parametrize("by", BREAKDOWNS)
def test_every_breakdown_sums_to_the_spend(store, by):
    page = visit(store, "budget", TWO, by=by)
    assert not page.exception
    rows = page.dataframe[-1].value
    assert rows["of_spend"].sum() == pytest.approx(1)
    assert "Together 16 requests, 24.4 % of the budget" in words(page)


def test_names_from_logs_stand_in_cells_alone(store):
    page = visit(store, "budget", TWO)
    assert page.dataframe[-1].value["name"].to_list() == [HOSTILE, "search"]
    assert HOSTILE.replace("\\", "") not in words(page)


def test_the_objective_of_the_ledger_is_in_the_address(store):
    rows = visit(store, "budget", TWO, objective="availability").dataframe[-1].value
    assert (
        rows["spent"].to_list()
        != visit(store, "budget", TWO, objective="nobody").dataframe[-1].value["spent"].to_list()
    )


def test_a_lower_limit_is_counted_and_a_higher_one_a_bound(store):
    lower, higher = (words(visit(store, "budget", TWO, range="30d", limit=limit)) for limit in ("6000", "12000"))
    assert "Timeouts: 652" in lower
    assert "Counted: each of these requests" in lower
    assert "Timeouts: ≥ 0" in higher
    assert "at most 12" in higher
    assert "Bounds: requests were cut" in higher


@pytest.mark.parametrize("limit", ["", "nonsense", "7250", "1e999"])
def test_a_limit_nobody_offers_is_the_one_in_force(store, limit):
    said = words(visit(store, "budget", TWO, range="30d", limit=limit))
    assert "Timeouts: 12" in said


def test_filters_that_leave_nothing_are_told_kindly(store):
    page = visit(store, "budget", TWO, agent="nobody")
    assert not page.exception
    assert "the agent filter excludes all" in words(page)


def test_an_empty_store_shows_how_to_fill_it(tmp_path):
    with Store.open(tmp_path / "b.duckdb", clock=utc_now) as empty:
        page = visit(empty, "budget")
        assert not page.exception
        assert "No requests yet" in words(page)
    services.publish(None)


def test_a_stale_store_does_not_foresee(tmp_path):
    with Store.open(tmp_path / "b.duckdb", clock=utc_now) as stale:
        append(stale, lines(400, ago=timedelta(days=2), every=30 * MINUTE))
        page = visit(stale, "budget", TWO)
        assert "Without fresh data nobody can say" in words(page)
        assert not page.exception
    services.publish(None)


@pytest.mark.parametrize("sentence", ["Ngân sách còn lại: 75,6 %", "Ai đã tiêu ngân sách", "trên 656 yêu cầu"])
def test_the_page_of_the_budget_speaks_vietnamese(store, sentence):
    assert sentence in words(visit(store, "budget", TWO, lang="vi"))


class Place:
    """As much of a frame as an address needs."""

    def __init__(self):

        self.now, self.choice = datetime(2026, 11, 24, 7, tzinfo=UTC), Choice()


def test_a_row_leads_to_its_requests_within_the_period():
    one = {"others": None, "agent_id": "a&b", "error_code": None, "hour": datetime(2026, 11, 20, 3, tzinfo=UTC)}
    agent = rows_params(one, "agents", Objective(), Place())
    assert (agent["agent"], agent["view"], agent["start"]) == ("a&b", "bad", "2026-10-25T07:00:00+00:00")
    hour = rows_params(one, "hours", Objective(), Place())
    assert (hour["start"], hour["end"]) == ("2026-11-20T03:00:00+00:00", "2026-11-20T04:00:00+00:00")
    assert rows_params(one, "error_codes", Objective(), Place()) is None
    assert rows_params(one | {"others": 3}, "agents", Objective(), Place()) is None


def test_a_ledger_of_many_requests_is_the_one_of_single_requests(store, monkeypatch):
    """By requests and by minutes; read as counts of groups, or one by one."""
    objectives, allowed = TWO.objective_values, {"api": 65.6, "availability": 6.5}
    singly = ledgers(store, Selection(), objectives, allowed, utc_now())
    monkeypatch.setattr(many, "FEW", 5)
    for name, found in ledgers(store, Selection(), objectives, allowed, utc_now()).items():
        for by in BREAKDOWNS:
            assert_frame_equal(getattr(found, by), getattr(singly[name], by))


@pytest.mark.parametrize(("share", "said"), [(0.99, "99 %"), (0.999, "99.9 %"), (0.9995, "99.95 %"), (0.985, "98.5 %")])
def test_a_target_reads_as_it_was_set(share, said):
    assert target(Objective(target=share), "en").replace("\xa0", " ") == said
