"""One evaluation: observe, decide, and write down what follows from it, messages included, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alerting import compose
from alerting.compose import Fired
from alerting.decide import ACTIVE, Decision, decide, gone
from alerting.dispatch import channels_for, tell_end, tell_first, tell_raised
from alerting.evaluate import INGEST, Observation, evaluate, ingest
from alerting.evidence import evidence
from alerting.history import (
    close_incident,
    end_episode,
    keep_incident,
    note_worst,
    open_incidents,
    start_episode,
    worst_of,
)
from alerting.incidents import Incident, Step, incident_id, steps
from alerting.state import forget_instance, load_instances, read_meta, save_instance, to_text, write_meta
from alerting.words import reading_shown, shown

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from alerting.decide import Instance
    from alerting.message import Message
    from alerting.rules import Rule
    from alerting.state import StateFile
    from core.selection import Freshness, RequestSource
    from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Moment:
    """What one evaluation is about."""

    source: RequestSource
    rules: Sequence[Rule]
    settings: Settings
    now: datetime
    freshness: Freshness


def evaluate_all(moment: Moment, *, was_fresh: bool) -> list[Observation]:
    """Every rule's observation, that of the data itself first."""
    now, freshness = moment.now, moment.freshness
    found = evaluate(moment.source, moment.rules, moment.settings, now, freshness)
    return [ingest(freshness, now, was_fresh=was_fresh), *found]


def run(state: StateFile, moment: Moment) -> list[Observation]:
    """One tick, and what was seen. Only one process may do this at a time (`alerting.lease`)."""
    settings, now = moment.settings, moment.now
    with state.transaction() as db:
        before = load_instances(db)
        opened = open_incidents(db)
        was_fresh = read_meta(db, "fresh_at") is not None
    seen = {observation.rule.key: observation for observation in evaluate_all(moment, was_fresh=was_fresh)}
    decisions = {
        key: decide(before.get(key), seen[key].rule, seen[key].outcome, now, settings.alerting.interval) for key in seen
    }
    decisions |= {key: gone(instance, now) for key, instance in before.items() if key not in seen}
    plan = [
        (step, _message(step, seen, decisions, before, moment))
        for step in steps(opened, [INGEST, *moment.rules], decisions, now, settings.alerting.settle)
    ]
    ended_at = _ended_at(before, decisions, now)
    with state.transaction() as db:
        for step, message in plan:
            opened |= _take(db, step, message, ended_at, moment)
        for key, decision in decisions.items():
            _keep(db, decision, seen.get(key), opened, moment)
        if seen[INGEST.key].seen == "within":
            write_meta(db, "fresh_at", to_text(now))
        write_meta(db, "last_tick", to_text(now))
    return list(seen.values())


def _message(
    step: Step,
    seen: Mapping[str, Observation],
    decisions: Mapping[str, Decision],
    before: Mapping[str, Instance],
    moment: Moment,
) -> Message | None:
    """The words of a step that begins or raises an incident; the end is worded when its worst value is known."""
    if step.lead is None:
        return None
    key = step.lead.key
    was = before.get(key)
    since = (was.since if was and was.since else None) or moment.now
    if step.lead is INGEST and moment.freshness.newest:
        since = min(moment.now, moment.freshness.newest)
    silent = decisions[key].instance.state == "no_data"
    known = evidence(step.lead, moment.source, moment.settings, moment.now, moment.freshness)
    fired = Fired(seen[key], since, known, silent)
    if step.kind == "escalate" and step.incident:
        return compose.escalated(step.incident, step.severity, fired, moment.settings, moment.now)
    name = incident_id(step.group, moment.now)
    return compose.firing(name, step.severity, fired, moment.settings, moment.now)


def _ended_at(before: Mapping[str, Instance], decisions: Mapping[str, Decision], now: datetime) -> datetime:
    """When the last of the rules that end in this tick saw its first false: the end, without the wait for it."""
    ends = [before[key].since for key, decision in decisions.items() if decision.reason == "resolved" and key in before]
    return max((end for end in ends if end is not None), default=now)


def _take(
    db: sqlite3.Connection, step: Step, message: Message | None, ended_at: datetime, moment: Moment
) -> dict[str, Incident]:
    """Write a step down with what it owes to the channels; returns the incident that is open now, by group."""
    settings, now, incident = moment.settings, moment.now, step.incident
    if step.lead is not None and message is not None:
        channels = channels_for(step.lead, settings)
        if incident is None:
            incident = Incident(message.subject, step.group, step.severity, now, message)
            tell_first(db, message, channels, settings, now)
        else:
            incident = replace(incident, severity=step.severity, message=message, quiet_since=None)
            tell_raised(db, message, channels, settings, now)
        keep_incident(db, incident)
        return {step.group: incident}
    if incident is not None and step.reason is None:
        keep_incident(db, replace(incident, quiet_since=ended_at if step.kind == "quieten" else None))
    elif incident is not None and step.reason is not None:
        end = incident.quiet_since or ended_at
        last = compose.ended(incident, step.reason, worst_of(db, incident.id), settings, end)
        close_incident(db, incident.id, step.reason, last, now)
        tell_end(db, last, step.reason, settings, now)
    return {}


def _keep(
    db: sqlite3.Connection,
    decision: Decision,
    observation: Observation | None,
    opened: Mapping[str, Incident],
    moment: Moment,
) -> None:
    """Write down a rule's state and its episode; `observation` is None for a rule that is gone."""
    key, now, language = decision.instance.key, moment.now, moment.settings.language
    begins = decision.reason in ("fired", "went_silent")
    if decision.before in ACTIVE and (begins or not decision.instance.active):
        end_episode(db, key, decision.reason, now)
    if observation is None:
        forget_instance(db, key)
        return
    rule = observation.rule
    if begins:
        start_episode(db, key, rule.severity, opened[rule.group].id, now)
    readings = [reading for reading in observation.readings if reading.value is not None]
    words = "; ".join(reading_shown(reading, language) for reading in readings)
    save_instance(db, decision.instance, decision.reason, observation.seen, words or observation.detail)
    if decision.instance.active and observation.outcome == "true" and readings:
        worst = next(reading for reading in readings if reading.holds)
        more_is_worse = worst.comparison.op not in ("<", "<=")
        note_worst(db, key, worst.value or 0.0, shown(worst, language), more_is_worse=more_is_worse)
