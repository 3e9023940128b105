"""The messages of an incident: what happened, how sure it is, what to know next. Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alerting import links as links_to
from alerting.evaluate import window_of
from alerting.message import Fact, Message, Section
from alerting.rules import ALL
from alerting.words import TEXTS, labels_shown, length, limit_shown, outlook, reading_shown, summary_shown
from core.text import age, moment, number, percent, say, seconds

if TYPE_CHECKING:
    from datetime import datetime

    from alerting.evaluate import Observation
    from alerting.evidence import Evidence
    from alerting.incidents import CloseReason, Incident
    from alerting.rules import Severity
    from core.settings import Settings
    from metrics.worst import Example


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that fires: what it saw, since when, and the evidence (None when it could not be had).

    `silent`: it fires because there is nothing to see.
    """

    observation: Observation
    since: datetime
    evidence: Evidence | None
    silent: bool = False


def firing(incident: str, severity: Severity, fired: Fired, settings: Settings, now: datetime) -> Message:
    """The first message of an incident."""
    language, rule = settings.language, fired.observation.rule
    title, sentence = _headline(fired, settings, now)
    if rule.summary and fired.observation.outcome == "true":
        title = summary_shown(fired.observation, settings)
    return Message(
        "firing",
        incident,
        f"{say(TEXTS, severity, language)}: {title}",
        sentence,
        severity=severity,
        facts=_facts(fired, settings),
        sections=_sections(fired, settings),
        owner=rule.owner or _owner(fired, settings),
        runbook=rule.runbook,
        action=rule.first_step,
        link=_link(fired, settings, now),
        since=fired.since,
        language=language,
        files=(fired.evidence.picture,) if fired.evidence and fired.evidence.picture else (),
    )


def escalated(incident: Incident, severity: Severity, fired: Fired, settings: Settings, now: datetime) -> Message:
    """The first message, raised to a higher severity."""
    before = say(TEXTS, incident.severity, settings.language)
    raised = firing(incident.id, severity, fired, settings, now)
    since = min(fired.since, incident.message.since or fired.since)
    note = say(TEXTS, "was_warning", settings.language, before=before)
    return replace(raised, event="escalated", delivery="edit", since=since, note=note)


def ended(incident: Incident, reason: CloseReason, worst: str, settings: Settings, end: datetime) -> Message:
    """The last message: resolved, having lasted until `end`, or closed without the end having been seen."""
    language = settings.language
    lasted = age(end - (incident.message.since or incident.opened_at), language)
    if reason != "resolved":
        event, sentence = "closed", say(TEXTS, f"closed_{reason}", language)
    elif worst:
        event, sentence = "resolved", say(TEXTS, "lasted", language, age=lasted, worst=worst)
    else:
        event, sentence = "resolved", say(TEXTS, "lasted_only", language, age=lasted)
    _, _, what = incident.message.title.partition(": ")
    title = f"{say(TEXTS, event, language)}: {what or incident.message.title}"
    return replace(
        incident.message,
        event="resolved" if event == "resolved" else "closed",
        delivery="reply",
        title=title,
        sentence=sentence,
        note="",
        language=language,
        files=(),
    )


def never_told(message: Message, settings: Settings) -> Message:
    """The last message for a channel that the first one never reached: both in one."""
    since = moment(message.since, settings.zone, settings.language) if message.since else ""
    return replace(message, delivery="new", note=say(TEXTS, "never_told", settings.language, since=since))


def capped(subject: str, cap: int, settings: Settings) -> Message:
    """The daily cap is reached: said once."""
    language = settings.language
    title = say(TEXTS, "cap_title", language, used=number(cap, language), cap=number(cap, language))
    return Message("notice", subject, title, say(TEXTS, "cap", language), severity="info", language=language)


def test(channel: str, settings: Settings) -> Message:
    """Proves a channel."""
    language = settings.language
    title = say(TEXTS, "test_title", language)
    return Message("test", f"test {channel}", title, say(TEXTS, "test", language), language=language)


