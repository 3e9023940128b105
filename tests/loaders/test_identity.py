"""A file is the one we know when it begins with everything we read of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.chunk import Generation, Identity, Windows
from loaders.identity import HEAD, TAIL, HeadIndex, Trail, decide, matches, trail_at

HERE, THERE = (1, 10), (1, 20)


class Bytes:
    """A content in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, offset: int, size: int) -> bytes:
        return self.data[offset : offset + size]


def generation(number: int, offset: int, place: tuple[int, int], lines: int = 1) -> Generation:
    return Generation(
        number, Path(f"{number}.jsonl"), "v1", "open", Identity(*place, Windows()), offset=offset, lines=lines
    )


def read_up_to(data: bytes, offset: int) -> Generation:
    """The generation of a file with this content, read up to `offset`."""
    made = generation(1, offset, HERE)
    return replace(made, identity=Identity(*HERE, Trail().after(data[:offset]).windows()))


DECISIONS = {
    "a file like none before begins a generation": ([], set(), ("begin", None)),
    "the same file goes on": ([generation(1, 100, HERE)], set(), ("continue", 1)),
    "the same file goes on though another was read further": (
        [generation(1, 100, HERE), generation(2, 300, THERE)],
        {2},
        ("continue", 1),
    ),
    "of two lives at one inode the one read further goes on": (
        [generation(1, 100, HERE), generation(2, 300, HERE)],
        set(),
        ("continue", 2),
    ),
    "content whose file is gone has moved here": ([generation(1, 100, THERE)], set(), ("move", 1)),
    "content whose file is still there is a copy": ([generation(1, 100, THERE)], {1}, ("copy", 1)),
    "of several that match, the one read furthest": (
        [generation(1, 100, THERE), generation(2, 300, THERE)],
        set(),
        ("move", 2),
    ),
    "what lost its file moves here though a copy was read further": (
        [generation(1, 100, THERE), generation(2, 300, THERE)],
        {2},
        ("move", 1),
    ),
    "of two read as far, the one without a file moves here": (
        [generation(1, 100, THERE), generation(2, 100, THERE)],
        {2},
        ("move", 1),
    ),
    "no line in common is nothing in common": ([generation(1, 8, THERE, lines=0)], set(), ("begin", None)),
    "a second file at a living inode's number is a copy": ([generation(1, 100, HERE)], {1}, ("copy", 1)),
}


@pytest.mark.parametrize("sentence", DECISIONS)
def test_a_file_is_recognised_for_a_reason(sentence):
    matching, alive, (action, number) = DECISIONS[sentence]
    decision = decide(HERE, matching, alive)
    assert (decision.action, decision.generation) == (action, number)
    assert decision.reason


@settings(deadline=None)
@given(st.binary(max_size=3 * TAIL), st.integers(0, 3 * TAIL), st.integers(0, 3 * TAIL))
def test_the_trail_is_the_same_however_the_content_was_read(data, one, two):
    """Read in parts or looked up afterwards: the same windows."""
    first, second = sorted((min(one, len(data)), min(two, len(data))))
    trail = Trail().after(data[:first]).after(data[first:second])
    assert trail == trail_at(Bytes(data), second)
    assert len(trail.head) == min(HEAD, second)
    assert len(trail.tail) == min(TAIL, second)


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=2 * TAIL), st.data())
def test_growing_keeps_the_identity_and_any_change_inside_the_windows_ends_it(data, draw):
    known = read_up_to(data, len(data))
    assert matches(known, Bytes(data + draw.draw(st.binary(max_size=20)))) is not None
    in_head = st.integers(0, min(HEAD, len(data)) - 1)
    in_tail = st.integers(max(0, len(data) - TAIL), len(data) - 1)
    at = draw.draw(in_head | in_tail)
    changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    assert matches(known, Bytes(changed)) is None


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=2 * TAIL))
def test_a_shorter_file_is_never_the_same(data):
    assert matches(read_up_to(data, len(data)), Bytes(data[:-1])) is None


def test_equal_first_kilobytes_are_not_enough():
    one, other = b"x" * HEAD + b"a" * TAIL, b"x" * HEAD + b"b" * TAIL
    assert matches(read_up_to(one, len(one)), Bytes(other)) is None


def test_an_index_finds_every_generation_a_content_may_go_on_from_and_follows_its_growth():
    data = bytes(range(256)) * 8
    early, late = read_up_to(data, 10), replace(read_up_to(data, 2000), id=2)
    index = HeadIndex()
    for known in (early, late):
        index.put(known)
    assert index.beginning_like(data[:HEAD]) == {1, 2}
    assert index.beginning_like(data[:10]) == {1}
    assert index.beginning_like(b"other" * 300) == set()
    index.put(replace(early, identity=read_up_to(data, 20).identity))
    assert index.beginning_like(data[:10]) == set()
    assert index.beginning_like(data[:20]) == {1}
