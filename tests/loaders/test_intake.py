"""What becomes of files of every kind in the inbox."""

from __future__ import annotations

import gzip
import json
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from memory_store import MemoryStore

from loaders import follow
from loaders.intake import Intake
from loaders.known import StoreFailed
from loaders.reading import AT_ONCE, PATIENT
from loaders.scan import scan
from loaders.tail import DAMAGED, TOO_LONG, UNTERMINATED

NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Inbox:
    """A folder, a store, and a clock that stands still until told."""

    def __init__(self, folder: Path, patience=AT_ONCE) -> None:
        self.folder, self.patience = folder, patience
        self.store, self.now = MemoryStore(), NOW
        folder.mkdir()
        self.restart()

    def restart(self) -> None:
        self.intake = Intake(self.store, clock=lambda: self.now, patience=self.patience)

    def look(self) -> None:
        more = True
        while more:
            _, more = self.intake.round(scan(self.folder))

    def pass_time(self, length: timedelta) -> None:
        self.now += length
        self.look()

    def states(self) -> dict[str, tuple[str, str]]:
        return {g.path.name: (g.state, g.note) for g in self.store.generations()}

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture
def inbox(tmp_path):
    return Inbox(tmp_path / "logs")


@pytest.fixture
def patient(tmp_path):
    return Inbox(tmp_path / "logs", PATIENT)


def lines(*numbers: int) -> bytes:
    return b"".join(b'{"seq":%d}\n' % number for number in numbers)


