"""What each kind of bad line is answered with: one reason each, and nothing quietly made null."""

from __future__ import annotations

import json

import pytest
from filling import line, record

from core.record import COLUMN_NAMES, KINDS, REQUIRED
from loaders.decode import decode, is_blank
from loaders.lines import KEPT_BYTES, Sorted, sort_line
from loaders.refusal import Refused
from loaders.validate import row


def reason(text: bytes) -> str | None:
    """Why the line is refused; None when it is stored."""
    try:
        row(decode(text))
    except Refused as why:
        return why.reason if why.detail and why.detail.isprintable() else "a detail nobody can read"
    return None


def with_value(name: str, raw: str) -> bytes:
    """A good line on which one field is written as `raw`."""
    return json.dumps(record(**{name: "@@"})).replace('"@@"', raw).encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (line(), None),
        (b"\xef\xbb\xbf" + line(), None),
        (line().replace(b"\n", b"\r\n"), None),
        (b"\0\0\0\0" + line(), None),
        (b"  \t" + line(), None),
        (b"{}", "missing_field"),
        (b"nonsense", "invalid_json"),
        (b'{"a":1,}', "invalid_json"),
        (b"{'a':1}", "invalid_json"),
        (line()[:50], "invalid_json"),
        (line().strip() + b" x", "trailing_garbage"),
        (line().strip() + line(), "trailing_garbage"),
        (b"[1,2]", "not_an_object"),
        (b"5", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (line(agent_id="x").replace(b'"v": 1', b'"agent_id": "y"'), "duplicate_key"),
        (with_value("extra", '{"a":1,"a":1}'), "duplicate_key"),
        (line(agent_id="caf\u00e9").replace(b"\\u00e9", b"\xe9"), "invalid_utf8"),
        ("﻿".encode("utf-16") + line().decode().encode("utf-16"), "invalid_utf8"),
        (with_value("agent_id", r'"\ud800"'), "invalid_utf8"),
        (line(agent_id="a").replace(b'"a"', b'"a\0b"'), "invalid_json"),
        (with_value("agent_id", r'"a\u0000b"'), None),
        (with_value("extra", '{"a":' * 60 + "1" + "}" * 60), None),
        (with_value("extra", '{"a":' * 70 + "1" + "}" * 70), "too_deep"),
        (b"[" * 200_000, "too_deep"),
        (b'{"a":' * 200_000, "too_deep"),
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused_with_its_own_reason(text: bytes, expected: str | None):
    assert reason(text) == expected


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("execution_time_ms", "null", None),
        ("execution_time_ms", "0", None),
        ("execution_time_ms", "1e-400", None),
        ("execution_time_ms", "-0.0", None),
        ("execution_time_ms", "-1", "negative"),
        ("execution_time_ms", "NaN", "non_finite"),
        ("execution_time_ms", "-Infinity", "non_finite"),
        ("execution_time_ms", "1e999", "non_finite"),
        ("execution_time_ms", "1" * 400, "non_finite"),
        ("execution_time_ms", "1" * 5000, "out_of_range"),
        ("execution_time_ms", '"12.5"', "bad_type"),
        ("execution_time_ms", '"fast"', "bad_type"),
        ("execution_time_ms", "true", "bad_type"),
        ("execution_time_ms", "[1]", "bad_type"),
        ("cost_usd", "-0.01", "negative"),
        ("confidence", "1e999", "non_finite"),
        ("zzz", "1e999", "non_finite"),
        ("tokens_used", '{"input":9223372036854775807}', None),
        ("tokens_used", '{"input":9223372036854775808}', "out_of_range"),
        ("tokens_used", '{"input":12.0,"output":3}', None),
        ("tokens_used", '{"input":12.5}', "bad_type"),
        ("tokens_used", '{"input":-1}', "negative"),
        ("tokens_used", "12", "bad_type"),
        ("feedback", "2", "out_of_range"),
        ("billed", "1", "bad_type"),
        ("user_id", "42", None),
        ("user_id", "4.2", "bad_type"),
        ("agent_id", '{"a":1}', "bad_type"),
        ("agent_id", "true", "bad_type"),
        ("agent_id", '""', "missing_field"),
        ("agent_id", "null", "missing_field"),
        ("eval_score", '{"a":0.5}', None),
        ("eval_score", "0.5", "bad_type"),
        ("eval_score", '{"a":"good"}', "bad_type"),
        ("sources", "{}", "bad_type"),
        ("status", '"slow"', "unknown_status"),
        ("status", '"Success"', "unknown_status"),
        ("status", "[]", "unknown_status"),
        ("kind", '"span"', "unknown_kind"),
        ("kind", "[]", "unknown_kind"),
        ("v", "2", "unsupported_version"),
        ("v", "true", "unsupported_version"),
        ("v", "null", None),
        ("sample_rate", "1", None),
        ("sample_rate", "0", "bad_sample_rate"),
        ("sample_rate", "1.01", "bad_sample_rate"),
        ("sample_rate", "-0.5", "bad_sample_rate"),
    ],
)
def test_a_field_is_what_it_must_be_or_the_line_is_refused(name: str, raw: str, expected: str | None):
    assert reason(with_value(name, raw)) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('"2026-11-24T02:23:46Z"', 1_795_487_026_000_000),
        ('"2026-11-24T02:23:46.179643+00:00"', 1_795_487_026_179_643),
        ('"2026-11-24T09:23:46.1+07:00"', 1_795_487_026_100_000),
        ('"2026-11-24 02:23:46,185-0330"', 1_795_499_626_185_000),
        ('"2026-11-24T16:23:46+14"', 1_795_487_026_000_000),
        ('"2026-11-24T02:23:46.123456789Z"', 1_795_487_026_123_456),
        ('"1969-12-31T23:59:59.5Z"', -500_000),
        ('"0001-01-01T00:00:00+14:00"', -62_135_647_200_000_000),
        ('"9999-12-31T23:59:59Z"', 253_402_300_799_000_000),
        ("1795487026", 1_795_487_026_000_000),
        ("1795487026.25", 1_795_487_026_250_000),
        ("1795487026179", 1_795_487_026_179_000),
        ("1795487026179643", 1_795_487_026_179_643),
        ("1795487026179643251", 1_795_487_026_179_643),
        ('"2026-11-24T02:23:46"', "timestamp_without_zone"),
        ('"2026-11-24 02:23:46,185"', "timestamp_without_zone"),
        ('"2026-11-24"', "bad_timestamp"),
        ('"2026-02-30T00:00:00Z"', "bad_timestamp"),
        ('"2026-11-24T02:23:60Z"', "bad_timestamp"),
        ('"yesterday"', "bad_timestamp"),
        ('"1795487026"', "bad_timestamp"),
        ("-1", "bad_timestamp"),
        ("1e30", "bad_timestamp"),
        ("true", "bad_timestamp"),
        ("null", "missing_field"),
    ],
)
def test_a_time_is_read_exactly_or_the_line_is_refused(raw: str, expected: int | str):
    text = with_value("timestamp", raw)
    if isinstance(expected, str):
        assert reason(text) == expected
    else:
        assert row(decode(text))[COLUMN_NAMES.index("timestamp")] == expected


