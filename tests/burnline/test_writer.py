"""From the queue to the file: nothing lost unsaid, nothing twice, whatever the disk does."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import stat
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written import read

import burnline
from burnline.complaint import Complaint
from burnline.file import LogFile
from burnline.settings import settings as settings_of
from burnline.writer import Writer

if TYPE_CHECKING:
    from pathlib import Path

    from written import Logs


def writer_into(directory: Path, **options: Any) -> Writer:
    in_force = settings_of(directory, service="s", max_bytes=options.pop("max_bytes", None))
    return Writer(lambda: in_force, **options)


def numbers(lines: list[dict[str, Any]]) -> list[int]:
    return [line["extra"]["n"] for line in lines if line["kind"] == "request"]


def test_records_arrive_in_order_and_once(tmp_path: Path) -> None:
    writer = writer_into(tmp_path)
    for n in range(5_000):
        writer.put(1.0, {"n": n})
    assert writer.flush(30)
    assert numbers(read(tmp_path)) == list(range(5_000))


def test_records_of_many_threads_all_arrive(tmp_path: Path) -> None:
    writer = writer_into(tmp_path)
    threads = [
        threading.Thread(target=lambda base=base: [writer.put(1.0, {"n": base + n}) for n in range(500)])
        for base in range(0, 4_000, 500)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.flush(30)
    assert sorted(numbers(read(tmp_path))) == list(range(4_000))


def test_what_does_not_fit_in_the_queue_is_counted_and_the_count_is_written(tmp_path: Path) -> None:
    directory = tmp_path / "logs"
    directory.write_text("in the way")
    writer = writer_into(directory, capacity=10)
    for n in range(200):
        writer.put(1000.0 + n, {"n": n})
    assert not writer.flush(0)
    directory.unlink()
    assert writer.flush(30)
    assert writer.flush(30)  # what was dropped is told when the queue has emptied
    lines = read(directory)
    (drops,) = [line for line in lines if line["kind"] == "drops"]
    kept = numbers(lines)
    assert drops["extra"]["dropped"] > 0
    assert len(kept) + drops["extra"]["dropped"] == 200
    assert kept == sorted(set(kept))
    assert drops["extra"]["reason"] == "queue full"
    assert drops["extra"]["from"] <= drops["extra"]["to"] == "1970-01-01T00:19:59.000000+00:00"


def test_a_folder_in_the_way_is_said_once_and_nothing_is_lost_when_it_is_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(burnline.complaint.complaint, "_next", 0.0)
    directory = tmp_path / "logs"
    directory.write_text("in the way")
    writer = writer_into(directory)
    for n in range(100):
        writer.put(1.0, {"n": n})
    for _ in range(3):
        assert not writer.flush(0.01)
    directory.unlink()
    assert writer.flush(30)
    assert numbers(read(directory)) == list(range(100))
    assert capsys.readouterr().err.count("burnline: cannot write to") == 1


def test_a_folder_that_was_deleted_is_made_again(tmp_path: Path) -> None:
    writer = writer_into(tmp_path / "logs")
    writer.put(1.0, {"n": 1})
    assert writer.flush(30)
    shutil.rmtree(tmp_path / "logs")
    writer.put(1.0, {"n": 2})
    assert writer.flush(30)
    assert numbers(read(tmp_path / "logs")) == [2]


def test_a_full_file_is_left_and_another_begun(tmp_path: Path) -> None:
    writer = writer_into(tmp_path, max_bytes=1_000)
    for n in range(20):
        writer.put(1.0, {"n": n})
        assert writer.flush(30)
    files = sorted(tmp_path.iterdir())
    assert len(files) > 2
    assert all(path.stat().st_size < 1_500 for path in files)
    assert sorted(numbers(read(tmp_path))) == list(range(20))


def test_configure_again_moves_to_the_new_folder_and_the_new_names(logs: Logs, tmp_path: Path) -> None:
    burnline.record(n=1)
    assert burnline.flush(30)
    burnline.configure(tmp_path / "other", service="other", environment="staging", agent_id="me")
    burnline.record(n=2)
    assert burnline.flush(30)
    (first,), (second,) = read(logs.directory), read(tmp_path / "other")
    assert (first["service"], first["agent_id"]) == ("api", "api")
    assert (second["service"], second["agent_id"], second["environment"]) == ("other", "me", "staging")


def test_without_configure_the_environment_says_where_and_who(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BURNLINE_INBOX", str(tmp_path / "inbox"))
    monkeypatch.setenv("BURNLINE_SERVICE", "svc")
    monkeypatch.setenv("BURNLINE_ENVIRONMENT", "test")
    found = settings_of()
    assert (found.directory, found.service, found.environment) == (str(tmp_path / "inbox"), "svc", "test")
    monkeypatch.delenv("BURNLINE_INBOX")
    monkeypatch.chdir(tmp_path)
    assert settings_of().directory == str(tmp_path / "logs")
    with pytest.raises(ValueError, match="max_bytes"):
        settings_of(max_bytes=0)


def test_files_and_folders_are_for_their_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        writer = writer_into(tmp_path / "logs")
        writer.put(1.0, {"n": 1})
        assert writer.flush(30)
    finally:
        os.umask(before)
    (path,) = (tmp_path / "logs").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_name_tells_host_process_and_start_and_no_file_is_ever_shared(tmp_path: Path) -> None:
    for _ in range(5):
        LogFile().write(deque([b"{}\n"]), settings_of(tmp_path))
    names = [path.name for path in tmp_path.iterdir()]
    assert len(names) == 5
    assert all(f"-{os.getpid()}-" in name for name in names)


def test_flush_inside_the_writer_and_with_nothing_written_returns(tmp_path: Path) -> None:
    assert writer_into(tmp_path).flush(30)
    assert not list(tmp_path.iterdir())


def test_after_the_end_a_record_is_written_before_put_returns(tmp_path: Path) -> None:
    writer = writer_into(tmp_path)
    writer.put(1.0, {"n": 1})
    writer.close(30)
    writer.put(1.0, {"n": 2})
    assert numbers(read(tmp_path)) == [1, 2]


def test_a_record_made_while_the_thread_is_being_started_does_not_start_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a signal handler does that interrupts the first record of the process."""
    writer, started, thread = writer_into(tmp_path), [], threading.Thread

    def interrupted(**arguments: Any) -> threading.Thread:
        started.append(thread(**arguments))
        if len(started) < 3:
            writer.put(1.0, {"n": 2})
        return started[-1]

    monkeypatch.setattr("burnline.writer.threading.Thread", interrupted)
    writer.put(1.0, {"n": 1})
    assert writer.flush(30)
    assert len(started) == 1
    assert numbers(read(tmp_path)) == [1, 2]


