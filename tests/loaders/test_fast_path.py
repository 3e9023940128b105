"""The fast path stores exactly what the slow path would: row by row, reason by reason."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import duckdb
import pytest
from filling import line, record
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.record import COLUMNS
from loaders import load as loading
from loaders.load import Loaded, load
from loaders.schema import TABLES

Outcome = tuple[list[tuple[Any, ...]], Loaded]


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as opened:
        opened.execute("SET GLOBAL TimeZone = 'UTC'")
        opened.execute(TABLES)
        yield opened


def outcome(connection: duckdb.DuckDBPyConnection, data: bytes, fast_from: int, format_name: str = "v1") -> Outcome:
    """The rows in the table and the account after loading `data` into an empty table."""
    connection.execute("DELETE FROM records")
    with patch.object(loading, "FAST_FROM", fast_from):
        account = load(connection, 1, format_name, data, first_line=7, offset=100)
    columns = ", ".join('epoch_us("timestamp")' if c.name == "timestamp" else f'"{c.name}"' for c in COLUMNS)
    rows = connection.execute(f"SELECT line, {columns} FROM records ORDER BY line").fetchall()
    return rows, account


ALWAYS, NEVER = 0, 10**9

TEXTS = [
    '"a"',
    '"x:,{}[]"',
    r'"say \"hi\""',
    r'"\u0022"',
    r'"\ud83d\ude00 \u00e9"',
    '"Việt"',
    r'"tab\t\u0000"',
    r'"c:\\n"',
    '""',
]
HOSTILE = [
    "null", "true", "5", "-0", "1.50", "1e3", "1e999", "-1", "NaN", "Infinity", "nan", '"5"', '" 5"', "[]", "{}", '{"x":1}',
    '["a"]', "9223372036854775807", "9223372036854775808", "18446744073709551616", "1" * 25, '"\\ud800"', '"2026"', "1e-400",
    '{"input":1,"output":2}', '{"a":1,"a":2}', '{"a":0.5,}', "[1,]", '"true"', '"\x00"', "\x00", "0.1", "1", "01", "1.", '"\xff"',
]  # fmt: skip
GOOD = {
    "v": ["1", "1.0", "2", "true"],
    "kind": ['"request"', '"llm"', '"deploy"', '"REQUEST"'],
    "timestamp": [
        '"2026-11-24T02:23:46.179643Z"', '"2026-11-24T02:23:46+07:00"', '"2026-11-24T02:23:46"', '"2026-02-30T00:00:00Z"',
        '"2026-11-24 02:23:46,185"', '"2026-11-24T24:00:00Z"', '"2026-11-24T02:23:60Z"', '"2026-11-24T02:23:46.123456789-03:30"',
        '"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59Z"', "1795487308", "1795487308123", "1795487308.25", '"1795487308"',
        '"2026-11-24t02:23:46z"', '" 2026-11-24T02:23:46Z"', '"2026-11-24T02:23Z"', '"infinity"', '"2026-11-24T02:23:46+15:00"',
    ],
    "status": ['"success"', '"timeout"', '"failed"', '"cancelled"', '"Success"', '"ok"'],
    "tokens_used": [
        '{"input":1,"output":2}', '{"input": 1, "output": 2}', '{"output":2,"input":1}', '{"input":1}', "{}",
        '{"input":1,"output":2,"cached":3}', '{"input":1.0,"output":2}', '{"input":1.5,"output":2}', '{"input":"1","output":2}',
        '{"input":-1,"output":2}', '{"input":1,"output":2,}', '{"input":1,"output":null}', '{"input":1,"output":2,"input":3}',
    ],
    "eval_score": [
        '{"faith":0.85}', '{"faith": 0.85}', '{"a":1e-5}', '{"a":1.50}', '{"a":1e999}', '{"a":true}', '{"a":null}', '{"a":"b"}',
        '{"é":0.1,"b":1}', '{"a":{"b":1}}', '{"a":123456789012345678901234567890}', '{"a":0.00001234}',
    ],
    "sources": [
        '[{"document":"a.pdf","page":3}]', '[{"document":"a.pdf"},{"document":"b","page":"iv"}]', "[]", '["a"]', "[NaN]",
        '[{"document":"a","document":"b"}]', '[{"tokens_used":{"input":1,"output":2}}]', '[{"document":"a.pdf","page":3},]',
    ],
    "extra": ['{"a":1}', '{"a":"é, {}","b":null,"c":true,"d":-1.5}', '{"a":1,"a":2}', '{"input":1,"output":2}', "{}", '{"zzz":1}', '"text"', "[1]", '{"a":{"b":[1.50,1e-7]}}'],
    "feedback": ["1", "-1", "0", "2", "1.0", '"1"'],
    "sample_rate": ["1", "1.0", "0.1", "0", "0.0", "1.0001", "-0.5", "1e-9"],
    "zzz": ["1", "null", '"text"', '{"k":[1,2.50]}', r'"a\"b\u0001\/é"', "1e3", "-1.50", "true", '"{\\"input\\":1}"'],
    "event": ['"request.completed"', '"Việt"', "5"],
    "Level": ['"info"', "[1]"],
    "level": ['"info"', "null"],
    "exception": ['"Traceback\\n"'],
    "time": ['"2026-11-24T02:23:46Z"'],
    "odd key'": ["1"],
}  # fmt: skip
NUMBERS = ["0", "12", "12.5", "1250.123456789", "-0.0", "1E2", "0.30000000000000004"]
KINDS_OF_VALUES = {
    "VARCHAR": TEXTS,
    "DOUBLE": NUMBERS,
    "BIGINT": NUMBERS,
    "BOOLEAN": ["true", "false"],
    "JSON": HOSTILE,
}
POOL = {c.name: KINDS_OF_VALUES.get(c.type, TEXTS) for c in COLUMNS} | GOOD
REQUIRED = {k: json.dumps(v) for k, v in record(request_id="r", timestamp="2026-11-24T02:23:46Z").items() if k != "v"}


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A line that is nearly a good one: a few fields set, doubled, hostile or missing, in some style of writing."""
    members = list(REQUIRED.items())
    for name in draw(st.lists(st.sampled_from(sorted(POOL)), max_size=5)):
        hostile = draw(st.integers(0, 5)) == 0
        value = draw(st.sampled_from(HOSTILE if hostile else POOL[name]))
        if draw(st.integers(0, 9)):
            members = [m for m in members if m[0] != name]
        members.append((name, value))
    if draw(st.integers(0, 9)) == 0:
        members.pop(draw(st.integers(0, len(members) - 1)))
    comma, colon = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :  ")]))
    text = comma.join(f'"{name}"{colon}{value}' for name, value in members)
    whole = draw(
        st.sampled_from(
            ["{%s}"] * 12
            + ["{%s}\r", " {%s} ", "{%s,}", "{%s}x", "[{%s}]", "\ufeff{%s}", "{%s", "", "  ", "{}", "\0{%s}"]
        )
    )
    return (whole.replace("%s", text)).encode(
        "latin-1" if "\xff" in text and "Vi" not in text and "\ufeff" not in whole else "utf-8"
    ) + b"\n"


