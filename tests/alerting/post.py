"""An outbox and its sender in simulated time: time jumps to whenever something is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fake_slack import CHANNEL

from alerting.message import Message
from alerting.outbox import enqueue
from alerting.sender import Sender
from alerting.state import StateFile
from core.settings import parse

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FIRST = Message("firing", "i-1", "CRITICAL: timeout rate 50 %", "x", severity="critical", since=NOW)
LAST = Message("resolved", "i-1", "RESOLVED: timeout rate 50 %", "x", severity="critical", delivery="reply", since=NOW)


class Post:
    """`channels` is the section of the settings; every attempt's moment is in `tries`, in seconds from the start."""

    def __init__(self, path, channels: str) -> None:
        self.path, self.now, self.tries = path, NOW, []
        self.settings = parse(f"channels: {{{channels}}}\ndigest: {{enabled: false}}")
        self.restart()

    def restart(self) -> None:
        """Another process takes over; what the last one was sending may have arrived."""
        self.state = StateFile.open(self.path)
        self.sender = Sender(self.state, lambda: self.settings, lambda: self.now, lambda: 0.0)
        self.sender.take_over()

    def put(self, message: Message, *channels: str) -> None:
        with self.state.transaction() as db:
            for channel in channels or tuple(self.settings.channels):
                enqueue(db, message, channel, f"{message.subject}:{message.event}:{channel}", self.now)

    def run(self, length: timedelta) -> None:
        end = self.now + length
        while self.now < end:
            due = self.sender.round()
            self.now = min(end, max(due or end, self.now + timedelta(milliseconds=100)))

    def rows(self, query: str) -> list[tuple]:
        with self.state.transaction() as db:
            return [tuple(row) for row in db.execute(query)]

    def states(self) -> dict[str, str]:
        """State of the newest row, by channel."""
        return dict(self.rows("SELECT channel, state FROM outbox ORDER BY id"))


def slack_at(url: str, name: str = "ops", more: str = "") -> str:
    return f"{name}: {{type: slack, channel: {CHANNEL}, base_url: '{url}'{more}}}"
