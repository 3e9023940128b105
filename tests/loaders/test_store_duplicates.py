"""When two lines are the same record: an id, and the same content in every column. Nothing is ever overwritten."""

from __future__ import annotations

import itertools
import json
from unittest.mock import patch

import pytest
from filling import START, fill, line, record
from hypothesis import given, settings
from hypothesis import strategies as st

from core.selection import Selection
from loaders import load as loading
from loaders.chunk import Generation
from loaders.store import Store

ONE = record(request_id="r", timestamp="2026-11-24T02:23:46Z", service="api")


@pytest.mark.parametrize(
    ("other", "stored", "duplicates"),
    [
        ({}, 1, 1),
        ({"timestamp": "2026-11-24T09:23:46+07:00"}, 1, 1),
        ({"kind": "request", "sample_rate": None}, 1, 1),
        ({"execution_time_ms": 1250.6}, 2, 0),
        ({"timestamp": "2026-11-27T02:23:46Z"}, 2, 0),
        ({"service": "billing"}, 2, 0),
        ({"kind": "llm"}, 2, 0),
        ({"span_id": "s"}, 2, 0),
        ({"zzz": 1}, 2, 0),
    ],
)
@pytest.mark.parametrize("where", ["same chunk", "next chunk", "other file"])
def test_a_duplicate_has_the_same_id_and_the_same_content(store: Store, other, stored, duplicates, where):
    first, second = line(**ONE), line(**{**ONE, **other})
    if where == "same chunk":
        fill(store, first, second)
    else:
        fill(store, first)
        fill(store, second, path="logs/a.jsonl" if where == "next chunk" else "logs/b.jsonl")
    accounts = store.generations()
    assert sum(g.stored for g in accounts) == stored
    assert sum(g.duplicates for g in accounts) == duplicates
    assert store.frame("SELECT count(*) AS n FROM records").item() == stored


def test_lines_without_an_id_are_never_duplicates(store: Store):
    event = b'{"kind":"host","timestamp":"2026-11-24T02:23:46Z"}\n'
    assert fill(store, event, event, event).stored == 3


def test_a_line_is_the_same_in_every_format(store: Store):
    fill(store, line(**ONE))
    flat = json.dumps({**{k: v for k, v in ONE.items() if k != "timestamp"}, "time": ONE["timestamp"]}).encode()
    assert fill(store, flat + b"\n", path="logs/app.log", format_name="flat").duplicates == 1


def test_the_row_stored_first_stays(store: Store):
    fill(store, line(**ONE), path="logs/a.jsonl")
    fill(store, line(), line(**ONE), path="logs/b.jsonl")
    kept = store.frame("SELECT generation, line FROM records WHERE request_id = 'r'").rows()
    assert kept == [(1, 1)]


def test_one_line_a_hundred_thousand_times_is_stored_once(store: Store):
    after = fill(store, line(**ONE) * 100_000)
    assert (after.lines, after.stored, after.duplicates) == (100_000, 1, 99_999)


def test_same_id_and_other_content_is_a_conflict_that_is_counted(store: Store):
    fill(store, line(**ONE), line(**{**ONE, "status": "failed"}), line(**{**ONE, "status": "timeout"}), line())
    assert store.conflicts() == 1
    assert store.requests(Selection()).height == 4


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans()), min_size=1, max_size=40),
    st.lists(st.integers(0, 40), max_size=3),
)
def test_any_cut_into_chunks_stores_each_record_once(tmp_path_factory, made, cuts):
    lines = [
        line(
            request_id=str(number) if has_id else "", kind="step", timestamp="2026-11-24T02:23:46Z", status=str(version)
        )
        for number, version, has_id in made
    ]
    with_id = {text for text, (_, _, has_id) in zip(lines, made, strict=True) if has_id}
    expected = len(with_id) + sum(not has_id for _, _, has_id in made)
    edges = sorted({0, len(lines), *(min(cut, len(lines)) for cut in cuts)})
    path = tmp_path_factory.mktemp("cut") / "s.duckdb"
    with patch.object(loading, "FAST_FROM", 3), Store.open(path, clock=lambda: START) as store:
        after = Generation(0, path, "v1", "open", None)
        for start, end in itertools.pairwise(edges):
            after = fill(store, *lines[start:end])
        assert (after.stored, after.lines) == (expected, len(lines))
