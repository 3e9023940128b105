"""The morning digest in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from alerting import links
from alerting.changed import growth, points
from alerting.chart import Line
from alerting.message import Fact, Message, Section
from alerting.picture import picture
from alerting.words import TEXTS, cost_shown, outlook
from core.selection import Selection
from core.text import age, money, number, percent, say, seconds
from core.timespan import local_day
from metrics.change import changes
from metrics.sentence import sentence
from metrics.why_sentence import plain_text, why_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from alerting.digest import AgentDay, Digest
    from alerting.message import File
    from core.settings import Settings
    from core.text import Language
    from metrics.values import Percentile, Rate, Summary


def digest_message(digest: Digest, settings: Settings) -> Message:
    """The digest as a message."""
    language = settings.language
    shown_day = _day_shown(digest.day, language)
    facts = (*_facts(digest, settings), *_health_facts(digest, settings))
    sections = []
    if digest.more.why is not None and digest.more.why.baseline is not None:
        told = plain_text(why_sentence(digest.more.why, language))
        sections.append(Section(say(TEXTS, "why_section", language), (told,)))
    for key, agents in (("agents_section", digest.agents), ("slowest_section", digest.slowest)):
        if agents:
            lines = tuple(_agent_line(place, agent, language) for place, agent in enumerate(agents, 1))
            sections.append(Section(say(TEXTS, key, language), lines))
    if digest.past.held_back:
        sections.append(Section(say(TEXTS, "held_section", language), digest.past.held_back))
    notes = [say(TEXTS, "late", language, at=settings.digest.at)] if digest.late else []
    if digest.past.missed:
        days = ", ".join(_day_shown(day, language) for day in digest.past.missed)
        notes.append(say(TEXTS, "missed", language, days=days))
    return Message(
        "digest",
        f"digest {digest.day}",
        say(TEXTS, "digest_title", language, day=shown_day, zone=settings.timezone),
        sentence(_as_of_the_day(digest, settings), language, settings.zone).plain(),
        facts=facts,
        sections=tuple(sections),
        link=links.page(settings, "", Selection(local_day(digest.day, settings.zone).until(digest.as_of))),
        note=" ".join(notes),
        language=language,
        files=tuple(_pictures(digest, settings)),
    )


def _pictures(digest: Digest, settings: Settings) -> Iterator[File]:
    """The timeout rate of the last days beside what the objective allows."""
    days, language, objective = digest.more.days, settings.language, settings.objective_values[0]
    if days is None:
        return
    limit = say(TEXTS, "picture_limit", language, limit=percent(objective.budget, language))
    line = Line(
        say(TEXTS, "picture_days", language),
        days["start"].to_list(),
        days["timeout_rate"].to_list(),
        lambda value: percent(value, language),
        objective.budget,
        limit,
    )
    if drawn := picture(line, settings.zone, language):
        yield drawn


def _as_of_the_day(digest: Digest, settings: Settings) -> Summary:
    """The summary as one reads it about a past day: a quiet night after it makes nothing in it unknown."""
    summary, end = digest.summary, local_day(digest.day, settings.zone).end
    newest = summary.freshness.newest
    if newest is None or newest < end or summary.freshness.state != "stale":
        return summary
    return replace(summary, freshness=replace(summary.freshness, state="fresh"))


def _facts(digest: Digest, settings: Settings) -> list[Fact]:
    language, now, before = settings.language, digest.summary, digest.before
    change, week = changes(now, before), changes(now, digest.week)
    limit = seconds(settings.limit_values.limit_ms, language)
    left = percent(now.budget.remaining, language)
    if digest.as_of < now.receipt.computed_at:
        left = say(TEXTS, "at_days_end", language, value=left)
    p50, p95, p99 = (_percentile(now.percentiles[name], language) for name in ("p50", "p95", "p99"))
    return [
        Fact(
            say(TEXTS, "requests", language),
            f"{number(now.counts.requests, language)} ({_grown(digest, language)})",
        ),
        Fact(
            say(TEXTS, "timeouts", language, limit=limit),
            _share(now.counts.timeout, now.timeout_rate, (change.timeout_rate, week.timeout_rate), language),
        ),
        Fact(
            say(TEXTS, "failed", language),
            _share(now.counts.failed, now.error_rate, (change.error_rate, week.error_rate), language),
        ),
        Fact(say(TEXTS, "percentiles", language), f"{p50} / {p95} / {p99}"),
        Fact(say(TEXTS, "metric_sli", language), _sli(now, language)),
        Fact(say(TEXTS, "budget_left", language), left),
        Fact(say(TEXTS, "budget_ends", language), outlook(now.budget, settings)),
        *_cost_facts(digest, language),
    ]


def _cost_facts(digest: Digest, language: Language) -> list[Fact]:
    """What the day cost, when anything says so."""
    more = digest.more
    if more.cost is None:
        return []
    spent, pasts = more.cost.spent, (more.cost_before, more.cost_week)
    day, week = (growth(spent, past.spent if past else None, language) for past in pasts)
    wasted = say(TEXTS, "cost_wasted", language, wasted=money(more.cost.wasted, language))
    parts = (cost_shown(more.cost, language), wasted, _beside(day, week, language))
    return [Fact(say(TEXTS, "cost", language), "; ".join(part for part in parts if part))]


def _health_facts(digest: Digest, settings: Settings) -> list[Fact]:
    language, past, data = settings.language, digest.past, digest.summary.freshness
    old = age(timedelta(seconds=data.age_s), language) if data.age_s is not None else ""
    health = say(TEXTS, f"data_{data.state}", language, age=old)
    if digest.summary.counts.unmeasured:
        count = number(digest.summary.counts.unmeasured, language)
        health += "; " + say(TEXTS, "data_unmeasured", language, count=count)
    if lost := digest.more.losses.refused + digest.more.losses.dropped:
        health += "; " + say(TEXTS, "data_lost", language, count=number(lost, language))
    counts = {"sent": past.sent, "held": len(past.held_back), "open": past.open}
    return [
        Fact(say(TEXTS, "alerts", language), say(TEXTS, "alerts_count", language, **counts)),
        Fact(say(TEXTS, "data_health", language), health),
    ]


def _agent_line(place: int, agent: AgentDay, language: Language) -> str:
    return say(
        TEXTS,
        "agent_line",
        language,
        place=place,
        agent=agent.agent if agent.agent is not None else say(TEXTS, "unnamed", language),
        timeouts=number(agent.timeouts, language),
        requests=number(agent.requests, language),
        rate=percent(agent.rate, language),
        n=number(agent.n, language),
        p95=seconds(agent.p95, language, at_least=agent.p95_at_least),
    )


def _share(count: float, rate: Rate | None, change: tuple[float | None, float | None], language: Language) -> str:
    """The count, its rate with what that is taken over, and the changes; that there are none, the requests say."""
    shown = number(count, language)
    if rate is None:
        return f"{shown} ({say(TEXTS, 'no_valid', language)})"
    low, high = percent(rate.low, language), percent(rate.high, language)
    n, value = number(rate.n, language), percent(rate.value, language)
    found = f"{shown} = {say(TEXTS, 'rate_range', language, rate=value, n=n, low=low, high=high)}"
    day, week = (points(one, language) for one in change)
    beside = _beside(day, week, language)
    return f"{found} ({beside})" if beside else found


def _sli(summary: Summary, language: Language) -> str:
    sli = summary.sli
    if sli.value is None:
        return say(TEXTS, "outlook_no_traffic", language)
    verdict = say(TEXTS, "verdict_met" if sli.value >= sli.target else "verdict_missed", language)
    target = percent(sli.target, language)
    return say(TEXTS, "sli_target", language, sli=percent(sli.value, language, 2), target=target, verdict=verdict)


def _percentile(found: Percentile | None, language: Language) -> str:
    return seconds(found.value, language, at_least=found.at_least) if found else seconds(None, language)


def _grown(digest: Digest, language: Language) -> str:
    """How traffic changed, or that there is nothing to compare with."""
    now = digest.summary.counts.requests
    day, week = (growth(now, one.counts.requests, language) for one in (digest.before, digest.week))
    beside = _beside(day, week, language)
    if day is None:
        missing = say(TEXTS, "no_comparison", language)
        return f"{missing}, {beside}" if beside else missing
    return beside


def _beside(day: str | None, week: str | None, language: Language) -> str:
    """The changes that can be told."""
    found = [say(TEXTS, "day_before", language, change=day)] if day else []
    found += [say(TEXTS, "week_before", language, change=week)] if week else []
    return ", ".join(found)


def _day_shown(day: date, language: Language) -> str:
    return f"{day:%a %Y-%m-%d}" if language == "en" else f"{day:%d/%m/%Y}"