def test_records_wait_while_no_thread_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_thread(**_: Any) -> threading.Thread:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("burnline.writer.complaint", Complaint())
    writer = writer_into(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("burnline.writer.threading.Thread", no_thread)
        writer.put(1.0, {"n": 1})
    assert "cannot start the writing thread" in capsys.readouterr().err
    writer.put(1.0, {"n": 2})
    assert writer.flush(30)
    assert numbers(read(tmp_path)) == [1, 2]


def test_giving_up_at_the_end_says_how_many_are_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("burnline.writer.complaint", Complaint())
    disk_is_back = threading.Event()
    monkeypatch.setattr("burnline.writer.encode", lambda *_: b"{}\n" if disk_is_back.wait(30) else b"")
    writer = writer_into(tmp_path)
    for n in range(3):
        writer.put(1.0, {"n": n})
    writer.close(0.01)
    disk_is_back.set()
    assert "gave up after 0.01 s at exit" in capsys.readouterr().err


def test_one_complaint_a_minute_tells_how_many_it_held_back(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = itertools.chain([0.0, 10.0, 59.0, 60.0, 200.0])
    monkeypatch.setattr("burnline.complaint.time.monotonic", lambda: next(now) + 1_000)
    complaint = Complaint()
    for n in range(5):
        complaint.say(f"fault {n}")
    assert capsys.readouterr().err.splitlines() == [
        "burnline: fault 0",
        "burnline: fault 3 (2 more like this in the last minute)",
        "burnline: fault 4",
    ]


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=8), st.lists(st.integers(0, 12), max_size=30))
@settings(max_examples=150, deadline=None)
def test_short_writes_and_full_disks_never_tear_double_or_lose_a_line(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes], steps: list[int]
) -> None:
    """Each step is what the disk takes of one write; 0 is a full disk, and 12 an error that makes the file unusable."""
    directory = tmp_path_factory.mktemp("disk")
    lines = deque(body.hex().encode() + b"\n" for body in bodies)
    expected, script, real = list(lines), iter(steps), os.write

    def disk(fd: int, data: bytes) -> int:
        step = next(script, len(data))
        if step in (0, 12):
            raise OSError(errno.EIO if step else errno.ENOSPC, "no")
        return real(fd, data[:step])

    file, in_force = LogFile(), settings_of(directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("burnline.file.os.write", disk)
        while lines:
            try:
                file.write(lines, in_force)
            except OSError:
                continue
    file.close()
    found = [line for path in directory.iterdir() for line in path.read_bytes().splitlines(keepends=True)]
    assert sorted(line for line in found if line.endswith(b"\n")) == sorted(expected)
