"""The morning digest: one local day in numbers, each from the one path every other surface uses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from alerting.aside import Aside
from core.record import REQUEST_FRAME
from core.selection import Losses, Reader, Selection
from core.timespan import TimeSpan, local_day
from metrics.answer import answer
from metrics.by_day import by_day
from metrics.freshness import data_age
from metrics.groups import by_group
from metrics.monthly_cost import month
from metrics.rates import TOO_FEW_ROWS
from metrics.summary import to_json
from metrics.why_answer import why

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.selection import Freshness, RequestSource
    from core.settings import Settings
    from metrics.monthly_cost import Month
    from metrics.values import Summary
    from metrics.why_answer import Why

Result = TypeVar("Result")

MOST_AGENTS, MOST_SLOW = 5, 3
DAYS_SHOWN = 14
MOST_PRICED = 1_000_000
"""Requests of a day read one by one for what they cost."""
_ASIDE = Aside()


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
class More:
    """Whether it got worse and why; what it cost, and the two days before to set beside it; what was lost.

    `days` is `metrics.by_day` of the days up to this one. None and empty: not known, or not in time.
    """

    why: Why | None = None
    cost: Month | None = None
    cost_before: Month | None = None
    cost_week: Month | None = None
    losses: Losses = field(default_factory=Losses)
    days: pl.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """The local day `day`, the day before it and the same day a week ago, its agents, and what happened to the alerts.

    Everything is as of `as_of`, the end of the day or, while it lasts, now; only `summary.freshness` is always of now.
    `agents` are those with most timeouts, `slowest` those with the highest P95 of those with enough requests. `more` is
    what only a store can tell.
    """

    day: date
    summary: Summary
    before: Summary
    week: Summary
    agents: tuple[AgentDay, ...]
    slowest: tuple[AgentDay, ...]
    past: Past
    as_of: datetime
    more: More
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
    within: float | None = None,
) -> Digest:
    """The digest of a local day that has begun by `now`. A finished day has the same numbers whenever it is asked.

    Each part of `more` that takes longer than `within` seconds is left out; None waits for all.
    """
    span = local_day(day, settings.zone)
    as_of = min(now, span.end)
    earlier, week = (local_day(day - timedelta(days=days), settings.zone) for days in (1, 7))
    columns = [name for name in REQUEST_FRAME if name in _AGENT_COLUMNS]
    agents = by_group(source.requests(Selection(span), columns), "agent_id", settings.limit_values.limit_ms)
    slowest = agents.filter((pl.col("n") >= TOO_FEW_ROWS) & pl.col("p95").is_not_null())
    summary = answer(source, Selection(span), settings, as_of, freshness)
    receipt = replace(summary.receipt, computed_at=now)
    return Digest(
        day,
        replace(summary, freshness=data_age(freshness, now), receipt=receipt),
        answer(source, Selection(earlier), settings, span.start, freshness),
        answer(source, Selection(week), settings, week.end, freshness),
        tuple(_agent_days(agents.filter(pl.col("timeouts") > 0).head(MOST_AGENTS))),
        tuple(_agent_days(slowest.sort("p95", "group", descending=[True, False]).head(MOST_SLOW))),
        past,
        as_of,
        _more(source, settings, span.until(as_of), within),
        late,
    )


def _agent_days(agents: pl.DataFrame) -> Iterator[AgentDay]:
    for row in agents.iter_rows(named=True):
        yield AgentDay(
            row["group"],
            row["requests"],
            row["timeouts"],
            row["timeout_rate"],
            row["n"],
            row["p95"],
            bool(row["p95_at_least"]),
        )


def _more(source: RequestSource, settings: Settings, span: TimeSpan, within: float | None) -> More:
    """Each part for itself: one that cannot be had costs only itself."""
    if not isinstance(source, Reader):
        return More()
    reader, zone = source, settings.zone

    def part(name: str, work: Callable[[], Result]) -> Result | None:
        return work() if within is None else _ASIDE.in_time(within, work, f"{name} of the digest")

    def cost(days: int) -> Month | None:
        day = local_day(span.start.astimezone(zone).date() - timedelta(days=days), zone)
        end = day.end if days else span.end
        found = month(reader, Selection(), settings, end, start=day.start, most=MOST_PRICED)
        return None if found.spent is None else found

    first = local_day(span.start.astimezone(zone).date() - timedelta(days=DAYS_SHOWN - 1), zone).start
    return More(
        part("causes", lambda: why(reader, Selection(span), settings, "timeout")),
        part("cost", lambda: cost(0)),
        part("cost of the day before", lambda: cost(1)),
        part("cost of the week before", lambda: cost(7)),
        part("losses", lambda: reader.losses(span)) or Losses(),
        part("picture", lambda: by_day(reader, Selection(TimeSpan(first, span.end)), settings)),
    )


_AGENT_COLUMNS = frozenset({"timestamp", "execution_time_ms", "status", "agent_id", "timeout_ms", "sample_rate"})


def digest_json(digest: Digest) -> dict[str, Any]:
    """The digest as plain JSON types: `summary` and `before` in the form of `metrics summary --json`.

    The budget of `summary` is as of `as_of`.
    """
    more, cost = digest.more, digest.more.cost
    return {
        "day": digest.day.isoformat(),
        "as_of": digest.as_of.isoformat(),
        "late": digest.late,
        "missed": [day.isoformat() for day in digest.past.missed],
        "summary": to_json(digest.summary),
        "before": to_json(digest.before),
        "week": to_json(digest.week),
        "agents": [_agent_json(agent) for agent in digest.agents],
        "slowest": [_agent_json(agent) for agent in digest.slowest],
        "cost": None if cost is None else {"spent_usd": cost.spent, "wasted_usd": cost.wasted, "unknown": cost.unknown},
        "verdict": None if more.why is None else more.why.answer.verdict.outcome,
        "lost": {"refused": more.losses.refused, "dropped": more.losses.dropped, "unread": more.losses.unread},
        "alerts": {
            "sent": digest.past.sent,
            "held_back": list(digest.past.held_back),
            "open": digest.past.open,
        },
    }


def _agent_json(agent: AgentDay) -> dict[str, Any]:
    return {
        "agent_id": agent.agent,
        "requests": agent.requests,
        "timeouts": agent.timeouts,
        "timeout_rate": agent.rate,
        "n": agent.n,
        "p95_ms": None if agent.p95 is None else {"value": agent.p95, "at_least": agent.p95_at_least},
    }
