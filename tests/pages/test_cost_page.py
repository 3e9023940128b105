"""The page of costs over a real store: what it says when costs are known, when some are, and when none is."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import yaml
from stored import HOSTILE, append, lines, visit, words

from core.settings import parse
from core.timespan import utc_now
from loaders.store import Store
from pages.cost.prices import prices_yaml
from pages.shared.kept import forget

CUT = {"status": "timeout", "execution_time_ms": 8000.0, "timeout_ms": 8000.0}


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "b.duckdb", clock=utc_now, threads=1) as opened:
        yield opened


def test_the_answer_is_what_was_spent_and_what_of_it_bought_nothing(store):
    rows = lines(90, cost_usd=1.0, user_id="u1", model="mini", tokens_used={"input": 10, "output": 5})
    append(store, [{**row, **CUT} if n < 9 else row for n, row in enumerate(rows)])
    page = visit(store, "cost")
    assert not page.exception
    said = words(page)
    assert "90.00 USD spent; 9.00 USD of it (10.0 %) bought nothing." in said
    assert "81.00 USD bought an answer + 9.00 USD bought nothing + 0.00 USD not charged = 90.00 USD" in said
    assert "0 saved by the fallback + 9 felt by users = 9 timeouts." in said
    for tile in ("Per request: 1.00 USD", "On timeouts: 9.00 USD", "Tokens in: 900", "Return on spend: –"):
        assert tile in said
    assert len(page.get("vega_lite_chart")) == 3


def test_a_cost_nobody_knows_is_counted_and_says_what_to_add(store):
    append(
        store,
        [
            *lines(5, cost_usd=1.0),
            *lines(3, model=HOSTILE, tokens_used={"input": 1, "output": 1}),
            *lines(2, model="m"),
        ],
    )
    page = visit(store, "cost")
    said = words(page)
    assert "≥ 5.00 USD spent" in said
    assert "The cost of 5 charges is unknown" in said
    assert "3 of them say their model and tokens" in said
    assert "2 of them say too little for any price" in said
    assert [block.language for block in page.code][:2] == ["yaml", "json"]
    assert yaml.safe_load(page.code[0].value)["prices"][0]["model"] == HOSTILE


def test_logs_without_any_cost_say_what_to_log_and_draw_no_chart(store):
    append(store, lines(30))
    page = visit(store, "cost")
    assert "What these requests cost is unknown." in words(page)
    assert "No request says its model, tokens or cost" in words(page)
    assert not page.get("vega_lite_chart")
    assert not page.dataframe


def test_what_an_answer_is_worth_gives_value_lost_and_a_return(store):
    append(store, [*lines(10, cost_usd=1.0), *[{**row, "request_id": "x", **CUT} for row in lines(1, cost_usd=2.0)]])
    said = words(visit(store, "cost", parse("value_per_request_usd: 3")))
    for tile in ("Value lost: 3.00 USD", "Value of the answers: 30.00 USD", "Return on spend: 150 %"):
        assert tile in said


def test_a_past_day_that_is_still_being_read_is_not_kept_half(store, monkeypatch):
    """Old files may be read after new ones: what is kept of a day that is over is of the requests it has."""
    monkeypatch.setattr("pages.shared.kept.SHARE", 1e9)
    forget()
    append(store, lines(3, ago=timedelta(days=9)))
    past = lines(40, ago=timedelta(days=1), every=timedelta(hours=3), cost_usd=1.0)
    append(store, past[:20])
    first = words(visit(store, "cost", range="30d"))
    append(store, [{**row, "request_id": f"late{n}", "cost_usd": 3.0} for n, row in enumerate(past[:20])])
    later = words(visit(store, "cost", range="30d"))
    per_day = [next(line for line in said.splitlines() if line.startswith("Per day: ")) for said in (first, later)]
    assert per_day[0] != per_day[1]


def test_groups_are_chosen_in_the_address_and_names_stay_in_cells(store):
    append(store, lines(20, cost_usd=1.0, agent_id=HOSTILE))
    page = visit(store, "cost", by="agent")
    assert page.dataframe[0].value["group"].to_list() == [HOSTILE]
    assert HOSTILE not in words(page)
    assert "No request says which feature" in words(visit(store, "cost", by="feature"))


def test_filters_that_leave_nothing_are_told_kindly(store):
    append(store, lines(20, cost_usd=1.0))
    page = visit(store, "cost", agent="nobody")
    assert not page.exception
    assert not page.metric
    assert page.button(key="empty.clear")


@pytest.mark.parametrize("sentence", ["Tiền đã đi đâu", "30 ngày qua và 30 ngày tới", "Ai và việc gì tốn nhất"])
def test_the_page_of_costs_speaks_vietnamese(store, sentence):
    append(store, lines(20, cost_usd=1.0))
    assert sentence in words(visit(store, "cost", lang="vi"))


def test_prices_to_fill_in_are_no_prices_yet():
    """Pasted without a number they are refused, so nobody counts with a price that was never looked up."""
    text = prices_yaml(['a"b: c'], date(2026, 1, 1))
    assert yaml.safe_load(text)["prices"][0] == {
        "model": 'a"b: c', "input_per_million": None, "output_per_million": None, "from": date(2026, 1, 1),
    }  # fmt: skip
    with pytest.raises(Exception, match="input_per_million"):
        parse(text)
