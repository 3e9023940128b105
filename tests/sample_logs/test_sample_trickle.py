"""The story going on: what it writes, how fast, and that it ends with whoever started it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from datetime import datetime
from itertools import pairwise, takewhile
from pathlib import Path
from statistics import fmean

import pytest
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from sample_logs.live import live, slow_patch
from sample_logs.trickle import Trickle

ROOT = Path(__file__).resolve().parents[2]
NOON = int(datetime.fromisoformat("2026-03-04T12:00:00+00:00").timestamp() * 1000)
HOUR = 3_600_000


@pytest.fixture(scope="module")
def hours() -> list[tuple[float, dict]]:
    return list(takewhile(lambda item: item[0] < NOON + 3 * HOUR, live(NOON, seed=1, rate=1.0)))


def requests(items) -> list[dict]:
    return [fields for _, fields in items if "kind" not in fields]


def test_about_one_request_a_second_ends_and_its_records_come_in_order(hours):
    assert len(requests(hours)) == pytest.approx(3 * 3600, rel=0.05)
    assert all(earlier <= later for (earlier, _), (later, _) in pairwise(hours))


def test_no_record_is_about_the_future(hours):
    """A request or span has ended when it is written, to the rounding of a timestamp."""
    for written, fields in hours:
        end = datetime.fromisoformat(fields["timestamp"]).timestamp() * 1000 + fields.get("execution_time_ms", 0)
        assert end <= written + 1.5


def test_the_same_seed_and_start_tell_the_same_story():
    first, second = (next(live(NOON, seed=4, rate=1.0)) for _ in range(2))
    assert first == second != next(live(NOON, seed=5, rate=1.0))


def test_timeouts_are_occasional_and_mostly_the_slow_agents(hours):
    cut = [fields for fields in requests(hours) if fields["status"] == "timeout"]
    assert 0.003 < len(cut) / len(requests(hours)) < 0.015
    patches = {slow_patch(start, 1) for start in range(NOON, NOON + 3 * HOUR, HOUR // 3)}
    assert len({patch.agent for patch in patches}) > 2
    blamed = fmean(
        any(
            patch.agent == fields["agent_id"]
            and patch.start - 9000 <= datetime.fromisoformat(fields["timestamp"]).timestamp() * 1000 < patch.end
            for patch in patches
        )
        for fields in cut
    )
    assert blamed > 0.4


def test_a_tenth_has_spans_and_some_are_judged(hours):
    everything = [fields for _, fields in hours]
    traced = [fields for fields in requests(hours) if "trace_id" in fields]
    assert 0.08 < len(traced) / len(requests(hours)) < 0.13
    assert {"llm", "tool", "retrieval", "step", "eval", "feedback"} <= {fields.get("kind") for fields in everything}


class Arrival(FileSystemEventHandler):
    """Set once a log file has content."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def on_any_event(self, event: FileSystemEvent) -> None:
        path = Path(os.fsdecode(event.src_path))
        if path.suffix == ".jsonl" and path.exists() and path.stat().st_size:
            self.event.set()


@pytest.fixture
def arrival(tmp_path):
    """An event that is set when something has been written under tmp_path."""
    handler, observer = Arrival(), Observer()
    observer.schedule(handler, str(tmp_path))
    observer.start()
    yield handler.event
    observer.stop()
    observer.join()


def lines(folder: Path) -> list[dict]:
    content = b"".join(path.read_bytes() for path in folder.glob("*.jsonl"))
    assert content.endswith(b"\n")
    return [json.loads(line) for line in content.splitlines()]


def test_the_command_writes_through_the_helper_and_ends_after_the_asked_number(tmp_path):
    words = [
        sys.executable,
        "-m",
        "sample_logs",
        "trickle",
        "--directory",
        tmp_path,
        "--rate",
        "500",
        "--requests",
        "40",
    ]
    subprocess.run(words, cwd=ROOT, check=True, timeout=60, stdin=subprocess.DEVNULL)
    written = [line for line in lines(tmp_path) if line["kind"] == "request"]
    assert len(written) == 40
    assert all(line["v"] == 1 and line["agent_id"] and line["service"] for line in written)


def test_stopping_ends_the_process_with_every_line_whole(tmp_path, arrival):
    trickle = Trickle(tmp_path, seed=1, rate=200.0)
    trickle.start()
    process = trickle._process
    assert arrival.wait(30)
    trickle.stop()
    assert process.returncode == 0
    assert lines(tmp_path)
    trickle.stop()


def test_it_ends_when_the_one_that_started_it_is_killed(tmp_path, arrival):
    """Its parent gets no chance to say goodbye; nothing may go on writing for nobody."""
    code = (
        "import sys; from pathlib import Path; from sample_logs.trickle import Trickle\n"
        f"t = Trickle(Path({str(tmp_path)!r}), seed=1, rate=200.0); t.start()\n"
        "print(t._process.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    child = os.pidfd_open(int(parent.stdout.readline()))
    assert arrival.wait(30)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    assert select.select([child], [], [], 30)[0], "the trickle still runs"
    os.close(child)


@pytest.mark.parametrize("wrong", [("--rate", "0"), ("--requests", "0")])
def test_a_rate_of_nothing_is_refused(tmp_path, wrong):
    words = [sys.executable, "-m", "sample_logs", "trickle", "--directory", tmp_path, *wrong]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 2
    assert "must be above 0" in result.stderr
