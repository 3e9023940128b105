"""Which messages an incident owes to which channel: one first, one last, in between the first one is edited."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alerting import compose
from alerting.outbox import enqueue, interrupts, supersede, supersede_form, told
from alerting.state import to_text
from alerting.words import TEXTS
from core.text import say
from core.timespan import local_day

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from alerting.incidents import CloseReason
    from alerting.message import Message
    from alerting.rules import Rule
    from core.settings import Settings


def channels_for(rule: Rule, settings: Settings) -> Sequence[str]:
    """Where a rule's messages go: its own channels, or all."""
    return rule.action or tuple(settings.channels)


def tell_first(
    db: sqlite3.Connection, message: Message, channels: Sequence[str], settings: Settings, now: datetime
) -> None:
    """Send the first message, unless it is only information or the day's interruptions are used up.

    Critical is never held back. What is held back stands in the next digest; the channel is told once that the day's
    interruptions are used.
    """
    cap = settings.alerting.max_interrupts_per_day
    today = now.astimezone(settings.zone).date()
    day = local_day(today, settings.zone)
    for channel in channels:
        key = f"{message.subject}:firing:{message.severity}:{channel}"
        used = interrupts(db, channel, day.start, day.end)
        full = message.severity == "warning" and used >= cap
        if message.severity == "info" or full:
            enqueue(db, message, channel, key, now, state="capped")
        else:
            enqueue(db, message, channel, key, now)
        if full:
            notice = compose.capped(f"cap {today}", cap, settings)
            enqueue(db, notice, channel, f"cap:{today}:{channel}", now)


def tell_raised(
    db: sqlite3.Connection, message: Message, channels: Sequence[str], settings: Settings, now: datetime
) -> None:
    """Say in the first message's thread that it is worse now, where it is noticed, and put the first into that form.

    A channel that has not heard of the incident hears of it now.
    """
    for channel in channels:
        if told(db, message.subject, channel) == "told":
            key = f"{message.subject}:escalated:{message.severity}:{channel}"
            enqueue(db, message.as_delivered("reply"), channel, key, now)
            enqueue(db, message.as_delivered("edit"), channel, f"{key}:form", now)
        else:
            supersede(db, message.subject, channel)
            tell_first(db, replace(message, event="firing", delivery="new"), [channel], settings, now)


def tell_again(
    db: sqlite3.Connection, message: Message, channels: Sequence[str], settings: Settings, now: datetime
) -> None:
    """Say in the first message's thread, where it is noticed, that it goes on.

    When it is said because nobody answered (`escalated`), a channel that has not heard of the incident hears of it now.
    """
    for channel in channels:
        heard = told(db, message.subject, channel)
        if heard == "told":
            enqueue(db, message, channel, f"{message.subject}:{message.event}:{to_text(now)}:{channel}", now)
        elif heard != "untold" and message.event == "escalated":
            tell_first(db, replace(message, event="firing", delivery="new"), [channel], settings, now)


def tell_form(db: sqlite3.Connection, message: Message, channels: Sequence[str], now: datetime) -> None:
    """Put the first message into another form, which nobody is told of; only the newest form that waits is sent."""
    for channel in channels:
        if told(db, message.subject, channel) in ("told", "untold"):
            key = f"{message.subject}:form:{channel}:"
            supersede_form(db, key)
            enqueue(db, message.as_delivered("edit"), channel, f"{key}{to_text(now)}", now)


def tell_acknowledged(db: sqlite3.Connection, message: Message, who: str, now: datetime) -> None:
    """Put into the first message that somebody is on it; a pager stops calling others. Nobody is told anew."""
    note = say(TEXTS, "acknowledged_by", message.language, who=who)
    known = replace(message, event="acknowledged", delivery="edit", note=note, files=())
    for (channel,) in db.execute(
        "SELECT DISTINCT channel FROM outbox WHERE subject = ?", (message.subject,)
    ).fetchall():
        if told(db, message.subject, channel) == "told":
            enqueue(db, known, channel, f"{message.subject}:acknowledged:{to_text(now)}:{channel}", now)


def tell_end(
    db: sqlite3.Connection,
    message: Message,
    reason: CloseReason,
    settings: Settings,
    now: datetime,
    *,
    quietly: bool = False,
) -> None:
    """Answer the first message and put it into its last form.

    An end nobody saw, and that of an incident that is kept quiet (`quietly`), is only put there, not announced.
    """
    announced = reason == "resolved" and not quietly
    rows = db.execute("SELECT DISTINCT channel FROM outbox WHERE subject = ?", (message.subject,)).fetchall()
    for (channel,) in rows:
        heard = told(db, message.subject, channel)
        if heard == "told":
            if announced:
                enqueue(db, message.as_delivered("reply"), channel, f"{message.subject}:{message.event}:{channel}", now)
            form = replace(message.as_delivered("edit"), event=message.event if announced else "closed")
            enqueue(db, form, channel, f"{message.subject}:last form:{channel}", now)
        elif heard == "untold":
            supersede(db, message.subject, channel)
            if announced:
                both = compose.never_told(message, settings)
                enqueue(db, both, channel, f"{message.subject}:{message.event}:{channel}", now)
