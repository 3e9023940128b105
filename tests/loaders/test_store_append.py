"""What a chunk leaves behind: rows, offset and account, together."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from filling import START, fill, line, record

from core.record import REQUEST_FRAME
from core.selection import Selection
from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store, WrongAccountError


def test_every_line_of_a_chunk_is_in_the_account(store: Store):
    twice = line()
    after = fill(store, line(), twice, b"\n", b"nonsense\n", twice, line(status="slow"))
    assert (after.lines, after.stored, after.quarantined, after.duplicates, after.blank) == (6, 2, 2, 1, 1)
    assert store.generations() == [after]
    assert store.ledger()[0]["stored"] == 2


def test_requests_come_oldest_first_with_the_columns_of_the_request_frame(store: Store):
    late = line(timestamp="2026-11-24T12:00:00+07:00")
    fill(store, late, line(timestamp="2026-11-24T04:00:00Z", sample_rate=0.5), line(kind="llm"))
    frame = store.requests(Selection())
    assert tuple(frame.columns) == REQUEST_FRAME
    assert frame.schema["timestamp"] == pl.Datetime("us", "UTC")
    assert frame["timestamp"].dt.hour().to_list() == [4, 5]
    assert frame["sample_rate"].to_list() == [0.5, 1.0]


def test_a_chunk_that_does_not_continue_its_file_changes_nothing(store: Store):
    generation = store.open_generation(Path("a"), Identity(1, 2), "v1")
    data = line()
    with pytest.raises(WrongAccountError, match="starts at byte 5"):
        store.append(Chunk(generation.id, 5, 1, data, Windows(), 5 + len(data)))
    assert store.generations() == [generation]
    assert store.requests(Selection()).is_empty()


def test_the_version_moves_with_each_commit_and_wakes_who_waits(store: Store):
    before = store.version
    fill(store, line())
    assert store.wait_for_change(before, 0) == before + 1 == store.version
    assert store.freshness().version == store.version
    assert store.freshness().read_at == START


def test_what_is_kept_between_commits_is_never_older_than_the_last_one(store: Store):
    """How old the data is and which files failed are asked every second by every tab, and read once per commit."""
    generation = store.open_generation(Path("cut.gz"), Identity(1, 2), "v1")
    assert (store.freshness().newest, store.failed()) == (None, ())
    assert store.freshness() is store.freshness()
    data = line(timestamp=START.isoformat())
    store.append(Chunk(generation.id, 0, 1, data, Windows(), len(data), state="failed", note="the archive is cut off"))
    assert store.failed() == (("cut.gz", "the archive is cut off"),)
    assert store.freshness().version == store.version
    assert store.freshness().newest == store.requests(Selection())["timestamp"].item()


def test_the_last_n_are_the_newest_n_in_order(store: Store):
    rows = [record(request_id=str(n), timestamp="2026-11-24T09:00:00Z") for n in range(10)]
    fill(store, *(json.dumps(r).encode() + b"\n" for r in rows))
    assert store.requests(Selection(last=3), ["request_id"])["request_id"].to_list() == ["7", "8", "9"]
