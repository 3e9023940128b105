"""Archives: whatever can be unpacked is handed on before what is wrong is told."""

from __future__ import annotations

import gzip
import os
import random

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.compression import Archive, BombLimit, Plain, open_content

random_bytes = random.Random(1).randbytes
TEXT = b"".join(b'{"line":%d,"noise":"%s"}\n' % (n, random_bytes(12).hex().encode()) for n in range(2000))
PACK = {"gzip": gzip.compress, "zstd": zstandard.compress}
both = pytest.mark.parametrize("packing", sorted(PACK))


@pytest.fixture
def content(tmp_path):
    """Opens the content of a file with these bytes."""
    opened = []

    def make(data: bytes, **how) -> Plain | Archive:
        path = tmp_path / f"{len(opened)}"
        path.write_bytes(data)
        opened.append(os.open(path, os.O_RDONLY))
        return open_content(opened[-1], **how)

    yield make
    for fd in opened:
        os.close(fd)


def whole(archive: Plain | Archive, step: int = 1 << 16) -> bytes:
    data = b""
    while block := archive.read(len(data), step):
        data += block
    return data


@both
def test_an_archive_is_told_by_its_first_bytes_and_read_to_a_clean_end(content, packing):
    archive = content(PACK[packing](TEXT))
    assert archive.packing == packing
    assert whole(archive) == TEXT
    assert archive.fault == ""


def test_a_plain_file_is_read_as_it_is(content):
    plain = content(TEXT)
    assert plain.packing == ""
    assert whole(plain) == TEXT
    assert plain.read(len(TEXT) + 5, 10) == b""


@both
def test_parts_packed_one_after_another_are_one_content(content, packing):
    archive = content(PACK[packing](TEXT[:3000]) + PACK[packing](b"") + PACK[packing](TEXT[3000:]))
    assert whole(archive) == TEXT
    assert archive.fault == ""


def test_zeros_after_a_gzip_member_are_padding(content):
    archive = content(gzip.compress(TEXT) + bytes(9000))
    assert whole(archive) == TEXT
    assert archive.fault == ""


def test_a_skippable_zstd_frame_is_skipped(content):
    skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
    for data in (skippable + zstandard.compress(TEXT), zstandard.compress(TEXT) + skippable):
        archive = content(data)
        assert whole(archive) == TEXT
        assert archive.fault == ""


@both
def test_cut_off_anywhere_it_says_so_after_the_good_bytes(content, packing):
    packed = PACK[packing](TEXT)
    for cut in {1, 2, 4, 5, 12, 4095, 4096, 4097, len(packed) // 2, len(packed) - 9, len(packed) - 1}:
        archive = content(packed[:cut])
        if archive.packing:
            data = whole(archive)
            assert TEXT.startswith(data)
            assert "cut off" in archive.fault
            assert archive.cut_off


@both
def test_damage_is_told_with_its_place_and_everything_before_it_is_kept(content, packing):
    packed = bytearray(PACK[packing](TEXT))
    middle = len(packed) // 2
    packed[middle : middle + 40] = bytes(40)
    archive = content(bytes(packed))
    data = whole(archive)
    assert archive.fault
    assert data[: len(TEXT) // 4] == TEXT[: len(TEXT) // 4] or packing == "zstd"


def test_a_wrong_checksum_costs_no_byte_of_content(content):
    packed = bytearray(gzip.compress(TEXT))
    packed[-8] ^= 1
    archive = content(bytes(packed))
    assert whole(archive) == TEXT
    assert "damaged" in archive.fault


@both
def test_garbage_behind_an_archive_is_told(content, packing):
    archive = content(PACK[packing](TEXT) + b"garbage")
    assert whole(archive) == TEXT
    assert archive.fault


@both
def test_a_bomb_is_stopped(content, packing):
    packed = PACK[packing](bytes(50 << 20))
    archive = content(packed, limit=BombLimit(ratio=200, size=1 << 20))
    length = 0
    while block := archive.read(length, 1 << 20):
        length += len(block)
    assert "more than 200 times its size" in archive.fault
    assert length < 48 << 20


@both
def test_a_high_ratio_alone_is_no_bomb(content, packing):
    same = TEXT[:60] * 20_000
    archive = content(PACK[packing](same), limit=BombLimit(ratio=20, size=len(same)))
    assert whole(archive) == same
    assert archive.fault == ""


@settings(deadline=None)
@given(
    packing=st.sampled_from(sorted(PACK)),
    reads=st.lists(st.tuples(st.integers(0, len(TEXT) + 10), st.integers(0, 30_000)), max_size=12),
)
def test_any_part_can_be_read_in_any_order(tmp_path_factory, packing, reads):
    path = tmp_path_factory.getbasetemp() / f"any-order.{packing}"
    if not path.exists():
        path.write_bytes(PACK[packing](TEXT))
    fd = os.open(path, os.O_RDONLY)
    try:
        archive = open_content(fd)
        for offset, size in reads:
            assert archive.read(offset, size) == TEXT[offset : offset + size]
    finally:
        os.close(fd)
