"""Rules as the checker uses them, compiled from the settings and the packs; every fault is listed at once."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from alerting.faults import faults_of, unreachable, warnings_of
from alerting.grammar import Condition, ConditionError, parse_condition
from alerting.pack import pack
from core.errors import Problem
from core.selection import Selection
from metrics.budget import MIN_BAD, MIN_VALID

if TYPE_CHECKING:
    from core.sections import RuleSettings
    from core.settings import Settings
    from core.text import Language

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
ALL = Selection()
DAY = timedelta(days=1)

Labels = tuple[tuple[str, str | None], ...]
"""What tells one group of requests from the others: filter names and values, None where requests do not say."""
OTHERS: Labels = (("others", None),)
"""The one group of all requests whose own group is beyond the number that are told apart."""
_PLAIN = re.compile(r"[\w.@-]+")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, or, with `labels`, one instance of a rule with `group_by`: the same question about one group.

    `hold` is how long the condition must last before it fires, `keep` how long it must be over to end. With `short` it
    must hold over the last `short` as well. `requests` are those it looks at; of an instance those of its group, unless
    the group cannot be selected (`whole` is false): what does not say, and the OTHERS.
    """

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
    short: timedelta | None = None
    group_by: tuple[str, ...] = ()
    labels: Labels = ()
    first_step: str = ""
    summary: str = ""

    @property
    def key(self) -> str:
        """Names the instance: the rule and, of a group, its labels (`labels_of` reads them)."""
        return f"{self.name}{json.dumps(dict(self.labels), ensure_ascii=False)}" if self.labels else self.name

    @property
    def group(self) -> str:
        """What this rule's incidents are folded by: rules of one family over the same requests see one cause."""
        if self.labels == OTHERS:
            return f"{self.family}|others of {','.join(self.group_by)}"
        labels = {**self.requests.filters, **dict(self.labels)}
        text = ",".join(f"{name}={_quoted(value)}" for name, value in sorted(labels.items()))
        return f"{self.family}|{text}" if text else self.family

    @property
    def apart(self) -> dict[str, str]:
        """What tells its requests from all others, by name: filters and labels, "" for a label nobody said."""
        return {**self.requests.filters, **{name: value or "" for name, value in self.labels}}

    @property
    def whole(self) -> bool:
        """Whether `requests` are exactly those of the instance."""
        return all(value is not None for _, value in self.labels)

    @property
    def hash(self) -> str:
        """Changes when the rule asks something else; a firing instance of the old question is closed."""
        asked = [str(self.condition), self.window.total_seconds(), self.hold.total_seconds(), self.group]
        if self.short:
            asked.append(self.short.total_seconds())
        return _digest(json.dumps(asked))

    def of_group(self, labels: Labels) -> Rule:
        """The instance of one group."""
        told = {name: value for name, value in labels if value is not None}
        return replace(self, labels=labels, requests=replace(self.requests, **told))  # type: ignore[arg-type] # filters


def labels_of(key: str) -> tuple[str, Labels]:
    """The name of the rule and the labels in an instance's key; no labels for the rule itself."""
    name, brace, text = key.partition("{")
    return name, tuple(json.loads(brace + text).items()) if brace else ()


@lru_cache(maxsize=65_536)
def _digest(asked: str) -> str:
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _quoted(value: str | None) -> str:
    """A label's value so that no two sets of labels read the same."""
    plain = value is not None and value != "null" and _PLAIN.fullmatch(value)
    return value if plain and value else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Compiled:
    """Rules that can be used, what is wrong with the others, and what works but probably not as meant."""

    rules: tuple[Rule, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def compile_rules(settings: Settings) -> Compiled:
    """The rules in force: those of the packs, then the settings' own, which replace a pack's rule of the same name."""
    shipped = {
        written.name: written
        for name in settings.alerting.packs
        for written in pack(name, settings.objective_values[0])
    }
    rules = {name: _rule(written, parse_condition(written.condition), settings) for name, written in shipped.items()}
    problems: list[Problem] = []
    warnings = unreachable(settings)
    for number, own in enumerate(settings.alerts, 1):
        where = f'alert {number} "{own.name}"'
        rules.pop(own.name, None)
        if not own.enabled:
            continue
        written = _with_words_of(own, shipped.get(own.name))
        try:
            condition = parse_condition(written.condition)
        except ConditionError as error:
            problems += [Problem(f"{where}, condition", str(error)), *faults_of(written, None, settings, where)]
            continue
        faults = faults_of(written, condition, settings, where)
        problems += faults
        if not faults:
            rule = rules[own.name] = _rule(written, condition, settings)
            warnings += warnings_of(rule, settings, where)
    return Compiled(tuple(rules.values()), tuple(problems), tuple(warnings))


def _with_words_of(own: RuleSettings, shipped: RuleSettings | None) -> RuleSettings:
    """A rule that replaces one of a pack has its owner and first step unless it names others."""
    if shipped is None:
        return own
    kept = {name: getattr(shipped, name) for name in ("owner", "first_step") if name not in own.model_fields_set}
    return own.model_copy(update=kept)


def _rule(written: RuleSettings, condition: Condition, settings: Settings) -> Rule:
    """The rule as written. A burn rate is judged on more requests than a threshold unless the rule says otherwise."""
    language: Language = settings.language
    metrics = {part.metric.name for part in condition.comparisons}
    burning = "burn_rate" in metrics
    said = written.model_fields_set
    return Rule(
        written.name,
        condition,
        DAY if "daily_cost" in metrics else written.window,
        written.for_,
        written.keep_firing_for,
        written.severity,
        MIN_VALID if burning and "min_samples" not in said else written.min_samples,
        MIN_BAD if burning and "min_bad" not in said else written.min_bad,
        written.no_data,
        written.family or condition.comparisons[0].metric.name,
        Selection(**{str(name): value for name, value in written.filter.items()}),  # type: ignore[arg-type] # filters only
        written.action,
        written.owner.of(language),
        written.runbook,
        written.short_window,
        written.group_by,
        (),
        written.first_step.of(language),
        written.summary.of(language),
    )
