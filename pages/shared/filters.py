"""Which requests the page is about. The URL is the truth: every view can be sent, restored and edited by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from core.errors import UsageError
from core.selection import FILTERS, Selection
from core.timespan import TimeSpan
from metrics.query import BEGINNING, FIRST_YEAR, LAST_YEAR, moment_from
from pages.shared import address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

LAST = 1000
DEFAULT_RANGE = "last"
RANGES: dict[str, timedelta | None] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    DEFAULT_RANGE: None,
}
"""What the range switch offers, by its name in the URL; None is the last 1,000 requests."""

_LONGEST = 300
"""Characters of a filter value taken from a URL; longer ones are nobody's agent."""


Compare = Literal["before", "week"]
COMPARES: tuple[Compare, ...] = ("before", "week")
"""What a period is compared with: the one just before, or itself a week ago."""
CUSTOM = "custom"
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader chose: a range, or a start and an end of one's own, and at most one value for each filter."""

    range: str = DEFAULT_RANGE
    agent: str | None = None
    operation: str | None = None
    model: str | None = None
    environment: str | None = None
    user: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    compare: Compare = "before"

    @property
    def filters(self) -> dict[str, str]:
        """The filters in force, by name."""
        return {name: value for name in FILTERS if (value := getattr(self, name)) is not None}

    @property
    def custom(self) -> bool:
        """Whether start and end stand in place of the range."""
        return self.start is not None or self.end is not None

    def selection(self, now: datetime) -> Selection:
        """The requests meant, at `now`."""
        length = RANGES[self.range]
        span = TimeSpan.last(length, now) if length else None
        if self.custom:
            start = self.start or BEGINNING
            span = TimeSpan(start, max(start, min(self.end or now, now)))
        return Selection(span, None if span else LAST, **self.filters)

    def earlier(self, selection: Selection, found: TimeSpan) -> Selection:
        """What `selection`, whose requests lie in `found`, is compared with.

        As many requests, or as much time, just before the first of them; or the same time a week ago.
        """
        if self.compare == "week":
            return selection.over(TimeSpan(found.start - _WEEK, found.end - _WEEK))
        if selection.last is not None:
            return selection.before(found.start)
        return selection.over(TimeSpan(found.start - found.length, found.start))

    def without_filters(self) -> Choice:
        """The same range for all requests."""
        return replace(self, agent=None, operation=None, model=None, environment=None, user=None)

    def over_last(self) -> Choice:
        """The last 1,000 of the same requests, however old."""
        return replace(self, range=DEFAULT_RANGE, start=None, end=None)

    def between(self, start: datetime | None, end: datetime | None) -> Choice:
        """The same requests over a time of one's own."""
        return replace(self, start=start, end=end)

    def of_agent(self, name: str) -> Choice:
        """The same question about one agent."""
        return self.of("agent", name)

    def of(self, filter_name: str, value: str) -> Choice:
        """The same question with one filter more."""
        return replace(self, **{filter_name: value})  # type: ignore[arg-type] # a filter's name, and its value


def read(params: Mapping[str, str]) -> tuple[Choice, tuple[tuple[str, str], ...]]:
    """The choice a query string makes, and its (name, value) pairs that could not be understood."""
    wanted = {name: params[name] for name in NAMES if params.get(name, "").strip()}
    found: dict[str, Any] = {}
    bad = []
    for name, value in wanted.items():
        try:
            found[name] = _READ.get(name, _filter)(name, value)
        except UsageError:
            bad.append((name, value))
    start, end = found.get("start"), found.get("end")
    if start is not None and end is not None and end <= start:
        bad += [(name, wanted[name]) for name in ("start", "end")]
        del found["start"], found["end"]
    return Choice(**found), tuple(bad)


def params_of(choice: Choice) -> dict[str, str | None]:
    """The parameters that say this choice, None for those to be left out: what is the default."""
    shown: dict[str, str | None] = {name: getattr(choice, name) for name in FILTERS}
    shown |= {name: moment.isoformat() if (moment := getattr(choice, name)) else None for name in ("start", "end")}
    shown["range"] = None if choice.custom or choice.range == DEFAULT_RANGE else choice.range
    shown["compare"] = None if choice.compare == "before" else choice.compare
    return shown


def query_of(choice: Choice, params: Mapping[str, str], /, **more: str) -> dict[str, str]:
    """The query string of another page for this choice, in the language of `params`; `more` is what that page knows."""
    said = {name: value for name, value in params_of(choice).items() if value is not None}
    return {name: params[name] for name in ("lang",) if name in params} | said | more


def write(choice: Choice) -> None:
    """Put the choice into the URL; other parameters stay."""
    address.change(params_of(choice))


def _filter(name: str, value: str) -> str:
    if len(value) > _LONGEST or not value.isprintable():
        raise UsageError(f"{name} is not a value any log would have")
    return value


def _among(names: Collection[str]) -> Callable[[str, str], str]:
    def known(name: str, value: str) -> str:
        if value not in names:
            raise UsageError(f"{name} is one of {', '.join(names)}")
        return value

    return known


def _moment(name: str, value: str) -> datetime:
    found = moment_from(name, value)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise UsageError(f"{name} is too far away")
    return found


_READ: Mapping[str, Callable[[str, str], Any]] = {
    "range": _among(RANGES),
    "compare": _among(COMPARES),
    "start": _moment,
    "end": _moment,
}
NAMES = ("range", "start", "end", "compare", *FILTERS)
"""Every parameter of a choice."""
