"""Rules of one family see one cause: their firing folds into one incident, with one first and one last message.

Pure: what is open, and what was decided in this tick, give the steps to take.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from alerting.rules import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from alerting.decide import Decision
    from alerting.message import Message
    from alerting.rules import Rule, Severity

CloseReason = Literal["resolved", "rule_changed", "outage"]


@dataclass(frozen=True, slots=True)
class Incident:
    """An open incident. `message` is what its first message says now."""

    id: str
    group: str
    severity: Severity
    opened_at: datetime
    message: Message


@dataclass(frozen=True, slots=True)
class Step:
    """What to do about a group: `lead` is the rule that speaks for it (the most severe; None for a close)."""

    kind: Literal["open", "escalate", "close"]
    group: str
    incident: Incident | None
    severity: Severity
    lead: Rule | None
    reason: CloseReason | None = None


def incident_id(group: str, opened_at: datetime) -> str:
    """Names the incident for good: the same group at another time is another one."""
    return f"{hashlib.sha256(group.encode()).hexdigest()[:8]}-{int(opened_at.timestamp())}"


def steps(opened: Mapping[str, Incident], rules: Sequence[Rule], decisions: Mapping[str, Decision]) -> list[Step]:
    """The steps of this tick: `opened` by group, `decisions` by instance key (of vanished rules, too).

    An open incident rises with its rules and does not fall: a critical that became a warning was critical. It is closed
    when none of its rules is active any more; quietly when no rule saw the end of it.
    """
    groups: dict[str, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(rule.group, []).append(rule)
    found = []
    for group in [*groups, *(group for group in opened if group not in groups)]:
        members = groups.get(group, [])
        active = [rule for rule in members if decisions[rule.key].instance.active]
        incident = opened.get(group)
        if active:
            lead = max(active, key=lambda rule: SEVERITIES.index(rule.severity))
            if incident is None:
                found.append(Step("open", group, None, lead.severity, lead))
            elif SEVERITIES.index(lead.severity) > SEVERITIES.index(incident.severity):
                found.append(Step("escalate", group, incident, lead.severity, lead))
        elif incident is not None:
            reason = _reason([decisions[rule.key].reason for rule in members])
            found.append(Step("close", group, incident, incident.severity, None, reason))
    return found


def _reason(reasons: Sequence[str]) -> CloseReason:
    if "rule_changed" in reasons or not reasons:
        return "rule_changed"
    return "outage" if "outage" in reasons else "resolved"
