"""One line of bytes -> one JSON object, or the reason why not. Strict: what parsers read in two ways is refused."""

from __future__ import annotations

import json
import math
from typing import Any

from loaders.refusal import Refused

MAX_DEPTH = 64
_BOM = b"\xef\xbb\xbf"


def is_blank(line: bytes) -> bool:
    """Whether nothing is on the line: spaces, a lone carriage return, or the hole a truncating writer leaves."""
    return not line.strip(b" \t\r\n\0")


def decode(line: bytes) -> dict[str, Any]:
    """The JSON object on this line; Refused says why there is none.

    A byte order mark, a carriage return before the newline and a leading run of NUL bytes (a sparse hole) are skipped.
    """
    body = line.strip(b" \t\r\n").lstrip(b"\0").removeprefix(_BOM)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("invalid_utf8", f"byte {error.start} of the line is not UTF-8: {error.reason}") from None
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise Refused("trailing_garbage", f"more text after the JSON value, at character {error.pos + 1}") from None
        raise Refused("invalid_json", f"{error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise Refused("too_deep", f"nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:  # a whole number of more than 4,300 digits
        raise Refused("out_of_range", str(error).partition(";")[0]) from None
    if not isinstance(value, dict):
        raise Refused("not_an_object", f"a record is a JSON object, this is {name_of(value)}")
    if "\\ud" in text or "\\uD" in text or text.count("{") + text.count("[") > MAX_DEPTH:
        _check(value, 1)
    return value


def name_of(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (int, float)):
        return "a number"
    return "an array" if isinstance(value, list) else "an object"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Refused(
            "duplicate_key", f'the key "{shown(twice)}" stands twice; which one is meant is not ours to guess'
        )
    return made


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Refused("non_finite", f"{shown(text)} is too large to be a number (more than 1.8e308)")
    return value


def _constant(name: str) -> float:
    raise Refused("non_finite", f"{name} is not a JSON number; write null")


def _check(value: Any, depth: int) -> None:
    """Refuse what Python's parser lets through: unpaired surrogates, and nesting without end."""
    if isinstance(value, str):
        if not value.isascii():
            try:
                value.encode("utf-8")
            except UnicodeEncodeError:
                raise Refused("invalid_utf8", "an unpaired surrogate escape (\\ud800 to \\udfff) is not text") from None
    elif isinstance(value, (dict, list)):
        if depth > MAX_DEPTH:
            raise Refused("too_deep", f"nested deeper than {MAX_DEPTH} levels")
        for inner in value:
            _check(inner, depth + 1)
            if isinstance(value, dict):
                _check(value[inner], depth + 1)


def shown(text: object) -> str:
    """A piece of a hostile line, short, printable and on one line, for a detail."""
    piece = str(text)
    piece = piece if len(piece) <= 60 else piece[:57] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in piece)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)