def add(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


# which file is it


def test_a_renamed_file_goes_on_and_the_store_hears_its_new_name(inbox):
    add(inbox / "a.jsonl", lines(1, 2))
    inbox.look()
    (inbox / "a.jsonl").rename(inbox / "a.jsonl.1")
    add(inbox / "a.jsonl.1", lines(3))
    add(inbox / "a.jsonl", lines(4))
    inbox.look()
    assert sorted(inbox.store.lines) == lines(1, 2, 3, 4).split()
    assert [(g.path.name, g.lines) for g in inbox.store.generations()] == [("a.jsonl.1", 3), ("a.jsonl", 1)]


def test_copytruncate_with_the_copy_inside_is_the_same_content_under_another_name(inbox):
    add(inbox / "a.jsonl", lines(1, 2))
    inbox.look()
    add(inbox / "a.jsonl", lines(3))
    (inbox / "a.jsonl.1").write_bytes((inbox / "a.jsonl").read_bytes())
    os.truncate(inbox / "a.jsonl", 0)
    add(inbox / "a.jsonl", lines(4))
    inbox.look()
    assert sorted(inbox.store.lines) == lines(1, 2, 3, 4).split()
    assert inbox.states() == {"a.jsonl.1": ("open", ""), "a.jsonl": ("open", "")}


def test_truncated_and_grown_beyond_the_old_offset_while_we_were_down_is_a_new_life(inbox):
    add(inbox / "a.jsonl", lines(*range(10)))
    inbox.look()
    inbox.restart()
    os.truncate(inbox / "a.jsonl", 0)
    add(inbox / "a.jsonl", lines(*range(100, 130)))
    inbox.look()
    assert inbox.store.lines == lines(*range(10), *range(100, 130)).split()
    old, new = inbox.store.generations()
    assert (old.state, old.lines) == ("replaced", 10)
    assert (new.state, new.lines) == ("open", 30)


def test_what_was_cut_away_is_said_in_bytes(inbox):
    add(inbox / "a.jsonl", lines(*range(10)))
    inbox.look()
    os.truncate(inbox / "a.jsonl", 0)
    inbox.look()
    assert inbox.states()["a.jsonl"] == (
        "replaced",
        "truncated from 100 to 0 bytes; bytes written after 100 and before that are not on disk",
    )


def test_a_new_file_at_a_used_inode_is_a_new_file(inbox):
    """Some file systems give the number of a deleted file to the next one, every time."""
    path = inbox / "a.jsonl"
    for life in range(20):
        add(path, lines(7, life + 100))
        inbox.look()
        path.unlink()
        inbox.restart()
    assert inbox.store.lines == [part for life in range(20) for part in lines(7, life + 100).split()]


def test_content_overwritten_in_place_at_the_same_size_is_new(inbox):
    add(inbox / "a.jsonl", lines(1, 2))
    inbox.look()
    with (inbox / "a.jsonl").open("r+b") as file:
        file.write(lines(3, 4))
    inbox.look()
    assert inbox.store.lines == lines(1, 2, 3, 4).split()


def test_a_replaced_file_is_read_to_its_end_through_the_handle(inbox):
    add(inbox / "a.jsonl", lines(1))
    inbox.look()
    add(inbox / "a.jsonl", lines(2))
    (inbox / ".new").write_bytes(lines(3))
    (inbox / ".new").replace(inbox / "a.jsonl")
    inbox.look()
    assert inbox.store.lines == lines(1, 2, 3).split()
    assert [g.state for g in inbox.store.generations()] == ["gone", "open"]


def test_a_deleted_file_is_final_only_when_its_writer_has_been_quiet(patient):
    with (patient / "a.jsonl").open("ab", buffering=0) as writer:
        writer.write(lines(1))
        patient.look()
        (patient / "a.jsonl").unlink()
        writer.write(lines(2))
        patient.look()
        writer.write(lines(3) + b'{"half":')
        patient.pass_time(timedelta(seconds=1))
    assert patient.store.lines == lines(1, 2, 3).split()
    assert not patient.store.rejected
    patient.pass_time(timedelta(seconds=1))
    assert not patient.store.rejected, "it was written to a second ago"
    patient.pass_time(timedelta(seconds=2))
    assert [(line.reason, line.raw) for line in patient.store.rejected] == [(UNTERMINATED, b'{"half":')]
    assert patient.states()["a.jsonl"] == ("gone", "deleted, 8 bytes without a newline at the end")


def test_a_file_deleted_long_after_its_last_line_is_told_gone(patient):
    add(patient / "a.jsonl", lines(1))
    patient.look()
    patient.pass_time(timedelta(hours=1))
    patient.pass_time(timedelta(hours=1))
    (patient / "a.jsonl").unlink()
    patient.pass_time(timedelta(seconds=1))
    patient.pass_time(timedelta(seconds=3))
    assert patient.states() == {"a.jsonl": ("gone", "deleted")}


def test_moved_out_of_the_inbox_and_back_nothing_is_read_twice(inbox, tmp_path):
    add(inbox / "a.jsonl", lines(1) + b'{"half":')
    inbox.look()
    (inbox / "a.jsonl").rename(tmp_path / "a.jsonl")
    inbox.look()
    assert inbox.states()["a.jsonl"] == ("gone", "moved out of the inbox")
    assert not inbox.store.rejected, "the rest of the line may come where it went"
    add(tmp_path / "a.jsonl", b"2}\n")
    (tmp_path / "a.jsonl").rename(inbox / "a.jsonl")
    inbox.look()
    assert inbox.store.lines == [b'{"seq":1}', b'{"half":2}']
    assert inbox.states()["a.jsonl"] == ("open", "")


def test_copies_are_proven_duplicates_and_a_longer_copy_adds_only_what_is_new(inbox):
    add(inbox / "a.jsonl", lines(1, 2, 3))
    inbox.look()
    for name in ("b.jsonl", "c.jsonl"):
        add(inbox / name, lines(1, 2, 3))
    add(inbox / "shorter.jsonl", lines(1, 2))
    add(inbox / "longer.jsonl", lines(1, 2, 3, 4))
    add(inbox / "other.jsonl", lines(1, 5))
    inbox.look()
    assert inbox.store.lines == lines(1, 2, 3, 4, 5).split()
    account = {g.path.name: (g.lines, g.stored, g.duplicates) for g in inbox.store.generations()}
    assert account == {
        "a.jsonl": (3, 3, 0),
        "b.jsonl": (3, 0, 3),
        "c.jsonl": (3, 0, 3),
        "shorter.jsonl": (2, 0, 2),
        "longer.jsonl": (4, 1, 3),
        "other.jsonl": (2, 1, 1),
    }


def test_a_copy_that_was_begun_before_its_original_was_truncated_is_no_news(inbox):
    """A large copytruncate takes longer than the time between two looks."""
    add(inbox / "a.jsonl", lines(1, 2, 3, 4))
    inbox.look()
    add(inbox / "a.jsonl.1", lines(1, 2))
    inbox.look()
    add(inbox / "a.jsonl.1", lines(3, 4))
    os.truncate(inbox / "a.jsonl", 0)
    inbox.look()
    assert inbox.store.lines == lines(1, 2, 3, 4).split()
    assert {g.path.name: (g.stored, g.duplicates) for g in inbox.store.generations()} == {
        "a.jsonl": (4, 0),
        "a.jsonl.1": (0, 4),
    }


def test_a_file_rewritten_since_the_look_proves_nothing(inbox):
    add(inbox / "a.jsonl", lines(1, 2))
    inbox.look()
    inbox.pass_time(timedelta(hours=1))
    add(inbox / "b.jsonl", lines(3))
    listing = scan(inbox.folder)
    with (inbox / "a.jsonl").open("r+b") as file:
        file.write(lines(3, 4))
    inbox.intake.round(listing)
    inbox.look()
    assert sorted(inbox.store.lines) == lines(1, 2, 3, 4).split()


def test_a_copy_that_goes_its_own_way_is_a_file_of_its_own(inbox):
    add(inbox / "a.jsonl", lines(1))
    add(inbox / "b.jsonl", lines(1))
    inbox.look()
    add(inbox / "a.jsonl", lines(2))
    add(inbox / "b.jsonl", lines(3))
    inbox.look()
    add(inbox / "a.jsonl", lines(4))
    inbox.look()
    assert sorted(inbox.store.lines) == lines(1, 2, 3, 4).split()


def test_two_files_that_begin_alike_for_a_kilobyte_are_two(inbox):
    same = b'{"pad":"%s"}\n' % (b"x" * 1100)
    add(inbox / "a.jsonl", same + lines(1))
    add(inbox / "b.jsonl", same + lines(2))
    inbox.look()
    assert inbox.store.lines == [same.strip(), *lines(1, 2).split()]


def test_equal_lines_in_one_file_are_all_kept(inbox):
    add(inbox / "a.jsonl", lines(1) * 5)
    inbox.look()
    assert inbox.store.lines == lines(1).split() * 5


def test_a_hard_link_is_the_same_file(inbox):
    add(inbox / "a.jsonl", lines(1))
    os.link(inbox / "a.jsonl", inbox / "b.jsonl")
    inbox.look()
    assert inbox.store.lines == lines(1).split()


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_file_that_is_compressed_half_read_goes_on_at_its_line(inbox, pack):
    add(inbox / "a.jsonl", lines(*range(400)))
    inbox.look()
    add(inbox / "a.jsonl", lines(*range(400, 500)))
    (inbox / "a.jsonl.1.z").write_bytes(pack((inbox / "a.jsonl").read_bytes()))
    (inbox / "a.jsonl").unlink()
    inbox.restart()
    inbox.look()
    assert inbox.store.lines == lines(*range(500)).split()
    assert inbox.states() == {"a.jsonl.1.z": ("done", "")}


# small, half and odd files


def test_files_of_no_and_of_one_line_are_read_from_byte_one(inbox):
    for number in range(300):
        add(inbox / f"{number}.jsonl", b"")
    inbox.look()
    for number in range(300):
        add(inbox / f"{number}.jsonl", lines(number))
    inbox.look()
    assert sorted(inbox.store.lines) == sorted(lines(*range(300)).split())


def test_half_a_line_is_never_stored_and_comes_whole_after_a_restart(patient):
    add(patient / "a.jsonl", b'{"seq"')
    patient.look()
    patient.pass_time(timedelta(minutes=10))
    patient.restart()
    patient.pass_time(timedelta(days=10))
    assert not patient.store.chunks
    assert patient.intake.waiting() == {patient / "a.jsonl": "6 bytes without a newline"}
    add(patient / "a.jsonl", b":1}\n")
    patient.look()
    assert patient.store.lines == [b'{"seq":1}']
    assert patient.intake.waiting() == {}


def test_a_whole_object_without_its_newline_is_taken_after_five_quiet_seconds(patient):
    add(patient / "a.jsonl", lines(1)[:-1])
    patient.look()
    patient.pass_time(timedelta(seconds=4))
    assert patient.store.lines == []
    patient.pass_time(timedelta(seconds=1))
    assert patient.store.lines == [b'{"seq":1}']
    add(patient / "a.jsonl", b"\n" + lines(2))
    patient.look()
    (generation,) = patient.store.generations()
    assert patient.store.lines == lines(1, 2).split()
    assert (generation.lines, generation.offset) == (2, 20)


def test_an_archive_is_read_when_it_has_stopped_growing_and_a_cut_one_fails_later(patient):
    packed = gzip.compress(lines(*range(2000)))
    add(patient / "a.gz", packed[:4000])
    patient.look()
    assert not patient.store.chunks
    patient.pass_time(timedelta(seconds=2))
    kept = len(patient.store.lines)
    assert 100 < kept < 2000
    assert patient.states()["a.gz"][0] == "open"
    patient.pass_time(timedelta(seconds=28))
    assert patient.states()["a.gz"] == ("failed", "the gzip archive is cut off after 4,000 bytes")
    assert [line.reason for line in patient.store.rejected] == [DAMAGED]
    patient.pass_time(timedelta(minutes=1))
    patient.restart()
    patient.pass_time(timedelta(minutes=1))
    assert len(patient.store.rejected) == 1, "one entry, however often it is looked at"
    add(patient / "a.gz", packed[4000:])
    patient.look()
    patient.pass_time(timedelta(seconds=2))
    assert patient.store.lines == lines(*range(2000)).split(), "the upload went on: nothing is missing"
    assert patient.states()["a.gz"] == ("done", "")


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_an_archive_that_was_seen_empty_first_is_an_archive(inbox, pack):
    packed = pack(lines(1, 2))
    for end in (0, 1, 3, len(packed)):
        (inbox / "a.gz").write_bytes(packed[:end])
        if end in (0, 1, len(packed)):
            inbox.look()
    assert inbox.store.lines == lines(1, 2).split()
    assert inbox.states()["a.gz"][0] == "done"


def test_a_finished_archive_is_not_unpacked_again_after_a_restart(inbox, monkeypatch):
    (inbox / "a.gz").write_bytes(gzip.compress(lines(*range(200_000))))
    inbox.look()
    inbox.restart()
    read = []
    monkeypatch.setattr(os, "pread", lambda fd, size, at, pread=os.pread: (read.append(size), pread(fd, size, at))[1])
    inbox.look()
    assert 0 < sum(read) < 20_000


def test_a_long_line_is_told_by_its_length_and_its_neighbours_are_stored(inbox):
    add(inbox / "a.jsonl", lines(1) + b"x" * 20_000_000 + b"\n" + lines(2))
    inbox.look()
    assert inbox.store.lines == lines(1, 2).split()
    (line,) = inbox.store.rejected
    assert (line.line, line.offset, line.length, line.reason, len(line.raw)) == (2, 10, 20_000_000, TOO_LONG, 4096)


# what is no log


REFUSED = {
    "a picture": bytes(range(256)) * 40,
    "UTF-16 text": '{"seq":1}\n'.encode("utf-16") * 10,
    "an archive in an archive": gzip.compress(gzip.compress(os.urandom(9000))),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_is_refused_once_with_a_reason_and_not_line_by_line(inbox, kind):
    (inbox / "a.jsonl").write_bytes(REFUSED[kind])
    add(inbox / "b.jsonl", lines(1))
    inbox.look()
    inbox.restart()
    inbox.look()
    state, note = inbox.states()["a.jsonl"]
    assert state == "failed"
    assert note
    assert inbox.store.lines == lines(1).split()
    assert len(inbox.store.chunks) == 2
    (inbox / "a.jsonl").write_bytes(lines(2))
    inbox.look()
    assert inbox.store.lines == lines(1, 2).split(), "a log by now"


def test_links_out_pipes_and_sockets_are_refused_and_nothing_blocks(inbox, tmp_path, monkeypatch):
    add(tmp_path / "outside.jsonl", lines(1))
    add(inbox / "inside.jsonl", lines(2))
    (inbox / "out.jsonl").symlink_to(tmp_path / "outside.jsonl")
    (inbox / "dangling.jsonl").symlink_to(tmp_path / "nothing")
    (inbox / "in.jsonl").symlink_to(inbox / "inside.jsonl")
    (inbox / "loop").symlink_to(inbox.folder)
    (inbox / "outside").symlink_to(tmp_path)
    os.mkfifo(inbox / "pipe.jsonl")
    monkeypatch.chdir(inbox.folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jsonl")
    (inbox / "folder.jsonl").mkdir()
    add(inbox / "folder.jsonl" / "deep.jsonl", lines(3))
    add(inbox / ".hidden.jsonl", lines(4))
    inbox.look()
    assert sorted(inbox.store.lines) == lines(2, 3).split()
    refused = {path.name for path in scan(inbox.folder).refused}
    assert refused == {"out.jsonl", "dangling.jsonl", "outside", "pipe.jsonl", "socket.jsonl"}


def test_a_link_swapped_in_after_the_look_is_not_followed(inbox, tmp_path):
    add(tmp_path / "secret", lines(1))
    add(inbox / "a.jsonl", lines(2))
    listing = scan(inbox.folder)
    (inbox / "a.jsonl").unlink()
    (inbox / "a.jsonl").symlink_to(tmp_path / "secret")
    inbox.intake.round(listing)
    assert inbox.store.lines == []
    assert inbox.intake.troubles()


@pytest.mark.parametrize(
    "name", [b"a b.jsonl", b"line\nbreak", "tiếng Việt 🔥.log".encode(), b"\xff\xfe.jsonl", b"-rf", b"x" * 255]
)
def test_any_file_name_will_do(inbox, name):
    add(inbox / os.fsdecode(name), lines(1))
    inbox.look()
    inbox.restart()
    add(inbox / os.fsdecode(name), lines(2))
    inbox.look()
    assert inbox.store.lines == lines(1, 2).split()
    assert len(inbox.store.generations()) == 1


# trouble


def test_an_unreadable_file_is_told_tried_again_and_holds_nobody_up(inbox, monkeypatch):
    add(inbox / "a.jsonl", lines(1))
    add(inbox / "b.jsonl", lines(2))
    denied = {inbox / "a.jsonl"}

    def open_found(file, real=follow.open_found):
        if file.path in denied:
            raise PermissionError(13, "Permission denied")
        return real(file)

    monkeypatch.setattr(follow, "open_found", open_found)
    inbox.look()
    assert inbox.store.lines == lines(2).split()
    assert inbox.intake.troubles() == {inbox / "a.jsonl": "cannot be read: Permission denied"}
    denied.clear()
    inbox.look()
    assert inbox.store.lines == lines(2, 1).split()
    assert inbox.intake.troubles() == {}


def test_a_known_file_that_became_unreadable_keeps_its_account(inbox, monkeypatch):
    add(inbox / "a.jsonl", lines(1))
    inbox.look()
    inbox.restart()
    monkeypatch.setattr(follow, "open_found", lambda file: (_ for _ in ()).throw(PermissionError(13, "no")))
    inbox.look()
    assert inbox.states() == {"a.jsonl": ("open", "")}


def test_a_fault_of_ours_with_one_file_stops_no_other(inbox, monkeypatch):
    add(inbox / "a.jsonl", lines(1))
    add(inbox / "b.jsonl", lines(2))
    detect = "loaders.reading.formats.detect"
    monkeypatch.setattr(detect, lambda first: json.loads(b"?" if first == lines(1) else b'"v1"'))
    inbox.look()
    assert inbox.store.lines == lines(2).split()
    assert "JSONDecodeError" in inbox.intake.troubles()[inbox / "a.jsonl"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_after_a_failed_commit_the_store_is_asked_how_far_it_came(inbox, when):
    add(inbox / "a.jsonl", lines(1, 2))
    inbox.store.fail = when
    with pytest.raises(StoreFailed):
        inbox.look()
    inbox.intake.forget()
    inbox.look()
    assert inbox.store.lines == lines(1, 2).split()


def test_a_folder_that_cannot_be_listed_loses_no_file(inbox, monkeypatch):
    (inbox / "sub").mkdir()
    add(inbox / "sub" / "a.jsonl", lines(1))
    inbox.look()
    inbox.restart()

    def scandir(folder, real=os.scandir):
        if Path(folder).name == "sub":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        inbox.look()
    assert inbox.states() == {"a.jsonl": ("open", "")}


def test_more_files_than_handles_are_all_followed(inbox, monkeypatch):
    monkeypatch.setattr(follow, "HANDLES", 4)
    inbox.intake._handles._most = 4
    for turn in range(3):
        for number in range(30):
            add(inbox / f"{number}.jsonl", lines(turn * 100 + number))
        inbox.look()
        assert len(inbox.intake._handles._open) <= 4
    assert len(inbox.store.lines) == len(set(inbox.store.lines)) == 90
