"""`burnline.yaml` while Burnline runs: re-read when it changes, and a bad file never replaces a good one."""

from __future__ import annotations

import logging
import re
import shutil
import threading
from typing import TYPE_CHECKING

from core.errors import Problem, SettingsError
from core.settings import Settings, load, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Check = Callable[[Settings], Sequence[Problem]]

log = logging.getLogger("burnline")

_LOGIN = re.compile(r"\blogin[\"']?\s*:\s*(?!false|no|off)\S", re.IGNORECASE)
_COMMENT = re.compile(r"(^|\s)#.*", re.MULTILINE)


class SettingsFile:
    """`burnline.yaml` as last read without fault: re-read when it changes; a bad file never replaces a good one.

    The last good text is kept in `keep`, so that a restart with a bad file goes on with it, too. What must not happen
    by a fault is that a dashboard people log in to is open: then a start is refused (SettingsError), and a file that is
    gone leaves its settings in force.
    """

    def __init__(self, path: Path, keep: Path, check: Check = lambda _: ()) -> None:
        self.path, self.keep, self._check = path, keep, check
        self.problem = ""
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._settings = Settings()
        self._read(first=True)

    def current(self) -> Settings:
        """The settings in force; looks at the file's size and time, and reads it only when they changed."""
        with self._lock:
            self._read()
            return self._settings

    def _read(self, *, first: bool = False) -> None:
        try:
            stat = self.path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            stamp = None
        if stamp == self._stamp and not first:
            return
        self._stamp = stamp
        if stamp is None and self._settings.access.login:
            self.problem = f"{self.path} is gone. Its settings stay in force until a restart: people still log in."
            log.error("%s", self.problem)
            return
        try:
            self._settings, self.problem = self._checked(load(self.path)), ""
        except SettingsError as error:
            self.problem = f"{error}\n  The previous settings stay in force."
            if first:
                self.problem = f"{error}\n  {self._fall_back()}"
                if self._wants_login() and not self._settings.access.login:
                    closed = Problem("access", "people have to log in, and it cannot start open instead; mend the file")
                    raise SettingsError(str(self.path), [*error.problems, closed]) from None
            log.error("%s", self.problem)  # noqa: TRY400 - people read this; where in our code it arose tells them nothing
        else:
            self._keep_good(stamp is not None)

    def _checked(self, settings: Settings) -> Settings:
        """The settings, when whoever reads more into them finds no fault either."""
        if problems := self._check(settings):
            raise SettingsError(str(self.path), list(problems))
        return settings

    def _fall_back(self) -> str:
        try:
            self._settings = parse(self.keep.read_text("utf-8"), str(self.keep))
        except (OSError, SettingsError):
            return "There are no earlier settings to go on with: the defaults are in force."
        return f"Going on with the last good settings, kept in {self.keep}."

    def _wants_login(self) -> bool:
        """Whether a file that cannot be used means to turn log-in on; of one that cannot be read we assume it."""
        try:
            return bool(_LOGIN.search(_COMMENT.sub("", self.path.read_text("utf-8", "replace"))))
        except OSError:
            return True

    def _keep_good(self, exists: bool) -> None:  # noqa: FBT001 - private
        self.keep.parent.mkdir(parents=True, exist_ok=True)
        if exists:
            shutil.copyfile(self.path, self.keep)
        else:
            self.keep.unlink(missing_ok=True)