def _headline(fired: Fired, settings: Settings, now: datetime) -> tuple[str, str]:
    """Title and sentence: the answer first."""
    language, zone = settings.language, settings.zone
    observation = fired.observation
    rule = observation.rule
    if observation.seen == "stale":
        since = moment(fired.since, zone, language)
        return (
            say(TEXTS, "stale_title", language),
            say(TEXTS, "stale", language, age=age(now - fired.since, language), newest=since),
        )
    if not rule.condition.comparisons:
        return (
            say(TEXTS, "blind_title", language),
            say(TEXTS, "blind", language, rules=observation.detail),
        )
    if fired.silent:
        silent = age(now - fired.since, language)
        return (
            say(TEXTS, "silent_title", language, rule=rule.name),
            say(TEXTS, "silent", language, age=silent, rule=rule.name),
        )
    if observation.outcome != "true":
        return rule.name, str(rule.condition)
    holding = [reading for reading in observation.readings if reading.holds]
    title = say(TEXTS, rule.condition.joiner, language).join(reading_shown(reading, language) for reading in holding)
    first = holding[0]
    span = {
        "rows": number(first.rows, language),
        "window": length(rule.window, language),
        "end": moment(now - settings.alerting.delay, zone, language),
    }
    if first.bad is None:
        return title, say(TEXTS, "breach_rows", language, **span)
    low_high = ""
    if first.rate:
        low, high = percent(first.rate.low, language), percent(first.rate.high, language)
        low_high = say(TEXTS, "range", language, low=low, high=high)
    counted = "breach_minutes" if first.comparison.metric.name == "uptime" else "breach_bad"
    return title, say(TEXTS, counted, language, bad=number(first.bad, language), range=low_high, **span)


def _facts(fired: Fired, settings: Settings) -> tuple[Fact, ...]:
    language, rule = settings.language, fired.observation.rule

    def fact(key: str, value: str, **more: str) -> Fact:
        return Fact(say(TEXTS, key, language, **more), value)

    facts = [fact("since", moment(fired.since, settings.zone, language))]
    if fired.observation.readings:
        limits = say(TEXTS, rule.condition.joiner, language).join(
            f"{reading.comparison.metric.name} {limit_shown(reading, language)}"
            for reading in fired.observation.readings
        )
        window, hold = length(rule.window, language), length(rule.hold, language)
        asked = say(TEXTS, "holding", language, condition=limits, window=window, hold=hold)
        facts.append(fact("rule", f"{rule.name}: {asked}"))
    facts += [Fact(name, value) for name, value in labels_shown(rule, language, fired.observation.others)]
    if fired.evidence is None:
        return tuple(facts)
    summary, agents = fired.evidence.summary, fired.evidence.agents
    limit = seconds(settings.limit_values.limit_ms, language)
    timeout_rate = summary.timeout_rate and percent(summary.timeout_rate.value, language)
    facts += [
        fact("requests", number(summary.counts.requests, language)),
        fact("timeouts", f"{number(summary.counts.timeout, language)} ({timeout_rate or '–'})", limit=limit),
        fact("failed", number(summary.counts.failed, language)),
    ]
    top = [
        f"{name if name is not None else say(TEXTS, 'unnamed', language)} {number(timeouts, language)}"
        for name, timeouts in agents.select("group", "timeouts").head(3).iter_rows()
        if timeouts
    ]
    if top:
        facts.append(fact("top_agents", ", ".join(top)))
    facts += [
        fact("budget_left", percent(summary.budget.remaining, language)),
        fact("budget_ends", outlook(summary.budget, settings)),
    ]
    return tuple(facts)


def _sections(fired: Fired, settings: Settings) -> tuple[Section, ...]:
    """Why, and requests to open, as far as they are known."""
    language, known = settings.language, fired.evidence
    if known is None:
        return ()
    found = []
    if known.why:
        found.append(Section(say(TEXTS, "why_section", language), (known.why,)))
    if known.examples:
        links = {
            place: link
            for place, example in enumerate(known.examples)
            if (link := links_to.request(settings, example.request_id, example.at))
        }
        lines = tuple(_example(example, settings) for example in known.examples)
        found.append(Section(say(TEXTS, "examples_section", language), lines, links))
    return tuple(found)


def _example(example: Example, settings: Settings) -> str:
    language = settings.language
    return say(
        TEXTS,
        "example",
        language,
        id=example.request_id,
        at=moment(example.at, settings.zone, language, seconds_too=True),
        agent=example.agent if example.agent is not None else say(TEXTS, "unnamed", language),
        took=seconds(example.took_ms, language, at_least=example.cut),
        what=example.what,
    )


def _link(fired: Fired, settings: Settings, now: datetime) -> str:
    """The page over exactly the requests the message tells of; about data that has stopped, the newest there are."""
    rule = fired.observation.rule
    if not rule.condition.comparisons:
        return links_to.page(settings, "", ALL)
    metric = rule.condition.comparisons[0].metric.name
    return links_to.page_of_metric(settings, metric, window_of(rule, settings, now))


def _owner(fired: Fired, settings: Settings) -> str:
    """Whoever is named for the agent with most timeouts."""
    if fired.evidence is None or fired.evidence.summary.leader is None:
        return ""
    return settings.owners.get(fired.evidence.summary.leader.agent, "")
