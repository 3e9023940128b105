"""The watcher: woken by events, right without them, and plain about what is wrong."""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from memory_store import MemoryStore

from core.timespan import utc_now
from loaders.events import Events
from loaders.known import StoreFailed
from loaders.watch import Watcher

NOW = datetime(2026, 11, 24, tzinfo=UTC)
NEVER = timedelta(hours=1)
LONG = 20.0
"""Seconds nobody waits for unless something is broken."""


class TellingStore(MemoryStore):
    """A store one can wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Condition()
        self.calls = 0
        self.broken = False

    def append(self, chunk):
        with self.changed:
            try:
                if self.broken:
                    raise OSError(28, "No space left on device")
                return super().append(chunk)
            finally:
                self.calls += 1
                self.changed.notify_all()

    def wait(self, condition) -> bool:
        with self.changed:
            return self.changed.wait_for(condition, LONG)


@pytest.fixture
def store():
    return TellingStore()


@pytest.fixture
def watch(store, tmp_path):
    """Makes watchers of one inbox and stops them."""
    made: list[Watcher] = []

    def make(**how) -> Watcher:
        made.append(Watcher(store, tmp_path / "logs", **{"clock": utc_now, "scan_interval": NEVER, **how}))
        return made[-1]

    yield make
    for watcher in made:
        watcher.stop()


def add(path: Path, *numbers: int) -> None:
    with path.open("ab") as file:
        file.write(b"".join(b'{"seq":%d}\n' % number for number in numbers))


def has(store: TellingStore, *numbers: int):
    return lambda: sorted(store.lines) == [b'{"seq":%d}' % number for number in numbers]


def test_an_event_wakes_it(store, watch, tmp_path):
    """The scan would come in an hour."""
    watcher = watch()
    watcher.start()
    add(tmp_path / "logs" / "a.jsonl", 1)
    assert store.wait(has(store, 1))
    (tmp_path / "logs" / "sub").mkdir()
    add(tmp_path / "logs" / "sub" / "b.jsonl", 2)
    watcher.wake()
    assert store.wait(has(store, 1, 2))
    assert watcher.mode == "events"
    assert watcher.health().alive
    assert watcher.health().detail == "watching by events"


@pytest.mark.parametrize("interval", [timedelta(milliseconds=20), NEVER])
def test_without_events_it_looks_again_and_again(store, watch, tmp_path, interval):
    watcher = watch(polling=True, scan_interval=interval)
    watcher.start()
    add(tmp_path / "logs" / "a.jsonl", 1)
    assert store.wait(has(store, 1))
    assert watcher.mode == "polling"


def test_when_the_system_has_no_watches_left_it_polls_and_says_so(store, watch, tmp_path, monkeypatch, caplog):
    def none_left(*_):
        raise OSError(24, "inotify instance limit reached")

    monkeypatch.setattr(Events, "of", none_left)
    watcher = watch()
    watcher.start()
    add(tmp_path / "logs" / "a.jsonl", 1)
    assert store.wait(has(store, 1))
    assert watcher.mode == "polling"
    assert watcher.health().detail == "watching by polling"
    assert [r.getMessage() for r in caplog.records if "inotify instance limit" in r.getMessage()]


def test_a_missing_inbox_is_made(watch, tmp_path):
    watch().start()
    assert (tmp_path / "logs").is_dir()


def test_an_inbox_that_cannot_be_is_told_and_read_when_it_can(store, watch, tmp_path):
    (tmp_path / "logs").write_text("a file stands where the folder should be")
    watcher = watch(polling=True, scan_interval=timedelta(milliseconds=20))
    watcher.start()
    poll_until(lambda: "cannot be read: Not a directory" in watcher.health().detail)
    assert watcher.notes() == (watcher.health().detail,)
    (tmp_path / "logs").unlink()
    (tmp_path / "logs").mkdir()
    add(tmp_path / "logs" / "a.jsonl", 1)
    assert store.wait(has(store, 1))


def test_a_folder_that_vanishes_is_no_deletion_and_events_resume_when_it_is_back(store, watch, tmp_path):
    inbox = tmp_path / "logs"
    watcher = watch(scan_interval=timedelta(milliseconds=50))
    watcher.start()
    add(inbox / "a.jsonl", 1)
    assert store.wait(has(store, 1))
    inbox.rename(tmp_path / "away")
    poll_until(lambda: "Reading resumes when it is back" in watcher.health().detail)
    assert [g.state for g in store.generations()] == ["open"]
    shutil.copytree(tmp_path / "away", inbox)  # other inodes, as after a restore
    add(inbox / "a.jsonl", 2)
    assert store.wait(has(store, 1, 2))
    poll_until(lambda: watcher.health().detail == "watching by events")
    assert [(g.state, g.lines) for g in store.generations()] == [("open", 2)]


def test_a_full_disk_is_told_and_reading_goes_on_when_there_is_room(store, watch, tmp_path):
    watcher = watch(polling=True, scan_interval=timedelta(milliseconds=20))
    store.broken = True
    watcher.start()
    add(tmp_path / "logs" / "a.jsonl", 1)
    poll_until(lambda: watcher.health().detail.startswith("The disk is full"))
    assert watcher.health().alive
    store.broken = False
    assert store.wait(has(store, 1))
    poll_until(lambda: watcher.health().detail == "watching by polling")


def test_lines_that_keep_coming_are_committed_together(store, watch, tmp_path):
    """1,000 writes are a few commits, not 1,000."""
    watcher = watch()
    watcher.start()
    with (tmp_path / "logs" / "a.jsonl").open("ab", buffering=0) as file:
        for number in range(1000):
            file.write(b'{"seq":%04d}\n' % number)
    assert store.wait(lambda: len(store.lines) == 1000)
    assert store.calls < 100


def test_stopping_commits_what_is_in_hand_and_a_second_stop_is_harmless(store, watch, tmp_path):
    watcher = watch()
    watcher.start()
    add(tmp_path / "logs" / "a.jsonl", 1)
    assert store.wait(has(store, 1))
    watcher.stop()
    watcher.stop()
    assert not watcher.health().alive
    assert [g.offset for g in store.generations()] == [10]


def test_scan_once_reads_everything_there_is_and_counts_it(store, watch, tmp_path):
    (tmp_path / "logs").mkdir()
    watcher = watch(clock=lambda: NOW)
    for number in range(5):
        add(tmp_path / "logs" / f"{number}.jsonl", number, number + 100)
    assert watcher.scan_once() == 10
    assert watcher.scan_once() == 0
    assert watcher.lag(NOW) == timedelta(0)
    store.broken = True
    add(tmp_path / "logs" / "1.jsonl", 7)
    with pytest.raises(StoreFailed):
        watcher.scan_once()
    store.broken = False
    assert watcher.scan_once() == 1


def poll_until(condition) -> None:
    """For what nothing tells of: asks again every few milliseconds."""
    again = threading.Event()
    for _ in range(int(LONG / 0.005)):
        if condition():
            return
        again.wait(0.005)
    raise AssertionError("it never came true")
