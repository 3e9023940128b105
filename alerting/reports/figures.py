"""Everything a report says, as numbers: each from the function every other surface asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alerting.archive import read_archive
from alerting.onset import onsets
from alerting.programme import programme
from alerting.rules import compile_rules
from core.selection import Selection
from core.timespan import TimeSpan
from metrics.answer import answer, selected_requests
from metrics.budget_answer import ledgers
from metrics.by_day import by_day, midnights
from metrics.freshness import data_age
from metrics.groups import by_group, with_before
from metrics.latency import timed
from metrics.many import requests_of
from metrics.monthly_cost import month
from metrics.query import BEGINNING
from metrics.summary import COLUMNS, to_json
from metrics.why_answer import why

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from pathlib import Path

    import polars as pl

    from alerting.archive import Story
    from alerting.programme import Programme
    from alerting.reports.period import Period
    from alerting.rules import Rule
    from core.selection import Losses, Reader
    from core.settings import Settings
    from metrics.budget_ledger import Ledger
    from metrics.monthly_cost import Month
    from metrics.values import Summary
    from metrics.why_answer import Why

MOST_PRICED = 3_000_000
"""Requests read one by one for what they cost; of a longer period the cost is not told."""
OLD = timedelta(days=90)
"""What is older is for the archive."""


@dataclass(frozen=True, slots=True)
class RuleUse:
    """A rule and how often it led to an incident in the period, and what people said of those."""

    rule: Rule
    fired: int
    useful: int
    noise: int


@dataclass(frozen=True, slots=True)
class Report:
    """A week or a month as of `as_of`, its end (`ends`) or, while it lasts, now; `before` is the period before it.

    `days` is `metrics.by_day`, `agents` `metrics.groups.with_before`, `operations` `by_group`. The budget and its
    ledger are those of the objective's own period up to `as_of`. `why` speaks of what moved most. `cost` is None when
    nothing says what anything costs. `old` is how many requests are older than OLD.
    """

    period: Period
    span: TimeSpan
    ends: datetime
    before_start: datetime
    as_of: datetime
    summary: Summary
    before: Summary
    days: pl.DataFrame
    agents: pl.DataFrame
    operations: pl.DataFrame
    ledger: Ledger
    why: Why
    cost: Month
    cost_before: Month
    losses: Losses
    incidents: tuple[Story, ...]
    incidents_before: int
    programme: Programme
    rules: tuple[RuleUse, ...]
    old: int

    @property
    def whole(self) -> bool:
        """Whether sums can be compared with the period before: this one is over, and data reaches back to that one."""
        since = self.losses.since
        return self.over and since is not None and since <= self.before_start

    @property
    def over(self) -> bool:
        """Whether nothing can be added to the period any more."""
        return self.as_of >= self.ends


def build_report(reader: Reader, settings: Settings, state: Path, period: Period, now: datetime) -> Report:
    """The report of a period that has begun by `now`.

    A finished one has the same numbers whenever it is asked for, while the store holds the same requests; only what
    people say of incidents may come later. How old the data is, is of now.
    """
    freshness = reader.freshness()
    zone, limit = settings.zone, settings.limit_values.limit_ms
    whole, earlier = period.span(zone), period.before.span(zone)
    as_of = min(now, whole.end)
    span = whole.until(as_of)
    selection, past = Selection(span), Selection(earlier)
    objective = settings.objective_values[0]
    chosen, chosen_before = (selected_requests(reader, one, settings) for one in (selection, past))
    summary = answer(reader, selection, settings, as_of, freshness, selected=chosen)
    allowed = {objective.name: summary.budget.allowed}
    operations = requests_of(reader, selection, (*COLUMNS, "operation"), by=("operation",), edges=(limit,))
    kept, rules = read_archive(state, earlier.start), compile_rules(settings).rules
    stories = kept.incidents
    inside = tuple(one for one in stories if _overlaps(one, span))
    return Report(
        period,
        span,
        whole.end,
        earlier.start,
        as_of,
        replace(summary, freshness=data_age(freshness, now), receipt=replace(summary.receipt, computed_at=now)),
        answer(reader, past, settings, whole.start, freshness, selected=chosen_before),
        by_day(reader, selection, settings),
        with_before(by_group(chosen, "agent_id", limit), by_group(chosen_before, "agent_id", limit)),
        by_group(timed(operations, limit), "operation", limit),
        ledgers(reader, Selection(), [objective], allowed, as_of)[objective.name],
        why(reader, selection, settings),
        month(reader, selection, settings, span.end, start=span.start, most=MOST_PRICED),
        month(reader, past, settings, earlier.end, start=earlier.start, most=MOST_PRICED),
        reader.losses(span),
        inside,
        sum(_overlaps(one, earlier) for one in stories),
        programme(
            inside,
            [one for one in kept.deliveries if span.start <= one.decided_at < span.end],
            onsets=onsets(reader, {rule.name: rule for rule in rules}, settings, inside),
            complaints=(),
            days=_days(span, settings),
            zone=zone,
        ),
        _uses(rules, inside),
        reader.extent(Selection(TimeSpan(BEGINNING, as_of - OLD))).rows,
    )


def report_json(report: Report) -> dict[str, Any]:
    """The report in plain JSON types: `summary` and `before` in the form of `metrics summary --json`."""
    return {
        "period": report.period.name,
        "span": {"start": report.span.start.isoformat(), "end": report.span.end.isoformat()},
        "as_of": report.as_of.isoformat(),
        "summary": to_json(report.summary),
        "before": to_json(report.before),
        "cost": {"spent_usd": report.cost.spent, "wasted_usd": report.cost.wasted, "unknown": report.cost.unknown},
        "cost_before": {"spent_usd": report.cost_before.spent, "wasted_usd": report.cost_before.wasted},
        "incidents": [
            {
                "id": one.id,
                "severity": one.severity,
                "title": one.message.title,
                "since": one.since.isoformat(),
                "ended_at": one.ended_at.isoformat() if one.ended_at else None,
                "verdict": one.verdict,
            }
            for one in report.incidents
        ],
    }


def _days(span: TimeSpan, settings: Settings) -> list[date]:
    return [at.astimezone(settings.zone).date() for at in midnights(span, settings.zone)[:-1]]


def _overlaps(incident: Story, span: TimeSpan) -> bool:
    return incident.opened_at < span.end and (incident.closed_at is None or incident.closed_at >= span.start)


def _uses(rules: Sequence[Rule], incidents: Sequence[Story]) -> tuple[RuleUse, ...]:
    found = []
    for rule in rules:
        led = [one for one in incidents if any(_is_of(episode.rule, rule) for episode in one.episodes)]
        said = [one.verdict for one in led]
        found.append(RuleUse(rule, len(led), said.count("useful"), said.count("noise")))
    return tuple(found)


def _is_of(instance: str, rule: Rule) -> bool:
    """Whether an instance is one of the rule: its key, or its key for one group."""
    return instance == rule.key or instance.startswith(f"{rule.key}{{")
