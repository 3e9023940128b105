"""The checker: evaluates the rules and delivers messages in two threads, day and night, browser or not."""

from __future__ import annotations

import logging
import sqlite3
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from alerting.changes import note_rules
from alerting.channels import missing_secrets
from alerting.digest import build_digest
from alerting.digest_message import digest_message
from alerting.evaluate import Known
from alerting.heartbeat import Heartbeat
from alerting.lease import Holder
from alerting.ledger import enter, past_of, sent_dates
from alerting.look import PAST_AT_ONCE, Kept
from alerting.outbox import stuck
from alerting.reports.scheduled import Scheduled
from alerting.round import Moment, run
from alerting.rules import compile_rules
from alerting.schedule import due
from alerting.sender import Sender
from alerting.state import StateFile, read_meta, to_text, write_meta
from core.errors import StoreCorrupt, StoreUnusable
from core.selection import Freshness
from core.services import WorkerHealth
from core.timespan import local_day

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from alerting.evaluate import Observation
    from alerting.rules import Compiled, Rule
    from core.selection import RequestSource
    from core.settings import Settings
    from core.timespan import Clock

log = logging.getLogger("burnline.alerting")

Result = TypeVar("Result")

LONGEST_NAP = 5.0
"""Seconds between looks into the outbox when nothing is known to be due: a command may have put something in."""
DIGEST_AGAIN = timedelta(minutes=1)
DIGEST_PART = 3.0
"""Seconds each part of a digest may take that it can do without: rules wait for it."""


