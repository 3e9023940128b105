"""A report as one HTML file: opens anywhere, asks the network for nothing, runs nothing, in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.colours import INK_ON_DARK, INK_ON_LIGHT, OVER, PAPER, QUICK
from metrics.sentence import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.text import Language

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["printable"] = printable


def html(documents: Mapping[Language, Mapping[str, Any]], first: Language) -> str:
    """The page of `Document.tree()`, by language. All text is escaped; only our own drawings are markup."""
    colours = {"paper": PAPER, "ink": {"light": INK_ON_LIGHT, "dark": INK_ON_DARK}, "bad": OVER, "good": QUICK}
    return _TEMPLATES.get_template("report.html").render(documents=documents, first=first, colours=colours)
