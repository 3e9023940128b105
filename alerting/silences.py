"""Silences: which rules say nothing for a while. What they see is recorded and shown all the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from alerting.state import to_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from alerting.rules import Rule

MATCHES = ("rule", "family", "severity", "agent", "operation", "model", "environment")
"""What a silence can ask of a rule. A label (agent ...) is that of the requests the rule looks at."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Keeps rules that fit every part of `matcher` (an exact value, or a pattern with `*`) from being told."""

    id: int
    matcher: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    reason: str
    who: str
    created_at: datetime

    def active(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.starts_at <= now < self.ends_at

    def covers(self, rule: Rule) -> bool:
        """Whether it asks for this rule."""
        labels = {"rule": rule.name, "family": rule.family, "severity": rule.severity, **rule.apart}
        return all(
            name in labels and fnmatchcase(labels[name], _literal(asked)) for name, asked in self.matcher.items()
        )

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.matcher.items())


def silenced(rule: Rule, silences: Sequence[Silence], now: datetime) -> Silence | None:
    """The silence that keeps the rule from being told, the longest one first."""
    found = [silence for silence in silences if silence.active(now) and silence.covers(rule)]
    return max(found, key=lambda silence: silence.ends_at, default=None)


def load_silences(db: sqlite3.Connection, since: datetime) -> tuple[Silence, ...]:
    """Those that end after `since`, the newest first."""
    rows = db.execute("SELECT * FROM silences WHERE ends_at > ? ORDER BY id DESC", (to_text(since),))
    return tuple(
        Silence(
            row["id"],
            json.loads(row["matcher"]),
            datetime.fromisoformat(row["starts_at"]),
            datetime.fromisoformat(row["ends_at"]),
            row["reason"],
            row["who"],
            datetime.fromisoformat(row["created_at"]),
        )
        for row in rows
    )


def _literal(pattern: str) -> str:
    """Only `*` is special: names hold brackets and question marks of their own."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