class Checker:
    """Rules, states, messages and the digest over one source of requests.

    `tick` and `deliver` are the two halves, each called by its own thread after `start`; a test calls them itself.
    Nothing raised in them stops the threads: it is a note, and the health is late.
    """

    def __init__(
        self,
        source: RequestSource,
        settings: Callable[[], Settings],
        state: Path,
        freshness: Callable[[], Freshness],
        clock: Clock,
        *,
        holder: Holder | None = None,
    ) -> None:
        self._source, self._settings, self._path = source, settings, state
        self._freshness, self._clock = freshness, clock
        self._holder = holder or Holder()
        self._state: StateFile | None = None
        self._sender: Sender | None = None
        self._read: tuple[Settings, Compiled] | None = None
        self._in_force: Compiled | None = None
        self._faults: dict[str, str] = {}
        self._kept = Kept(PAST_AT_ONCE)
        self._noted: Sequence[Rule] | None = None
        self._blind: list[str] = []
        self._digest_again: datetime | None = None
        self._reports = Scheduled(source, state)
        self._ours = False
        self._stop, self._wake = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self._beats = {"rules": clock(), "messages": clock()}
        self._heartbeat = Heartbeat()

    def start(self) -> None:
        """Start the threads."""
        for target, name in ((self._watch, "checker"), (self._send, "sender"), (self._pulse, "heartbeat")):
            thread = threading.Thread(target=target, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop both threads and let another checker in; safe to call twice."""
        self._stop.set()
        self._wake.set()
        for thread in self._threads:
            thread.join(10)
        self._reports.wait(10)
        state, self._state, self._sender = self._state, None, None
        if state is None:
            return
        try:
            if self._ours:
                with state.transaction() as db:
                    self._holder.give_up(db)
        except sqlite3.Error:
            log.exception("The checker's lease could not be given back; it runs out by itself")
        state.close()

    def tick(self, now: datetime) -> None:
        """Evaluate every rule once and write down what follows; then the digest, when it is due."""
        settings = self._settings()
        state = self._open()
        with state.transaction() as db:
            other = self._holder.take(db, now)
            first = read_meta(db, "first_tick")
            if not other and first is None:
                write_meta(db, "first_tick", to_text(now))
        if other:
            self._ours = False
            self._faults["lease"] = f"Another checker works on {self._path}: {other}. This one waits."
        else:
            self._begin()
            rules, known = self._rules(settings), Known(kept=self._kept)
            self._note_changes(state, rules, now)
            freshness, blind = self._fresh()
            seen = run(state, Moment(self._source, rules, settings, now, freshness, known, blind))
            self._note_errors(seen)
            self._digest(state, settings, now)
            self._report(state, settings, now)
            self._wake.set()
            if blind:
                return
        self._beats["rules"] = now

    def deliver(self) -> datetime | None:
        """Send every message that is due; returns when the next one is."""
        due_at = self._sender.round() if self._sender and self._ours else None
        now, since = self._clock(), None
        if self._state and self._ours:
            with self._state.transaction() as db:
                since = stuck(db, now)
        if since is None:
            self._faults.pop("stuck", None)
            self._beats["messages"] = now
        else:
            self._fault("stuck", f"No message has been delivered to anybody since {since:%Y-%m-%d %H:%M} UTC.")
        return due_at

    def pulse(self) -> bool:
        """Ask the heartbeat address when it is due and rules and messages keep pace; returns whether it was asked."""
        settings, now = self._settings().alerting.heartbeat, self._clock()
        if settings is None or not self._ours or now - min(self._beats.values()) > self._late_after():
            return False
        asked = self._heartbeat.beat(settings, now)
        if self._heartbeat.problem:
            self._fault("heartbeat", self._heartbeat.problem)
        else:
            self._faults.pop("heartbeat", None)
        return asked

    def health(self) -> WorkerHealth:
        """Alive, and when the slower of the two threads last finished a round."""
        alive = bool(self._threads) and all(thread.is_alive() for thread in self._threads)
        detail = " ".join(tuple(self._faults.values()))
        return WorkerHealth("checker", alive, min(self._beats.values()), self._late_after(), detail)

    def _late_after(self) -> timedelta:
        return max(timedelta(seconds=30), 3 * self._settings().alerting.interval)

    def notes(self) -> Sequence[str]:
        """What is wrong and still being run with: rules, secrets, messages that wait for a person."""
        settings = self._settings()
        compiled = self._compile(settings)
        found = [f"A rule is not used: {problem}" for problem in compiled.problems]
        found += [f"A rule may not do what is meant: {warning}" for warning in compiled.warnings]
        others = [*missing_secrets(settings), *self._undelivered(), *tuple(self._faults.values())]
        return [*found, *self._blind, *others]

    def _open(self) -> StateFile:
        if self._state is None:
            try:
                state = StateFile.open(self._path)
            except StoreCorrupt as error:
                aside = self._path.with_name(f"{self._path.name}.corrupt-{self._clock():%Y%m%dT%H%M%S}")
                for suffix in ("", "-wal", "-shm"):
                    found = self._path.with_name(self._path.name + suffix)
                    if found.exists():
                        found.rename(aside.with_name(aside.name + suffix))
                self._faults["state"] = (
                    f"The alert state could not be read and was set aside as {aside.name}; open incidents and unsent "
                    f"messages are in it. What was found: {error}"
                )
                state = StateFile.open(self._path)
            self._state = state
            self._sender = Sender(state, self._settings, self._clock)
        return self._state

    def _begin(self) -> None:
        """The lease is ours: what an earlier holder was sending is taken back, once."""
        self._faults.pop("lease", None)
        if not self._ours and self._sender:
            self._sender.take_over()
        self._ours = True

    def _compile(self, settings: Settings) -> Compiled:
        read = self._read
        if read is None or read[0] is not settings:
            read = self._read = (settings, compile_rules(settings))
            for problem in read[1].problems:
                log.error("A rule is not used: %s", problem)
        return read[1]

    def _rules(self, settings: Settings) -> Sequence[Rule]:
        """The rules in force; a set with a fault does not replace one without."""
        compiled = self._compile(settings)
        if self._in_force is None or not compiled.problems:
            self._in_force = compiled
        return self._in_force.rules

    def _note_changes(self, state: StateFile, rules: Sequence[Rule], now: datetime) -> None:
        """Write the history of the rules in force, when they are others than at the last tick."""
        if self._noted is rules:
            return
        with state.transaction() as db:
            for change in note_rules(db, rules, now):
                log.info('Rule "%s" %s: %s', change.rule, change.kind, change.after or change.before)
        self._noted = rules

    def _note_errors(self, seen: Sequence[Observation]) -> None:
        """Rules whose numbers could not be computed; they stay as they were."""
        self._blind = [
            f'Rule "{found.rule.name}" sees nothing: {found.detail}.'
            for found in seen
            if found.seen in ("not_evaluable", "no_baseline") and not found.rule.labels
        ]
        errors = [
            f'rule "{found.rule.name}" ({found.detail})'
            for found in seen
            if found.seen == "error" and not found.rule.labels
        ]
        if errors:
            self._fault("evaluation", f"Not evaluated, and held as they were: {'; '.join(errors)}.")
        else:
            self._faults.pop("evaluation", None)

    def _digest(self, state: StateFile, settings: Settings, now: datetime) -> None:
        """Put the digest of every channel that is owed one into the outbox."""
        if not settings.digest.enabled or (self._digest_again and now < self._digest_again):
            return
        with state.transaction() as db:
            first = datetime.fromisoformat(read_meta(db, "first_tick") or to_text(now))
            channels = settings.digest.channels or tuple(settings.channels)
            owed = {name: due(now, settings.zone, settings.digest.at, sent_dates(db, name), first) for name in channels}
        waiting = {name: found for name, found in owed.items() if found.now}
        if not waiting:
            return
        found = next(iter(waiting.values()))
        day, late = found.on - timedelta(days=1), found.reason == "late"
        try:
            with state.transaction() as db:
                past = past_of(db, local_day(day, settings.zone), found.on, settings)
            digest = build_digest(
                self._source, settings, now, self._freshness(), day, past=past, late=late, within=DIGEST_PART
            )
            message = digest_message(digest, settings)
        except Exception as error:
            log.exception("The digest could not be computed; it is tried again")
            self._faults["digest"] = f"The digest of {day} could not be computed ({type(error).__name__}); tried again."
            self._digest_again = now + DIGEST_AGAIN
            return
        self._faults.pop("digest", None)
        with state.transaction() as db:
            for name in waiting:
                enter(db, found.on, name, message, now, late=late)

    def _report(self, state: StateFile, settings: Settings, now: datetime) -> None:
        """Have the report that is owed made beside the rules."""
        if fault := self._reports.look(state, settings, now):
            self._fault("report", fault)
        else:
            self._faults.pop("report", None)

    def _undelivered(self) -> list[str]:
        state = self._state
        if state is None:
            return []
        since = to_text(self._clock() - timedelta(days=1))
        try:
            with state.transaction() as db:
                rows = db.execute(
                    "SELECT channel, state, error, count(*) AS n FROM outbox WHERE created_at >= ? "
                    "AND (state IN ('failed', 'dead') OR (state = 'queued' AND attempts > 0)) GROUP BY 1, 2, 3",
                    (since,),
                ).fetchall()
        except sqlite3.Error as error:
            return [f"The alert state cannot be read: {error}"]
        told = {"failed": "wait until this is put right", "dead": "were given up", "queued": "are tried again"}
        return [
            f'{row["n"]} message(s) to "{row["channel"]}" {told[row["state"]]}: {row["error"] or "no answer"}'
            for row in rows
        ]

    def _watch(self) -> None:
        while not self._stop.is_set():
            self._guard("rules", lambda: self.tick(self._clock()))
            self._stop.wait(self._settings().alerting.interval.total_seconds())

    def _send(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            due_at = self._guard("messages", self.deliver)
            wait = (due_at - self._clock()).total_seconds() if due_at else LONGEST_NAP
            self._wake.wait(min(LONGEST_NAP, max(0.05, wait)))

    def _pulse(self) -> None:
        while not self._stop.wait(LONGEST_NAP):
            self._guard("pulse", self.pulse)

    def _fresh(self) -> tuple[Freshness, str]:
        """How old the data is; when that cannot be read, nothing is known and the second says why."""
        try:
            return self._freshness(), ""
        except Exception as error:
            log.exception("The store cannot be read; every rule is held as it is")
            return Freshness(None, None, 0), f"{type(error).__name__}: {error}"

    def _guard(self, what: str, work: Callable[[], Result]) -> Result | None:
        try:
            result = work()
        except StoreUnusable as error:
            self._fault(what, str(error))
        except Exception as error:
            log.exception("The checker's %s failed; tried again", what)
            self._fault(what, f"The checker's {what} failed ({type(error).__name__}: {error}); tried again.")
        else:
            self._faults.pop(what, None)
            return result
        return None

    def _fault(self, what: str, text: str) -> None:
        if self._faults.get(what) != text:
            log.error("%s", text)
        self._faults[what] = text
