"""Thousands of lines at once: DuckDB parses, one condition proves that a line means what `loaders.validate` would say.

A line that the condition does not prove is not refused; it is only not taken here, and goes through Python one by one.
So the condition may be narrow, but it must never be wrong (tests/loaders/test_fast_path.py compares the two).

The proof, for one line of JSON:

- it ends in `}` without a comma before it, and DuckDB finds it valid;
- as many keys as columns with a value were found, so none is unknown, doubled or null (lines with nulls are checked
  key by key);
- numbers and booleans are read as JSON text: a quoted number keeps its quotes there and does not pass;
- the line has exactly the quotation marks that its keys and its text values need, so no number, boolean, array or
  object stands where text belongs: each of those has two fewer, none can have more;
- nested objects and arrays stand in the line exactly as DuckDB writes them, so no comma trails in them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from core.record import COLUMNS, KINDS, STATUSES
from loaders.validate import NOT_NEGATIVE

BATCH = 8192
"""Lines per record batch: what one thread takes at a time."""

_LF, _CR, _SPACE, _QUOTE, _COMMA, _CLOSE = b'\n\r ",}'


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a chunk without a copy: line i is data[starts[i]:ends[i]], `ends` is where its newline stands."""

    data: bytes
    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, data: bytes) -> Lines:
        """The lines of `data`, which ends with a newline."""
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _LF)
        starts = np.empty_like(ends)
        starts[0], starts[1:] = 0, ends[:-1] + 1
        return cls(data, starts, ends)

    def table(self, first_line: int) -> pa.Table:
        """Candidates for the fast path: line (number), json (text), quotes (how many, modulo 256)."""
        bytes_ = np.frombuffer(self.data, np.uint8)
        quotes = np.add.reduceat((bytes_ == _QUOTE).view(np.uint8), self.starts, dtype=np.uint8)
        last = self.ends - 1
        last -= bytes_[last] == _CR
        before = np.take(bytes_, last - 1, mode="wrap")
        closed = (bytes_[last] == _CLOSE) & (before != _COMMA) & (before > _SPACE)
        offsets = pa.py_buffer(np.append(self.starts, len(self.data)).astype(np.int32))
        text = pa.Array.from_buffers(pa.string(), len(self.starts), [None, offsets, pa.py_buffer(self.data)])
        numbers = np.arange(first_line, first_line + len(self.starts))
        table = pa.table({"line": numbers, "json": text, "quotes": quotes})
        if not closed.all():
            table = table.filter(pa.array(closed))
        return pa.Table.from_batches(table.to_batches(max_chunksize=BATCH), table.schema)


def _columns(*types: str) -> list[str]:
    return [c.name for c in COLUMNS if c.type in types and c.path is None and c.name != "extra"]


TEXTS = _columns("VARCHAR")
NUMBERS = _columns("DOUBLE")
BOOLEANS = _columns("BOOLEAN")
_MEMBERS = ["v", *TEXTS, "timestamp", *NUMBERS, *BOOLEANS, "tokens_used", "eval_score", "feedback", "sources"]
_STRUCTURE = (
    "{"
    + ",".join(f'"{name}":"{"VARCHAR" if name in (*TEXTS, "timestamp") else "JSON"}"' for name in _MEMBERS).replace(
        '"tokens_used":"JSON"', '"tokens_used":{"input":"JSON","output":"JSON"}'
    )
    + "}"
)

