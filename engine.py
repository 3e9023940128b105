"""The composition root: settings, store, watcher, checker and, with nothing else to show, the sample."""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alerting.checker import Checker
from alerting.rules import compile_rules
from core import services
from core.dashboard import owner_file
from core.errors import StoreCorrupt, StoreLocked, StoreUnusable
from core.places import Places
from core.settings_file import SettingsFile
from core.timespan import utc_now
from loaders.scan import shown
from loaders.store import Store
from loaders.upkeep import Upkeep
from loaders.watch import Watcher
from sample_logs.generate import generate
from sample_logs.trickle import Trickle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.selection import Reader
    from core.services import WorkerHealth
    from core.settings import Settings
    from core.timespan import Clock

SECONDS_TO_FINISH = 3.0
"""What pages that were reading the sample when it ended have to finish."""

log = logging.getLogger("burnline")


@dataclass(frozen=True, slots=True)
class Running:
    """What runs now. Exchanged whole when the sample ends, so that nobody mixes its numbers with the user's."""

    store: Store
    watcher: Watcher
    checker: Checker
    upkeep: Upkeep
    state: Path
    demo: bool


class Engine:
    """Everything that runs behind the pages, from `start` to `close`. Implements `core.services.Services`."""

    def __init__(self, places: Places, *, url: str = "", clock: Clock = utc_now) -> None:
        self.places, self.url, self.clock = places, url, clock
        self._file = SettingsFile(
            places.config,
            places.state.with_name("burnline.last-good.yaml"),
            lambda settings: compile_rules(settings).problems,
        )
        self._notes: list[str] = []
        self._parts, self._note_beside_the_store = ExitStack(), ExitStack()
        self._closing = threading.Event()
        self._sample: threading.Thread | None = None

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._file.current()

    @property
    def reader(self) -> Reader:
        """The store, to read from."""
        return self.running.store

    @property
    def state(self) -> Path:
        """The file with the alert states."""
        return self.running.state

    @property
    def demo(self) -> bool:
        """Whether the data shown is the sample."""
        return self.running.demo

    def start(self) -> None:
        """Open the store and start the workers; raises StoreLocked when another process holds it."""
        try:
            if wants_sample(self.places):
                self._start_sample(_sample_places(self.places))
            else:
                self._parts = self._run(self.places, demo=False)
            self._note_beside_the_store.enter_context(_owner_file(self.places.store, self.url, self.settings))
        except BaseException:
            self.close()
            raise
        services.publish(self)

    def _run(self, places: Places, *, demo: bool) -> ExitStack:
        """Store, watcher and checker over these places; closing the stack stops them in reverse order."""
        with ExitStack() as parts:
            store = self._open(places.store)
            parts.callback(store.close)
            watcher = Watcher(store, places.inbox, clock=self.clock)
            checker = Checker(
                store,
                settings=lambda: self.settings,
                state=places.state,
                freshness=store.freshness,
                clock=self.clock,
            )
            upkeep = Upkeep(store, behind=lambda: bool(watcher.lag(self.clock())), clock=self.clock)
            for worker in (watcher, checker, upkeep):
                parts.callback(worker.stop)
                worker.start()
            self.running = Running(store, watcher, checker, upkeep, places.state, demo)
            return parts.pop_all()
        raise AssertionError("an ExitStack of ours swallows nothing")

    def _open(self, path: Path) -> Store:
        try:
            return Store.open(path, clock=self.clock)
        except StoreCorrupt as error:
            aside = path.with_name(f"{path.name}.corrupt-{self.clock():%Y%m%dT%H%M%S}")
            for suffix in ("", ".wal"):
                if (found := path.with_name(path.name + suffix)).exists():
                    found.rename(aside.with_name(aside.name + suffix))
            self._note(
                f"The store could not be read and was set aside as {aside.name}. It is rebuilt from the files in the "
                f"inbox; rows whose files are gone are missing. What was found: {error}"
            )
            return Store.open(path, clock=self.clock)

    def _start_sample(self, places: Places) -> None:
        """Show the sample, written anew so that it ends now, until the first file of the user's arrives."""
        if places.store.exists():
            with suppress(StoreUnusable):  # an old sample that cannot be read is thrown away like any other
                Store.open(places.store, clock=self.clock).close()  # StoreLocked: another Burnline shows its sample
        shutil.rmtree(places.store.parent, ignore_errors=True)
        places.inbox.mkdir(parents=True)
        self._parts = self._run(places, demo=True)
        self._sample = threading.Thread(target=self._live_sample, args=(places,), name="sample", daemon=True)
        self._sample.start()

    def _live_sample(self, places: Places) -> None:
        try:
            generate(places.store.parent, days=7, seed=1, end=self.clock())
            with _running(Trickle(places.inbox, seed=1)):
                while not self._closing.wait(1.0) and not self._leave_sample():
                    pass
        except Exception:
            log.exception("The sample data stopped; your own logs are not affected.")
            self._note("The sample data could not be written; the terminal says why. Your own logs are not affected.")

    def _leave_sample(self) -> bool:
        """Whether the first file of the user's arrived: then their data is shown from here on."""
        if wants_sample(self.places):
            return False
        sample = self._parts
        try:
            self._parts = self._run(self.places, demo=False)
        except StoreLocked:
            return False  # a command is storing their first lines; look again when it is done
        self._closing.wait(SECONDS_TO_FINISH)
        sample.close()
        return True

    def close(self) -> None:
        """Stop the workers, commit, close the store. Safe to call twice."""
        self._closing.set()
        services.publish(None)
        if self._sample:
            self._sample.join(10)
        self._parts.close()
        self._note_beside_the_store.close()

    def health(self) -> Sequence[WorkerHealth]:
        """The state of every background worker."""
        running = self.running
        return (running.watcher.health(), running.checker.health(), running.upkeep.health())

    def notes(self) -> Sequence[str]:
        """What is wrong and still being run with."""
        running = self.running
        problem = (self._file.problem,) if self._file.problem else ()
        unread = (f"{shown(Path(path))}: {note}" for path, note in running.store.failed())
        return (*problem, *self._notes, *running.watcher.notes(), *unread, *running.checker.notes())

    def _note(self, text: str) -> None:
        log.warning("%s", text)
        self._notes.append(text)


def wants_sample(places: Places) -> bool:
    """Whether there is nothing of the user's to show: no settings, no store, no file in the inbox."""
    return not places.config.exists() and not places.store.exists() and not _has_files(places.inbox)


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(entry.is_file() and entry.name[0] != "." for entry in folder.rglob("*"))


def _sample_places(places: Places) -> Places:
    """The sample lives beside the store, in a folder that is ours to empty."""
    folder = places.store.parent / "demo"
    return Places(places.config, folder / "logs", folder / "burnline.duckdb", folder / "state.sqlite", places.port)


@contextmanager
def _running(trickle: Trickle) -> Iterator[None]:
    trickle.start()
    try:
        yield
    finally:
        trickle.stop()


@contextmanager
def _owner_file(store: Path, url: str, settings: Settings) -> Iterator[None]:
    """Where commands find the process that holds the store."""
    path = owner_file(store)
    path.parent.mkdir(parents=True, exist_ok=True)
    note = {"pid": os.getpid(), "url": url, "token_env": settings.access.token_env}
    path.write_text(json.dumps(note), "utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
