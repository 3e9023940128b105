"""One evaluation: observe, decide, and write down what follows from it, messages included, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from alerting import compose
from alerting.decide import ACTIVE, Decision, decide, gone
from alerting.dispatch import channels_for, tell_again, tell_end, tell_first, tell_raised
from alerting.evaluate import INGEST, Known, Observation, evaluate, evaluation, ingest
from alerting.history import (
    close_incident,
    end_episode,
    keep_incident,
    known_ids,
    note_worst,
    open_incidents,
    openings,
    start_episode,
    worst_of,
)
from alerting.incidents import Incident, Step, steps, taken_up
from alerting.silences import load_silences
from alerting.speak import Seen, first_words, words
from alerting.state import forget_instance, load_instances, read_meta, save_instance, to_text, write_meta
from alerting.storms import Recent, fold, recently, tell_storm
from alerting.telling import Members, Telling, tell
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
    """What one evaluation is about; `known` is what the ones before leave to it.

    `blind` says why the source cannot be read at all: then every rule is held.
    """

    source: RequestSource
    rules: Sequence[Rule]
    settings: Settings
    now: datetime
    freshness: Freshness
    known: Known = field(default_factory=Known)
    blind: str = ""


@dataclass(frozen=True, slots=True)
class Lately:
    """What was told in the last minutes, by channels, and how often each group opened in the last hour."""

    told: Mapping[tuple[str, ...], Recent]
    opened: Mapping[str, int]


def evaluate_all(moment: Moment, *, was_fresh: bool) -> list[Observation]:
    """Every rule's observation, those of the data and of the evaluation itself first."""
    now, freshness = moment.now, moment.freshness
    found = evaluate(moment.source, moment.rules, moment.settings, now, freshness, known=moment.known)
    if moment.blind:
        found = [replace(each, seen="error", detail=moment.blind) for each in found]
    return [ingest(freshness, now, was_fresh=was_fresh), evaluation(found, moment.settings), *found]


def run(state: StateFile, moment: Moment) -> list[Observation]:
    """One tick, and what was seen. Only one process may do this at a time (`alerting.lease`)."""
    settings, now = moment.settings, moment.now
    with state.transaction() as db:
        before = load_instances(db)
        kept = open_incidents(db)
        silences = load_silences(db, now)
        lately, taken = Lately(recently(db, now), openings(db, now)), known_ids(db, now)
        was_fresh = read_meta(db, "fresh_at") is not None
    moment = replace(moment, known=replace(moment.known, instances=before, opened=kept))
    observations = {found.rule.key: found for found in evaluate_all(moment, was_fresh=was_fresh)}
    decisions = {
        key: decide(before.get(key), found.rule, found.outcome, now, settings.alerting.interval)
        for key, found in observations.items()
    }
    decisions |= {key: gone(instance, now) for key, instance in before.items() if key not in observations}
    seen = Seen(observations, decisions, before, moment.source, settings, now, moment.freshness)
    rules = [found.rule for found in observations.values()]
    opened = {group: incident.as_of(now) for group, incident in kept.items()}
    plan = steps(opened, rules, decisions, now, settings.alerting.settle)
    ended_at = _ended_at(before, decisions, now)
    going_on = opened | {
        step.group: taken_up(step, now, ended_at, taken, lately.opened.get(step.group, 0))
        for step in plan
        if step.kind != "close"
    }
    closed = [step for step in plan if step.kind == "close"]
    for step in closed:
        del going_on[step.group]
    told, after = tell(going_on, _members(rules, decisions), silences, settings.alerting, now, stale=INGEST.family)
    after, messages = _worded(plan, told, after, lately, seen)
    with state.transaction() as db:
        for step in closed:
            _close(db, step, ended_at, settings, now)
        for group, incident in after.items():
            if incident != kept.get(group):
                keep_incident(db, incident)
        for telling in told:
            _tell(db, telling, after[telling.incident.group], messages[telling.incident.id], moment)
        _tell_storms(db, told, after, [step.incident.storm for step in closed if step.incident], moment)
        for key, decision in decisions.items():
            _keep(db, decision, observations.get(key), after, moment)
        if observations[INGEST.key].seen == "within":
            write_meta(db, "fresh_at", to_text(now))
        write_meta(db, "last_tick", to_text(now))
    return list(observations.values())