@pytest.mark.parametrize("name", REQUIRED)
def test_a_request_without_a_required_field_is_refused_and_told_which(name: str):
    with pytest.raises(Refused, match=f"{name} is absent") as caught:
        row(record(**{name: ...}))
    assert caught.value.reason == "missing_field"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "request"])
def test_other_kinds_need_a_timestamp_and_nothing_else(kind: str):
    assert row({"kind": kind, "timestamp": "2026-11-24T02:23:46Z"})
    with pytest.raises(Refused, match="needs a timestamp"):
        row({"kind": kind})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"tenant": "a", "n": 1}, {"n": 1, "tenant": "a"}),
        ({"extra": {"a": 1}}, {"a": 1}),
        ({"extra": {"a": 1}, "b": 2}, {"a": 1, "b": 2}),
        ({"extra": {"a": 1}, "a": 2}, {"a": 2, "extra": {"a": 1}}),
        ({"extra": "text"}, {"extra": "text"}),
        ({"tokens_used": {"input": 1, "cached": 2}}, {"tokens_used": {"cached": 2}}),
        ({"nothing": None}, None),
        ({"b": 1, "a": 2, "extra": {"z": 0, "y": 0}}, {"z": 0, "y": 0, "a": 2, "b": 1}),
    ],
)
def test_what_no_column_holds_is_kept_in_extra(fields: dict[str, object], expected: object):
    kept = row(record(**fields))[COLUMN_NAMES.index("extra")]
    assert kept == (json.dumps(expected, separators=(",", ":")) if expected else None)


def test_a_near_miss_is_pointed_out():
    with pytest.raises(Refused, match='did you mean "success"'):
        row(record(status="sucess"))


@pytest.mark.parametrize("text", [b"", b"  \t", b"\r", b"\0\0\0"])
def test_blank_lines_are_blank(text: bytes):
    assert is_blank(text)


def test_a_long_refused_line_is_kept_by_its_head_its_length_and_its_hash():
    done = Sorted()
    text = b"x" * (KEPT_BYTES + 1)
    sort_line(done, text, 3, 77, "v1")
    (bad,) = done.refused
    assert (bad.line, bad.offset, bad.length, len(bad.raw)) == (3, 77, KEPT_BYTES + 1, KEPT_BYTES)
    assert bad.sha256 is not None
    sort_line(done, b"\xff", 4, 99, "v1")
    assert (done.refused[1].raw, done.refused[1].sha256) == (b"\xff", None)
