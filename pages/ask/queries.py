"""The questions offered to begin with, and the one the address holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["line", "bar", "point"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Shown = Literal["table", "chart"]
SHOWN: tuple[Shown, ...] = get_args(Shown)


@dataclass(frozen=True, slots=True)
class Chart:
    """Which column is drawn over which, and how; an empty name is the first that will do."""

    x: str = ""
    y: str = ""
    kind: Kind = "line"


@dataclass(frozen=True, slots=True)
class Query:
    """A question with its name ("" for one of the reader's own) and the chart it makes."""

    name: str
    sql: str
    chart: Chart = Chart()


@cache
def queries() -> Mapping[str, Query]:
    """The questions offered, by name."""
    tree = yaml.safe_load(Path(__file__).with_name("queries.yaml").read_text("utf-8"))
    return {name: Query(name, found["sql"].strip(), Chart(**found["chart"])) for name, found in tree.items()}


@dataclass(frozen=True, slots=True)
class View:
    """What the address asks for: a question, and whether its answer is shown as rows or drawn."""

    query: Query
    shown: Shown
    chart: Chart


def read(params: Mapping[str, str]) -> View:
    """The view of a query string; without a question it is the first one offered."""
    sql = params.get("sql", "").strip()
    offered = list(queries().values())
    query = next((one for one in offered if one.sql == sql), Query("", sql)) if sql else offered[0]
    shown: Shown = "chart" if params.get("show") == "chart" else "table"
    kind = next((kind for kind in KINDS if kind == params.get("kind")), query.chart.kind)
    return View(query, shown, Chart(params.get("x") or query.chart.x, params.get("y") or query.chart.y, kind))
