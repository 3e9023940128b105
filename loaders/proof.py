"""Thousands of lines at once: DuckDB parses, one condition proves that a line means what `loaders.validate` would say.

A line that the condition does not prove is not refused; it is only not taken here, and goes through Python one by one.
So the condition may be narrow, but it must never be wrong (tests/loaders/test_fast_path.py compares the two).

The proof, for one line of JSON:

- it ends in `}` without a comma before it, and DuckDB can read its keys (null when it is not JSON);
- as many keys as columns with a value were found, so none is unknown, doubled or null (lines with nulls are checked
  key by key); keys that a sample of the chunk does not show are not looked for, so a line that has one is not proven;
- numbers and booleans are read as JSON text: a quoted number keeps its quotes there and does not pass;
- the line has exactly the quotation marks that its keys and its text values need, so no number, boolean, array or
  object stands where text belongs: each of those has two fewer, none can have more;
- nested objects and arrays stand in the line exactly as DuckDB writes them, so no comma trails in them.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache

from core.record import COLUMNS, KINDS, LINE_KEYS, STATUSES
from loaders.validate import NOT_NEGATIVE

MOST_OTHERS = 32
"""Keys outside version 1 read here at most; a line with further ones is not proven."""


def _names(*types: str) -> tuple[str, ...]:
    return tuple(c.name for c in COLUMNS if c.type in types and c.path is None and c.name != "extra")


_TEXTS, _NUMBERS, _BOOLEANS = _names("VARCHAR"), _names("DOUBLE"), _names("BOOLEAN")
_NESTED = ("eval_score", "sources", "extra")
_ALWAYS = {"kind", "request_id", "timestamp", "execution_time_ms", "status", "agent_id"}
_MEMBERS = {"v", *_TEXTS, "timestamp", *_NUMBERS, *_BOOLEANS, "tokens_used", "feedback", *_NESTED}

_TIME = (
    r"(?:19[7-9]|20[0-9]|21[0-9])[0-9]-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_PLAIN = r'"[^"\\]*"'
_DIGITS = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?"
_SCORE = f"{_PLAIN}:{_DIGITS}"
_FREE = f"{_PLAIN}:(?:{_PLAIN}|{_DIGITS}|true|false|null)"
_SCALAR = rf'"(?:[^"\\]|\\.)*"|{_DIGITS}|true|false'
_SIMPLE = re.compile(r"[A-Za-z_@][A-Za-z0-9_.@-]{0,63}")
_SOURCE = rf'\{{"document":{_PLAIN}(?:,"page":(?:[0-9]{{1,15}}|{_PLAIN}))?\}}'
_PATTERNS = {
    "eval_score": rf"\{{{_SCORE}(?:,{_SCORE})*\}}",
    "extra": rf"\{{{_FREE}(?:,{_FREE})*\}}",
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


def _structure(members: list[str], others: dict[str, str]) -> str:
    types: dict[str, object] = dict.fromkeys((*members, *others), "JSON")
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


def _proof(members: list[str], others: dict[str, str]) -> str:
    texts = [name for name in _TEXTS if name in members]
    nested = [*(name for name in _NESTED if name in members), *others.values()]
    found = f"{_count(texts)} + {_count([*(name for name in members if name not in texts), *others.values()])}"
    names = "[" + ", ".join(f"'{name}'" for name in (*members, *others)) + "]"
    by_name = f"len(list_distinct(json_keys(json))) = keys AND list_has_all({names}, json_keys(json))"
    quoted = " OR ".join(f"contains({name}, '\"')" for name in texts)
    inside = " + ".join(f"coalesce({_quotes(name)}, 0)" for name in texts)
    needed = [f"2 * keys + 2 * ({_count(texts)}) + 2", f"CASE WHEN {quoted} THEN {inside} ELSE 0 END"]
    needed += [f"coalesce({_quotes(f'{name}::VARCHAR')}, 0)" for name in nested]
    needed += ["4 * (tokens_used IS NOT NULL)::INTEGER"] if "tokens_used" in members else []
    request = f"request_id <> '' AND agent_id <> '' AND status IN {_words(STATUSES)} AND execution_time_ms IS NOT NULL"
    always = [
        f"CASE keys = {found} WHEN true THEN true WHEN false THEN {by_name} END",
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
        "eval_score": _as_written("eval_score") + _own_keys("eval_score"),
        "extra": _as_written("extra") + _own_keys("extra"),
        "sources": _as_written("sources"),
    }
    for name in others.values():
        by_column[name] = f"regexp_full_match({name}::VARCHAR, '{_SCALAR}')" + (
            " AND extra IS NULL" if "extra" in members else ""
        )
    where_set = [
        f"CASE WHEN {name} IS NULL THEN true ELSE {by_column[name]} END"
        for name in (*members, *others.values())
        if name in by_column
    ]
    return "\n  AND ".join(f"coalesce({condition}, false)" for condition in (*always, *where_set))


def _as_written(name: str) -> str:
    text = f"{name}::VARCHAR"
    return f"""regexp_full_match({text}, '{_PATTERNS[name]}') AND contains(json, concat('"{name}":', {text}))"""


def _own_keys(name: str) -> str:
    """No key of it stands twice, and it cannot be mistaken for the tokens_used looked for in the line."""
    keys = f"json_keys({name})"
    return f""" AND len(list_distinct({keys})) = len({keys}) AND NOT contains({name}::VARCHAR, '"input"')"""


def _value(name: str, members: list[str], others: dict[str, str]) -> str:
    if name == "kind":
        return "coalesce(kind, 'request')"
    if name == "extra" and others:
        pairs = ", ".join(f"""'"{key}":' || {column}::VARCHAR""" for key, column in others.items())
        own = "extra" if "extra" in members else "NULL"
        given = " IS NOT NULL OR ".join(others.values())
        return f"CASE WHEN {given} IS NOT NULL THEN concat('{{', concat_ws(',', {pairs}), '}}') ELSE {own} END"
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
def insert_statement(keys: frozenset[str], renamed: frozenset[str] = frozenset()) -> str:
    """Inserts the proven lines of the registered table `incoming` (see fast.Lines.table) as rows of $generation.

    `keys` are those looked for in the lines; `renamed` are keys the format does not keep under their own name.
    """
    members = sorted(keys & _MEMBERS | _ALWAYS)
    others = _others(keys - LINE_KEYS - renamed)
    parts = [f"t['{key}'] AS {column}" for key, column in (*zip(members, members, strict=True), *others.items())]
    return f"""
INSERT INTO records
SELECT $generation, line, {", ".join(_value(c.name, members, others) for c in COLUMNS)}
FROM (
    -- random() keeps the optimizer from moving the condition below the parsing, which would parse every line twice
    SELECT *, ({_proof(members, others)}) AND random() >= 0 AS proven
    FROM (
        SELECT *, {", ".join(_typed(members))}
        FROM (
            SELECT line, json, quotes, keys, {", ".join(parts)}
            FROM (
                SELECT *, json_transform(CASE WHEN keys IS NOT NULL THEN json END, '{_structure(members, others)}') AS t
                FROM (SELECT *, TRY(len(json_keys(json))) AS keys FROM incoming)
            )
        )
    )
)
WHERE proven
"""


def _others(keys: frozenset[str]) -> dict[str, str]:
    """Keys outside version 1 and the columns they are read into, by name; struct fields do not tell A from a."""
    taken = {name.lower() for name in _MEMBERS}
    simple = []
    for key in sorted(keys):
        if _SIMPLE.fullmatch(key) and key.lower() not in taken:
            taken.add(key.lower())
            simple.append(key)
    return {key: f"other_{place}" for place, key in enumerate(simple[:MOST_OTHERS])}