def _members(rules: Sequence[Rule], decisions: Mapping[str, Decision]) -> dict[str, Members]:
    groups: dict[str, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(rule.group, []).append(rule)
    return {
        group: Members(of, [rule for rule in of if decisions[rule.key].instance.active]) for group, of in groups.items()
    }


def _worded(
    plan: Sequence[Step],
    told: Sequence[Telling],
    after: dict[str, Incident],
    lately: Lately,
    seen: Seen,
) -> tuple[dict[str, Incident], dict[str, Message]]:
    """The incidents with what is said of them now, where and in which storm; and the message of each telling by ID.

    Evidence is read for as many as are told one by one: what many say at once is said of all of them.
    """
    settings, most = seen.settings, seen.settings.alerting.storm
    firsts: dict[tuple[str, ...], list[str]] = {}
    for telling in told:
        if telling.first and telling.lead.severity != "info":
            firsts.setdefault(tuple(channels_for(telling.lead, settings)), []).append(telling.incident.id)
    storms = fold(firsts, lately.told, most, seen.now)
    found, messages = dict(after), {}
    for telling in told:
        incident = found[telling.incident.group]
        storm = incident.storm or storms.get(incident.id, "")
        times = lately.opened.get(incident.group, 0) + 1
        message = messages[incident.id] = words(telling, times, seen, known=not storm)
        channels = incident.channels
        if telling.first or telling.why == "worse":
            channels = tuple(dict.fromkeys((*channels, *channels_for(telling.lead, settings))))
            incident = replace(incident, message=message)
        found[incident.group] = replace(incident, channels=channels, storm=storm)
    unsaid = [step for step in plan if step.lead and after[step.group].id not in messages]
    for step in unsaid:
        if step.lead:
            incident = found[step.group]
            message = first_words(incident, step.severity, step.lead, seen, known=len(unsaid) <= most)
            found[step.group] = replace(
                incident, message=replace(message, since=incident.message.since or message.since)
            )
    return found, messages


def _ended_at(before: Mapping[str, Instance], decisions: Mapping[str, Decision], now: datetime) -> datetime:
    """When the last of the rules that end in this tick saw its first false: the end, without the wait for it."""
    ends = [before[key].since for key, decision in decisions.items() if decision.reason == "resolved" and key in before]
    return max((end for end in ends if end is not None), default=now)


def _close(db: sqlite3.Connection, step: Step, ended_at: datetime, settings: Settings, now: datetime) -> None:
    """Write the end of an incident down, with what it owes to the channels that heard of it."""
    incident = step.incident
    if incident is None or step.reason is None:
        return
    end = incident.quiet_since or ended_at
    last = compose.ended(incident, step.reason, worst_of(db, incident.id), settings, end)
    close_incident(db, incident.id, step.reason, last, now)
    tell_end(db, last, step.reason, settings, now, quietly=bool(incident.hush))


def _tell(db: sqlite3.Connection, telling: Telling, incident: Incident, message: Message, moment: Moment) -> None:
    """Put what is said of one incident into the outbox; of one in a storm, the storm tells."""
    settings, now = moment.settings, moment.now
    if incident.storm:
        return
    if telling.first:
        tell_first(db, message, incident.channels, settings, now)
    elif telling.why == "worse":
        tell_raised(db, message, incident.channels, settings, now)
    else:
        others = settings.alerting.escalate_to
        tell_again(db, message, others if telling.why == "unanswered" else incident.channels, settings, now)


def _tell_storms(
    db: sqlite3.Connection,
    told: Sequence[Telling],
    after: Mapping[str, Incident],
    ended: Sequence[str],
    moment: Moment,
) -> None:
    """Bring every storm up to date that something is said about, or one of whose incidents ended."""
    said: dict[str, list[Telling]] = {storm: [] for storm in ended if storm}
    for telling in told:
        if storm := after[telling.incident.group].storm:
            said.setdefault(storm, []).append(telling)
    for storm, about in said.items():
        channels = dict.fromkeys(name for telling in about for name in after[telling.incident.group].channels)
        tell_storm(db, storm, about, channels=tuple(channels), settings=moment.settings, now=moment.now)


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
