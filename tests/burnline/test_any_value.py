"""Whatever is recorded becomes one line that our own reader accepts."""

from __future__ import annotations

import enum
import itertools
import json
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import burnline
from burnline.line import FIELDS, MAX_LINE, encode
from burnline.plain import MAX_DEPTH, MAX_TEXT, plain
from core.record import LINE_KEYS, STATUSES
from loaders.decode import decode
from loaders.validate import row

any_text = st.text(st.characters(), max_size=40)  # lone surrogates and control characters included
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**40), max_value=10**40)
    | st.floats()
    | any_text
    | st.binary(max_size=20)
    | st.datetimes(timezones=st.none() | st.just(UTC) | st.just(timezone(timedelta(hours=-11))))
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.sampled_from([*STATUSES, "llm", "request", object(), ValueError("no"), PurePosixPath("/x"), int])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(scalars, inner, max_size=4),
    max_leaves=12,
)
records = st.dictionaries(st.sampled_from(sorted(LINE_KEYS)) | any_text, values, max_size=8)


def line_of(fields: dict[str, Any], moment: float = 1_772_442_900.25) -> dict[str, Any]:
    """The line for these fields, after our own reader took it."""
    ids = itertools.count()
    written = encode(fields, moment, {}, lambda name: f"{name}-{next(ids)}")
    assert written.endswith(b"\n")
    assert written.count(b"\n") == 1
    assert len(written) <= MAX_LINE
    line = decode(written)
    row(line)
    return line


@given(records)
@settings(max_examples=150, deadline=None)
def test_whatever_is_recorded_is_a_line_our_reader_accepts(fields: dict[str, Any]) -> None:
    line = line_of(fields)
    assert line.keys() <= LINE_KEYS
    assert line["v"] == 1


@given(records)
@settings(max_examples=80, deadline=None)
def test_a_line_recorded_again_stays_the_same(fields: dict[str, Any]) -> None:
    line = line_of(fields)
    again = line_of({key: value for key, value in line.items() if key != "v"})
    assert again == line


@given(
    st.fixed_dictionaries(
        {
            "request_id": st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
            "execution_time_ms": st.floats(0, 1e9) | st.integers(0, 10**9),
            "status": st.sampled_from(STATUSES),
            "agent_id": st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
            "cost_usd": st.floats(0, 1e6),
            "fallback_used": st.booleans(),
            "tokens_used": st.fixed_dictionaries({"input": st.integers(0, 2**63 - 1), "output": st.integers(0, 99)}),
            "eval_score": st.dictionaries(
                st.text(st.characters(codec="utf-8"), max_size=9), st.floats(0, 1), max_size=3
            ),
        }
    )
)
@settings(max_examples=80, deadline=None)
def test_values_that_fit_are_read_back_as_they_were(fields: dict[str, Any]) -> None:
    line = line_of(fields)
    assert {name: line[name] for name in fields} == fields
    assert "extra" not in line


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Hostile:
    """Every way to ask for its text fails the test."""

    def __repr__(self) -> str:
        raise AssertionError("repr was called")

    __str__ = __repr__


