"""A rule put on trial: from what a command or a URL asks to what the lab found, as plain JSON types."""

from __future__ import annotations

import difflib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from alerting.archive import read_archive
from alerting.lab import Labelled, backtest, backtest_json, suggest
from alerting.rules import compile_rules
from core.errors import Problem, SettingsError, UsageError
from core.sections import RuleSettings
from core.selection import Selection
from core.timespan import TimeSpan, parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from alerting.rules import Rule
    from core.selection import Reader
    from core.settings import Settings

PARAMETERS = ("rule", "condition", "for", "window", "since", "most")
LONGEST = timedelta(days=400)
ASKED = "asked"
"""The name of a rule that is typed in."""


def asked_rule(settings: Settings, name: str | None, written: dict[str, Any]) -> Rule:
    """The rule of this name with what was `written` in its place, or a new one; UsageError when there is none such."""
    own = {key: value for key, value in written.items() if value}
    known = {rule.name: rule for rule in compile_rules(settings).rules}
    if name is None and "condition" not in own:
        raise UsageError(f"name a rule ({', '.join(known)}) or write one: --condition 'p95 > 7s' --for 5m")
    base: dict[str, Any] = {}
    if name is not None:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.5)
            hint = f'; did you mean "{near[0]}"?' if near else f"; there is {', '.join(known)}"
            raise UsageError(f'no rule "{name}"{hint}')
        if not own:
            return known[name]
        base = _as_written(known[name])
    try:
        rule = RuleSettings.model_validate({**base, "name": ASKED, **own})
    except ValidationError as error:
        faults = [
            Problem(str(fault["loc"][-1]), str(fault["msg"]).removeprefix("Value error, ")) for fault in error.errors()
        ]
        raise SettingsError("the rule", faults) from None
    compiled = compile_rules(settings.model_copy(update={"alerts": (rule,)}))
    if compiled.problems:
        raise SettingsError("the rule", list(compiled.problems))
    return next(rule for rule in compiled.rules if rule.name == ASKED)


def _as_written(rule: Rule) -> dict[str, Any]:
    return {
        "condition": str(rule.condition),
        "window": rule.window,
        "for": rule.hold,
        "keep_firing_for": rule.keep,
        "severity": rule.severity,
        "min_samples": rule.min_samples,
        "min_bad": rule.min_bad,
        "no_data": rule.no_data,
        "filter": rule.requests.filters,
    }


def history(reader: Reader, since: timedelta, now: datetime) -> TimeSpan:
    """The span to replay: the time asked for, as far as there are requests."""
    found = reader.extent(Selection(TimeSpan.last(since, now)))
    if found.oldest is None or found.newest is None:
        raise UsageError("there are no requests in that time; ask for longer with --since 90d")
    return TimeSpan(found.oldest, now)


def labelled(state: Path, span: TimeSpan) -> list[Labelled]:
    """Incidents of the span that somebody judged."""
    return [
        Labelled(one.id, one.since, one.ended_at or span.end, one.verdict)
        for one in read_archive(state, span.start).incidents
        if one.verdict is not None
    ]


def trial(reader: Reader, state: Path, settings: Settings, asked: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """The answer to `asked`: rule, condition, for, window, since (default 14d), most (incidents a week, default 1).

    Raises:
        UsageError, SettingsError: a parameter that cannot be read, a rule that does not exist or is faulty.
    """
    if unknown := sorted(set(asked) - set(PARAMETERS)):
        raise UsageError(f"unknown: {', '.join(unknown)}; there is {', '.join(PARAMETERS)}")
    rule = asked_rule(settings, asked.get("rule"), {name: asked.get(name) for name in ("condition", "for", "window")})
    span = history(reader, _duration(asked.get("since") or "14d"), now)
    found = backtest(reader, rule, settings, span, labelled(state, span))
    return backtest_json(found, suggest(reader, rule, settings, span, _most(asked.get("most") or "1")))


def _duration(text: str) -> timedelta:
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"since: {error}") from None
    if not timedelta(0) < found <= LONGEST:
        raise UsageError(f'since: "{text}" is not between 0 and {LONGEST.days}d')
    return found


def _most(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 1e6:
        raise UsageError(f'most: "{text}" is not a number of incidents a week; write 1 or 0.5')
    return found
