"""What happens around the start: with nothing, with another Burnline, with what cannot be read."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta

import httpx
import pytest
from dashboard import ROOT, Dashboard

from core.places import Places, why_not_port
from core.timespan import utc_now


@pytest.fixture
def places(tmp_path):
    return Places(
        tmp_path / "none.yaml", tmp_path / "logs", tmp_path / "data" / "b.duckdb", tmp_path / "data" / "b.sqlite"
    )


@pytest.fixture
def started(places):
    """Start dashboards over these places; all are stopped at the end."""
    places.store.parent.mkdir(parents=True)
    running = []

    def start():
        dashboard = Dashboard(places)
        dashboard.start()
        running.append(dashboard)
        return dashboard

    yield start
    for dashboard in running:
        dashboard.stop()


def lines(count, **more):
    """Requests of just now."""
    now = utc_now()
    return "".join(
        json.dumps(
            {
                "v": 1, "kind": "request", "request_id": f"r{n}", "status": "success", "execution_time_ms": 900.0,
                "agent_id": "planner", "timestamp": (now - timedelta(seconds=count - n)).isoformat(), **more,
            }
        ) + "\n"
        for n in range(count)
    )  # fmt: skip


def wait_for(dashboard, path, ready, **params):
    """Ask until the answer is the one awaited; the server must stay up."""
    while not ready(found := dashboard.ask(path, **params)):
        assert dashboard.process.poll() is None, dashboard.log.read_text("utf-8")
    return found


def test_with_nothing_to_show_the_sample_lives_until_the_first_file(places, started):
    """A second Burnline is refused and harms nothing; the first file of the user's takes over without a restart."""
    first = started()
    wait_for(first, "/api/v1/summary", lambda found: found["requests"] == 1000)
    assert first.ask("/api/v1/summary")["sample"] is True
    second = Dashboard(places)
    with pytest.raises(AssertionError, match="Burnline cannot start"):
        second.start()
    assert second.process.returncode == 1
    said = first.log.read_text("utf-8")
    assert f"in use by process {first.process.pid}" in said
    assert "Traceback" not in said
    assert first.ask("/api/v1/summary")["requests"] == 1000
    places.inbox.mkdir(exist_ok=True)
    (places.inbox / "mine.jsonl").write_text(lines(20), "utf-8")
    found = wait_for(first, "/api/v1/summary", lambda found: not found["sample"] and found["requests"])
    assert (found["requests"], found["sample"]) == (20, False)
    assert "Traceback" not in first.log.read_text("utf-8")


def test_a_damaged_store_is_set_aside_and_built_again_from_the_files(places, started):
    """The numbers come back by themselves, and the health says what happened."""
    places.inbox.mkdir()
    (places.inbox / "a.jsonl").write_text(lines(500), "utf-8")
    dashboard = started()
    wait_for(dashboard, "/api/v1/summary", lambda found: found["requests"] == 500)
    dashboard.stop()
    content = bytearray(places.store.read_bytes())
    content[100] ^= 0xFF
    places.store.write_bytes(content)
    dashboard.start()
    wait_for(dashboard, "/api/v1/summary", lambda found: found["requests"] == 500)
    assert "set aside" in " ".join(httpx.get(f"{dashboard.url}/healthz").json()["notes"])
    assert [path for path in places.store.parent.iterdir() if ".corrupt-" in path.name]


def test_a_file_that_is_no_database_is_never_touched(places):
    """Whoever names a wrong file as the store gets it back as it was."""
    places.store.parent.mkdir(parents=True)
    places.store.write_bytes(b"my precious notes\n" * 500)
    dashboard = Dashboard(places)
    with pytest.raises(AssertionError, match="the store cannot be opened"):
        dashboard.start()
    assert places.store.read_bytes() == b"my precious notes\n" * 500


def test_a_line_from_the_future_does_not_make_old_data_fresh(places, started):
    """Silence is not health, whatever one wrong clock says."""
    places.inbox.mkdir()
    old = (utc_now() - timedelta(hours=2)).isoformat()
    text = lines(1, timestamp=old) + lines(1, timestamp="2999-01-01T00:00:00+00:00", request_id="f")
    (places.inbox / "a.jsonl").write_text(text, "utf-8")
    dashboard = started()
    found = wait_for(dashboard, "/api/v1/summary", lambda found: found["requests"] == 2)
    assert found["freshness"]["state"] == "stale"


def test_what_cannot_be_read_is_told_in_the_health_and_all_else_goes_on(places, started):
    """A picture among the logs, a broken line, a bad settings file: each has its sentence, and the rest counts."""
    places.inbox.mkdir()
    places.config.write_text("timezon: UTC\nalerts: [{name: slow, condition: p95 > 7}]\n", "utf-8")
    (places.inbox / "photo.jsonl").write_bytes(bytes(range(256)) * 40)
    (places.inbox / "a.jsonl").write_text(lines(30) + '{"half": \n', "utf-8")
    dashboard = started()
    wait_for(dashboard, "/api/v1/status", lambda found: found["totals"]["lines"] >= 31)
    notes = " ".join(httpx.get(f"{dashboard.url}/healthz").json()["notes"])
    assert "photo.jsonl" in notes
    assert 'unknown key "timezon"; did you mean "timezone"?' in notes
    assert sum(dashboard.ask("/api/v1/quarantine")["counts"].values()) == 1
    assert dashboard.ask("/api/v1/summary")["requests"] == 30
    assert "Traceback" not in dashboard.log.read_text("utf-8")


def test_what_is_not_served_is_a_404_in_json(places, started):
    """A misspelled address never looks like an answer."""
    places.inbox.mkdir()
    (places.inbox / "a.jsonl").write_text(lines(1), "utf-8")
    found = httpx.get(f"{started().url}/api/v1/sumary")
    assert (found.status_code, "/api/v1/summary" in found.json()["error"]) == (404, True)


def test_a_port_that_cannot_be_used_is_said_before_the_start():
    """`make run PORT=...` ends with a sentence, not with a traceback."""
    assert "is not a port" in why_not_port("99999")
    assert "is not a port" in why_not_port("abc")
    result = subprocess.run(
        [shutil.which("make") or "make", "run", "PORT=99999"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    assert '"99999" is not a port' in result.stderr
    assert "Traceback" not in result.stderr
