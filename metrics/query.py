"""A question as text, the same for command and URL: `last_requests=1000`, `since=24h`, `day=2026-11-23`, ..."""

from __future__ import annotations

import difflib
from datetime import date
from typing import TYPE_CHECKING

from core.errors import UsageError
from core.selection import FILTERS, Selection
from core.timespan import TimeSpan, local_day, parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

DEFAULT_LAST = 1000
PARAMETERS = ("last_requests", "since", "day", *FILTERS)


def selection_from(params: Mapping[str, str], now: datetime, zone: ZoneInfo, others: tuple[str, ...] = ()) -> Selection:
    """The selection these parameters ask for: the last 1,000 requests when neither a number nor a time is given.

    A day is a local day of `zone`, as in the digest. A filter that nothing matches is a fair question; its answer is
    0 requests. UsageError names what is allowed: these, and the `others` the question has.
    """
    for name in params:
        if name not in PARAMETERS:
            allowed = (*PARAMETERS, *others)
            near = difflib.get_close_matches(name, allowed, 1, 0.5)
            hint = f'; did you mean "{near[0]}"?' if near else "."
            raise UsageError(f'no parameter "{name}"{hint} Allowed: {", ".join(allowed)}')
    for name in FILTERS:
        if params.get(name) == "":
            raise UsageError(f"{name} is empty; give a value, or leave it out for all")
    if "since" in params and "day" in params:
        raise UsageError("since and day both say when; give one of them")
    span = _since(params["since"], now) if "since" in params else None
    span = _day(params["day"], zone) if "day" in params else span
    last = _last(params["last_requests"]) if "last_requests" in params else None
    if span is None and last is None:
        last = DEFAULT_LAST
    return Selection(span, last, **{name: params[name] for name in FILTERS if name in params})


def _last(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < len(text) < 16 and int(text) > 0:
        return int(text)
    raise UsageError(f'last_requests: "{text}" is not a number of requests; write a whole number from 1 on')


def _since(text: str, now: datetime) -> TimeSpan:
    try:
        length = parse_duration(text)
        span = TimeSpan.last(length, now)
    except ValueError as error:
        raise UsageError(f"since: {error}") from None
    except OverflowError:
        raise UsageError(f'since: "{text}" reaches back before the first year of the calendar') from None
    if not length:
        raise UsageError(f'since: "{text}" is no time at all; write 15m, 24h or 7d')
    return span


def _day(text: str, zone: ZoneInfo) -> TimeSpan:
    try:
        return local_day(date.fromisoformat(text), zone)
    except (ValueError, OverflowError):
        raise UsageError(f'day: "{text}" is not a date; write 2026-11-23') from None
