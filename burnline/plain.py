"""Any Python value as plain JSON: a copy that later changes cannot reach, bounded in depth, width and length.

No `repr` and no `str` of unknown objects: theirs is code that may raise, hang or return a gigabyte. An object of an
unknown type becomes its type's name in angle brackets.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from numbers import Integral, Real

MAX_DEPTH = 16
MAX_NODES = 1_000
MAX_TEXT = 65_536
"""Characters a text keeps; what was cut is said at its end."""
_SHOWN = {("decimal", "Decimal"), ("uuid", "UUID"), ("datetime", "time"), ("datetime", "timedelta")}
"""Types, by module and name so that they need not be imported, whose `str` is short, quick and harmless."""
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]


def text(value: str) -> str:
    """The text as UTF-8 can carry it: at most MAX_TEXT characters, lone surrogates replaced."""
    value = str.__str__(value)  # a subclass may have a __str__ of its own
    if len(value) > MAX_TEXT:
        value = f"{value[: MAX_TEXT - 40]}… (cut, {len(value)} characters)"
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return value


def number(value: object) -> int | float | None:
    """The value as a finite number that 64 bits hold, or None. A bool is no number."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, int):
            whole = int.__int__(value)
        elif isinstance(value, float):
            real = float.__float__(value)
            return real if math.isfinite(real) else None
        elif isinstance(value, Integral):
            whole = int(value)
        elif isinstance(value, Real) or _name(value) == ("decimal", "Decimal"):
            real = float(value)  # type: ignore[arg-type] # a Decimal, or a foreign Real
            return real if math.isfinite(real) else None
        else:
            return None
    except Exception:  # noqa: BLE001 - foreign number classes may raise anything
        return None
    return whole if MIN_INTEGER <= whole <= MAX_INTEGER else None


def plain(value: object) -> Plain:
    """A deep JSON copy of any value; never raises. Beyond MAX_DEPTH and MAX_NODES it says "…"."""
    return _plain(value, MAX_DEPTH, [MAX_NODES])


def _plain(value: object, depth: int, left: list[int]) -> Plain:
    left[0] -= 1
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value)
    try:
        if isinstance(value, Enum):
            return _plain(value.value, depth - 1, left) if depth else "…"
        found = number(value)
        if found is not None:
            return found
        if isinstance(value, Mapping):
            return _mapping(value, depth - 1, left) if depth else "…"
        if isinstance(value, list | tuple | set | frozenset | deque):
            return _sequence(value, depth - 1, left) if depth else "…"
        return _leaf(value)
    except Exception:  # noqa: BLE001 - foreign classes may raise anything
        return f"<{type(value).__name__}>"


def _mapping(value: Mapping[object, object], depth: int, left: list[int]) -> Plain:
    out: dict[str, Plain] = {}
    for key, item in value.items():
        if left[0] <= 0:
            out["…"] = "…"
            break
        put(out, _key(key), _plain(item, depth, left))
    return out


def _sequence(
    value: list[object] | tuple[object, ...] | set[object] | frozenset[object] | deque[object],
    depth: int,
    left: list[int],
) -> Plain:
    out: list[Plain] = []
    for item in value:
        if left[0] <= 0:
            out.append("…")
            break
        out.append(_plain(item, depth, left))
    return out


def put(out: dict[str, Plain], key: str, value: Plain) -> None:
    """Set a key; one that is taken gets "_" behind it, so that nothing is overwritten."""
    while key in out:
        key += "_"
    out[key] = value


def _key(key: object) -> str:
    if isinstance(key, str):
        return text(key)
    found = _plain(key, 1, [1])
    if isinstance(found, str):
        return found
    return "null" if found is None else str(found).lower() if isinstance(found, bool) else str(found)


def _leaf(value: object) -> str:
    """Types whose text is known to be short, quick and harmless."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case os.PathLike():
            return text(os.fsdecode(value))
        case float():
            return float.__repr__(value)
        case int():
            return str(value) if value.bit_length() <= 4_096 else f"<integer of {value.bit_length()} bits>"
        case bytes() | bytearray():
            return text(bytes(value[: MAX_TEXT + 1]).decode("utf-8", "backslashreplace"))
        case BaseException():
            return text(f"{type(value).__name__}: {value}")
        case _ if _name(value) in _SHOWN:
            return text(str(value))
        case _:
            return f"<{type(value).__name__}>"


def _name(value: object) -> tuple[str, str]:
    return type(value).__module__, type(value).__qualname__
