"""What people are told of the open incidents in this tick: a pure function of what is open, active, silenced, and now.

An incident is told when it begins, when it gets worse, and again when it is critical and nobody answers. It is kept
quiet while all its rules are silenced or a wider or worse incident says the same; when that ends and it still goes on,
it is told then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from alerting.rules import SEVERITIES
from alerting.silences import silenced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from alerting.incidents import Incident
    from alerting.rules import Rule
    from alerting.silences import Silence
    from core.sections import AlertingSettings

Why = Literal[
    "began",
    "worse",
    "unanswered",  # critical, and nobody acknowledged it for `escalate_after`: others are told
    "still",  # critical, and the last word about it is `repeat_interval` old
    "snooze_over",
    "silence_over",
]


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing to be said: about which incident (as it was before), which rule speaks, and why."""

    incident: Incident
    lead: Rule
    why: Why

    @property
    def first(self) -> bool:
        """Whether nobody was told of the incident before."""
        return self.incident.told is None


@dataclass(frozen=True, slots=True)
class Members:
    """The rules of one group, and those of them that are active."""

    rules: Sequence[Rule]
    active: Sequence[Rule]


def tell(
    opened: Mapping[str, Incident],
    members: Mapping[str, Members],
    silences: Sequence[Silence],
    settings: AlertingSettings,
    now: datetime,
    *,
    stale: str,
) -> tuple[list[Telling], dict[str, Incident]]:
    """What to say, and the open incidents by group as they are once it is said.

    `stale` is the family of the alert about the data itself: while that goes on, nothing is known about the others.
    """
    after: dict[str, Incident] = {}
    told: list[Telling] = []
    speakers: dict[str, list[tuple[Incident, Rule]]] = {}
    for group in sorted(opened, key=lambda group: _wider_first(opened[group], members.get(group), stale)):
        incident, of = opened[group], members.get(group, Members((), ()))
        concerned = of.active or of.rules
        heard = [rule for rule in of.active if silenced(rule, silences, now) is None]
        hush = _silence(concerned, silences, now) or _inhibitor(of.active, speakers, stale)
        lead = max(heard, key=lambda rule: SEVERITIES.index(rule.severity), default=None)
        why = _why(incident, lead, settings, now) if lead and not hush else None
        after[group] = replace(incident, hush=hush)
        if lead and why:
            after[group] = _said(after[group], lead, why, settings, now)
            told.append(Telling(incident, lead, why))
        if after[group].told and not hush:
            for rule in of.active:
                speakers.setdefault(rule.family, []).append((incident, rule))
    return told, after


def inhibits(wider: Rule, other: Rule) -> bool:
    """Whether an incident of the first rule says what one of the second would.

    A rule over all requests speaks for the same family over some of them, unless these are worse; a critical one
    speaks for warnings over more or fewer of its own requests.
    """
    if wider.family != other.family:
        return False
    mine, its = wider.apart.items(), other.apart.items()
    worse = SEVERITIES.index(wider.severity) - SEVERITIES.index(other.severity)
    return (mine < its and worse >= 0) or (wider.severity == "critical" and worse > 0 and (mine <= its or its <= mine))


def _wider_first(incident: Incident, members: Members | None, stale: str) -> tuple[bool, int, int, str]:
    """An order in which whatever can inhibit an incident comes before it."""
    rules = (members.active or members.rules) if members else ()
    worst = max((SEVERITIES.index(rule.severity) for rule in rules), default=0)
    labels = min((len(rule.apart) for rule in rules), default=0)
    return incident.group != stale, -worst, labels, incident.group


def _silence(rules: Sequence[Rule], silences: Sequence[Silence], now: datetime) -> str:
    found = [silenced(rule, silences, now) for rule in rules]
    kept = [silence for silence in found if silence]
    return f"silence {kept[0].id}" if kept and len(kept) == len(found) else ""


def _inhibitor(active: Sequence[Rule], speakers: Mapping[str, Sequence[tuple[Incident, Rule]]], stale: str) -> str:
    """The incident that speaks for all of these rules: it goes on, and people were told of it."""
    if stale in speakers:
        return f"incident {speakers[stale][0][0].id}"
    for other, wider in speakers.get(active[0].family, ()) if active else ():
        if all(inhibits(wider, rule) for rule in active):
            return f"incident {other.id}"
    return ""


def _why(incident: Incident, lead: Rule, settings: AlertingSettings, now: datetime) -> Why | None:
    told, at = incident.told, incident.told_at
    if told is None or at is None:
        return "silence_over" if incident.hush.startswith("silence") else "began"
    if SEVERITIES.index(lead.severity) > SEVERITIES.index(told):
        return "worse"
    if incident.hush.startswith("silence"):
        return "silence_over"
    last = max(at, incident.reminded_at or at)
    if incident.snoozed_until is not None and last < incident.snoozed_until:
        return "snooze_over" if incident.snoozed_until <= now else None
    if told != "critical" or (incident.acked_at is not None and incident.acked_at >= at):
        return None
    handed_on = incident.handed_on_at is not None and incident.handed_on_at >= at
    asked = max(at, incident.snoozed_until or at)
    if settings.escalate_to and not handed_on and now - asked >= settings.escalate_after:
        return "unanswered"
    if settings.repeat_interval and now - last >= settings.repeat_interval:
        return "still"
    return None


def _said(incident: Incident, lead: Rule, why: Why, settings: AlertingSettings, now: datetime) -> Incident:
    if incident.told is None or why == "worse":
        return replace(incident, told=lead.severity, told_at=now)
    if why == "unanswered":
        channels = tuple(dict.fromkeys((*incident.channels, *settings.escalate_to)))
        return replace(incident, handed_on_at=now, channels=channels)
    return replace(incident, reminded_at=now)
