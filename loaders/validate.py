"""One decoded record -> one row of the table, or the reason why not. A field is never quietly made null."""

from __future__ import annotations

import difflib
import json
import math
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.record import COLUMN_NAMES, COLUMNS, KINDS, LINE_KEYS, REQUIRED, STATUSES, VERSION
from core.timespan import micros
from loaders.decode import name_of, shown
from loaders.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Row = tuple[Any, ...]
"""Values in the order of `core.record.COLUMNS`; the timestamp in microseconds since 1970 UTC, JSON as text."""

NOT_NEGATIVE = frozenset(
    {"execution_time_ms", "timeout_ms", "fallback_ms", "tokens_input", "tokens_output", "cost_usd"}
)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,](\d{1,6})\d*)?(?:([Zz])|([+-]\d\d):?(\d\d)?)?", re.ASCII
)
_EPOCH_UNITS = ((1e11, 1_000_000), (1e14, 1000), (1e17, 1))
"""A number below 1e11 counts seconds, below 1e14 milliseconds, below 1e17 microseconds, above that nanoseconds."""


def row(record: Mapping[str, Any]) -> Row:
    """The row of this record (field names as in a version 1 line); Refused when a field is not what it must be."""
    version = record.get("v")
    if version is not None and (version != VERSION or isinstance(version, bool)):
        raise Refused("unsupported_version", f'"v" is {shown(version)}; this Burnline reads version {VERSION}')
    kind = record.get("kind")
    if kind is None:
        kind = "request"
    elif kind not in KINDS:
        raise Refused("unknown_kind", _unknown("kind", kind, KINDS))
    if kind == "request":
        _check_request(record)
    elif record.get("timestamp") is None:
        raise Refused("missing_field", f'a record of kind "{kind}" needs a timestamp')
    values: list[Any] = [None] * len(COLUMNS)
    others = {}
    for name, value in record.items():
        if value is None:
            continue  # null is the same as absent
        if name in _PLACES:
            place, read = _PLACES[name]
            values[place] = read(name, value)
        elif name not in LINE_KEYS:
            others[name] = value
    tokens = _tokens(record)
    for inner, (place, name) in _TOKENS.items():
        if tokens.get(inner) is not None:
            values[place] = _whole(name, tokens[inner])
    if rest := {key: value for key, value in tokens.items() if key not in _TOKENS}:
        others["tokens_used"] = rest
    values[_KIND] = kind
    values[_EXTRA] = _extra(others, record.get("extra"))
    return tuple(values)


def _check_request(record: Mapping[str, Any]) -> None:
    absent = [name for name in REQUIRED if name not in record]
    empty = [name for name in REQUIRED if name in record and record[name] in (None, "") and name != "execution_time_ms"]
    if absent or empty:
        found = [f"{name} is absent" for name in absent] + [f"{name} is empty" for name in empty]
        raise Refused("missing_field", f"a request needs {', '.join(REQUIRED)}; {', '.join(found)}")
    if record["status"] not in STATUSES:
        raise Refused("unknown_status", _unknown("status", record["status"], STATUSES))


def _unknown(field: str, value: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(value).lower()[:40], list(known), 1)
    hint = f'; did you mean "{near[0]}"?' if near else f"; known are {', '.join(known)}"
    return f'{field} is "{shown(value)}"{hint}'


def _tokens(record: Mapping[str, Any]) -> Mapping[str, Any]:
    tokens = record.get("tokens_used")
    if tokens is None:
        return {}
    if not isinstance(tokens, dict):
        raise Refused("bad_type", f'tokens_used must be an object {{"input", "output"}}, found {name_of(tokens)}')
    return tokens


