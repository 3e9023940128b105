"""Commands of whoever is on call: what is open, acknowledge, snooze, silence, judge. They work beside the dashboard."""

from __future__ import annotations

import difflib
import getpass
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from alerting import actions
from alerting.archive import read_archive
from alerting.command import FINDING, command
from alerting.evaluate import EVALUATION, INGEST
from alerting.message import visible
from alerting.rules import compile_rules
from core.errors import UsageError
from core.settings import load
from core.text import moment
from core.timespan import parse_duration, utc_now

if TYPE_CHECKING:
    from alerting.archive import Story
    from core.places import Places
    from core.settings import Settings

RECENT = timedelta(days=7)

_by = click.option("--by", "who", metavar="NAME", help="Who does it (default: the name you are logged in with).")
_json = click.option("--json", "as_json", is_flag=True, help="The result as JSON, for machines.")


@click.command()
@_json
@command
def incidents(places: Places, *, as_json: bool) -> int:
    """List open incidents and those of the last seven days; exit status 1 while one is open.

    \b
    Examples:
      python -m alerting incidents
      python -m alerting incidents --json
    """  # noqa: D301 - click reads the escape as "keep these lines"
    settings, now = load(places.config), utc_now()
    stories = read_archive(places.state, now - RECENT).incidents
    going_on = [story for story in stories if story.closed_at is None]
    if as_json:
        print(json.dumps([_story_json(story) for story in stories], indent=2, ensure_ascii=False))
        return FINDING if going_on else 0
    for story in stories:
        print(_story_line(story, settings))
    print(f"{len(going_on)} open, {len(stories) - len(going_on)} closed in the last {RECENT.days} days")
    return FINDING if going_on else 0


@click.command()
@click.argument("incident")
@_by
@command
def ack(places: Places, *, incident: str, who: str | None) -> int:
    """Acknowledge an open incident (or a storm): no reminders and no escalation, unless it gets worse.

    \b
    Examples:
      python -m alerting ack 3f9a
    """  # noqa: D301 - click reads the escape as "keep these lines"
    found = actions.acknowledge(places.state, incident, who or _me(), utc_now())
    print(f"Acknowledged: {', '.join(found)}.")
    return 0


@click.command()
@click.argument("incident")
@click.option("--for", "length", metavar="TIME", required=True, help="How long, 30m or 2h.")
@_by
@command
def snooze(places: Places, *, incident: str, length: str, who: str | None) -> int:
    """No reminders about an open incident for a while, then one if it still goes on.

    \b
    Examples:
      python -m alerting snooze 3f9a --for 2h
    """  # noqa: D301 - click reads the escape as "keep these lines"
    now = utc_now()
    until = now + _length(length)
    found = actions.snooze(places.state, incident, until, who or _me(), now)
    print(f"Snoozed until {_at(until, load(places.config))}: {', '.join(found)}.")
    return 0


@click.command()
@click.argument("rule", required=False)
@click.option("--for", "length", metavar="TIME", required=True, help="How long, 30m or 2h; at most 7d.")
@click.option("--reason", metavar="TEXT", required=True, help="Why, for whoever is on call.")
@click.option("--from", "start", metavar="TIME", help='When it begins (default now), "2026-11-24T22:00+07:00".')
@click.option("--family", metavar="NAME", help="Rules of this family only.")
@click.option("--severity", type=click.Choice(["info", "warning", "critical"]), help="Rules of this severity only.")
@click.option("--agent", metavar="NAME", help="Rules about this agent only.")
@click.option("--operation", metavar="NAME", help="Rules about this operation only.")
@click.option("--model", metavar="NAME", help="Rules about this model only.")
@click.option("--environment", metavar="NAME", help="Rules about this environment only.")
@_by
@command
def silence(
    places: Places, *, length: str, reason: str, start: str | None, who: str | None, **matcher: str | None
) -> int:
    """Rules that match tell nothing for a while; what they see is recorded, and told afterwards if it still goes on.

    \b
    Examples:
      python -m alerting silence timeout_warning --for 1h --reason "load test"
      python -m alerting silence --agent planner --for 2h --reason "migration" --from 2026-11-24T22:00+07:00
    """  # noqa: D301 - click reads the escape as "keep these lines"
    settings, now = load(places.config), utc_now()
    asked = {name: value for name, value in matcher.items() if value}
    _known_rule(asked.get("rule", "*"), settings)
    begins = _moment(start, settings) if start else now
    ends = begins + _length(length)
    number = actions.silence(places.state, asked, start=begins, end=ends, reason=reason, who=who or _me(), now=now)
    words = ", ".join(f"{name} {value}" for name, value in asked.items())
    print(f"Silence {number}: {words}, from {_at(begins, settings)} until {_at(ends, settings)}.")
    return 0


