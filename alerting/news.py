"""What is said about an incident after its first message, and about many at once. Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alerting.message import Message, Section
from alerting.words import TEXTS
from core.text import age, moment, number, say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from alerting.incidents import Incident
    from alerting.rules import Severity
    from alerting.telling import Telling, Why
    from core.settings import Settings

MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One incident of a storm. `over` is whether it is closed."""

    title: str
    severity: Severity
    over: bool


def subject_of(message: Message) -> str:
    """What a title says without its severity."""
    _, _, what = message.title.partition(": ")
    return what or message.title


def again(fresh: Message, incident: Incident, why: Why, settings: Settings, now: datetime) -> Message:
    """A reminder: what is seen now (`fresh`), and why it is said again."""
    since = incident.message.since or incident.opened_at
    note = say(TEXTS, f"why_{why}", settings.language, age=age(now - since, settings.language))
    event = "escalated" if why == "unanswered" else "reminder"
    return replace(fresh, event=event, delivery="reply", since=since, note=note)  # type: ignore[arg-type] # of the two


def late_first(fresh: Message, incident: Incident, settings: Settings) -> Message:
    """The first message of an incident that was silenced until now."""
    began = moment(incident.opened_at, settings.zone, settings.language)
    return replace(fresh, note=say(TEXTS, "why_silenced", settings.language, began=began))


def flapping(fresh: Message, times: int, settings: Settings) -> Message:
    """The first message of an incident that stands for all that follow."""
    return replace(fresh, note=say(TEXTS, "why_flaps", settings.language, times=number(times, settings.language)))


def storm(name: str, opened_at: datetime, severity: Severity, parts: Sequence[Part], settings: Settings) -> Message:
    """The message of a storm, as its incidents (the worst and still open ones first) are now."""
    language = settings.language
    going_on = sum(not part.over for part in parts)
    count, still = number(len(parts), language), number(going_on, language)
    lines = [
        f"{say(TEXTS, 'resolved' if part.over else part.severity, language)}: {part.title}"
        for part in parts[:MOST_LINES]
    ]
    if len(parts) > MOST_LINES:
        lines.append(say(TEXTS, "storm_more", language, more=number(len(parts) - MOST_LINES, language)))
    since = moment(opened_at, settings.zone, language)
    return Message(
        "firing",
        name,
        f"{say(TEXTS, severity, language)}: {say(TEXTS, 'storm_title', language, count=count)}",
        say(TEXTS, "storm", language, count=count, still=still, since=since),
        severity=severity,
        sections=(Section(say(TEXTS, "storm_section", language), tuple(lines)),),
        link=f"{settings.dashboard_url.rstrip('/')}/alerts" if settings.dashboard_url else "",
        since=opened_at,
        language=language,
    )


def storm_worse(message: Message) -> Message:
    """The storm has its first incident of a higher severity."""
    return replace(message, event="escalated")


def storm_news(message: Message, said: Sequence[Telling], names: Sequence[str], settings: Settings) -> Message:
    """What is said in a storm's thread: critical incidents that joined, or those that `said` is about."""
    language = settings.language
    waits = all(telling.why in ("still", "snooze_over", "silence_over") for telling in said)
    unanswered = all(telling.why == "unanswered" for telling in said)
    key = "storm_unanswered" if unanswered else "storm_still" if waits else "storm_joined"
    title = say(TEXTS, key, language, count=number(len(said), language))
    lines = tuple(names[:MOST_LINES])
    if len(names) > MOST_LINES:
        lines += (say(TEXTS, "storm_more", language, more=number(len(names) - MOST_LINES, language)),)
    return replace(
        message,
        event="reminder" if waits else "escalated",
        delivery="reply",
        title=f"{say(TEXTS, 'critical', language)}: {title}",
        sections=(Section(say(TEXTS, "storm_section", language), lines),),
    )


def storm_over(message: Message, opened_at: datetime, settings: Settings, now: datetime) -> Message:
    """The last message of a storm."""
    language = settings.language
    return replace(
        message,
        event="resolved",
        delivery="reply",
        title=f"{say(TEXTS, 'resolved', language)}: {subject_of(message)}",
        sentence=say(TEXTS, "lasted_only", language, age=age(now - opened_at, language)),
    )


def undelivered(subject: str, titles: Sequence[str], settings: Settings) -> Message:
    """What could not be delivered in time, said once a channel takes messages again."""
    language = settings.language
    lines = list(titles[:MOST_LINES])
    if len(titles) > MOST_LINES:
        lines.append(say(TEXTS, "storm_more", language, more=number(len(titles) - MOST_LINES, language)))
    count = number(len(titles), language)
    return Message(
        "notice",
        subject,
        say(TEXTS, "undelivered_title", language, count=count),
        say(TEXTS, "undelivered", language),
        severity="info",
        sections=(Section(say(TEXTS, "undelivered_section", language), tuple(lines)),),
        language=language,
    )