def _extra(others: dict[str, Any], own: Any) -> str | None:
    """Everything no column holds, as one JSON object: the line's own `extra`, then the other keys by name."""
    kept = dict(sorted(others.items()))
    if own is not None:
        nested = not isinstance(own, dict) or not own.keys().isdisjoint(kept)
        kept = {**kept, "extra": own} if nested else {**own, **kept}
    return _dump(kept) if kept else None


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # ids and codes are often written as numbers
    raise Refused("bad_type", f"{name} must be text, found {name_of(value)}")


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        hint = f' "{shown(value)}"; write it without quotes' if isinstance(value, str) else ""
        raise Refused("bad_type", f"{name} must be a number, found {name_of(value)}{hint}")
    try:
        number = float(value)
    except OverflowError:
        raise Refused("non_finite", f"{name} is too large to be a number (more than 1.8e308)") from None
    if not math.isfinite(number):
        raise Refused("non_finite", f"{name} is not a finite number")
    if number < 0 and name in NOT_NEGATIVE:
        raise Refused("negative", f"{name} is {value}; it cannot be below 0")
    if name == "sample_rate" and not 0 < number <= 1:
        raise Refused("bad_sample_rate", f"sample_rate is {value}; it must be above 0 and at most 1")
    return number


def _whole(name: str, value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise Refused("bad_type", f"{name} must be a whole number, found {value}")
    _number(name, value)
    number = int(value)
    low, high = (-1, 1) if name == "feedback" else (-(2**63), 2**63 - 1)
    if not low <= number <= high:
        raise Refused("out_of_range", f"{name} is {shown(value)}; it must be from {low} to {high}")
    return number


def _boolean(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise Refused("bad_type", f"{name} must be true or false, found {name_of(value)}")


def _json(name: str, value: Any) -> str:
    if name == "sources":
        if not isinstance(value, list):
            raise Refused("bad_type", f"sources must be an array, found {name_of(value)}")
    elif not isinstance(value, dict):
        raise Refused("bad_type", f"{name} must be an object, found {name_of(value)}")
    elif any(isinstance(score, bool) or not isinstance(score, (int, float)) for score in value.values()):
        raise Refused("bad_type", f"{name} must hold numbers only, by name")
    return _dump(value)


def _timestamp(name: str, value: Any) -> int:
    """Microseconds since 1970 UTC, from ISO 8601 with a zone or from a number of seconds, ms, us or ns since 1970."""
    if isinstance(value, str):
        return _from_iso(name, value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refused("bad_timestamp", f"{name} must be text like 2026-11-24T02:23:46.179Z, found {name_of(value)}")
    if value < 0:
        raise Refused("bad_timestamp", f"{name} is {shown(value)}, before 1970")
    for below, factor in _EPOCH_UNITS:
        if value < below:
            return round(value * factor)
    micros = int(value) // 1000
    if micros >= 253_402_300_800_000_000:
        raise Refused("bad_timestamp", f"{name} is {shown(value)}, after the year 9999")
    return micros


def _from_iso(name: str, text: str) -> int:
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise Refused("bad_timestamp", f'{name} is "{shown(text)}"; write 2026-11-24T02:23:46.179Z')
    day, clock, fraction, zulu, hours, minutes = match.groups()
    if zulu is None and hours is None:
        raise Refused(
            "timestamp_without_zone",
            f'{name} is "{shown(text)}": in which zone? Write the offset, as in 2026-11-24T02:23:46.179+07:00 or ...Z',
        )
    zone = "+00:00" if zulu else f"{hours}:{minutes or '00'}"
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{zone}")
    except ValueError as error:
        raise Refused("bad_timestamp", f'{name} is "{shown(text)}": {error}') from None
    return micros(moment) + int((fraction or "").ljust(6, "0"))


_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


_READ: dict[str, Callable[[str, Any], Any]] = {
    "VARCHAR": _text,
    "DOUBLE": _number,
    "BIGINT": _whole,
    "BOOLEAN": _boolean,
    "TIMESTAMPTZ": _timestamp,
    "JSON": _json,
}
_KIND, _EXTRA = COLUMN_NAMES.index("kind"), COLUMN_NAMES.index("extra")
_PLACES = {
    column.name: (place, _READ[column.type])
    for place, column in enumerate(COLUMNS)
    if column.path is None and column.name not in ("kind", "extra")
}
"""Where the value of each key goes in a row, and how it is read."""

_TOKENS = {column.path[1]: (place, column.name) for place, column in enumerate(COLUMNS) if column.path}
"""The keys of tokens_used, their places and the names people know them by."""