@settings(max_examples=40, deadline=None)
@given(st.lists(lines(), min_size=1, max_size=25))
@example([b"\n"])
@example([line(request_id="r"), line(request_id=5.5, error_message='""' * 126), line(timeout_type={"a": 1})])
def test_fast_and_slow_path_store_the_same_rows_and_refuse_for_the_same_reasons(connection, made: list[bytes]):
    data = b"".join(made)
    for format_name in ("v1", "flat"):
        assert outcome(connection, data, ALWAYS, format_name) == outcome(connection, data, NEVER, format_name)


def test_a_flat_line_is_the_same_on_both_paths(connection):
    data = (
        line(event="done", level="info")
        + line(timestamp=...)
        + line(timestamp=..., time="2026-11-24T02:23:46Z")
        + line()
    )
    assert outcome(connection, data, ALWAYS, "flat") == outcome(connection, data, NEVER, "flat")


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["compact", "spaced"])
def test_ordinary_lines_are_all_proven_and_none_goes_through_python(connection, separators):
    made = [
        record(),
        record(kind="llm", span_id="s", model="m", tokens_used={"input": 3, "output": 4}, cost_usd=0.01),
        record(status="timeout", error_message='the "limit"\nwas hit, twice', timeout_ms=8000, fallback_used=True),
        record(error_code=None, sample_rate=0.5, feedback=-1, user_id="Nguyễn"),
        {"v": 1, "kind": "deploy", "timestamp": "2026-11-24T02:23:46+07:00", "service": "api"},
    ]
    if separators == (",", ":"):
        made.append(record(eval_score={"faithfulness": 0.85}, sources=[{"document": "q3.pdf", "page": 4}]))
        made.append(record(event="done", level="info", duration=0.25, retried=True, note='two\n"words"'))
        made.append(record(extra={"tenant": "a", "retries": 2, "cached": False}))
    data = b"".join(json.dumps(r, separators=separators).encode() + b"\n" for r in made)
    with patch.object(loading, "sort_line", side_effect=AssertionError("a line went through Python")):
        rows, _ = outcome(connection, data, ALWAYS)
    assert len(rows) == len(made)
    assert rows == outcome(connection, data, NEVER)[0]


def test_one_bad_line_in_ten_thousand_leaves_the_others_on_the_fast_path(connection):
    data = b"".join(line() for _ in range(5000)) + b"bad\n" + b"".join(line() for _ in range(4999))
    with patch.object(loading, "sort_line", wraps=loading.sort_line) as slow:
        rows, account = outcome(connection, data, ALWAYS)
    assert slow.call_count == 1
    assert (len(rows), account.stored) == (9999, 9999)
    assert [(r.line, r.reason) for r in account.refused] == [(7 + 5000, "invalid_json")]


def test_a_key_the_sample_did_not_show_is_still_read(connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loaders.fast.SAMPLE", 2)
    data = line() + line(cost_usd=1.5) + line(tenant="a") + line()
    assert outcome(connection, data, ALWAYS) == outcome(connection, data, NEVER)
    assert [
        row[COLUMNS.index(c) + 1]
        for c in COLUMNS
        if c.name == "cost_usd"
        for row in outcome(connection, data, ALWAYS)[0]
    ] == [None, 1.5, None, None]
