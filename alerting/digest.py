"""The morning digest: one local day in numbers, each from the one path every other surface uses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from alerting.message import Fact, Message, Section
from alerting.words import TEXTS, outlook
from core.record import REQUEST_FRAME
from core.selection import Selection
from core.text import age, number, percent, say, seconds
from core.timespan import local_day
from metrics.answer import answer
from metrics.change import changes
from metrics.freshness import data_age
from metrics.groups import by_group
from metrics.sentence import sentence
from metrics.summary import to_json

if TYPE_CHECKING:
    from core.selection import Freshness, RequestSource
    from core.settings import Settings
    from core.text import Language
    from metrics.values import Percentile, Rate, Summary

MOST_AGENTS = 5


@dataclass(frozen=True, slots=True)
class Past:
    """What the state file knows of the day: alerts sent, those held back (as shown), and incidents open at its end."""

    sent: int = 0
    held_back: tuple[str, ...] = ()
    open: int = 0
    missed: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentDay:
    """One agent's day; `rate` is over its `n` valid rows; rate and p95 are None without any."""

    agent: str | None
    requests: float
    timeouts: float
    rate: float | None
    n: int
    p95: float | None
    p95_at_least: bool


@dataclass(frozen=True, slots=True)
class Digest:
    """The local day `day`, the day before it, its agents by timeouts, and what happened to the alerts.

    Everything is as of `as_of`, the end of the day or, while it lasts, now; only `summary.freshness` is always of now.
    """

    day: date
    summary: Summary
    before: Summary
    agents: tuple[AgentDay, ...]
    past: Past
    as_of: datetime
    late: bool = False


def build_digest(
    source: RequestSource,
    settings: Settings,
    now: datetime,
    freshness: Freshness,
    day: date,
    *,
    past: Past = Past(),
    late: bool = False,
) -> Digest:
    """The digest of a local day that has begun by `now`. A finished day has the same numbers whenever it is asked."""
    span = local_day(day, settings.zone)
    as_of = min(now, span.end)
    earlier = local_day(day - timedelta(days=1), settings.zone)
    columns = [name for name in REQUEST_FRAME if name in _AGENT_COLUMNS]
    agents = by_group(source.requests(Selection(span), columns), "agent_id", settings.limit_values.limit_ms)
    summary = answer(source, Selection(span), settings, as_of, freshness)
    receipt = replace(summary.receipt, computed_at=now)
    return Digest(
        day,
        replace(summary, freshness=data_age(freshness, now), receipt=receipt),
        answer(source, Selection(earlier), settings, span.start, freshness),
        tuple(
            AgentDay(
                row["group"],
                row["requests"],
                row["timeouts"],
                row["timeout_rate"],
                row["n"],
                row["p95"],
                bool(row["p95_at_least"]),
            )
            for row in agents.head(MOST_AGENTS).iter_rows(named=True)
            if row["timeouts"]
        ),
        past,
        as_of,
        late,
    )


_AGENT_COLUMNS = frozenset({"timestamp", "execution_time_ms", "status", "agent_id", "timeout_ms", "sample_rate"})


def digest_message(digest: Digest, settings: Settings) -> Message:
    """The digest as a message."""
    language = settings.language
    shown_day = _day_shown(digest.day, language)
    facts = (*_facts(digest, settings), *_health_facts(digest, settings))
    sections = []
    if digest.agents:
        lines = tuple(_agent_line(place, agent, language) for place, agent in enumerate(digest.agents, 1))
        sections.append(Section(say(TEXTS, "agents_section", language), lines))
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
        link=f"{settings.dashboard_url.rstrip('/')}/?range=24h" if settings.dashboard_url else "",
        note=" ".join(notes),
        language=language,
    )


def digest_json(digest: Digest) -> dict[str, Any]:
    """The digest as plain JSON types: `summary` and `before` in the form of `metrics summary --json`.

    The budget of `summary` is as of `as_of`.
    """
    return {
        "day": digest.day.isoformat(),
        "as_of": digest.as_of.isoformat(),
        "late": digest.late,
        "missed": [day.isoformat() for day in digest.past.missed],
        "summary": to_json(digest.summary),
        "before": to_json(digest.before),
        "agents": [
            {
                "agent_id": agent.agent,
                "requests": agent.requests,
                "timeouts": agent.timeouts,
                "timeout_rate": agent.rate,
                "n": agent.n,
                "p95_ms": None if agent.p95 is None else {"value": agent.p95, "at_least": agent.p95_at_least},
            }
            for agent in digest.agents
        ],
        "alerts": {
            "sent": digest.past.sent,
            "held_back": list(digest.past.held_back),
            "open": digest.past.open,
        },
    }


