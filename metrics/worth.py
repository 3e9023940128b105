"""What answered requests are worth beside what they cost, where a team has said what one is worth to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from metrics.classes import weight_of
from metrics.rescue import BAD

if TYPE_CHECKING:
    from metrics.cost import Spend


@dataclass(frozen=True, slots=True)
class Worth:
    """US dollars: `won` by the `answered` requests, `lost` with the `unanswered`; `roi` is (won - spent) / spent.

    `roi` is None when nothing was spent or the spend is unknown; with unknown costs it is too high (`at_most`).
    """

    answered: float
    unanswered: float
    won: float
    lost: float
    roi: float | None
    at_most: bool


def worth(scored: pl.DataFrame, spend: Spend, value_usd: float) -> Worth:
    """Of `metrics.fallback.scored` requests; answered are successes and the bad ones a fallback saved."""
    saved = (pl.col("outcome") == "saved").fill_null(value=False)
    answered, unanswered = scored.select(
        weight_of((pl.col("class") == "success") | saved).alias("answered"),
        weight_of(pl.col("class").is_in(BAD) & ~saved).alias("unanswered"),
    ).row(0)
    won = answered * value_usd
    return Worth(
        answered,
        unanswered,
        won,
        unanswered * value_usd,
        (won - spend.spent) / spend.spent if spend.spent else None,
        spend.unknown > 0,
    )
