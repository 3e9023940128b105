"""What is wrong with a rule as written, beside its condition: all of it, before it could matter."""

from __future__ import annotations

import difflib
from datetime import timedelta
from string import Formatter
from typing import TYPE_CHECKING

from core.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alerting.grammar import Condition
    from alerting.rules import Rule
    from core.sections import RuleSettings
    from core.settings import Settings

SHORTEST, LONGEST = timedelta(seconds=30), timedelta(days=31)
DAY = timedelta(days=1)
SUMMARY_FIELDS = ("rule", "value", "limit", "window", "severity", "requests", "bad", "owner")
"""What a summary may name in braces, beside the labels the rule is told apart or filtered by."""
_LABELS = ("agent", "operation", "model", "environment")


def faults_of(written: RuleSettings, condition: Condition | None, settings: Settings, where: str) -> list[Problem]:
    """Every fault of a rule; `condition` is None when it could not be read."""
    found = [
        Problem(
            f"{where}, action", f'no channel "{channel}"; configured: {", ".join(sorted(settings.channels)) or "none"}'
        )
        for channel in written.action
        if channel not in settings.channels
    ]
    if not SHORTEST <= written.window <= LONGEST:
        found.append(Problem(f"{where}, window", "a window lasts from 30s to 31d"))
    if written.short_window is not None and not SHORTEST <= written.short_window < written.window:
        found.append(
            Problem(f"{where}, short_window", "it resets fast: it lasts from 30s and is shorter than the window")
        )
    found += [
        Problem(f"{where}, group_by", f'"{label}" is filtered to one value; group by another, or by none')
        for label in written.group_by
        if label in written.filter
    ]
    for language in ("en", "vi"):
        found += [
            problem for problem in _summary_faults(written.summary.of(language), written, where) if problem not in found
        ]
    if condition is not None:
        found += _condition_faults(written, condition, settings, where)
    return found


def _summary_faults(summary: str, written: RuleSettings, where: str) -> Iterator[Problem]:
    """A field that is not there is told now: at night it would cost the message."""
    allowed = (*SUMMARY_FIELDS, *(label for label in _LABELS if label in written.group_by or label in written.filter))
    try:
        parts = list(Formatter().parse(summary))
    except ValueError as error:
        yield Problem(
            f"{where}, summary", f"cannot be read ({error}); a brace that is meant is written twice: {{{{ }}}}"
        )
        return
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if form or conversion or name not in allowed:
            near = difflib.get_close_matches(name, allowed, 1, 0.6)
            hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(allowed)}"
            yield Problem(f"{where}, summary", f'no field "{name}"; {hint}')


def _condition_faults(written: RuleSettings, condition: Condition, settings: Settings, where: str) -> Iterator[Problem]:
    objective = settings.objective_values[0]
    for part in condition.comparisons:
        name, needs = part.metric.name, part.metric.needs
        if name == "burn_rate" and part.upward and not part.baseline and part.limit * objective.budget >= 1:
            yield Problem(
                f"{where}, condition",
                f'"{part.text}" can never be reached: with a target of {objective.target:.4g} the burn rate is at most '
                f"{1 / objective.budget:.4g}",
            )
        if needs == "budget" and (written.group_by or part.baseline or written.short_window):
            what = "a baseline" if part.baseline else "group_by" if written.group_by else "a short window"
            yield Problem(f"{where}, condition", f'"{name}" is of the whole period: it has no use for {what}')
        apart = sorted({*written.group_by, *({*written.filter} - {"environment"})})
        if needs == "host" and apart:
            yield Problem(f"{where}, condition", f'"{name}" is of machines, which have no {" and no ".join(apart)}')
        if name == "daily_cost" and "window" in written.model_fields_set and written.window != DAY:
            yield Problem(f"{where}, window", '"daily_cost" is what a day cost: write 1d, or "cost" for another window')


def unreachable(settings: Settings) -> list[Problem]:
    """Burn windows that came with a target so low that no share of bad requests burns so fast."""
    return [
        Problem(
            f'objective "{objective.name}", burn',
            f"{pair.factor(objective.period):.4g} times the sustainable rate can never be reached: with a target of "
            f"{objective.target:.4g} the burn rate is at most {1 / objective.budget:.4g}",
        )
        for objective in settings.objective_values
        for pair in objective.burn
        if not pair.can_fire(objective.period, objective.budget)
    ]


def warnings_of(rule: Rule, settings: Settings, where: str) -> list[Problem]:
    """What works, but probably not as meant."""
    found = []
    interval = settings.alerting.interval
    if timedelta(0) < rule.hold < interval:
        seconds = f"{interval.total_seconds():g}s"
        found.append(
            Problem(f"{where}, for", f'"for" is shorter than the check interval ({seconds}); it acts as {seconds}')
        )
    return found
