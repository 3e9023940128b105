"""A selection as the condition and the parameters of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.record import EXCLUDED_STATUSES
from core.selection import FILTER_COLUMNS
from core.timespan import micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.record import Kind
    from core.selection import Selection

SPAN = '"timestamp" >= make_timestamptz($start::BIGINT) AND "timestamp" < make_timestamptz($end::BIGINT)'
VALID = f"status NOT IN {EXCLUDED_STATUSES}"
NEWEST_FIRST = '"timestamp" DESC, generation DESC, line DESC, span_id DESC'


def where(selection: Selection, kinds: Sequence[Kind] = ("request",)) -> tuple[str, dict[str, Any]]:
    """The condition for records of these kinds in the selection's span that its filters let through."""
    wanted = ", ".join(f"'{kind}'" for kind in kinds)
    conditions, params = [f"kind IN ({wanted})"], dict[str, Any]()
    if selection.span is not None:
        conditions.append(SPAN)
        params |= {"start": micros(selection.span.start), "end": micros(selection.span.end)}
    for name, value in selection.filters.items():
        conditions.append(f"{FILTER_COLUMNS[name]} = ${name}")
        params[name] = value
    return " AND ".join(conditions), params
