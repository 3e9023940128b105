"""The first page: the answer, six numbers, the budget, what moved, and three things to do."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from alerting.changed import growth, points
from alerting.reports.document import Number, Task, words
from alerting.words import cost_shown, outlook
from core.text import age, money, number, percent, seconds
from metrics.change import changes
from metrics.rates import TOO_FEW_ROWS
from metrics.sentence import sentence
from metrics.why_sentence import listed, plain_text, why_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alerting.reports.document import Tone
    from alerting.reports.figures import Report
    from core.settings import Settings
    from core.text import Language
    from metrics.sentence import Sentence
    from metrics.values import Percentile, Rate, Summary

MOST_MOVED, MOST_TASKS = 3, 3
MATERIAL_WASTE = 0.01
"""A smaller share of the money is no task of its own."""


def answer_of(report: Report, settings: Settings, language: Language) -> Sentence:
    """The answer about the period: a quiet time after a finished one makes nothing in it unknown."""
    summary = report.summary
    newest = summary.freshness.newest
    if newest is not None and newest >= report.span.end and summary.freshness.state == "stale":
        summary = replace(summary, freshness=replace(summary.freshness, state="fresh"))
    return sentence(summary, language, settings.zone)


def numbers(report: Report, language: Language) -> tuple[Number, ...]:
    """The six, each with its change against the period before."""
    now, before = report.summary, report.before
    change, past = changes(now, before), report.period.before.name

    def compared(changed: str | None) -> str:
        if changed is None:
            return words("no_change", language)
        return words("change", language, change=changed, before=past)

    sli = now.sli
    verdict = "" if sli.value is None else words("met" if sli.value >= sli.target else "missed", language)
    target = words("success_note", language, target=percent(sli.target, language), verdict=verdict) if verdict else ""
    p50, p99 = (_took(now.percentiles[name], language) for name in ("p50", "p99"))
    slower = None if change.p95 is None else ("+" if change.p95 >= 0 else "−") + seconds(abs(change.p95), language)
    failed = words("errors_note", language, count=number(now.counts.failed, language))
    better = _tone(now.success_rate, before.success_rate, more_is_worse=False)

    def of(name: str, value: str, changed: str | None, note: str, tone: Tone = "plain") -> Number:
        return Number(name, words(name, language), value, compared(changed), note, tone)

    return (
        of("success", _rate(now, "success_rate", language), points(change.success_rate, language), target, better),
        of(
            "timeouts",
            _rate(now, "timeout_rate", language),
            points(change.timeout_rate, language),
            _of(now, language),
            _tone(now.timeout_rate, before.timeout_rate),
        ),
        of(
            "errors",
            _rate(now, "error_rate", language),
            points(change.error_rate, language),
            failed,
            _tone(now.error_rate, before.error_rate),
        ),
        of("p95", _took(now.percentiles["p95"], language), slower, words("p95_note", language, p50=p50, p99=p99)),
        _cost(report, language, compared(growth(*_spends(report), language))),
        _incidents(report, language, past),
    )


def budget(report: Report, settings: Settings, language: Language) -> tuple[str, str, float | None]:
    """What is left in words, when it ends, and the share for a bar (None when nothing is known)."""
    found, objective = report.summary.budget, settings.objective_values[0]
    end = words("budget_ends", language, when=outlook(found, settings.model_copy(update={"language": language})))
    if found.consumed is None:
        return "–", end, None
    left = (
        words("budget_spent", language, over=percent(-found.remaining, language, 0))
        if found.remaining < 0
        else percent(found.remaining, language, 0)
    )
    line = words(
        "budget_line",
        language,
        left=left,
        target=percent(objective.target, language),
        limit=seconds(objective.limit_ms, language),
        period=age(objective.period, language),
    )
    return line, end, min(1.0, max(0.0, found.remaining))


def moved(report: Report, language: Language) -> tuple[str, ...]:
    """The change of what moved most with its cause, then further causes."""
    found = report.why
    lines = [plain_text(why_sentence(found, language))]
    others = list(found.answer.causes[1:])
    others += [other.raised[0] for other in found.moved.values() if other is not found.answer and other.raised]
    lines += [plain_text(listed(cause, language)) for cause in others]
    return tuple(line for line in lines[:MOST_MOVED] if line)


def tasks(report: Report, settings: Settings, language: Language) -> tuple[Task, ...]:
    """The first three of what the numbers ask for, the heaviest first; one that says there is nothing."""
    found = tuple(islice(_wanted(report, settings, language), MOST_TASKS))
    return found or (Task(words("do_nothing", language), ""),)


def _wanted(report: Report, settings: Settings, language: Language) -> Iterator[Task]:
    def owned(agent: str | None, text: str) -> Task:
        owner = settings.owners.get(agent or "", "")
        named = words("owner", language, owner=owner) if owner else words("no_owner", language)
        return Task(text, named if agent is not None else "")

    moved_most = report.why.answer
    if moved_most.raised:
        cause = moved_most.raised[0]
        agent = next((value for name, value in cause.where if name == "agent"), None)
        yield owned(agent, words("do_cause", language, what=plain_text(listed(cause, language))))
    spenders = report.ledger.agents.filter(report.ledger.agents["agent_id"].is_not_null())
    if spenders.height:
        row = spenders.row(0, named=True)
        said = words("do_agent", language, agent=row["agent_id"], share=percent(row["of_spend"], language, 0))
        yield owned(row["agent_id"], said)
    spent, wasted = report.cost.spent, report.cost.wasted
    if spent and wasted is not None and wasted / spent >= MATERIAL_WASTE:
        yield Task(words("do_waste", language, wasted=money(wasted, language), spent=money(spent, language)), "")
    if lost := report.losses.refused + report.losses.dropped:
        yield Task(words("do_lost", language, count=number(lost, language)), "")
    if unjudged := sum(one.verdict is None for one in report.incidents):
        yield Task(words("do_label", language, count=number(unjudged, language)), "")
    slow = report.operations.filter(
        report.operations["p95"].is_not_null() & report.operations["group"].is_not_null()
        & (report.operations["n"] >= TOO_FEW_ROWS)
    ).sort("p95", descending=True)  # fmt: skip
    if slow.height:
        row = slow.row(0, named=True)
        p95 = seconds(row["p95"], language, at_least=row["p95_at_least"])
        yield Task(words("do_slow", language, operation=row["group"], p95=p95), "")


def _rate(summary: Summary, name: str, language: Language) -> str:
    found = getattr(summary, name)
    return percent(found.value if found else None, language, 2)


def _of(summary: Summary, language: Language) -> str:
    rate = summary.timeout_rate
    if rate is None:
        return ""
    low, high = percent(rate.low, language, 2), percent(rate.high, language, 2)
    count, n = number(summary.counts.timeout, language), number(rate.n, language)
    return words("timeouts_note", language, count=count, n=n, low=low, high=high)


def _took(found: Percentile | None, language: Language) -> str:
    return seconds(found.value if found else None, language, at_least=bool(found and found.at_least))


def _tone(now: Rate | None, before: Rate | None, *, more_is_worse: bool = True) -> Tone:
    """Coloured only when the ranges of the two rates lie apart."""
    if now is None or before is None or (now.low <= before.high and before.low <= now.high):
        return "plain"
    return "bad" if (now.value > before.value) == more_is_worse else "good"


def _cost(report: Report, language: Language, change: str) -> Number:
    label, spent = words("cost", language), report.cost.spent
    if spent is None:
        return Number("cost", label, "–", words("cost_unknown", language), "")
    shown = cost_shown(report.cost, language)
    wasted = money(report.cost.wasted, language)
    return Number("cost", label, shown, change, words("cost_note", language, wasted=wasted))


def _spends(report: Report) -> tuple[float | None, float | None]:
    """What was spent, and in the period before when that can be compared: both whole, both read to the end."""
    return report.cost.spent, report.cost_before.spent if report.whole else None


def _incidents(report: Report, language: Language, past: str) -> Number:
    count, critical = len(report.incidents), sum(one.severity == "critical" for one in report.incidents)
    more = count - report.incidents_before
    sign = "+" if more >= 0 else "−"
    change = words("change", language, change=f"{sign}{number(abs(more), language)}", before=past)
    if not report.whole:
        change, more = words("no_change", language), 0
    opened = sum(one.open for one in report.incidents)
    note = words("incidents_note", language, critical=number(critical, language), open=number(opened, language))
    tone: Tone = "bad" if more > 0 else "good" if more < 0 else "plain"
    return Number("incidents", words("incidents", language), number(count, language), change, note, tone)
