"""What tokens cost: one model's price, from a day on. A value only; the sums are in metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens of `model`, from `starts` until its next price. `version` names it on a row."""

    model: str
    input_per_million: float
    output_per_million: float
    starts: datetime
    version: str
