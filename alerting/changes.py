"""The history of the rules in force: what was added, changed and removed, and when it took effect."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from alerting.state import read_meta, to_text, write_meta

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from alerting.rules import Rule

Kind = Literal["added", "changed", "removed"]
IN_FORCE = "rules_in_force"
"""Where the state file keeps the rules as last seen, so that a change made while nothing ran is one, too."""


@dataclass(frozen=True, slots=True)
class Change:
    """A rule took effect, became another or ended; `before` and `after` as `described`, "" where there is none."""

    at: datetime
    rule: str
    kind: Kind
    before: str
    after: str


def described(rule: Rule) -> str:
    """What a rule does in one line, in the words of the settings: whoever changes any of it changes the line."""
    words = [str(rule.condition), f"window {_length(rule.window.total_seconds())}"]
    if rule.short:
        words.append(f"short_window {_length(rule.short.total_seconds())}")
    words += [f"for {_length(rule.hold.total_seconds())}", f"keep_firing_for {_length(rule.keep.total_seconds())}"]
    words += [rule.severity, f"min_samples {rule.min_samples}", f"min_bad {rule.min_bad}", f"no_data {rule.no_data}"]
    words.append(f"family {rule.family}")
    words += [f"filter {name}={value}" for name, value in sorted(rule.requests.filters.items())]
    words += [f"group_by {name}" for name in rule.group_by]
    words += [f"action {channel}" for channel in rule.action]
    return ", ".join(words)


def _length(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def changes(before: Mapping[str, str], after: Mapping[str, str], now: datetime) -> list[Change]:
    """What must be told when the rules `before` are followed by those `after`, both described by name."""
    found = []
    for name in sorted({*before, *after}):
        was, is_now = before.get(name, ""), after.get(name, "")
        if was != is_now:
            kind: Kind = "added" if not was else "removed" if not is_now else "changed"
            found.append(Change(now, name, kind, was, is_now))
    return found


def note_rules(db: sqlite3.Connection, rules: Iterable[Rule], now: datetime) -> list[Change]:
    """Write down how the rules in force differ from those last seen; the first ones ever are no change."""
    last, after = read_meta(db, IN_FORCE), {rule.name: described(rule) for rule in rules}
    found = [] if last is None else changes(json.loads(last), after, now)
    db.executemany(
        'INSERT INTO rule_changes ("at", rule, kind, before, after) VALUES (?, ?, ?, ?, ?)',
        [(to_text(each.at), each.rule, each.kind, each.before, each.after) for each in found],
    )
    if found or last is None:
        write_meta(db, IN_FORCE, json.dumps(after, ensure_ascii=False))
    return found


def rule_history(db: sqlite3.Connection, most: int = 200) -> list[Change]:
    """The newest changes, the newest first."""
    rows = db.execute('SELECT "at", rule, kind, before, after FROM rule_changes ORDER BY id DESC LIMIT ?', (most,))
    return [
        Change(datetime.fromisoformat(row["at"]), row["rule"], row["kind"], row["before"], row["after"]) for row in rows
    ]
