"""The words of one tick: from what was seen and decided to the message of each thing to be told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alerting import compose, news
from alerting.compose import Fired
from alerting.evaluate import INGEST
from alerting.evidence import evidence

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from alerting.decide import Decision, Instance
    from alerting.evaluate import Observation
    from alerting.incidents import Incident
    from alerting.message import Message
    from alerting.rules import Rule, Severity
    from alerting.telling import Telling
    from core.selection import Freshness, RequestSource
    from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Seen:
    """What a tick saw and decided, by instance key, and where evidence comes from."""

    observations: Mapping[str, Observation]
    decisions: Mapping[str, Decision]
    before: Mapping[str, Instance]
    source: RequestSource
    settings: Settings
    now: datetime
    freshness: Freshness

    def since(self, rule: Rule) -> datetime:
        """When what the rule tells of began."""
        was = self.before.get(rule.key)
        if rule is INGEST and self.freshness.newest:
            return min(self.now, self.freshness.newest)
        began = (was.fired_at if was.active else was.since) if was else None
        return began or self.now

    def fired(self, rule: Rule, *, known: bool) -> Fired:
        """The rule as it fires; `known` asks for evidence, which is read from the source."""
        silent = self.decisions[rule.key].instance.state == "no_data"
        found = evidence(rule, self.source, self.settings, self.now, self.freshness) if known else None
        return Fired(self.observations[rule.key], self.since(rule), found, silent)


def first_words(incident: Incident, severity: Severity, lead: Rule, seen: Seen, *, known: bool) -> Message:
    """The first message of an incident."""
    return compose.firing(incident.id, severity, seen.fired(lead, known=known), seen.settings, seen.now)


def words(telling: Telling, openings: int, seen: Seen, *, known: bool) -> Message:
    """The message of a telling; `openings` is how often its group opened within the hour, this time included."""
    incident, lead, settings, now = telling.incident, telling.lead, seen.settings, seen.now
    if telling.why == "worse":
        before = replace(incident, severity=incident.told or incident.severity)
        return compose.escalated(before, lead.severity, seen.fired(lead, known=known), settings, now)
    fresh = first_words(incident, lead.severity, lead, seen, known=known)
    if not telling.first:
        return news.again(fresh, incident, telling.why, settings, now)
    if telling.why == "silence_over":
        return news.late_first(fresh, incident, settings)
    return news.flapping(fresh, openings, settings) if incident.flaps else fresh
