"""Which incident is told, and which rule is tried at which limit: kept in the URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alerting.rules import labels_of
from core.selection import FILTERS
from pages.shared import address, filters
from pages.shared.filters import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from alerting.archive import Story
    from alerting.rules import Rule

_INCIDENT, _RULE, _LIMIT = (
    re.compile(pattern) for pattern in (r"[\w-]{1,64}", r"[a-z][a-z0-9_]{1,63}", r"[\d.]{1,12}[%a-zA-Z/]{0,4}")
)


@dataclass(frozen=True, slots=True)
class View:
    """An incident by its ID, a rule by its name, a limit as it is written in a rule; "" for none."""

    incident: str = ""
    rule: str = ""
    limit: str = ""


def read(params: Mapping[str, str]) -> View:
    """The view a query string asks for; what nobody can have written is left out."""

    def one(name: str, pattern: re.Pattern[str]) -> str:
        text = params.get(name, "")
        return text if pattern.fullmatch(text) else ""

    return View(one("incident", _INCIDENT), one("rule", _RULE), one("limit", _LIMIT))


def show_incident(name: str) -> None:
    """Tell the story of this one."""
    address.change({"incident": name})


def show_all() -> None:
    """Back to all of them."""
    address.change({"incident": None})


def try_rule(name: str) -> None:
    """Take this rule into the lab, at its own limit."""
    address.change({"rule": name, "limit": None})


def try_limit(limit: str) -> None:
    """Try another limit."""
    address.change({"limit": limit})


def around(one: Story, known: Mapping[str, Rule], now: datetime, params: Mapping[str, str]) -> dict[str, str]:
    """The query string of another page for the requests and the time of an incident."""
    choice = Choice(start=one.since, end=one.ended_at or now)
    for name, labels in (labels_of(episode.rule) for episode in one.episodes[:1]):
        told = {**(known[name].requests.filters if name in known else {}), **dict(labels)}
        for label, value in told.items():
            if label in FILTERS and value is not None:
                choice = choice.of(label, value)
    return filters.query_of(choice, params)
