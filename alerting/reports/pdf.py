"""A report as PDF, by Typst: offline, set in a font that comes along, so that Vietnamese is right everywhere.

The document reaches the template as JSON: a name from a log is a string there, never a command.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE = Path(__file__).with_name("report.typ")


def pdf(document: Mapping[str, Any]) -> bytes:
    """The PDF of `Document.tree()`: the same bytes for the same document; UsageError where Typst is not installed."""
    try:
        import typst  # noqa: PLC0415 - an extra: the page and the table do without
    except ImportError:
        raise UsageError(
            "a PDF needs the extra `reports` (the package typst): install it, or print what --html writes"
        ) from None
    inputs = {"document": json.dumps(document, ensure_ascii=False)}
    made = typst.compile(TEMPLATE.read_bytes(), format="pdf", sys_inputs=inputs, ignore_system_fonts=True)
    if not isinstance(made, bytes):
        raise TypeError("a PDF is one file")
    return made
