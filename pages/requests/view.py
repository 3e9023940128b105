"""What part of the requests is looked through: kept in the URL beside the filters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.rows import Rows
from metrics.heatmap import bands
from pages.shared import address
from pages.shared.data import MOST_PAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

VIEWS: dict[str, Rows] = {
    "all": Rows(),
    "bad": Rows("bad"),
    "timeouts": Rows("timeout"),
    "failed": Rows("failed"),
    "near": Rows("near", order="slowest"),
    "slowest": Rows("success", order="slowest"),
}
"""The saved views, by their name in the URL."""

DEFAULT_VIEW = "all"
_LONGEST, _LONGEST_BAND = 300, 20


@dataclass(frozen=True, slots=True)
class View:
    """A saved view or a band of the heatmap, by its label; the text searched for; and the page (from 1)."""

    name: str = DEFAULT_VIEW
    text: str = ""
    page: int = 1
    band: str = ""

    def rows(self, limit_ms: float) -> Rows:
        """The rows of it; a band stands in place of the saved view."""
        band = next((band for band in bands(limit_ms) if band.label == self.band), None)
        if band is None:
            return replace(VIEWS[self.name], text=self.text)
        if band.high_ms is None:
            return Rows("timeout", self.text, order="slowest")
        return Rows(text=self.text, took=(band.low_ms, band.high_ms), order="slowest")


def read(params: Mapping[str, str]) -> View:
    """The view a query string asks for; what cannot be understood is the default."""
    name, text, page = params.get("view", ""), params.get("q", "").strip(), params.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 1
    return View(
        name if name in VIEWS else DEFAULT_VIEW,
        text if len(text) <= _LONGEST and text.isprintable() else "",
        min(max(number, 1), MOST_PAGES),
        params.get("band", "")[:_LONGEST_BAND],
    )


def write(view: View) -> None:
    """Put the view into the URL; what is the default is left out."""
    wanted = {"view": view.name, "q": view.text, "page": str(view.page), "band": view.band}
    usual = {"view": DEFAULT_VIEW, "q": "", "page": "1", "band": ""}
    address.change({name: value if value != usual[name] else None for name, value in wanted.items()})
