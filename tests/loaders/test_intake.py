"""What becomes of files of every kind in the inbox."""

from __future__ import annotations

import gzip
import json
import os
import socket
from datetime import timedelta
from pathlib import Path

import pytest
import zstandard
from inbox import add, lines

from loaders import follow
from loaders.known import StoreFailed
from loaders.scan import scan
from loaders.tail import DAMAGED, TOO_LONG


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


def test_a_chunk_the_store_cannot_take_holds_up_no_other_file(inbox):
    for name in "abc":
        add(inbox / f"{name}.jsonl", lines(ord(name)))
    poison = {b'{"seq":97}\n', b'{"seq":98}\n'}
    append = inbox.store.append

    def refuse(chunk):
        if chunk.data in poison:
            raise AssertionError("a fault of the store's")
        return append(chunk)

    inbox.store.append = refuse
    for _ in range(8):
        with pytest.raises(StoreFailed):
            inbox.look()
        inbox.intake.forget()
    assert inbox.store.lines == [b'{"seq":99}']
    poison.clear()
    inbox.look()
    assert sorted(inbox.store.lines) == lines(97, 98, 99).split()
