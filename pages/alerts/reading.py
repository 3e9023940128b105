"""What the page of alerts shows: the state file as it is now; what needs the store, kept for every visitor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from alerting.archive import read_archive
from alerting.lab import at_limit, backtest, ladder, suggest
from alerting.onset import onsets
from alerting.programme import programme
from alerting.rules import compile_rules
from alerting.trial import labelled
from core.selection import Selection
from core.timespan import TimeSpan
from pages.shared.kept import kept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from alerting.archive import Archive
    from alerting.lab import Backtest, Suggestion
    from alerting.programme import Programme
    from alerting.rules import Rule
    from pages.alerts.view import View
    from pages.shared.frame import Frame

LOOKED_BACK = timedelta(days=30)
TRIED = timedelta(days=14)
"""How far back the history and the lab look."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A rule in the lab: as it is in force, the limits to choose from, what it did at the one chosen, a suggestion."""

    rule: Rule
    limits: tuple[str, ...]
    limit: str
    found: Backtest
    suggestion: Suggestion | None


def archive(frame: Frame) -> Archive:
    """The state file, read anew each time: what somebody just did must be seen."""
    return read_archive(frame.services.state, frame.now - LOOKED_BACK)


def rules(frame: Frame) -> Mapping[str, Rule]:
    """The rules in force, by name."""
    return {rule.name: rule for rule in compile_rules(frame.settings).rules}


def days(frame: Frame) -> Sequence[date]:
    """The local days looked at that are over or running, from the first with data on."""
    since = frame.reader.losses(None).since
    first = max(frame.now - LOOKED_BACK, since) if since else frame.now
    zone, last = frame.settings.zone, frame.now.astimezone(frame.settings.zone).date()
    start = min(first.astimezone(zone).date(), last)
    return [start + timedelta(days=number) for number in range((last - start).days + 1)]


def figures_of(frame: Frame, found: Archive) -> Programme:
    """How alerting did over the time looked back."""
    told = tuple((one.id, one.opened_at) for one in found.incidents)
    began = kept(
        "alerts-onsets", told, frame.key, lambda: onsets(frame.reader, rules(frame), frame.settings, found.incidents)
    )
    complaints = kept("alerts-complaints", None, frame.key, lambda: _complaints(frame))
    return programme(
        found.incidents,
        found.deliveries,
        onsets=began,
        complaints=complaints,
        days=kept("alerts-days", None, frame.key, lambda: days(frame)),
        zone=frame.settings.zone,
    )


def trial(frame: Frame, view: View) -> Trial | None:
    """The rule of the URL in the lab (else the first in force) over the last TRIED; None without rules or requests."""
    known = rules(frame)
    rule = known.get(view.rule) or next(iter(known.values()), None)
    if rule is None:
        return None
    asked, key = rule, (rule.name, view.limit)
    limits = ladder(rule)
    if view.limit in limits:
        asked = at_limit(rule, view.limit)
    found = kept("alerts-lab", key, frame.key, lambda: _tried(frame, asked))
    if found is None:
        return None
    tip = kept("alerts-tip", rule.name, frame.key, lambda: suggest(frame.reader, rule, frame.settings, found.span))
    return Trial(rule, limits, view.limit if view.limit in limits else "", found, tip)


def _tried(frame: Frame, rule: Rule) -> Backtest | None:
    asked = TimeSpan.last(TRIED, frame.now)
    oldest = frame.reader.extent(Selection(asked)).oldest
    if oldest is None:
        return None
    span = TimeSpan(oldest, frame.now)
    return backtest(frame.reader, rule, frame.settings, span, labelled(frame.services.state, span))


def _complaints(frame: Frame) -> Sequence[datetime]:
    """When users were not content, in order."""
    span = TimeSpan.last(LOOKED_BACK, frame.now)
    found = frame.reader.records(("feedback",), Selection(span), ("timestamp", "feedback"))
    return found.filter(pl.col("feedback") == -1)["timestamp"].sort().to_list()