class Loud(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise AssertionError("str was called")


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


PLAIN = {
    "a date": (date(2026, 3, 2), "2026-03-02"),
    "a time with its zone": (datetime(2026, 3, 2, 9, 15, tzinfo=UTC), "2026-03-02T09:15:00+00:00"),
    "a length of time": (timedelta(seconds=90), "0:01:30"),
    "a decimal": (Decimal("12.50"), 12.5),
    "a decimal that is no number": (Decimal("NaN"), "NaN"),
    "a signalling decimal": (Decimal("sNaN"), "sNaN"),
    "a UUID": (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "a path": (PurePosixPath("/var/log"), "/var/log"),
    "bytes": (b"caf\xc3\xa9 \xff", "café \\xff"),
    "an enum": (Colour.RED, "red"),
    "an integer enum": (Level.HIGH, 3),
    "a set": ({7}, [7]),
    "a tuple": ((1, (2,)), [1, [2]]),
    "an exception": (ValueError("no"), "ValueError: no"),
    "an exception without words": (SpeechlessError(), "<SpeechlessError>"),
    "an object with a hostile repr": (Hostile(), "<Hostile>"),
    "a text with a __str__ of its own": (Loud("x"), "x"),
    "a function": (len, "<builtin_function_or_method>"),
    "not a number": (float("nan"), "nan"),
    "infinity": (float("-inf"), "-inf"),
    "an integer beyond 64 bits": (2**64, "18446744073709551616"),
    "an integer nobody can read": (10**5000, "<integer of 16610 bits>"),
    "a lone surrogate": ("a\ud800b", "a\ufffdb"),
    "the two halves of one character": ("\ud83d\ude42", "🙂"),
    "keys that are no text": ({2: "a", None: "b", True: "c"}, {"2": "a", "null": "b", "true": "c"}),
    "keys that become the same": ({1: "a", "1": "b"}, {"1": "a", "1_": "b"}),
    "an ordered mapping": (OrderedDict(b=1), {"b": 1}),
}


@pytest.mark.parametrize(("value", "expected"), PLAIN.values(), ids=PLAIN.keys())
def test_values_json_does_not_know_become_text_numbers_or_lists(value: object, expected: object) -> None:
    assert plain(value) == expected


def test_numbers_of_numpy_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    assert plain([numpy.int64(3), numpy.float32(0.5), numpy.float64("nan")]) == [3, 0.5, "nan"]


def test_a_value_that_holds_itself_ends_at_the_depth_limit() -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    assert json.dumps(plain(loop)).count("self") == MAX_DEPTH


def test_a_wide_value_that_holds_itself_ends_at_the_size_limit() -> None:
    loop: list[Any] = []
    loop += [loop] * 10
    assert len(json.dumps(plain(loop))) < 20_000


def test_a_text_keeps_its_beginning_and_says_how_long_it_was() -> None:
    cut = line_of({"prompt": "x" * 100_000})["prompt"]
    assert len(cut) <= MAX_TEXT
    assert cut.endswith("(cut, 100000 characters)")


def test_a_record_of_many_long_texts_is_shortened_to_one_line_that_fits() -> None:
    line = line_of({"request_id": "r", **{f"field {n}": "\x00" * 60_000 for n in range(40)}})
    assert line["request_id"] == "r"
    assert line["extra"]["shortened_from_bytes"] > MAX_LINE


UNFIT = {
    "a duration that is not a number": ({"execution_time_ms": float("nan")}, {"execution_time_ms": "nan"}),
    "a negative duration": ({"execution_time_ms": -1}, {"execution_time_ms": -1}),
    "a true duration": ({"execution_time_ms": True}, {"execution_time_ms": True}),
    "a score of seven": ({"eval_score": {"a": 7}}, {"eval_score": {"a": 7}}),
    "tokens as one number": ({"tokens_used": 9}, {"tokens_used": 9}),
    "half a token": ({"tokens_used": {"input": 0.5}}, {"tokens_used": {"input": 0.5}}),
    "no bytes for a name": ({"agent_id": b""}, {"agent_id": ""}),
    "three thumbs": ({"feedback": 3}, {"feedback": 3}),
    "a sample rate of zero": ({"sample_rate": 0}, {"sample_rate": 0}),
    "a flag in words": ({"billed": "yes"}, {"billed": "yes"}),
    "a time without a zone": ({"timestamp": "2026-03-02T09:15:00"}, {"timestamp": "2026-03-02T09:15:00"}),
    "an unknown field beside extra": ({"a": 1, "extra": {"a": 2, "b": 3}}, {"a": 1, "a_": 2, "b": 3}),
}


@pytest.mark.parametrize(("fields", "extra"), UNFIT.values(), ids=UNFIT.keys())
def test_what_does_not_fit_its_field_is_kept_under_extra(fields: dict[str, Any], extra: dict[str, Any]) -> None:
    line = line_of({**fields})
    assert line["extra"] == extra
    assert line.get("execution_time_ms") is None


def test_an_unknown_status_is_a_failure_that_says_so() -> None:
    line = line_of({"status": "ok"})
    assert (line["status"], line["error_code"], line["extra"]) == ("failed", "INVALID_STATUS", {"status": "ok"})


def test_an_unknown_kind_is_not_counted_as_a_request() -> None:
    assert line_of({"kind": "cron"})["kind"] == "step"


def test_a_request_with_an_error_and_no_status_is_no_success() -> None:
    assert line_of({"error_code": "X"})["status"] == "failed"
    assert line_of({})["status"] == "success"


def test_a_time_without_zone_is_local_time_as_in_python() -> None:
    naive = datetime(2026, 3, 2, 9, 15)  # noqa: DTZ001 - what users write
    assert datetime.fromisoformat(line_of({"timestamp": naive})["timestamp"]) == naive.astimezone()


def test_a_value_changed_after_the_call_is_written_as_it_was(logs: Any) -> None:
    tokens, sources, fields = {"input": 1}, [{"document": "a"}], {"n": [1]}
    burnline.record(tokens_used=tokens, sources=sources, deep=fields)
    tokens["input"], sources[0]["document"] = 2, "b"
    fields["n"].append(2)
    line = logs.lines()[0]
    assert (line["tokens_used"], line["sources"], line["extra"]) == (
        {"input": 1},
        [{"document": "a"}],
        {"deep": {"n": [1]}},
    )


@given(st.lists(records, max_size=20))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_recording_never_raises_and_loses_nothing(logs: Any, many: list[dict[str, Any]]) -> None:
    before = len(logs.lines())
    for fields in many:
        burnline.record(**fields)
    assert len(logs.lines()) == before + len(many)


def test_every_field_has_a_place_in_the_line() -> None:
    assert list(FIELDS)[:6] == ["kind", "request_id", "timestamp", "execution_time_ms", "status", "agent_id"]
