"""What a team does in its first week, and what of it is done, told from the data itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from core.selection import Extent

DAYS, BASELINE_DAYS, USERS = 7, 14, 20
"""A week shows every hour of the day and every day of the week; with two, this week has one to stand beside."""

MOSTLY = 0.95
"""Share of the requests that name their agent, or their service, from which on the others do not matter."""

COLUMNS = (
    "agent_id", "service", "fallback_used", "tokens_input", "tokens_output", "cost_usd", "eval_score", "user_id",
)  # fmt: skip
"""What is looked at of the newest requests."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the steps are told from. Shares and users are of the newest requests; `sample` is data that is nobody's."""

    sample: bool = False
    files: int = 0
    days: float = 0.0
    named_agent: float = 0.0
    named_service: float = 0.0
    fallback: bool = False
    cost: bool = False
    spans: bool = False
    evals: bool = False
    users: int = 0
    objective: bool = False
    channel: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step: how much of it there is and how much it needs."""

    name: str
    have: float
    need: float = 1.0

    @property
    def done(self) -> bool:
        """Whether there is enough."""
        return self.have >= self.need


def of_requests(newest: pl.DataFrame) -> dict[str, float | bool]:
    """The facts that the newest requests tell (COLUMNS), by their name in Facts; without requests, none."""
    if not newest.height:
        return {}

    def said(*names: str) -> pl.Expr:
        return pl.any_horizontal(pl.col(name).is_not_null() for name in names)

    return newest.select(
        said("agent_id").mean().alias("named_agent"),
        said("service").mean().alias("named_service"),
        said("fallback_used").any().alias("fallback"),
        said("cost_usd", "tokens_input", "tokens_output").any().alias("cost"),
        said("eval_score").any().alias("evals"),
        pl.col("user_id").drop_nulls().n_unique().alias("users"),
    ).row(0, named=True)


def days_of(stored: Extent) -> float:
    """Days from the first request to the last."""
    if stored.oldest is None or stored.newest is None:
        return 0.0
    return (stored.newest - stored.oldest).total_seconds() / 86_400


def first_week(facts: Facts) -> tuple[Step, ...]:
    """Every step in the order to do them. Of the sample nothing is done but what the settings say."""
    own = 0.0 if facts.sample else 1.0
    return (
        Step("file", own * min(1, facts.files)),
        Step("service", own * facts.named_service, MOSTLY),
        Step("agent", own * facts.named_agent, MOSTLY),
        Step("fallback", own * facts.fallback),
        Step("cost", own * facts.cost),
        Step("spans", own * facts.spans),
        Step("evals", own * facts.evals),
        Step("objective", float(facts.objective)),
        Step("channel", float(facts.channel)),
        Step("week", own * facts.days, DAYS),
        Step("baseline", own * facts.days, BASELINE_DAYS),
        Step("users", own * facts.users, USERS),
    )


def done(steps: tuple[Step, ...]) -> int:
    """How many are done."""
    return sum(step.done for step in steps)
