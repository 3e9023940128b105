"""The page of latency: bounds are marked, cut requests stand apart, and names of agents stay names."""

from __future__ import annotations

from datetime import timedelta

import altair as alt
import pytest
from stored import HOSTILE, append, lines, visit, words

from core import services
from core.settings import parse
from core.slo import Limits
from core.timespan import utc_now
from loaders.store import Store
from metrics import many
from pages.latency import charts
from pages.latency.reading import SLOWEST
from pages.shared.look import Look

EN, VI = Look("en", "UTC", dark=False), Look("vi", "Asia/Ho_Chi_Minh", dark=True)


@pytest.fixture
def store(tmp_path):
    """100 quick requests, 20 of another agent near the limit (5 of them critical), 8 that were cut."""
    with Store.open(tmp_path / "b.duckdb", clock=utc_now) as opened:
        near = lines(20, agent_id=HOSTILE, execution_time_ms=6500.0)
        near = [
            one | {"request_id": f"n{n}", "execution_time_ms": 7500.0 if n < 5 else 6500.0}
            for n, one in enumerate(near)
        ]
        cut = lines(8, status="timeout", execution_time_ms=8000.0)
        append(opened, [*lines(100), *near, *(one | {"request_id": f"c{n}"} for n, one in enumerate(cut))])
        yield opened


def test_a_percentile_on_a_cut_request_is_a_bound(store):
    page = visit(store, "latency")
    assert not page.exception
    said = words(page)
    assert "Half of the requests took 900 ms or less, 95 of 100 ≥ 8.0 s, 99 of 100 ≥ 8.0 s." in said
    assert "P50: 900 ms" in said
    assert "P99: ≥ 8.0 s" in said
    assert "exact, of 128 requests" in said


def test_what_came_near_is_counted_over_all_and_by_agent(store):
    page = visit(store, "latency")
    said = words(page)
    assert "Near: 20" in said
    assert "Critical: 5" in said
    assert "15.6 % of 128 valid requests" in said
    agents = page.dataframe[0].value
    assert agents.select_dtypes("object").iloc[0]["agent"] == HOSTILE
    assert agents["near"].to_list() == ["20"]


def test_the_slowest_successes_come_first_and_link_to_all(store):
    rows = visit(store, "latency").dataframe[1].value
    assert rows["took"].to_list()[:5] == ["7.5\xa0s"] * 5
    assert set(rows["status"]) == {"success"}
    assert len(rows) == min(SLOWEST, 120)


def test_each_agent_has_a_chart_and_its_name_is_code(store):
    page = visit(store, "latency")
    assert len(page.get("vega_lite_chart")) == 3 + 2
    assert "`planner`" in "".join(str(link.proto.label) for link in page.get("page_link"))


def test_many_requests_are_said_to_be_within_a_hundredth(store, monkeypatch):
    monkeypatch.setattr(many, "FEW", 10)
    page = visit(store, "latency", range="24h")
    assert not page.exception
    assert "within 1 %, of 128 requests" in words(page)
    assert "Near: 20" in words(page)


def test_another_limit_moves_what_is_near(store):
    said = words(visit(store, "latency", parse("limits: {api_timeout: 10s}\n")))
    assert "Near: 5" in said
    assert "Critical: 0" in said


def test_no_near_request_is_said_and_no_table_drawn(store):
    page = visit(store, "latency", agent="planner")
    assert "No request came near the limit." in words(page)
    assert len(page.dataframe) == 1


def test_logs_without_durations_say_what_to_log(tmp_path):
    with Store.open(tmp_path / "b.duckdb", clock=utc_now) as opened:
        append(opened, lines(5, status="cancelled"))
        page = visit(opened, "latency")
        assert "None of these requests says how long it took" in words(page)
        assert not page.get("vega_lite_chart")
    services.publish(None)


def test_an_agent_nobody_has_is_told_kindly(store):
    assert "the agent filter excludes all" in words(visit(store, "latency", agent="nobody"))


def test_an_empty_store_says_how_to_begin(tmp_path):
    with Store.open(tmp_path / "b.duckdb", clock=utc_now) as empty:
        page = visit(empty, "latency")
        assert not page.exception
        assert "No requests yet" in words(page)
    services.publish(None)


@pytest.mark.parametrize("sentence", ["Một nửa số yêu cầu mất 900 ms trở xuống", "Ai đang sát giới hạn", "Nguy cấp: 5"])
def test_the_page_of_latency_speaks_vietnamese(store, sentence):
    assert sentence in words(visit(store, "latency", lang="vi"))


@pytest.mark.parametrize("look", [EN, VI], ids=["en", "vi"])
@pytest.mark.parametrize("name", ["spread", "near", "one_agent"])
def test_a_latency_chart_is_valid_vega_lite(name, look):
    hour, limits = timedelta(hours=1), Limits()
    spec = {
        "spread": lambda: charts.spread(look, limits),
        "near": lambda: charts.near(look, hour),
        "one_agent": lambda: charts.one_agent(look, hour, limits),
    }[name]()
    alt.LayerChart.from_dict(spec | {"datasets": {"rows": [], "deploys": []}}, validate=True)
