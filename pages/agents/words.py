"""What the page says first, and its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.text import number, percent
from metrics.sentence import Part
from pages.shared.figures import Figure
from pages.shared.text import t

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from core.slo import Objective
    from core.text import Language
    from metrics.ranking import Standing
    from metrics.values import Budget

_HERE = "\0"


def headline(groups: pl.DataFrame, by: str, language: Language) -> tuple[Part, ...]:
    """Who has most timeouts and how many, of all there are."""
    total = float(groups["timeouts"].sum())
    if not total:
        return (Part(t(f"agents_none_{by}", language)),)
    first = groups.row(0, named=True)
    if first["group"] is None:
        counts = {"timeouts": number(first["timeouts"], language), "total": number(total, language)}
        return (Part(t("agents_head_unnamed", language, **counts)),)
    said = t(
        "agents_head",
        language,
        name=_HERE,
        timeouts=number(first["timeouts"], language),
        total=number(total, language),
        rate=percent(first["timeout_rate"], language),
        low=percent(first["low"], language),
        high=percent(first["high"], language),
        n=number(first["n"], language),
    )
    ahead, behind = said.split(_HERE)
    return tuple(part for part in (Part(ahead), Part(first["group"], quoted=True), Part(behind)) if part.text)


def standing_figures(found: Standing, by: str, objective: Objective, language: Language) -> list[Figure]:
    """How many there are, how many had timeouts, how many surely more than the objective allows."""
    allowed = percent(objective.budget, language)
    few = number(found.timed_out, language)
    return [
        Figure("seen", t(f"agents_by_{by}", language), number(found.groups, language), t("agents_seen_note", language)),
        Figure("timed", t("agents_timed", language), few, t("agents_timed_note", language)),
        Figure(
            "over",
            t("agents_over", language),
            number(found.over, language),
            t("agents_over_note", language, allowed=allowed),
            t("agents_over_help", language, allowed=allowed),
        ),
    ]


def budget_figures(
    spent: Mapping[str, Any] | None, own: Budget, objective: Objective, language: Language
) -> list[Figure]:
    """What the agent took of everybody's budget, and how it would stand if it had one by itself."""
    zero = {"of_budget": 0.0, "of_spend": 0.0, "spent": 0.0}
    row = spent or zero
    return [
        Figure(
            "of_budget",
            t("agents_of_budget", language),
            percent(row["of_budget"], language),
            t("agents_of_budget_note", language, spent=number(row["spent"], language), name=objective.name),
            t("agents_of_budget_help", language),
        ),
        Figure(
            "of_spend",
            t("agents_of_spend", language),
            percent(row["of_spend"], language),
            t("agents_of_spend_note", language),
            t("agents_of_spend_help", language),
        ),
        Figure(
            "own",
            t("agents_own", language),
            percent(own.consumed, language),
            t("agents_own_note", language, bad=number(own.bad, language), allowed=number(own.allowed, language)),
            t("agents_own_help", language),
        ),
    ]
