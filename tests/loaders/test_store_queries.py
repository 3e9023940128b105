"""What the store answers."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from filling import START, fill, line

from core.errors import UsageError
from core.selection import Extent, Freshness, Losses, Selection
from core.timespan import TimeSpan
from loaders import store as storing
from loaders.chunk import Chunk, Identity, RejectedLine, Windows
from loaders.store import Store


def at(second: int) -> str:
    return (datetime(2026, 11, 24, 9, tzinfo=UTC) + timedelta(seconds=second)).isoformat()


def ids(frame: pl.DataFrame) -> list[str]:
    return frame["request_id"].to_list()


@pytest.fixture
def five(store: Store) -> Store:
    """Requests 0..4, a second apart, written out of order in two files, and a span that is no request."""
    fill(store, *(line(request_id=str(n), timestamp=at(n), agent_id="ab"[n % 2], model="m") for n in (3, 1, 0)))
    fill(store, *(line(request_id=str(n), timestamp=at(n), agent_id="ab"[n % 2]) for n in (4, 2)), path="logs/b.jsonl")
    fill(store, line(kind="llm", timestamp=at(9), agent_id="c"), path="logs/b.jsonl")
    return store


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), "01234"),
        (Selection(last=2), "34"),
        (Selection(last=0), ""),
        (Selection(last=99), "01234"),
        (Selection(agent="a"), "024"),
        (Selection(agent="a", last=2), "24"),
        (Selection(model="m", agent="b"), "13"),
        (Selection(environment="production"), ""),
        (Selection(TimeSpan(START + timedelta(seconds=1), START + timedelta(seconds=3))), "12"),
        (Selection(TimeSpan(START, START + timedelta(seconds=4)), last=1), "3"),
        (Selection().before(START + timedelta(seconds=2)), "01"),
    ],
)
def test_a_selection_is_answered_oldest_first(five: Store, selection: Selection, expected: str):
    assert ids(five.requests(selection, ["request_id"])) == list(expected)


def test_records_of_other_kinds_are_read_by_the_same_selection(five: Store):
    """Spans, evaluations and the rest come by kind, oldest first, with the columns asked for."""
    found = five.records(("llm", "tool"), Selection(agent="c"), ["kind", "timestamp", "agent_id"])
    assert found.rows() == [("llm", START + timedelta(seconds=9), "c")]
    assert five.records(("llm",), Selection(agent="a"), ["kind"]).height == 0
    assert ids(five.records(("request", "llm"), Selection(last=2), ["request_id"]))[:1] == ["4"]
    with pytest.raises(UsageError, match="no such column"):
        five.records(("llm",), Selection(), ["tokens"])


@pytest.mark.parametrize("selection", [Selection(), Selection(last=2), Selection(last=0), Selection(agent="b")])
def test_an_extent_is_that_of_the_rows_selected(five: Store, selection: Selection):
    times = five.requests(selection, ["timestamp"])["timestamp"]
    assert five.extent(selection) == Extent(len(times), times.min(), times.max())


def test_losses_of_a_span_are_what_may_belong_to_it(store: Store):
    """A line refused before the span began cannot be of it; one refused later may be; drops say when they were."""
    fill(store, line(timestamp=at(5)), b"bad\n", line(kind="drops", timestamp=at(7), dropped=12, request_id=...))
    assert store.losses(None) == Losses(1, 12, 0, START + timedelta(seconds=5))
    assert store.losses(TimeSpan(START, START + timedelta(seconds=7))) == Losses(1, 0, 0, START + timedelta(seconds=5))
    later = TimeSpan(START + timedelta(seconds=6), START + timedelta(seconds=60))
    assert store.losses(later) == Losses(0, 12, 0, START + timedelta(seconds=5))


@pytest.mark.parametrize(
    "selection",
    [Selection(), Selection(agent="b"), Selection(TimeSpan(START - timedelta(days=400), START - timedelta(hours=3)))],
    ids=str,
)
def test_the_last_n_reach_back_as_far_as_they_must(store: Store, selection: Selection):
    """Minutes, hours, days or a year: the same rows as the end of all of them. One clock is ahead of ours."""
    ages = [
        timedelta(minutes=-9),
        *(timedelta(minutes=n) for n in (0, 5, 9, 10, 11, 119, 121, 1439, 1441, 43_199, 43_201, 500_000)),
    ]
    fill(
        store,
        *(
            line(request_id=f"{n:02}", timestamp=(START - age).isoformat(), agent_id="ab"[n % 2])
            for n, age in enumerate(ages)
        ),
    )
    everything = store.requests(selection, ["request_id", "timestamp"])
    for count in range(len(ages) + 2):
        last = Selection(selection.span, count, selection.agent)
        assert store.requests(last, ["request_id", "timestamp"]).equals(everything.tail(count))
        assert store.extent(last).rows == min(count, everything.height)


def test_columns_that_no_record_has_are_refused(store: Store):
    with pytest.raises(UsageError, match="no such column: price"):
        store.requests(Selection(), ["price"])


def test_an_empty_store_answers_with_an_empty_frame_of_the_same_types(store: Store):
    empty = store.requests(Selection())
    fill(store, line())
    assert empty.schema == store.requests(Selection()).schema
    assert store.values("agent") == ["planner"]


def test_freshness_is_the_newest_event_and_the_last_time_a_row_was_stored(five: Store):
    assert five.freshness() == Freshness(START + timedelta(seconds=9), START, five.version)


def test_a_chunk_without_a_new_row_does_not_make_the_data_fresh(store: Store):
    fill(store, b"bad\n", b"\n")
    assert store.freshness() == Freshness(None, None, store.version)


def test_filter_values_come_most_frequent_first(five: Store):
    assert five.values("agent") == ["a", "b"]
    assert five.values("agent", 1) == ["a"]
    with pytest.raises(UsageError, match="no filter"):
        five.values("agent_id")


def test_the_quarantine_tells_file_place_reason_and_bytes(store: Store):
    generation = store.open_generation(Path("logs/x\udcff.jsonl"), Identity(1, 1), "v1")
    data = line() + b"\xff\n" + b"y" * 5000 + b"\n"
    rejected = (RejectedLine(4, len(data), 3_000_000, "too_long", b"head"),)
    after = store.append(
        Chunk(generation.id, 0, 1, data, Windows(), len(data) + 3_000_001, rejected=rejected, note="n")
    )
    assert (after.lines, after.stored, after.quarantined, after.note) == (4, 1, 3, "n")
    newest, long, bad = store.quarantine()
    assert (newest["reason"], newest["line"], newest["length"], newest["raw"]) == ("too_long", 4, 3_000_000, b"head")
    assert (long["length"], len(long["raw"]), long["sha256"] is not None) == (5000, 4096, True)
    assert (bad["file"], bad["line"], bad["offset"], bad["raw"]) == (
        "logs/x\\xff.jsonl",
        2,
        len(line_of(data, 0)),
        b"\xff",
    )
    assert bad["at"] == START
    assert [row["line"] for row in store.quarantine(reason="invalid_utf8")] == [2]
    assert store.quarantine(path="elsewhere") == []
    assert store.quarantine_counts() == {"invalid_json": 1, "invalid_utf8": 1, "too_long": 1}


def line_of(data: bytes, index: int) -> bytes:
    return data.splitlines(keepends=True)[index]


def test_a_flood_of_bad_lines_is_counted_exactly_and_kept_up_to_a_bound(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(storing, "MAX_KEPT", 5)
    fill(store, b"bad\n" * 4)
    after = fill(store, b"bad\n" * 1000, b"[]\n")
    assert after.quarantined == 1005
    assert store.quarantine_counts() == {"invalid_json": 1004, "not_an_object": 1}
    assert len(store.quarantine(5000)) == 6


def test_deploys_are_told_oldest_first_within_a_span(store: Store):
    fill(store, *(line(kind="deploy", timestamp=at(n), model_version=str(n), extra={"by": "ci"}) for n in (5, 1, 3)))
    assert store.deploys()["model_version"].to_list() == ["1", "3", "5"]
    span = TimeSpan(START + timedelta(seconds=1), START + timedelta(seconds=5))
    assert store.deploys(span)["model_version"].to_list() == ["1", "3"]
    assert store.deploys()["extra"][0] == '{"by":"ci"}'


def test_the_cube_counts_every_request_once_in_the_first_bucket_that_holds_it(store: Store):
    durations = [0, 100, 100.1, 8000, 8001, 99_999]
    fill(store, *(line(execution_time_ms=ms) for ms in durations), line(execution_time_ms=None), line(kind="llm"))
    fill(store, line(execution_time_ms=50, sample_rate=0.1))
    cube = store.cube(8000, [100, 8000])
    counted = cube.group_by("bucket", "over_limit").agg(pl.col("n").sum(), pl.col("sum_ms").sum()).sort("bucket")
    assert counted.rows() == [
        (None, None, 1.0, None if counted["sum_ms"][0] is None else 0.0),
        (0, False, 12.0, 600.0),
        (1, False, 2.0, 8100.1),
        (2, True, 2.0, 108_000.0),
    ]
    with pytest.raises(UsageError, match="finite"):
        store.cube(8000, [float("inf")])


def test_waiting_for_a_change_ends_with_the_next_commit(store: Store):
    seen: list[int] = []
    before = store.version
    waiter = threading.Thread(target=lambda: seen.append(store.wait_for_change(before, 60)))
    waiter.start()
    fill(store, line())
    waiter.join(60)
    assert seen == [before + 1]


def test_a_checkpoint_empties_the_write_ahead_log(store: Store, tmp_path: Path):
    fill(store, line())
    wal = tmp_path / "data" / "burnline.duckdb.wal"
    assert wal.exists()
    store.checkpoint()
    assert not wal.exists() or wal.stat().st_size == 0
    assert store.requests(Selection()).height == 1
