"""Rules of one family see one cause: their firing folds into one incident, with one first and one last message.

Pure: what is open, and what was decided in this tick, give the steps to take.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from alerting.message import Message
from alerting.rules import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from alerting.decide import Decision
    from alerting.rules import Rule, Severity

CloseReason = Literal["resolved", "rule_changed", "outage"]

FLAPS_WITHIN, FLAPS_AFTER = timedelta(hours=1), 3
"""A group that opened this often within this time flaps when it opens once more."""
FLAP_QUIET = timedelta(minutes=30)
"""How long a flapping incident must be quiet before it is over: until then it is one incident, told once."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An open incident. `message` is what its first message says now.

    `quiet_since` is when the last of its rules saw the end, None while one of them is active or pending. `told` is the
    severity people were told of at `told_at` over `channels`, None while nothing was; `reminded_at` and `handed_on_at`
    are when they were reminded, and when others were told because nobody answered. `hush` says why it is kept quiet
    now, "" when it is not. `storm` is the storm it is told in. What people did (`acked_at`, `snoozed_until`) is written
    by `alerting.actions` alone.
    """

    id: str
    group: str
    severity: Severity
    opened_at: datetime
    message: Message
    quiet_since: datetime | None = None
    told: Severity | None = None
    told_at: datetime | None = None
    channels: tuple[str, ...] = ()
    reminded_at: datetime | None = None
    handed_on_at: datetime | None = None
    hush: str = ""
    flaps: bool = False
    storm: str = ""
    acked_at: datetime | None = None
    snoozed_until: datetime | None = None

    def as_of(self, now: datetime) -> Incident:
        """The same after the clock was set back: what lies in the future happened now, so that no wait is blocked."""

        def past(when: datetime | None) -> datetime | None:
            return min(when, now) if when else None

        return replace(
            self,
            quiet_since=past(self.quiet_since),
            told_at=past(self.told_at),
            reminded_at=past(self.reminded_at),
            handed_on_at=past(self.handed_on_at),
            acked_at=past(self.acked_at),
        )


@dataclass(frozen=True, slots=True)
class Step:
    """What to do about a group: `lead` is the rule that speaks for it when it begins or rises.

    `quieten` and `stir` say nothing to anybody: they start and stop the wait before the close.
    """

    kind: Literal["open", "escalate", "quieten", "stir", "close"]
    group: str
    incident: Incident | None
    severity: Severity
    lead: Rule | None
    reason: CloseReason | None = None


def incident_id(group: str, opened_at: datetime, taken: frozenset[str] = frozenset()) -> str:
    """Names the incident for good: the same group at another time is another one, a clock set back or not."""
    stem, second = hashlib.sha256(group.encode()).hexdigest()[:8], int(opened_at.timestamp())
    while f"{stem}-{second}" in taken:
        second += 1
    return f"{stem}-{second}"


def steps(
    opened: Mapping[str, Incident],
    rules: Sequence[Rule],
    decisions: Mapping[str, Decision],
    now: datetime,
    settle: timedelta,
) -> list[Step]:
    """The steps of this tick: `opened` by group, `decisions` by instance key (of vanished rules, too).

    An open incident rises with its rules and does not fall: a critical that became a warning was critical. It is over
    when all its rules have been quiet for `settle`, a pending one not being quiet: at low traffic a cause comes and
    goes in the window of a rule. It is closed at once when no rule saw the end of it.
    """
    groups: dict[str, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(rule.group, []).append(rule)
    found = []
    for group in [*groups, *(group for group in opened if group not in groups)]:
        members = groups.get(group, [])
        incident = opened.get(group)
        active = [rule for rule in members if decisions[rule.key].instance.active]
        if active:
            lead = max(active, key=lambda rule: SEVERITIES.index(rule.severity))
            if incident is None:
                found.append(Step("open", group, None, lead.severity, lead))
                continue
            if SEVERITIES.index(lead.severity) > SEVERITIES.index(incident.severity):
                found.append(Step("escalate", group, incident, lead.severity, lead))
                continue
        if incident is not None:
            found += _calmer(incident, [decisions[rule.key] for rule in members], now, settle, active=bool(active))
    return found


def taken_up(step: Step, now: datetime, ended_at: datetime, taken: frozenset[str], opened_before: int) -> Incident:
    """The open incident after a step that does not close it.

    `ended_at` is when its last rule saw the end, `taken` are IDs in use, `opened_before` is how often the group opened
    within FLAPS_WITHIN. The words of one that begins are not known yet.
    """
    incident = step.incident
    if incident is None:
        name = incident_id(step.group, now, taken)
        flaps = opened_before >= FLAPS_AFTER
        return Incident(name, step.group, step.severity, now, Message("firing", name, "", ""), flaps=flaps)
    if step.kind == "quieten":
        return replace(incident, quiet_since=ended_at)
    return replace(incident, severity=step.severity, quiet_since=None)


def _calmer(
    incident: Incident,
    members: Sequence[Decision],
    now: datetime,
    settle: timedelta,
    *,
    active: bool,
) -> Iterator[Step]:
    """The step of an incident none of whose rules begins or rises."""
    unseen = None if active else _unseen([decision.reason for decision in members])
    if unseen is not None:
        yield Step("close", incident.group, incident, incident.severity, None, unseen)
    elif active or any(decision.instance.state == "pending" for decision in members):
        if incident.quiet_since is not None:
            yield Step("stir", incident.group, incident, incident.severity, None)
    elif now - (incident.quiet_since or now) >= (max(settle, FLAP_QUIET) if incident.flaps else settle):
        yield Step("close", incident.group, incident, incident.severity, None, "resolved")
    elif incident.quiet_since is None:
        yield Step("quieten", incident.group, incident, incident.severity, None)


def _unseen(reasons: Sequence[str]) -> CloseReason | None:
    """Why no rule of the incident can have seen its end, or None."""
    if "rule_changed" in reasons or not reasons:
        return "rule_changed"
    return "outage" if "outage" in reasons else None
