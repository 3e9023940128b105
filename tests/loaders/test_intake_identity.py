"""Which file is it: renamed, copied, truncated, replaced, compressed, or new."""

from __future__ import annotations

import gzip
import os
from datetime import timedelta

import pytest
import zstandard
from inbox import Inbox, add, lines

from loaders.scan import scan
from loaders.tail import UNTERMINATED, Limits


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
    add(inbox / "b.jsonl", lines(1, 3))
    listing = scan(inbox.folder)
    with (inbox / "a.jsonl").open("r+b") as file:
        file.write(lines(1, 3))
    inbox.intake.round(listing)
    inbox.look()
    assert set(inbox.store.lines) == set(lines(1, 2, 3).split())
    assert inbox.store.lines.count(b'{"seq":3}') == 1


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


def test_a_file_that_is_synchronised_again_and_again_is_one_file(patient):
    """As rsync does: it writes the longer file beside the old one and renames it over."""
    for last in range(1, 6):
        (patient / ".a.jsonl.Xy12").write_bytes(lines(*range(last)))
        (patient / ".a.jsonl.Xy12").replace(patient / "a.jsonl")
        patient.look()
    assert patient.store.lines == lines(*range(5)).split()
    assert [(g.state, g.lines, g.duplicates) for g in patient.store.generations()] == [("open", 5, 0)]


def test_half_a_line_is_told_once_in_all_the_lives_of_its_file(inbox):
    add(inbox / "a.jsonl", lines(1) + b'{"half')
    inbox.look()
    content = (inbox / "a.jsonl").read_bytes()
    (inbox / "a.jsonl").unlink()
    inbox.look()
    (inbox / "a.jsonl.1.gz").write_bytes(gzip.compress(content))
    inbox.look()
    inbox.restart()
    inbox.look()
    assert [(line.reason, line.raw) for line in inbox.store.rejected] == [(UNTERMINATED, b'{"half')]
    assert inbox.states() == {"a.jsonl.1.gz": ("done", "6 bytes without a newline at the end")}


def test_truncated_in_the_middle_of_a_line_that_was_too_long_already(inbox):
    add(inbox / "a.jsonl", b"x" * (2 << 20))
    inbox.look()
    os.truncate(inbox / "a.jsonl", 0)
    add(inbox / "a.jsonl", lines(*range(300_000)))
    inbox.look()
    assert inbox.store.lines == lines(*range(300_000)).split()
    assert not inbox.store.rejected


def test_a_line_alike_at_the_same_place_of_another_file_is_no_copy_when_what_is_before_it_differs(tmp_path):
    inbox = Inbox(tmp_path / "small", limits=Limits(chunk=10, line=10))
    add(inbox / "a.jsonl", lines(1, 2, 3))
    inbox.look()
    add(inbox / "b.jsonl", lines(1, 9, 3))
    inbox.look()
    assert inbox.store.lines == lines(1, 2, 3, 9, 3).split()


def test_an_object_written_a_moment_ago_waits_for_its_newline(patient):
    """The file was quiet for long at our last look at its size, and not any more when it is read."""
    add(patient / "a.jsonl", lines(1)[:-1])
    listing = scan(patient.folder)
    patient.intake.round(listing)
    patient.now += timedelta(hours=1)
    add(patient / "a.jsonl", b"\n" + lines(2)[:-1])
    patient.intake.round(listing)
    assert patient.store.lines == lines(1).split()