_TIME = (
    r"(?:19[7-9]|20[0-9]|21[0-9])[0-9]-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_SCORE = r'"[^"\\]*":-?[0-9]{1,15}(?:\.[0-9]{1,15})?'
_SCORES = rf"\{{{_SCORE}(?:,{_SCORE})*\}}"
_SOURCE = r'\{"document":"[^"\\]*"(?:,"page":(?:[0-9]{1,15}|"[^"\\]*"))?\}'
_SOURCES = rf"\[(?:{_SOURCE}(?:,{_SOURCE})*)?\]"


def _words(words: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"


def _number(name: str) -> str:
    return f"TRY_CAST({name}::VARCHAR AS DOUBLE)"


def _unless_null(name: str, condition: str) -> str:
    return f"CASE WHEN {name} IS NULL THEN true ELSE {condition} END"


def _quotes(text: str) -> str:
    return f"CASE WHEN contains({text}, '\"') THEN strlen({text}) - strlen(replace({text}, '\"', '')) ELSE 0 END"


def _needed_quotes() -> str:
    texts = [f"CASE WHEN {name} IS NULL THEN 0 ELSE 2 + {_quotes(name)} END" for name in TEXTS]
    nested = [
        f"CASE WHEN {name} IS NULL THEN 0 ELSE {_quotes(f'{name}::VARCHAR')} END" for name in ("eval_score", "sources")
    ]
    return " + ".join(["2 * keys", "2", "CASE WHEN tokens_used IS NULL THEN 0 ELSE 4 END", *texts, *nested])


def _proof() -> str:
    present = " + ".join(f"({name} IS NOT NULL)::INTEGER" for name in _MEMBERS)
    known = "[" + ", ".join(f"'{name}'" for name in _MEMBERS) + "]"
    by_name = f"len(list_distinct(json_keys(json))) = keys AND list_has_all({known}, json_keys(json))"
    tokens_in, tokens_out = "tokens_used.input::VARCHAR", "tokens_used.output::VARCHAR"
    tokens = " OR ".join(
        f"contains(json, concat('{before}', {tokens_in}, '{between}', {tokens_out}, '}}'))"
        for before, between in (
            ('"tokens_used":{"input":', ',"output":'),
            ('"tokens_used": {"input": ', ', "output": '),
        )
    )
    whole = " AND ".join(
        f"coalesce(TRY_CAST({text} AS BIGINT) >= 0 AND TRY_CAST({text} AS BIGINT)::VARCHAR = {text}, false)"
        for text in (tokens_in, tokens_out)
    )
    request = f"request_id <> '' AND agent_id <> '' AND status IN {_words(STATUSES)} AND execution_time_ms IS NOT NULL"
    conditions = [
        f"CASE WHEN keys = {present} THEN true ELSE {by_name} END",
        f"quotes = ({_needed_quotes()}) % 256",
        r"NOT contains(json, '\u0022')",
        f"regexp_full_match(timestamp, '{_TIME}') AND TRY_CAST(timestamp AS TIMESTAMPTZ) IS NOT NULL",
        f"CASE WHEN kind IS NULL OR kind = 'request' THEN {request} ELSE kind IN {_words(KINDS)} END",
        _unless_null("v", "v::VARCHAR = '1'"),
        _unless_null("feedback", "feedback::VARCHAR IN ('-1', '0', '1')"),
        *(_unless_null(name, f"{name}::VARCHAR IN ('true', 'false')") for name in BOOLEANS),
        *(
            _unless_null(name, f"isfinite({_number(name)}) AND {_number(name)} >= 0")
            for name in NUMBERS
            if name in NOT_NEGATIVE
        ),
        _unless_null("confidence", f"isfinite({_number('confidence')})"),
        _unless_null("sample_rate", f"{_number('sample_rate')} > 0 AND {_number('sample_rate')} <= 1"),
        _unless_null("tokens_used", f"({tokens}) AND {whole}"),
        _unless_null(
            "eval_score",
            f"regexp_full_match(eval_score::VARCHAR, '{_SCORES}') AND contains(json, eval_score::VARCHAR) "
            "AND len(list_distinct(json_keys(eval_score))) = len(json_keys(eval_score))",
        ),
        _unless_null(
            "sources",
            f"regexp_full_match(sources::VARCHAR, '{_SOURCES}') AND contains(json, sources::VARCHAR) "
            "AND NOT contains(sources::VARCHAR, 'tokens_used')",
        ),
    ]
    return "\n  AND ".join(f"coalesce({condition}, false)" for condition in conditions)


def _value(name: str, kind: str, path: tuple[str, str] | None) -> str:
    if name == "kind":
        return "coalesce(kind, 'request')"
    if name == "extra":
        return "NULL"
    if path:
        return f"TRY_CAST({path[0]}.{path[1]}::VARCHAR AS BIGINT)"
    if kind == "DOUBLE":
        return _number(name)
    if kind in ("BIGINT", "TIMESTAMPTZ"):
        return f"TRY_CAST({name}::VARCHAR AS {kind})"
    return f"{name}::VARCHAR = 'true'" if kind == "BOOLEAN" else name


INSERT = f"""
INSERT INTO records
SELECT $generation, line, {", ".join(_value(c.name, c.type, c.path) for c in COLUMNS)}
FROM (
    -- random() keeps the optimizer from moving the condition below the parsing, which would parse every line twice
    SELECT *, ({_proof()}) AND random() >= 0 AS proven
    FROM (
        SELECT line, json, quotes, unnest(json_transform(json, '{_STRUCTURE}')), len(json_keys(json)) AS keys
        FROM incoming WHERE json_valid(json)
    )
)
WHERE proven
"""
"""Inserts the proven lines of the registered table `incoming` (see Lines.table) as rows of $generation."""
