"""What one more observation makes of a rule's state: a pure function of (state, rule, observation, now).

ok -> pending -> firing -> recovering -> ok, and no_data beside them. As in Prometheus, `for` counts from the first true
evaluation and any false or missing one starts it again; as in Grafana, recovering and no data are states of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from alerting.rules import Rule

State = Literal["ok", "pending", "firing", "recovering", "no_data"]
Outcome = Literal["true", "false", "no_data", "frozen"]
"""What was seen. `frozen`: nothing can be known now (stale ingest, failed query), whatever `no_data` says."""

Reason = Literal[
    "quiet",  # false, and nothing was going on
    "started",  # first true: the wait of `for` begins
    "holding",  # true, not yet long enough
    "dropped",  # false before it had lasted long enough
    "gap",  # data missing before it had lasted long enough
    "fired",  # true for long enough
    "still_firing",
    "stale",  # firing, and now nothing is known: kept, not resolved
    "dipped",  # false while firing: the wait before the end begins
    "clearing",  # false, not yet long enough
    "returned",  # true again before the end: the same episode goes on
    "resolved",  # false for long enough
    "waiting",  # no data while nothing was going on
    "went_silent",  # no data for long enough, and the rule asks to be told
    "still_silent",
    "spoke_again",  # data is back
    "rule_changed",  # the rule asks something else now, or is gone
    "outage",  # nobody looked for longer than can be bridged
]

NO_DATA_AFTER = timedelta(minutes=10)
"""How long data must be missing before a rule with `no_data: alert` says so."""
OUTAGE_TOLERANCE = timedelta(hours=1)
"""How long nobody may have looked before a firing instance is closed instead of continued (as in Prometheus)."""

ACTIVE: tuple[State, ...] = ("firing", "recovering", "no_data")
"""States in which an incident is open."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One rule (and, later, one label set) as of its last evaluation.

    `since` is when the present wait began: the first true of a pending one, the first false of a recovering one, the
    first missing one of an ok or silent one; None when nothing is being waited for. `fired_at` is the start of the
    episode.
    """

    key: str
    rule_hash: str
    state: State = "ok"
    since: datetime | None = None
    fired_at: datetime | None = None
    seen_at: datetime | None = None

    @property
    def active(self) -> bool:
        """Whether its incident is open."""
        return self.state in ACTIVE


@dataclass(frozen=True, slots=True)
class Decision:
    """The new state and why. `before` is the state it came from."""

    instance: Instance
    reason: Reason
    before: State

    @property
    def changed(self) -> bool:
        """Whether the state is another one now."""
        return self.instance.state != self.before


def decide(was: Instance | None, rule: Rule, outcome: Outcome, now: datetime, interval: timedelta) -> Decision:
    """The next state of `rule`'s instance.

    `interval` is the time between evaluations: a pending instance survives a pause of at most two of them.
    """
    if was is None or was.rule_hash != rule.hash:
        if was is not None and was.active:
            return _closed(was, rule, "rule_changed", now)
        was = Instance(rule.key, rule.hash)
    if was.seen_at is not None:
        gap = now - was.seen_at
        if was.active and gap > OUTAGE_TOLERANCE:
            return _closed(was, rule, "outage", now)
        if was.state != "firing" and gap > 2 * interval and was.since is not None:
            was = replace(was, since=None, state="ok" if was.state == "pending" else was.state)
    if was.since is not None and was.since > now:  # the clock was set back: the wait starts again
        was = replace(was, since=now)
    was = replace(was, seen_at=now)
    if outcome == "true":
        return _true(was, rule, now)
    if outcome == "false" or (outcome == "no_data" and rule.no_data == "ok"):
        return _false(was, rule, now)
    return _unknown(was, now, tell=outcome == "no_data" and rule.no_data == "alert")


def gone(was: Instance, now: datetime) -> Decision:
    """The decision about an instance whose rule is no longer in the settings."""
    return Decision(Instance(was.key, "", seen_at=now), "rule_changed", was.state)


def _closed(was: Instance, rule: Rule, reason: Reason, now: datetime) -> Decision:
    return Decision(Instance(rule.key, rule.hash, seen_at=now), reason, was.state)


def _true(was: Instance, rule: Rule, now: datetime) -> Decision:
    if was.state == "firing":
        return Decision(was, "still_firing", was.state)
    if was.state == "recovering":
        return Decision(replace(was, state="firing", since=None), "returned", was.state)
    since = was.since if was.state == "pending" and was.since else now
    if now - since >= rule.hold:
        return Decision(replace(was, state="firing", since=None, fired_at=now), "fired", was.state)
    reason: Reason = "holding" if was.state == "pending" else "started"
    return Decision(replace(was, state="pending", since=since, fired_at=None), reason, was.state)


def _false(was: Instance, rule: Rule, now: datetime) -> Decision:
    calm = replace(was, state="ok", since=None, fired_at=None)
    if was.state == "ok":
        return Decision(calm, "quiet", was.state)
    if was.state == "pending":
        return Decision(calm, "dropped", was.state)
    if was.state == "no_data":
        return Decision(calm, "spoke_again", was.state)
    since = was.since if was.state == "recovering" and was.since else now
    if now - since >= rule.keep:
        return Decision(calm, "resolved", was.state)
    reason: Reason = "clearing" if was.state == "recovering" else "dipped"
    return Decision(replace(was, state="recovering", since=since), reason, was.state)


def _unknown(was: Instance, now: datetime, *, tell: bool) -> Decision:
    if was.state == "firing":
        return Decision(was, "stale", was.state)
    if was.state == "recovering":  # the end must be seen, not missed: the wait starts again with the next false
        return Decision(replace(was, since=None), "stale", was.state)
    if was.state == "no_data":
        return Decision(was, "still_silent", was.state)
    if was.state == "pending":
        return Decision(replace(was, state="ok", since=now if tell else None), "gap", was.state)
    since = (was.since or now) if tell else None
    if since is not None and now - since >= NO_DATA_AFTER:
        return Decision(replace(was, state="no_data", since=since, fired_at=now), "went_silent", was.state)
    return Decision(replace(was, since=since), "waiting", was.state)
