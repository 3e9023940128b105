"""What part of the requests is looked through: kept in the URL beside the filters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.rows import Rows
from pages.shared import address
from pages.shared.data import MOST_PAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

VIEWS: dict[str, Rows] = {
    "all": Rows(),
    "timeouts": Rows("timeout"),
    "failed": Rows("failed"),
    "near": Rows("near", order="slowest"),
    "slowest": Rows("success", order="slowest"),
}
"""The saved views, by their name in the URL."""

DEFAULT_VIEW = "all"
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class View:
    """A saved view, the text searched for, and the page (from 1)."""

    name: str = DEFAULT_VIEW
    text: str = ""
    page: int = 1

    @property
    def rows(self) -> Rows:
        """The rows of it."""
        return replace(VIEWS[self.name], text=self.text)


def read(params: Mapping[str, str]) -> View:
    """The view a query string asks for; what cannot be understood is the default."""
    name, text, page = params.get("view", ""), params.get("q", "").strip(), params.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 1
    return View(
        name if name in VIEWS else DEFAULT_VIEW,
        text if len(text) <= _LONGEST and text.isprintable() else "",
        min(max(number, 1), MOST_PAGES),
    )


def write(view: View) -> None:
    """Put the view into the URL; what is the default is left out."""
    wanted = {"view": view.name, "q": view.text, "page": str(view.page)}
    usual = {"view": DEFAULT_VIEW, "q": "", "page": "1"}
    address.change({name: value if value != usual[name] else None for name, value in wanted.items()})