@click.command()
@_json
@command
def silences(places: Places, *, as_json: bool) -> int:
    """List the silences in force and to come.

    \b
    Examples:
      python -m alerting silences
    """  # noqa: D301 - click reads the escape as "keep these lines"
    settings, now = load(places.config), utc_now()
    found = read_archive(places.state, now).silences
    if as_json:
        rows = [
            {
                "id": each.id,
                "matcher": dict(each.matcher),
                "starts_at": each.starts_at.isoformat(),
                "ends_at": each.ends_at.isoformat(),
                "reason": each.reason,
                "who": each.who,
            }
            for each in found
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    for each in found:
        span = f"{_at(each.starts_at, settings)} to {_at(each.ends_at, settings)}"
        print(visible(f"{each.id}  {each}  {span}  by {each.who}: {each.reason}"))
    if not found:
        print("No silence is in force.")
    return 0


@click.command()
@click.argument("number", type=int)
@_by
@command
def unsilence(places: Places, *, number: int, who: str | None) -> int:
    """End a silence now.

    \b
    Examples:
      python -m alerting unsilence 3
    """  # noqa: D301 - click reads the escape as "keep these lines"
    actions.end_silence(places.state, number, who or _me(), utc_now())
    print(f"Silence {number} is over.")
    return 0


@click.command()
@click.argument("incident")
@click.argument("verdict", type=click.Choice(["useful", "noise"]))
@_by
@command
def label(places: Places, *, incident: str, verdict: str, who: str | None) -> int:
    """Say whether an incident was worth the interruption; the false-positive rate counts these labels.

    \b
    Examples:
      python -m alerting label 3f9a noise
    """  # noqa: D301 - click reads the escape as "keep these lines"
    mark = actions.mark_useful if verdict == "useful" else actions.mark_noise
    print(f"{mark(places.state, incident, who or _me(), utc_now())} is marked as {verdict}.")
    return 0


COMMANDS = (incidents, ack, snooze, silence, silences, unsilence, label)


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise UsageError("nobody is logged in here; say who you are with --by NAME") from None


def _length(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--for: {error}") from None


def _moment(text: str, settings: Settings) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f'--from: "{text}" is not a time; write 2026-11-24T22:00 or 2026-11-24T22:00+07:00') from None
    return found if found.tzinfo else found.replace(tzinfo=settings.zone)


def _known_rule(name: str, settings: Settings) -> None:
    names = [rule.name for rule in (INGEST, EVALUATION, *compile_rules(settings).rules)]
    if "*" not in name and name not in names:
        near = difflib.get_close_matches(name, names, 1, 0.5)
        raise UsageError(f'no rule "{name}"' + (f'; did you mean "{near[0]}"?' if near else f"; {', '.join(names)}"))


def _at(when: datetime, settings: Settings) -> str:
    return moment(when, settings.zone, settings.language)


def _story_line(story: Story, settings: Settings) -> str:
    """One incident in a line; what stands in it may quote logs."""
    state = "open" if story.open else story.close_reason
    notes = [f"acknowledged by {story.acked_by}"] if story.acked_at else []
    notes += [f"snoozed until {_at(story.snoozed_until, settings)}"] if story.open and story.snoozed_until else []
    notes += [f"quiet: {story.hush}"] if story.hush else []
    notes += [f"in {story.storm}"] if story.storm else []
    notes += [story.verdict] if story.verdict else []
    more = f" ({'; '.join(notes)})" if notes else ""
    return visible(f"{story.id}  {state:12} {_at(story.since, settings)}  {story.message.title}{more}")


def _story_json(story: Story) -> dict[str, Any]:
    def at(when: datetime | None) -> str | None:
        return when.isoformat() if when else None

    return {
        "id": story.id,
        "group": story.group,
        "severity": story.severity,
        "title": story.message.title,
        "since": at(story.since),
        "opened_at": at(story.opened_at),
        "closed_at": at(story.closed_at),
        "close_reason": story.close_reason,
        "acked_at": at(story.acked_at),
        "acked_by": story.acked_by,
        "snoozed_until": at(story.snoozed_until),
        "hush": story.hush,
        "flaps": story.flaps,
        "storm": story.storm,
        "verdict": story.verdict,
    }
