"""Which rows of a selection a reader wants to look through, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

RowKind = Literal["all", "bad", "timeout", "failed", "near", "success"]
RowOrder = Literal["newest", "slowest"]
ROW_KINDS: tuple[RowKind, ...] = get_args(RowKind)
ROW_ORDERS: tuple[RowOrder, ...] = get_args(RowOrder)


@dataclass(frozen=True, slots=True)
class Rows:
    """Requests of one class that hold `text`, if it is not empty.

    `bad` are timeouts and failures, `near` the successes close to the limit.

    The text is an id (request, trace, session or user, whole, or the beginning of a request id) or a part of the error
    code or message, in any case. `took` keeps those that were not cut and took from the first to below the second
    number of milliseconds; a band that ends at the limit holds the limit, which is still good. Of equal rows the one
    further down in the files comes first.
    """

    kind: RowKind = "all"
    text: str = ""
    took: tuple[float, float] | None = None
    order: RowOrder = "newest"
