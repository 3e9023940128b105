"""What is looked into, and along what: kept in the URL beside the filters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metrics.why import DIMENSIONS, MEASURES
from pages.shared import address, filters

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from core.timespan import TimeSpan
    from metrics.why import Measure
    from metrics.why_answer import Why

ALONG = (*DIMENSIONS, "error_code")
"""What a change is taken apart along."""

VIEWS: Mapping[Measure, str] = {"timeout": "timeouts", "error": "failed", "near": "near"}
"""The view of the Requests page that shows the requests of a measure."""

SEARCHED = ("agent", "operation", "model", "environment")
"""Dimensions that are filters, too."""


@dataclass(frozen=True, slots=True)
class View:
    """A measure and a dimension; None is for the page to choose."""

    measure: Measure | None = None
    along: str | None = None


def read(params: Mapping[str, str]) -> View:
    """The view a query string asks for; what cannot be understood is for the page to choose."""
    measure = next((name for name in MEASURES if name == params.get("measure")), None)
    along = params.get("along")
    return View(measure, along if along in ALONG else None)


def write(**changed: str) -> None:
    """Put a part of the view into the URL."""
    address.change(changed)


def about(found: Why, view: View) -> Why:
    """The same answer, speaking of the measure the reader chose."""
    return replace(found, asked=view.measure) if view.measure else found


def along(found: Why, view: View, logged: Collection[str]) -> str:
    """The dimension chosen, else that of the first cause, else the first one the logs have."""
    wanted = [view.along or "", *(cause.where[0][0] for cause in found.answer.causes[:1]), *logged]
    return next((name for name in wanted if name in logged), ALONG[0])


def rows_of(params: Mapping[str, str], measure: Measure, where: Mapping[str, str]) -> dict[str, str]:
    """The query string of the Requests page for the requests of a measure, narrowed to `where` as far as it can be."""
    choice, _ = filters.read(params)
    for name in where.keys() & set(SEARCHED):
        choice = choice.of(name, where[name])
    search = {"q": where["error_code"]} if "error_code" in where else {}
    return filters.query_of(choice, params, view=VIEWS[measure], **search)


def window_of(params: Mapping[str, str], measure: Measure, window: TimeSpan) -> dict[str, str]:
    """The same for a time of one's own."""
    choice, _ = filters.read(params)
    return filters.query_of(choice.between(window.start, window.end), params, view=VIEWS[measure])
