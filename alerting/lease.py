"""One checker at a time: a row in the state file says who, and until when."""

from __future__ import annotations

import json
import os
import socket
import uuid
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerting.state import read_meta, to_text, write_meta

if TYPE_CHECKING:
    import sqlite3

LENGTH = timedelta(seconds=90)
CLOCK_SET_BACK = timedelta(hours=1)
"""A lease that runs longer than this was written before the clock was set back; nobody waits a day for it."""
_PROCESS = uuid.uuid4().hex
"""This process: after a restart in a container the same process number is another process."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A checker that wants to be the only one."""

    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)
    process: str = _PROCESS

    def take(self, db: sqlite3.Connection, now: datetime) -> str:
        """Take or renew the lease: "" when it is ours, else who has it.

        A holder on this machine whose process is gone does not keep us waiting.
        """
        held = json.loads(read_meta(db, "lease") or "{}")
        ours = held.get("name") == self.name
        until = datetime.fromisoformat(held["until"]) if held else now
        if held and not ours and now < until <= now + CLOCK_SET_BACK and not self._dead(held):
            return f"process {held['pid']} on {held['host']}"
        write_meta(db, "lease", json.dumps(asdict(self) | {"until": to_text(now + LENGTH)}))
        return ""

    def give_up(self, db: sqlite3.Connection) -> None:
        """Let the next one in at once."""
        if json.loads(read_meta(db, "lease") or "{}").get("name") == self.name:
            write_meta(db, "lease", "{}")

    def _dead(self, held: dict[str, str]) -> bool:
        if held["host"] != self.host:
            return False
        if int(held["pid"]) == self.pid:
            return held["process"] != self.process
        try:
            os.kill(int(held["pid"]), 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False
