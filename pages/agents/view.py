"""By what the requests are told apart: kept in the URL beside the filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.selection import FILTER_COLUMNS
from pages.shared import address, filters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pages.shared.filters import Choice

BY = ("agent", "operation", "model")


def offered(choice: Choice) -> tuple[str, ...]:
    """What can be told apart: one agent's requests by all but the agent."""
    return BY[1:] if choice.agent is not None else BY


def read(params: Mapping[str, str], choice: Choice) -> str:
    """The wanted one of those offered; what cannot be understood is the first."""
    wanted, can = params.get("by", ""), offered(choice)
    return wanted if wanted in can else can[0]


def write(by: str) -> None:
    """Put it into the URL."""
    address.change({"by": by})


def column(by: str) -> str:
    """The field of a request that says it."""
    return FILTER_COLUMNS[by]


def everyone(params: Mapping[str, str]) -> dict[str, str]:
    """The query string of the page for all agents."""
    return {name: value for name, value in params.items() if name != "agent"}


def rows_of(params: Mapping[str, str], by: str, group: str) -> dict[str, str]:
    """The query string of the Requests page for the timeouts of a group."""
    return filters.query_of(filters.read(params)[0].of(by, group), params, view="timeouts")


def without_by(params: Mapping[str, str]) -> dict[str, str]:
    """The query string without what this page alone understands."""
    return {name: value for name, value in params.items() if name != "by"}
