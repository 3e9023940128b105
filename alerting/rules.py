"""Rules as the checker uses them, compiled from the settings and the packs; every fault is listed at once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from alerting.grammar import Condition, ConditionError, parse_condition
from core.errors import Problem
from core.sections import RuleSettings
from core.selection import Selection
from metrics.budget import MIN_BAD, MIN_VALID

if TYPE_CHECKING:
    from core.settings import Settings

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
PACKS = Path(__file__).with_name("packs")
ALL = Selection()
SHORTEST, LONGEST = timedelta(seconds=30), timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `hold` is how long the condition must last before it fires, `keep` how long it must be over to end."""

    name: str
    condition: Condition
    window: timedelta = timedelta(minutes=5)
    hold: timedelta = timedelta(0)
    keep: timedelta = timedelta(minutes=2)
    severity: Severity = "warning"
    min_samples: int = 20
    min_bad: int = 3
    no_data: Literal["keep", "ok", "alert"] = "keep"
    family: str = ""
    requests: Selection = ALL
    action: tuple[str, ...] = ()
    owner: str = ""
    runbook: str = ""

    @property
    def key(self) -> str:
        """Names the instance: the rule and, once rules are grouped, its labels."""
        return self.name

    @property
    def group(self) -> str:
        """What this rule's incidents are folded by: rules of one family over the same requests see one cause."""
        labels = ",".join(f"{name}={value}" for name, value in sorted(self.requests.filters.items()))
        return f"{self.family}|{labels}" if labels else self.family

    @property
    def missing(self) -> str:
        """Why the rule cannot be evaluated, or "" when it can."""
        for part in self.condition.comparisons:
            if part.metric.missing:
                return f"{part.metric.name}: {part.metric.missing}"
            if part.baseline:
                return f"{part.metric.name}: there is no baseline to compare with"
        return ""

    @property
    def hash(self) -> str:
        """Changes when the rule asks something else; a firing instance of the old question is closed."""
        asked = [str(self.condition), self.window.total_seconds(), self.hold.total_seconds(), self.group]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Rules that can be used, what is wrong with the others, and what works but probably not as meant."""

    rules: tuple[Rule, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def compile_rules(settings: Settings) -> Compiled:
    """The rules in force: those of the packs, then the settings' own, which replace a pack's rule of the same name."""
    rules: dict[str, Rule] = {}
    problems: list[Problem] = []
    warnings = _unreachable(settings)
    for name in settings.alerting.packs:
        for written in pack(name):
            rules[written.name] = _rule(written, parse_condition(written.condition))
    for number, written in enumerate(settings.alerts, 1):
        where = f'alert {number} "{written.name}"'
        rules.pop(written.name, None)
        if not written.enabled:
            continue
        faults = _faults(written, settings, where)
        try:
            condition = parse_condition(written.condition)
        except ConditionError as error:
            problems += [Problem(f"{where}, condition", str(error)), *faults]
            continue
        rule = _rule(written, condition)
        faults += _impossible(rule, settings, where)
        problems += faults
        if not faults:
            rules[rule.name] = rule
            warnings += _warnings(rule, settings, where)
    return Compiled(tuple(rules.values()), tuple(problems), tuple(warnings))


@cache
def pack(name: str) -> tuple[RuleSettings, ...]:
    """The rules of a pack that ships with Burnline, as they would stand in the settings."""
    tree: list[dict[str, Any]] = yaml.safe_load((PACKS / f"{name}.yaml").read_text("utf-8"))
    return tuple(RuleSettings.model_validate(item) for item in tree)


def _rule(written: RuleSettings, condition: Condition) -> Rule:
    """The rule as written. A burn rate is judged on more requests than a threshold unless the rule says otherwise."""
    burning = any(part.metric.name == "burn_rate" for part in condition.comparisons)
    said = written.model_fields_set
    return Rule(
        written.name,
        condition,
        written.window,
        written.for_,
        written.keep_firing_for,
        written.severity,
        MIN_VALID if burning and "min_samples" not in said else written.min_samples,
        MIN_BAD if burning and "min_bad" not in said else written.min_bad,
        written.no_data,
        written.family or condition.comparisons[0].metric.name,
        Selection(**{str(name): value for name, value in written.filter.items()}),  # type: ignore[arg-type] # filters only
        written.action,
        written.owner,
        written.runbook,
    )


def _faults(written: RuleSettings, settings: Settings, where: str) -> list[Problem]:
    found = [
        Problem(
            f"{where}, action",
            f'no channel "{channel}"; configured: {", ".join(sorted(settings.channels)) or "none"}',
        )
        for channel in written.action
        if channel not in settings.channels
    ]
    if not SHORTEST <= written.window <= LONGEST:
        found.append(Problem(f"{where}, window", "a window lasts from 30s to 31d"))
    return found


def _impossible(rule: Rule, settings: Settings, where: str) -> list[Problem]:
    """A burn rate has a ceiling: with every request bad it is 1 / (1 - target)."""
    objective = settings.objective_values[0]
    return [
        Problem(
            f"{where}, condition",
            f'"{part.text}" can never be reached: with a target of {objective.target:.4g} the burn rate is at most '
            f"{1 / objective.budget:.4g}",
        )
        for part in rule.condition.comparisons
        if part.metric.name == "burn_rate" and part.upward and not part.baseline and part.limit * objective.budget >= 1
    ]


def _unreachable(settings: Settings) -> list[Problem]:
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


def _warnings(rule: Rule, settings: Settings, where: str) -> list[Problem]:
    found = []
    interval = settings.alerting.interval
    if timedelta(0) < rule.hold < interval:
        seconds = f"{interval.total_seconds():g}s"
        found.append(
            Problem(f"{where}, for", f'"for" is shorter than the check interval ({seconds}); it acts as {seconds}')
        )
    if rule.missing:
        found.append(Problem(f"{where}, condition", f"cannot be evaluated, so it never fires ({rule.missing})"))
    return found
