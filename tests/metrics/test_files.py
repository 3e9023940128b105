"""The ledger of files summed, and the files to look at first."""

from __future__ import annotations

import pytest

from metrics.files import files, first, unread


def row(path, state="open", size=100, offset=100, **counts):
    lines = {"lines": 0, "stored": 0, "quarantined": 0, "duplicates": 0, "blank": 0} | counts
    return {"path": path, "state": state, "bytes": size, "offset": offset, "note": "", **lines}


def test_the_sum_of_all_files_keeps_the_rule_of_each():
    found = files(
        [row("a", lines=9, stored=5, quarantined=3, blank=1), row("b", "failed", lines=2, stored=1, duplicates=1)]
    )
    assert found.lines == found.stored + found.refused + found.duplicates + found.blank == 11
    assert (found.files, found.failed) == (2, 1)


UNREAD = {
    "a line being written": (row("a.jsonl", size=150), 50),
    "read to its end": (row("a.jsonl"), 0),
    "packed, where offsets are of other bytes": (row("a.jsonl.gz", size=100, offset=0), 0),
    "gone from the disk": (row("a.jsonl", "gone", size=150), 0),
    "failed on the way": (row("a.jsonl", "failed", size=150), 50),
    "more read than is there": (row("a.jsonl", size=50), 0),
}


@pytest.mark.parametrize("case", UNREAD)
def test_what_of_a_file_is_unread(case):
    file, expected = UNREAD[case]
    assert unread(file) == expected


def test_failed_files_come_first_then_refused_lines_then_what_is_unread():
    rows = [row("quiet"), row("behind", size=200), row("broken", quarantined=2), row("failed", "failed"), row("newest")]
    assert [one["path"] for one in first(rows, 5)] == ["failed", "broken", "behind", "newest", "quiet"]
    assert len(first(rows, 2)) == 2
