"""The answer in words a CEO reads, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.text import NARROW, age, moment, number, percent, say
from metrics.budget import HOUR, lookback
from metrics.rates import too_few

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from core.text import Language
    from metrics.values import Budget, DataAge, Estimate, Rate, Summary

TEXTS = Path(__file__).with_name("texts.yaml")
State = Literal["empty", "stale", "no_traffic", "too_few", "zero", "some"]

_AGENT = "\0"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence. `quoted` pieces are log text: put them into a code cell, never into markup."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """The answer in three pieces. `headline` and `budget` hold our own words only; `reason` and `budget` may be empty.

    `state` says what kind of answer it is; nothing but "zero" and "some" says how the service is now.
    """

    state: State
    headline: str
    reason: tuple[Part, ...]
    budget: str

    def plain(self) -> str:
        """All of it on one line; what is quoted stands between backquotes, without control characters."""
        reason = "".join(f"`{printable(part.text)}`" if part.quoted else part.text for part in self.reason)
        return " ".join(text for text in (self.headline, reason, self.budget) if text)


def sentence(summary: Summary, language: Language, zone: ZoneInfo) -> Sentence:
    """Say what `summary` found. Stale data is said to be unknown first, whatever the numbers are."""
    state, headline = _headline(summary, language, zone)
    if summary.freshness.state == "empty":
        return Sentence("empty", headline, (), "")
    if summary.unfiltered:
        return Sentence("no_traffic", headline, (), "")
    if summary.freshness.state == "stale":
        state, headline = "stale", _stale(summary, headline, language, zone)
    return Sentence(state, headline, _reason(summary, language), _budget(summary, language, zone))


def printable(text: str) -> str:
    """Log text for a terminal: what is not printable (escape sequences, line breaks) becomes a replacement sign."""
    return "".join(sign if sign.isprintable() or sign == NARROW else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _headline(summary: Summary, language: Language, zone: ZoneInfo) -> tuple[State, str]:
    counts, rate = summary.counts, summary.timeout_rate
    if summary.freshness.state == "empty":
        return "empty", say(TEXTS, "empty", language)
    if summary.unfiltered:
        return "no_traffic", say(TEXTS, "no_match", language, all=number(summary.unfiltered, language))
    if not counts.requests:
        return "no_traffic", say(TEXTS, "no_requests", language)
    what = _what(summary, language, zone)
    if rate is None:
        return "no_traffic", say(TEXTS, "none_counts", language, what=what)
    if counts.requests == 1:
        only = say(TEXTS, "one_cut" if counts.timeout else "one_good", language)
        return "too_few", say(TEXTS, "too_few", language, headline=only)
    state: State = "some" if counts.timeout else "zero"
    headline = say(
        TEXTS,
        state,
        language,
        what=what,
        timeouts=_count(summary, "timeout", counts.timeout, language),
        rate=_rate(summary, rate, language),
        low=percent(rate.low, language).removesuffix(f"{NARROW}%"),
        high=percent(rate.high, language),
    )
    if too_few(rate):
        return "too_few", say(TEXTS, "too_few", language, headline=headline)
    return state, headline


def _what(summary: Summary, language: Language, zone: ZoneInfo) -> str:
    selection, now = summary.receipt.selection, summary.receipt.computed_at
    n = _count(summary, "requests", summary.counts.requests, language)
    if selection.last is not None:
        return say(TEXTS, "what_last", language, n=n)
    if selection.span is None:
        return say(TEXTS, "what_all", language, n=n)
    start = _when(selection.span.start, now, language, zone)
    if selection.span.end >= now:
        return say(TEXTS, "what_since", language, n=n, start=start)
    return say(
        TEXTS, "what_between", language, n=n, start=start, end=_when(selection.span.end, now, language, zone)
    )  # fmt: skip


def _rate(summary: Summary, rate: Rate, language: Language) -> str:
    """The share, and what it is a share of when not every request counts."""
    share = percent(rate.value, language)
    if summary.counts.valid == summary.counts.requests:
        return share
    valid = _count(summary, "valid", summary.counts.valid, language)
    return say(TEXTS, "rate_of_valid", language, rate=share, valid=valid)


def _count(summary: Summary, name: Estimate, count: float, language: Language) -> str:
    """A count; what is estimated from sampled rows says so."""
    return (f"≈{NARROW}" if name in summary.estimates else "") + number(count, language)


def _stale(summary: Summary, headline: str, language: Language, zone: ZoneInfo) -> str:
    newest, now = summary.freshness.newest or summary.receipt.computed_at, summary.receipt.computed_at
    return say(
        TEXTS,
        "stale",
        language,
        age=age(now - newest, language),
        newest=_when(newest, now, language, zone),
        headline=headline,
    )


def _reason(summary: Summary, language: Language) -> tuple[Part, ...]:
    leader, total = summary.leader, summary.counts.timeout
    if not total and summary.near:
        return (Part(say(TEXTS, "near", language, near=_count(summary, "near", summary.near, language))),)
    if leader is None or summary.receipt.selection.agent is not None:
        return ()
    key = "leader" if leader.timeouts < total else "leader_only" if total == 1 else "leader_all"
    part, whole = (_count(summary, "timeout", count, language) for count in (leader.timeouts, total))
    before, after = say(TEXTS, key, language, agent=_AGENT, part=part, total=whole).split(_AGENT)
    return tuple(piece for piece in (Part(before), Part(leader.agent, quoted=True), Part(after)) if piece.text)


def _budget(summary: Summary, language: Language, zone: ZoneInfo) -> str:
    return budget_said(summary.budget, summary.freshness, summary.receipt.computed_at, language, zone)


def budget_said(budget: Budget, freshness: DataAge, now: datetime, language: Language, zone: ZoneInfo) -> str:
    """When the budget ends: a sentence of our own words only."""
    if freshness.state != "fresh" and budget.outlook != "spent":
        return say(TEXTS, "budget_unknown", language)
    runway = budget.runway
    moments = {"when": budget.exhausted_at or budget.exhausted_since}
    if runway is not None:
        moments |= {"low": runway.low, "high": runway.high, "until": runway.until}
    return say(
        TEXTS,
        budget_text(budget),
        language,
        **{name: _when(at, now, language, zone) if at else "" for name, at in moments.items()},
        period=age(budget.period, language),
        hours=round(lookback(budget.period) / HOUR),
        chance=percent(runway.chance, language, 0) if runway else "",
    )


def budget_text(budget: Budget) -> str:
    """The key of what is said about a budget: with a runway, what its simulation found."""
    runway = budget.runway
    if runway is None:
        return f"budget_{budget.outlook}"
    if runway.outlook == "ends":
        return "budget_ends_between" if runway.high else "budget_ends_from"
    return "budget_may_end" if runway.outlook == "may_end" else "budget_lasts"


def _when(when: datetime, now: datetime, language: Language, zone: ZoneInfo) -> str:
    """A moment, with its year when that is not the present one."""
    year = when.astimezone(zone).year
    return moment(when, zone, language) + (f" ({year})" if year != now.astimezone(zone).year else "")
