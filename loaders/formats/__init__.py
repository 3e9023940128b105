"""One file per log format: a decoded line in, records in the words of version 1 out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loaders.decode import decode, is_blank
from loaders.formats import flat, otlp, v1
from loaders.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

Records = "Callable[[dict[str, Any]], list[dict[str, Any]]]"

FORMATS: dict[str, Callable[[dict[str, Any]], list[dict[str, Any]]]] = {
    "v1": v1.records,
    "flat": flat.records,
    "otlp": otlp.records,
}
"""How each format turns one decoded line into records; Refused when the line is none."""


def detect(first_lines: bytes) -> str:
    """The format of a file that begins with these bytes; "v1" when nothing says otherwise.

    The first line that one format claims decides; a cut last line is ignored.
    """
    for line in first_lines.split(b"\n"):
        if is_blank(line):
            continue
        try:
            found = decode(line)
        except Refused:
            continue
        for name, module in (("otlp", otlp), ("v1", v1), ("flat", flat)):
            if module.claims(found):
                return name
    return "v1"