def _as_of_the_day(digest: Digest, settings: Settings) -> Summary:
    """The summary as one reads it about a past day: a quiet night after it makes nothing in it unknown."""
    summary, end = digest.summary, local_day(digest.day, settings.zone).end
    newest = summary.freshness.newest
    if newest is None or newest < end or summary.freshness.state != "stale":
        return summary
    return replace(summary, freshness=replace(summary.freshness, state="fresh"))


def _facts(digest: Digest, settings: Settings) -> list[Fact]:
    language, now, before = settings.language, digest.summary, digest.before
    change = changes(now, before)
    limit = seconds(settings.limit_values.limit_ms, language)
    left = percent(now.budget.remaining, language)
    if digest.as_of < now.receipt.computed_at:
        left = say(TEXTS, "at_days_end", language, value=left)
    p50, p95, p99 = (_percentile(now.percentiles[name], language) for name in ("p50", "p95", "p99"))
    return [
        Fact(
            say(TEXTS, "requests", language),
            f"{number(now.counts.requests, language)} "
            f"({_compared(_growth(now.counts.requests, before.counts.requests, language), language)})",
        ),
        Fact(
            say(TEXTS, "timeouts", language, limit=limit),
            _share(now.counts.timeout, now.timeout_rate, change.timeout_rate, language),
        ),
        Fact(
            say(TEXTS, "failed", language),
            _share(now.counts.failed, now.error_rate, change.error_rate, language),
        ),
        Fact(say(TEXTS, "percentiles", language), f"{p50} / {p95} / {p99}"),
        Fact(say(TEXTS, "metric_sli", language), _sli(now, language)),
        Fact(say(TEXTS, "budget_left", language), left),
        Fact(say(TEXTS, "budget_ends", language), outlook(now.budget, settings)),
    ]


def _health_facts(digest: Digest, settings: Settings) -> list[Fact]:
    language, past, data = settings.language, digest.past, digest.summary.freshness
    old = age(timedelta(seconds=data.age_s), language) if data.age_s is not None else ""
    health = say(TEXTS, f"data_{data.state}", language, age=old)
    if digest.summary.counts.unmeasured:
        count = number(digest.summary.counts.unmeasured, language)
        health += "; " + say(TEXTS, "data_unmeasured", language, count=count)
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


def _share(count: float, rate: Rate | None, change: float | None, language: Language) -> str:
    """The count, its rate with what that is taken over, and the change; that there is none, the requests say."""
    shown = number(count, language)
    if rate is None:
        return f"{shown} ({say(TEXTS, 'no_valid', language)})"
    low, high = percent(rate.low, language), percent(rate.high, language)
    n, value = number(rate.n, language), percent(rate.value, language)
    found = f"{shown} = {say(TEXTS, 'rate_range', language, rate=value, n=n, low=low, high=high)}"
    points = _points(change, language)
    return f"{found} ({_compared(points, language)})" if points else found


def _sli(summary: Summary, language: Language) -> str:
    sli = summary.sli
    if sli.value is None:
        return say(TEXTS, "outlook_no_traffic", language)
    verdict = say(TEXTS, "verdict_met" if sli.value >= sli.target else "verdict_missed", language)
    target = percent(sli.target, language)
    return say(TEXTS, "sli_target", language, sli=percent(sli.value, language, 2), target=target, verdict=verdict)


def _percentile(found: Percentile | None, language: Language) -> str:
    return seconds(found.value, language, at_least=found.at_least) if found else seconds(None, language)


def _growth(now: float, before: float, language: Language) -> str | None:
    """+4 %; None when there is nothing to compare with."""
    if not before:
        return None
    growth = now / before - 1
    return ("+" if growth >= 0 else "−") + percent(abs(growth), language, 0)


def _points(change: float | None, language: Language) -> str | None:
    if change is None:
        return None
    sign = "+" if change >= 0 else "−"
    return say(TEXTS, "points", language, sign=sign, points=number(abs(change) * 100, language, 2))


def _compared(change: str | None, language: Language) -> str:
    return say(TEXTS, "day_before", language, change=change) if change else say(TEXTS, "no_comparison", language)


def _day_shown(day: date, language: Language) -> str:
    return f"{day:%a %Y-%m-%d}" if language == "en" else f"{day:%d/%m/%Y}"
