"""A question as text, the same for command and URL: `last_requests=1000`, `since=24h`, `day=2026-11-23`, ..."""

from __future__ import annotations

import difflib
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from core.errors import UsageError
from core.selection import FILTERS, Selection
from core.timespan import TimeSpan, local_day, parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

DEFAULT_LAST = 1000
PARAMETERS = ("last_requests", "since", "day", "start", "end", *FILTERS)
BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
"""Where a span without a start begins: before any record."""
FIRST_YEAR, LAST_YEAR = 1970, 9000
"""Of the moment a question is asked about: the periods before and after it still have dates."""


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
    when = [name for name in ("since", "day", "start") if name in params]
    if len(when) > 1:
        raise UsageError(f"{' and '.join(when)} both say when; give one of them")
    span = _since(params["since"], now) if "since" in params else None
    span = _day(params["day"], zone) if "day" in params else span
    if "start" in params or "end" in params:
        if "since" in params or "day" in params:
            raise UsageError(f"{when[0]} says when it ends; leave end out, or give start and end")
        span = _between(params.get("start"), params.get("end"), now)
    last = _last(params["last_requests"]) if "last_requests" in params else None
    if span is None and last is None:
        last = DEFAULT_LAST
    return Selection(span, last, **{name: params[name] for name in FILTERS if name in params})


def moment_from(name: str, text: str) -> datetime:
    """A moment as a parameter writes it: ISO 8601 with offset; UsageError otherwise."""
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))  # a URL's + arrives as a space
    except ValueError:
        raise UsageError(f'{name}: "{text}" is not a time; write 2026-11-24T09:00:00+00:00') from None
    if found.tzinfo is None:
        raise UsageError(f'{name}: "{text}" has no offset; write {found.isoformat()}+00:00 for UTC')
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise UsageError(f'{name}: "{text}" is outside the calendar, which has the years 1 to 9999') from None


def as_of(text: str) -> datetime:
    """The moment `at` names. UsageError also for one so far from all logs that a period before it has no date."""
    moment = moment_from("at", text)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise UsageError(f'at: "{text}" is too far away; give a time in the years {FIRST_YEAR} to {LAST_YEAR}')
    return moment


def _between(start: str | None, end: str | None, now: datetime) -> TimeSpan:
    first = moment_from("start", start) if start is not None else BEGINNING
    last = moment_from("end", end) if end is not None else now
    if last <= first:
        raise UsageError(f"the span ends ({last.isoformat()}) before it starts ({first.isoformat()})")
    return TimeSpan(first, last)


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
