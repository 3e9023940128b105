"""Thousands of lines at once: DuckDB parses, one condition proves that a line means what `loaders.validate` would say.

A line that the condition does not prove is not refused; it is only not taken here, and goes through Python one by one.
So the condition may be narrow, but it must never be wrong (tests/loaders/test_fast_path.py compares the two).

The proof, for one line of JSON:

- it ends in `}` without a comma before it, and DuckDB can read its keys (null when it is not JSON);
- as many keys as columns with a value were found, so none is unknown, doubled or null (lines with nulls are checked
  key by key); columns that a sample of the chunk does not show are left out, so a line that has one is not proven;
- numbers and booleans are read as JSON text: a quoted number keeps its quotes there and does not pass;
- the line has exactly the quotation marks that its keys and its text values need, so no number, boolean, array or
  object stands where text belongs: each of those has two fewer, none can have more;
- nested objects and arrays stand in the line exactly as DuckDB writes them, so no comma trails in them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from core.record import COLUMNS, KINDS, STATUSES
from loaders.validate import NOT_NEGATIVE

BATCH = 8192
"""Lines per record batch: what one thread takes at a time."""

SAMPLE = 500
"""Lines looked at to see which columns a chunk has."""

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

    def columns(self) -> frozenset[str]:
        """Keys of version 1 that a sample of the lines shows."""
        seen: set[str] = set()
        for i in range(0, len(self.starts), max(1, len(self.starts) // SAMPLE)):
            try:
                seen |= json.loads(self.data[self.starts[i] : self.ends[i]]).keys() & _MEMBERS
            except (ValueError, AttributeError, RecursionError):
                continue  # not this function's to judge
        return frozenset(seen)


def _names(*types: str) -> tuple[str, ...]:
    return tuple(c.name for c in COLUMNS if c.type in types and c.path is None and c.name != "extra")


_TEXTS, _NUMBERS, _BOOLEANS = _names("VARCHAR"), _names("DOUBLE"), _names("BOOLEAN")
_NESTED = ("eval_score", "sources")
_ALWAYS = {"kind", "request_id", "timestamp", "execution_time_ms", "status", "agent_id"}
_MEMBERS = {"v", *_TEXTS, "timestamp", *_NUMBERS, *_BOOLEANS, "tokens_used", "feedback", *_NESTED}

_TIME = (
    r"(?:19[7-9]|20[0-9]|21[0-9])[0-9]-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_SCORE = r'"[^"\\]*":-?[0-9]{1,15}(?:\.[0-9]{1,15})?'
_SOURCE = r'\{"document":"[^"\\]*"(?:,"page":(?:[0-9]{1,15}|"[^"\\]*"))?\}'
_PATTERNS = {
    "eval_score": rf"\{{{_SCORE}(?:,{_SCORE})*\}}",
    "sources": rf"\[(?:{_SOURCE}(?:,{_SOURCE})*)?\]",
}
_TOKENS = (
    """CASE WHEN contains(json, concat('{"input":', tokens_input, ',"output":', tokens_output, '}')) THEN true """
    """ELSE contains(json, concat('{"input": ', tokens_input, ', "output": ', tokens_output, '}')) END"""
)


def _words(words: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"


def _count(names: list[str]) -> str:
    return " + ".join(f"({name} IS NOT NULL)::UTINYINT" for name in names)


def _quotes(text: str) -> str:
    return f"strlen({text}) - strlen(replace({text}, '\"', ''))"


def _structure(members: list[str]) -> str:
    types: dict[str, object] = dict.fromkeys(members, "JSON")
    types |= {name: "VARCHAR" for name in members if name in (*_TEXTS, "timestamp")}
    if "tokens_used" in members:
        types["tokens_used"] = {"input": "BIGINT", "output": "BIGINT"}
    return json.dumps(types)


def _typed(members: list[str]) -> list[str]:
    """Columns of another type than they were read in, under the name `<column>_`."""
    made = ["TRY_CAST(timestamp AS TIMESTAMPTZ) AS timestamp_"]
    made += [f"TRY_CAST({name}::VARCHAR AS DOUBLE) AS {name}_" for name in _NUMBERS if name in members]
    if "tokens_used" in members:
        made += ["tokens_used.input AS tokens_input", "tokens_used.output AS tokens_output"]
    return made


def _proof(members: list[str]) -> str:
    texts = [name for name in _TEXTS if name in members]
    nested = [name for name in _NESTED if name in members]
    others = [name for name in members if name not in texts]
    names = "[" + ", ".join(f"'{name}'" for name in members) + "]"
    by_name = f"len(list_distinct(json_keys(json))) = keys AND list_has_all({names}, json_keys(json))"
    quoted = " OR ".join(f"contains({name}, '\"')" for name in texts)
    inside = " + ".join(f"coalesce({_quotes(name)}, 0)" for name in texts)
    needed = [f"2 * keys + 2 * ({_count(texts)}) + 2", f"CASE WHEN {quoted} THEN {inside} ELSE 0 END"]
    needed += [f"coalesce({_quotes(f'{name}::VARCHAR')}, 0)" for name in nested]
    needed += ["4 * (tokens_used IS NOT NULL)::INTEGER"] if "tokens_used" in members else []
    request = f"request_id <> '' AND agent_id <> '' AND status IN {_words(STATUSES)} AND execution_time_ms IS NOT NULL"
    always = [
        f"CASE keys = {_count(texts)} + {_count(others)} WHEN true THEN true WHEN false THEN {by_name} END",
        f"quotes = ({' + '.join(needed)}) % 256",
        r"NOT contains(json, '\u0022')",
        f"timestamp_ IS NOT NULL AND regexp_full_match(timestamp, '{_TIME}')",
        f"CASE WHEN kind IS NULL OR kind = 'request' THEN {request} ELSE kind IN {_words(KINDS)} END",
    ]
    by_column = {
        "v": "v::VARCHAR = '1'",
        "feedback": "feedback::VARCHAR IN ('-1', '0', '1')",
        **{name: f"{name}::VARCHAR IN ('true', 'false')" for name in _BOOLEANS},
        **{name: f"isfinite({name}_) AND {name}_ >= 0" for name in NOT_NEGATIVE},
        "confidence": "isfinite(confidence_)",
        "sample_rate": "sample_rate_ > 0 AND sample_rate_ <= 1",
        # canonical digits in the line itself: no fraction, no quotes, no other member, no trailing comma
        "tokens_used": f"tokens_input >= 0 AND tokens_output >= 0 AND {_TOKENS}",
        "eval_score": _as_written("eval_score")
        + " AND len(list_distinct(json_keys(eval_score))) = len(json_keys(eval_score))"
        """ AND NOT contains(eval_score::VARCHAR, '"input"')""",  # that is where tokens_used is looked for
        "sources": _as_written("sources"),
    }
    where_set = [
        f"CASE WHEN {name} IS NULL THEN true ELSE {by_column[name]} END" for name in members if name in by_column
    ]
    return "\n  AND ".join(f"coalesce({condition}, false)" for condition in (*always, *where_set))


def _as_written(name: str) -> str:
    return f"regexp_full_match({name}::VARCHAR, '{_PATTERNS[name]}') AND contains(json, {name}::VARCHAR)"


def _value(name: str, members: list[str]) -> str:
    if name == "kind":
        return "coalesce(kind, 'request')"
    if name in ("tokens_input", "tokens_output"):
        return name if "tokens_used" in members else "NULL"
    if name not in members:
        return "NULL"
    if name in _BOOLEANS:
        return f"{name}::VARCHAR = 'true'"
    if name == "feedback":
        return "TRY_CAST(feedback::VARCHAR AS BIGINT)"
    return f"{name}_" if name in (*_NUMBERS, "timestamp") else name


@lru_cache(maxsize=64)
def insert_statement(columns: frozenset[str]) -> str:
    """Inserts the proven lines of the registered table `incoming` (see Lines.table) as rows of $generation."""
    members = sorted(columns | _ALWAYS)
    return f"""
INSERT INTO records
SELECT $generation, line, {", ".join(_value(c.name, members) for c in COLUMNS)}
FROM (
    -- random() keeps the optimizer from moving the condition below the parsing, which would parse every line twice
    SELECT *, ({_proof(members)}) AND random() >= 0 AS proven
    FROM (
        SELECT *, {", ".join(_typed(members))}
        FROM (
            SELECT *, unnest(json_transform(CASE WHEN keys IS NOT NULL THEN json END, '{_structure(members)}'))
            FROM (SELECT *, TRY(len(json_keys(json))) AS keys FROM incoming)
        )
    )
)
WHERE proven
"""
