"""The pages' words in the reader's language, and how text is put on a page without being read as markup."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.text import LANGUAGES, NARROW, Language, catalogue, number, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.settings import Settings
    from metrics.sentence import Part

TEXTS = tuple(sorted(Path(__file__).parents[1].rglob("texts.yaml")))
"""Each page keeps its own words beside it; no key stands in two of them."""
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=])")


@cache
def _catalogue_of(key: str) -> Path:
    return next((path for path in TEXTS if key in catalogue(path)), TEXTS[0])


def t(key: str, language: Language, /, **values: object) -> str:
    """The pages' sentence `key`; KeyError for one nobody wrote."""
    return say(_catalogue_of(key), key, language, **values)


def choose_language(wanted: str | None, settings: Settings, browser: str | None) -> Language:
    """The URL's language, else the one the team set, else the browser's, else English."""
    if wanted is not None and wanted in LANGUAGES:
        return wanted
    if "language" in settings.model_fields_set:
        return settings.language
    return "vi" if (browser or "").lower().startswith("vi") else "en"


def plain(text: str) -> str:
    """Our own words as Markdown that reads exactly as written."""
    return _MARKUP.sub(r"\\\1", text)


def markdown(parts: Iterable[Part]) -> str:
    """A sentence as Markdown: our own words as text, what comes from logs as code."""
    return "".join(code(part.text) if part.quoted else plain(part.text) for part in parts)


def code(text: str) -> str:
    """Text from a log as an inline code span: nothing in it is markup, and it stays on its line."""
    flat = " ".join(text.split()) or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", flat)), default=0) + 1)
    return f"{fence} {flat} {fence}" if "`" in (flat[0], flat[-1]) else f"{fence}{flat}{fence}"


def round_seconds(milliseconds: float, language: Language) -> str:
    """8 s, 0.3 s: a limit as people say it, without a nought nobody set."""
    digits = 0 if milliseconds % 1000 == 0 else 1 if milliseconds % 100 == 0 else 3
    return number(milliseconds / 1000, language, digits) + NARROW + "s"


def band_words(label: str) -> str:
    """A band of the heatmap as people read it: "5-8" is 5–8 s."""
    return label.replace("-", "\N{EN DASH}").replace("<", "< ").replace(">", "> ") + NARROW + "s"
