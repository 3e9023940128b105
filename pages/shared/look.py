"""Who looks at a chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.text import Language


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks: language, time zone (its name), light or dark."""

    language: Language
    zone: str
    dark: bool
