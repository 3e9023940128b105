"""Weekly and monthly reports when they are due, made beside the checker: a month of rows keeps no rule waiting."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerting.ledger import enter, sent_dates
from alerting.reports.figures import build_report
from alerting.reports.letter import letter
from alerting.reports.period import period_of
from alerting.schedule import due
from alerting.state import read_meta, to_text
from core.selection import Reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from alerting.reports.period import Kind
    from alerting.schedule import Due
    from alerting.state import StateFile
    from core.selection import RequestSource
    from core.settings import Settings

log = logging.getLogger("burnline.alerting")

TOO_LATE_AFTER = timedelta(days=3)
AGAIN = timedelta(minutes=5)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Owed:
    """A report that is due, and the channels that have not had it."""

    kind: Kind
    due: Due
    at: str
    channels: tuple[str, ...]


class Scheduled:
    """Makes what is owed, one at a time, in a thread that ends with it."""

    def __init__(self, source: RequestSource, state: Path) -> None:
        self._source, self._path = source, state
        self._thread: threading.Thread | None = None
        self._again: datetime | None = None
        self._fault = ""

    def look(self, state: StateFile, settings: Settings, now: datetime) -> str:
        """Begin the report that is due, if one is; returns what was wrong with the last one, "" when nothing was."""
        waits = self._again is not None and now < self._again
        if waits or (self._thread is not None and self._thread.is_alive()):
            return self._fault
        found = next(iter(owed(state, settings, now)), None)
        if found is not None:
            self._thread = threading.Thread(
                target=self._make, args=(state, settings, found, now), name="report", daemon=True
            )
            self._thread.start()
        return self._fault

    def wait(self, seconds: float) -> None:
        """Let a report that is being made be finished."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _make(self, state: StateFile, settings: Settings, found: Owed, now: datetime) -> None:
        period = period_of(found.kind, found.due.on).before
        if not isinstance(self._source, Reader):
            self._fault = "Reports need a store to read from."
            return
        try:
            report = build_report(self._source, settings, self._path, period, now)
            late = found.due.reason == "late"
            message = letter(report, settings, late_at=found.at if late else "")
            with state.transaction() as db:
                for channel in found.channels:
                    enter(db, found.due.on, channel, message, now, late=late, kind=found.kind)
        except Exception as error:
            log.exception("The report could not be made; it is tried again")
            self._again = now + AGAIN
            self._fault = f"The report of {period.name} could not be made ({type(error).__name__}); tried again."
        else:
            self._again, self._fault = None, ""


def owed(state: StateFile, settings: Settings, now: datetime) -> list[Owed]:
    """The reports that are due now, the week's before the month's."""
    found: list[Owed] = []
    written: tuple[tuple[Kind, str], ...] = (("week", settings.reports.weekly), ("month", settings.reports.monthly))
    for kind, when in written:
        if not when:
            continue
        day, _, at = when.partition(" ")
        with state.transaction() as db:
            since = datetime.fromisoformat(read_meta(db, "first_tick") or to_text(now))
            channels = settings.reports.channels or tuple(settings.channels)
            looked = {
                name: due(
                    now,
                    settings.zone,
                    at,
                    sent_dates(db, name, kind),
                    since,
                    on=_days(kind, day),
                    too_late=TOO_LATE_AFTER,
                )
                for name in channels
            }
        waiting = tuple(name for name, one in looked.items() if one.now)
        if waiting:
            found.append(Owed(kind, looked[waiting[0]], at, waiting))
    return found


def _days(kind: Kind, day: str) -> Callable[[date], bool]:
    """The days it is sent on."""
    if kind == "week":
        return lambda one: WEEKDAYS[one.weekday()] == day
    return lambda one: one.day == int(day)
