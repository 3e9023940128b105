"""The page of health over a real store: service, machines, and Burnline's own account of what it read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fake_engine import FakeEngine
from stored import HOSTILE, append, lines, visit, words

from core.access import Visitor
from core.services import WorkerHealth
from core.timespan import utc_now
from loaders.store import Store

BROKEN = b"{broken\n[1,2]\n"


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "b.duckdb", clock=utc_now, threads=1) as opened:
        yield opened


def machine(count, **gauges):
    usual = {"kind": "host", "status": None, "execution_time_ms": None, "request_id": None, "agent_id": None}
    rows = lines(count, every=timedelta(minutes=1), **usual)
    return [{name: value for name, value in {**row, "extra": gauges}.items() if value is not None} for row in rows]


def test_the_service_stands_beside_its_targets(store):
    append(store, lines(400))
    page = visit(store, "health", range="24h")
    assert not page.exception
    said = words(page)
    assert "3 of 3 targets are met." in said
    for card in ("Requests an hour: 17", "P95: 900 ms", "Error rate: 0.0 %", "Uptime: 100.0 %", "Traced: 0.0 %"):
        assert card in said
    assert len(page.get("vega_lite_chart")) == 3


def test_machines_are_drawn_and_the_one_at_its_end_is_named(store):
    append(
        store, [*lines(400), *machine(90, host=HOSTILE, cpu_percent=97.0), *machine(90, host="calm", cpu_percent=5.0)]
    )
    page = visit(store, "health", range="24h")
    assert len(page.get("vega_lite_chart")) == 4
    warned = [str(text.value) for text in page.markdown if "short of CPU" in str(text.value)]
    assert len(warned) == 1
    assert f"`` {HOSTILE} ``" in warned[0] or f"``{HOSTILE}``" in warned[0]


def test_without_machines_the_line_that_makes_one_is_shown(store):
    append(store, lines(30))
    assert '"kind":"host"' in words(visit(store, "health"))


def test_refused_lines_and_files_are_accounted_for(store):
    append(store, lines(30), broken=BROKEN)
    page = visit(store, "health")
    said = words(page)
    for tile in ("Lines: 32", "Stored: 30", "Refused: 2"):
        assert tile in said
    assert "`invalid_json` 1" in said
    assert "`not_an_object` 1" in said


def test_files_are_for_those_who_run_burnline_only(store, monkeypatch):
    """Paths and refused lines are not shown to a viewer."""
    append(store, lines(30), broken=BROKEN)
    monkeypatch.setattr("pages.access.door.visitor", lambda *_: Visitor("lan", "viewer"))
    page = visit(store, "health")
    assert not page.exception
    assert "This page is not for your role" in words(page)
    assert not page.metric
    assert not page.dataframe


def test_a_worker_that_stopped_is_said_in_words(store):
    append(store, lines(30))
    engine = FakeEngine(store)
    engine.workers = [
        WorkerHealth("watcher", alive=False, beat=utc_now()),
        WorkerHealth("checker", alive=True, beat=utc_now()),
    ]
    said = words(visit(engine, "health"))
    assert "Stopped or late: watcher." in said


def test_records_left_out_by_a_writer_are_counted(store):
    drops = [
        {"v": 1, "kind": "drops", "timestamp": row["timestamp"], "service": "api", "extra": {"dropped": 12}}
        for row in lines(1)
    ]
    append(store, [*lines(400), *drops])
    assert "Dropped by writers: 12" in words(visit(store, "health", range="24h"))


def test_a_store_without_records_still_tells_how_burnline_does(store):
    page = visit(store, "health")
    assert not page.exception
    assert "Nothing has been read yet." in words(page)


def test_a_filter_that_leaves_nothing_keeps_what_is_said_of_burnline(store):
    append(store, lines(30))
    page = visit(store, "health", agent="nobody")
    assert page.button(key="empty.clear")
    assert "The newest record is" in words(page)


@pytest.mark.parametrize("sentence", ["Đạt 3 trên 3 mục tiêu", "Chính Burnline", "Chưa máy nào tự báo"])
def test_the_page_of_health_speaks_vietnamese(store, sentence):
    append(store, lines(400))
    assert sentence in words(visit(store, "health", lang="vi", range="24h"))
