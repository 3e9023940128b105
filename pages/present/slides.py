"""Five slides: what a meeting has to know, in one language. The screen and the file show these and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from core.text import moment, money, number, percent, seconds
from metrics.sentence import Part, budget_said, sentence
from metrics.values import Percentile
from metrics.why_sentence import change, reason
from pages.cost.reading import costs
from pages.cost.table import at_least
from pages.overview.missing import missing_words
from pages.shared import data
from pages.shared.text import t
from pages.shared.why import outcome_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.text import Language
    from metrics.values import Rate
    from metrics.why_answer import Why
    from pages.cost.reading import Costs
    from pages.shared.frame import Frame

MOST_AGENTS = 5
WINDOWS = ("1h", "24h")
"""Burn rates a meeting asks for: now, and over the day."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One number: as it is read, and `raw` as `metrics` gave it (None when it is unknown)."""

    name: str
    label: str
    value: str
    raw: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """An agent with timeouts. Its name is log text; who acts for it is from the settings."""

    agent: str | None
    owner: str
    timeouts: Fact
    rate: Fact


@dataclass(frozen=True, slots=True)
class Slide:
    """One screen. `headline` and `note` hold our own words only, `text` log text too, in quoted parts."""

    name: str
    title: str
    headline: str
    text: tuple[Part, ...] = ()
    facts: tuple[Fact, ...] = ()
    actors: tuple[Actor, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the slides are made of: the readings of the pages they speak for."""

    overview: data.Overview
    why: Why
    costs: Costs | None


def read(frame: Frame) -> Shown:
    """The same readings as on the Overview, the page of causes and the page of costs, so the same numbers."""
    return Shown(
        data.overview(frame),
        data.why(frame),
        costs(frame),
    )


def slides(shown: Shown, frame: Frame, language: Language) -> Sequence[Slide]:
    """The answer, the budget, why, who acts, what it costs."""
    return (
        _answer(shown, frame, language),
        _budget(shown, frame, language),
        _why(shown.why, language),
        _act(shown.overview.agents, frame, language),
        _cost(shown.costs, frame, language),
    )


def about(frame: Frame, language: Language) -> tuple[Part, ...]:
    """What must be known of every slide: that the data is a sample, and which filters are in force."""
    sample = (Part(t("present_sample", language)),) if frame.demo else ()
    return sample + tuple(
        part
        for name, value in frame.choice.filters.items()
        for part in (
            Part(" " + t("present_filter", language, name=t(name, language).lower()) + " "),
            Part(value, quoted=True),
        )
    )


def _answer(shown: Shown, frame: Frame, language: Language) -> Slide:
    summary = shown.overview.summary
    said = sentence(summary, language, frame.settings.zone)
    average = None if summary.average_ms is None else Percentile(summary.average_ms, summary.average_at_least)
    return Slide(
        "answer",
        t("present_answer", language),
        said.headline,
        said.reason,
        (
            _share("success_rate", summary.success_rate, language),
            _share("timeout_rate", summary.timeout_rate, language),
            _share("error_rate", summary.error_rate, language),
            _time("p99", summary.percentiles["p99"], language),
            _time("p95", summary.percentiles["p95"], language),
            _time("average_ms", average, language),
        ),
        note=missing_words(shown.overview.coverage, shown.overview.losses, frame.settings.zone, language),
    )


def _share(name: str, rate: Rate | None, language: Language) -> Fact:
    label = t(f"tile_{name}", language)
    if rate is None:
        return Fact(name, label, percent(None, language), None, t("note_none", language))
    low, high, n = percent(rate.low, language), percent(rate.high, language), number(rate.n, language)
    return Fact(
        name, label, percent(rate.value, language), rate.value, t("present_range", language, low=low, high=high, n=n)
    )


def _time(name: str, value: Percentile | None, language: Language) -> Fact:
    label = t(f"tile_{name}", language)
    if value is None:
        return Fact(name, label, seconds(None, language), None, t("note_none", language))
    note = t("note_cut", language) if value.at_least else ""
    return Fact(name, label, seconds(value.value, language, at_least=value.at_least), value.value, note)


def _budget(shown: Shown, frame: Frame, language: Language) -> Slide:
    summary = shown.overview.summary
    budget, sli = summary.budget, summary.sli
    left = budget.remaining if budget.consumed is not None else None
    told = t("present_spent", language, bad=number(budget.bad, language), allowed=number(budget.allowed, language))
    target = t("present_target", language, target=percent(sli.target, language))
    burns = [(window, budget.burn.get(window)) for window in WINDOWS]
    return Slide(
        "budget",
        t("present_budget", language),
        budget_said(budget, summary.freshness, frame.now, language, frame.settings.zone),
        facts=(
            Fact("remaining", t("present_left", language), percent(left, language), left, told),
            Fact("sli", t("present_good", language), percent(sli.value, language), sli.value, target),
            *(
                Fact(
                    f"burn_{window}",
                    t("present_burn", language, window=t(f"range_{window}", language)),
                    f"{number(rate, language, 1)} ×" if rate is not None else number(None, language),
                    rate,
                    t("present_burn_note", language),
                )
                for window, rate in burns
            ),
        ),
    )


def _why(found: Why, language: Language) -> Slide:
    moved = found.answer
    said = "".join(part.text for part in change(found, moved, language)).strip()
    facts = () if moved.before is None or moved.now is None else (moved.before, moved.now)
    names = ("before", "now")
    return Slide(
        "why",
        t(f"verdict_{outcome_of(found)}", language),
        said,
        reason(moved, language) if found.baseline else (),
        tuple(
            Fact(
                name,
                t(f"present_{name}", language, measure=t(f"moved_{moved.measure}", language)),
                percent(rate.value, language),
                rate.value,
                _share("timeout_rate", rate, language).note,
            )
            for name, rate in zip(names, facts, strict=False)
        ),
    )


def _act(agents: pl.DataFrame, frame: Frame, language: Language) -> Slide:
    acting = agents.filter(pl.col("timeouts") > 0)
    title = t("act_first", language)
    if not acting.height:
        return Slide("act", title, t("nobody_acts", language))
    first, total = acting["timeouts"][0], float(acting["timeouts"].sum())
    said = t(
        "present_act_one" if acting.height == 1 else "present_act_many",
        language,
        count=number(acting.height, language),
        first=number(first, language),
        total=number(total, language),
    )
    rows = acting.head(MOST_AGENTS).iter_rows(named=True)
    owners = frame.settings.owners
    return Slide(
        "act",
        title,
        said,
        actors=tuple(
            Actor(
                row["group"],
                owners.get(row["group"], ""),
                Fact("timeouts", t("col_timeouts", language), number(row["timeouts"], language), row["timeouts"]),
                Fact("rate", t("col_rate", language), percent(row["timeout_rate"], language), row["timeout_rate"]),
            )
            for row in rows
        ),
    )


def _cost(found: Costs | None, frame: Frame, language: Language) -> Slide:
    title = t("cost", language)
    if found is None or found.spend.spent is None or found.spend.wasted is None:
        return Slide("cost", title, t("cost_headline_none", language), (Part(t("present_cost_none", language)),))
    spend, share = found.spend, found.wasted_share
    spent = at_least(spend.spent, spend.unknown, language)
    key = "cost_headline" if spend.wasted else "cost_headline_all_good"
    count, total = number(found.read, language), number(found.total, language)
    about = t(
        "cost_about" if found.read == found.total else "cost_about_newest",
        language,
        count=count,
        total=total,
        since=moment(found.span.start, frame.settings.zone, language),
    )
    return Slide(
        "cost",
        title,
        t(key, language, spent=spent, wasted=money(spend.wasted, language), share=percent(share, language)),
        (Part(about),),
        (
            Fact("spent", t("present_cost_spent", language), spent, spend.spent),
            Fact("wasted", t("present_cost_wasted", language), money(spend.wasted, language), spend.wasted),
            Fact("wasted_share", t("present_cost_share", language), percent(share, language), share),
            Fact(
                "per_request",
                t("present_cost_request", language),
                money(spend.per_request, language),
                spend.per_request,
            ),
        ),
    )
