"""Whole lines, and nothing but whole lines, in pieces of bounded size."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from test_identity import Bytes

from loaders.identity import Trail
from loaders.tail import TOO_LONG, UNTERMINATED, Limits, Reader, walk, why_not_text

SMALL = Limits(chunk=64, line=40, kept=8)


def read_all(reader: Reader) -> list[bytes]:
    """Lines as handed over; a rejected one is told by its reason and length."""
    got: list[bytes] = []
    while True:
        piece = reader.peek(len(got) + 1)
        if piece.trail.offset == reader.trail.offset:
            return got
        got += piece.data.split(b"\n")[:-1]
        got += [b"%s %d" % (line.reason.encode(), line.length) for line in piece.rejected]
        reader.accept(piece)


lines = st.lists(st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"").lstrip(b"\0")), max_size=30)


@settings(deadline=None)
@given(lines, st.integers(1, 80), st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"")))
def test_every_line_comes_once_and_in_order_for_any_size_of_piece(written, chunk, rest):
    content = Bytes(b"".join(line + b"\n" for line in written) + rest.lstrip(b"\0"))
    reader = Reader(content, Trail(), Limits(chunk=max(chunk, 41), line=40, kept=8))
    expected = [line if len(line) <= 40 else b"%s %d" % (TOO_LONG.encode(), len(line)) for line in written]
    assert read_all(reader) == expected
    assert reader.trail.offset == len(content.data) - len(rest.lstrip(b"\0"))
    assert reader.trail == Trail().after(content.data[: reader.trail.offset])


@settings(deadline=None)
@given(st.text(min_size=1, max_size=12).filter(lambda text: "\n" not in text and text[0] != "\0"))
def test_a_character_cut_at_any_byte_comes_whole(text):
    """The writer's write ends in the middle of a character, at every place it can."""
    line = text.encode() + b"\n"
    for cut in range(len(line)):
        content = Bytes(line[:cut])
        reader = Reader(content, Trail(), Limits(chunk=256, line=200))
        assert read_all(reader) == []
        content.data = line
        assert read_all(reader) == [text.encode()]


def test_a_line_that_never_ends_is_searched_once_and_not_held():
    class Counting(Bytes):
        asked = 0

        def read(self, offset: int, size: int) -> bytes:
            got = super().read(offset, size)
            self.asked += len(got)
            return got

    content = Counting(b"x" * 5_000_000)
    reader = Reader(content, Trail(), Limits(chunk=1 << 20, line=1 << 16))
    assert reader.peek(1).rest == 5_000_000
    content.asked = 0
    content.data += b"x" * 1000
    assert reader.peek(1).rest == 5_001_000
    assert content.asked < 20_000
    content.data += b'\n{"next":1}\n'
    assert read_all(reader) == [b"too_long 5001000", b'{"next":1}']


def test_what_is_kept_of_a_long_line_is_its_beginning():
    reader = Reader(Bytes(b"0123456789" * 10 + b"\n"), Trail(), SMALL)
    (line,) = reader.peek(7).rejected
    assert (line.line, line.offset, line.length, line.reason, line.raw) == (7, 0, 100, TOO_LONG, b"01234567")


def test_a_complete_object_at_the_end_is_a_line_and_its_late_newline_is_none():
    content = Bytes(b'{"a":1}')
    reader = Reader(content, Trail(), SMALL)
    assert read_all(reader) == []
    last = reader.last_line(1)
    assert last is not None
    assert last.data == b'{"a":1}\n'
    reader.accept(last)
    for newline in (b"\n", b"\r\n"):
        content.data = b'{"a":1}' + newline + b'{"b":2}\n'
        late = Reader(content, last.trail, SMALL)
        assert read_all(late) == [b'{"b":2}']
        assert late.trail.offset == len(content.data)


def test_half_an_object_waits_and_is_told_when_nothing_can_follow():
    reader = Reader(Bytes(b'{"a":1}\n{"b":'), Trail(), SMALL)
    assert read_all(reader) == [b'{"a":1}']
    assert reader.last_line(2) is None
    last = reader.last_line(2, final=UNTERMINATED)
    assert last is not None
    assert last.trail == reader.trail, "the half is read again should the rest of it come"
    assert [(line.offset, line.length, line.raw) for line in last.rejected] == [(8, 5, b'{"b":')]


def test_the_hole_of_a_writer_that_kept_its_position_is_passed_over():
    for zeros in (1, 63, 64, 65, 3_000_000):
        reader = Reader(Bytes(bytes(zeros) + b'{"a":1}\n'), Trail(), SMALL)
        hole = reader.peek(1)
        assert (hole.data, hole.trail.offset) == (b"", zeros)
        assert hole.note == f"{zeros:,} zero bytes at the start were passed over"
        reader.accept(hole)
        assert read_all(reader) == [b'{"a":1}']
    assert read_all(Reader(Bytes(bytes(100)), Trail(), SMALL)) == []


def test_what_is_no_text_is_told_from_what_is():
    assert "UTF-16" in why_not_text('{"a":1}\n'.encode("utf-16"))
    assert "binary" in why_not_text(bytes(range(256)) * 4)
    assert "binary" in why_not_text(b"SQLite format 3\0" + bytes(80))
    for text in ("Vietnamese: tiếng Việt", "emoji 🔥", "tabs\tand\r\n", "\x1b[31mred\x1b[0m"):
        assert why_not_text(text.encode()) == ""
    assert why_not_text("Latin-1: déjà vu".encode("latin-1")) == ""
    assert why_not_text(b'{"one":"\0 in a line is that line\'s trouble"}\n' + b'{"a":1}\n' * 40) == ""


def test_lines_passed_over_are_counted_also_from_and_to_a_line_without_its_newline():
    content = Bytes(b'{"a":1}\n{"b":2}\n{"c":3}')
    start = Trail()
    for offset, lines in ((8, 1), (16, 2), (23, 3)):
        assert walk(content, start, offset) == (Trail().after(content.data[:offset]), lines)
    mid_line = Trail().after(b'{"a":1}')
    assert walk(content, mid_line, 16)[1] == 1
    assert walk(content, mid_line, 23)[1] == 2
    assert walk(content, start, 99)[0].offset == 23
