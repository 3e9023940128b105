"""A report in words, without a word of HTML or of a PDF: both are made of this, so they cannot differ.

Everything is text as shown, and some of it quotes logs: whoever prints it shows it as text only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.text import say

if TYPE_CHECKING:
    from core.text import Language

TEXTS = Path(__file__).with_name("texts.yaml")

Tone = Literal["good", "bad", "plain"]


@dataclass(frozen=True, slots=True)
class Number:
    """One of the six: `value` as shown, what became of it, and how sure it is."""

    name: str
    label: str
    value: str
    change: str
    note: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do and who is to do it."""

    text: str
    owner: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under `columns`; `numbers` are the places of those that are read as numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart as SVG: with the colours of the page around it, and with its own."""

    page: str
    printed: str


@dataclass(frozen=True, slots=True)
class Part:
    """A chapter: paragraphs, then tables."""

    name: str
    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A report in one language: the first page (`headline` to `trend`), then `parts`.

    `left` is the share of the error budget that is left, from 0 to 1, None when nothing is known.
    """

    language: Language
    title: str
    subtitle: str
    note: str
    headline: str
    reason: str
    numbers: tuple[Number, ...]
    budget: str
    budget_end: str
    left: float | None
    moved: tuple[str, ...]
    tasks: tuple[Task, ...]
    trend: Drawing
    parts: tuple[Part, ...]
    footer: str
    labels: dict[str, str]

    def tree(self) -> dict[str, Any]:
        """As plain JSON types, in which it crosses processes and reaches the templates."""
        return asdict(self)


def words(key: str, language: Language, /, **values: object) -> str:
    """A sentence of the report."""
    return say(TEXTS, key, language, **values)
