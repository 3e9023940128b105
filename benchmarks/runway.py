"""How often the error budget ends inside the range that was forecast: generated months, replayed.

The months are made by a generator that knows nothing of the forecast: traffic with nights, weekends and a trend; bad
shares that swing for hours to days, rise with the load and jump for good with releases; incidents of an hour or two
that fade away. The forecast sees the 30 days before a moment, the truth is what the rolling budget then does.

    python -m benchmarks.runway                  200 months of either kind
    python -m benchmarks.runway --months 50 --first 1
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from core.slo import Objective
from metrics.budget import budget
from metrics.runway import runway

if TYPE_CHECKING:
    from metrics.values import Runway

OBJECTIVE = Objective()
HOUR = timedelta(hours=1)
MONTH = 720
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Month:
    """30 days of hours before NOW, and when the budget truly ended: None when not within 30 days."""

    hours: pl.DataFrame
    ended: datetime | None


def stream(seed: tuple[int, ...], hours: int = 3 * MONTH) -> tuple[np.ndarray, np.ndarray]:
    """Valid and bad requests of each hour."""
    random = np.random.default_rng(seed)
    hour, day = np.arange(hours) % 24, np.arange(hours) // 24 % 7
    peak, width, night = random.uniform(9, 17), random.uniform(3, 6), random.uniform(0.08, 0.4)
    load = night + (1 - night) * np.exp(-0.5 * (((hour - peak + 12) % 24 - 12) / width) ** 2)
    weekend = np.where(day >= 5, random.uniform(0.25, 0.95), 1.0)
    growth = (1 + random.normal(0, 0.02)) ** (np.arange(hours) / 168)
    usual = np.exp(random.uniform(np.log(150), np.log(5000)))
    valid = random.negative_binomial(
        30, 30 / (30 + usual * load * weekend * growth * np.exp(_swings(random, hours, 12, 0.12)))
    )
    share = OBJECTIVE.budget * np.exp(random.uniform(np.log(0.2), np.log(1.2)))
    swings = np.exp(_swings(random, hours, random.uniform(6, 96), random.uniform(0.15, 0.5)))
    shares = share * swings * (1 + random.uniform(0, 1) * (load - load.mean()))
    for release in np.cumsum(random.exponential(random.uniform(6, 20) * 24, 40)).astype(int):
        shares[release:] *= np.exp(random.normal(0, 0.2))
    for start in random.integers(0, hours, random.poisson(hours / 168 * random.uniform(0.3, 3))):
        length = max(1, round(1.5 * np.exp(random.normal(0, 0.9))))
        since = np.arange(min(hours - start, 4 * length + 1))
        fading = np.where(since < length, 1.0, np.exp(-(since - length) / max(1, length / 2)))
        shares[start + since] += 0.06 * np.exp(random.normal(0, 0.9)) * fading
    return valid.astype(float), random.binomial(valid, np.minimum(shares, 0.95)).astype(float)


def _swings(random: np.random.Generator, hours: int, memory: float, size: float) -> np.ndarray:
    """An autocorrelated series (Ornstein-Uhlenbeck, hour by hour) of that memory in hours and standard deviation."""
    kept = np.exp(-1 / memory)
    steps = random.normal(0, size * np.sqrt(1 - kept * kept), hours)
    steps[0] = random.normal(0, size)
    found = np.empty(hours)
    value = 0.0
    for place, step in enumerate(steps):
        value = found[place] = kept * value + step
    return found


def month(seed: int, *, burning: bool) -> Month:
    """A month whose budget is not spent yet, at a random moment; `burning`: faster than sustainable for a day."""
    attempt = 0
    while True:
        attempt += 1
        now = int(np.random.default_rng((seed, attempt, 7)).integers(MONTH, 2 * MONTH))
        valid, bad = stream((seed, attempt))
        day = slice(now - 24, now)
        if burning and bad[day].sum() <= OBJECTIVE.budget * valid[day].sum():
            continue
        left = _rolling(valid, now) * OBJECTIVE.budget - _rolling(bad, now)
        if left[0] <= 0:
            continue
        past = slice(now - MONTH, now)
        starts = [NOW - HOUR * (MONTH - place) for place in range(MONTH)]
        hours = pl.DataFrame({"start": starts, "hours": [1.0] * MONTH, "valid": valid[past], "bad": bad[past]})
        spent = np.flatnonzero(left <= 0)
        return Month(hours, NOW + HOUR * int(spent[0]) if len(spent) else None)


def _rolling(series: np.ndarray, now: int) -> np.ndarray:
    """The sums of the 30 days that end at `now` and at every hour of the 30 days after it."""
    sums = np.append(0.0, series.cumsum())
    return sums[now : now + MONTH + 1] - sums[now - MONTH : now + 1]


def holds(said: Runway, ended: datetime | None) -> bool:
    """Whether what was said came true."""
    if said.outlook == "never" or ended is None:
        return ended is None and said.high is None
    return said.low is not None and said.low <= ended and (said.high is None or ended <= said.high)


def judge(months: list[Month]) -> dict[str, float | int]:
    """Counts and shares of what was said and came true; errors of the dates in days."""
    cases = [(runway(m.hours, OBJECTIVE, NOW), budget(m.hours, OBJECTIVE, NOW), m.ended) for m in months]
    ranges = [(said, ended) for said, _, ended in cases if said.outlook != "never"]
    never = [ended is None for said, _, ended in cases if said.outlook == "never"]
    dated = [
        (said.ends, plain.exhausted_at, ended)
        for said, plain, ended in cases
        if said.ends and plain.exhausted_at and ended
    ]
    errors = [
        float(np.median([abs((row[place] - row[2]) / HOUR / 24) for row in dated])) if dated else np.nan
        for place in (0, 1)
    ]
    return {
        "months": len(cases),
        "ended": sum(m.ended is not None for m in months),
        "ranges": len(ranges),
        "inside": sum(holds(said, ended) for said, ended in ranges) / max(1, len(ranges)),
        "before": sum(ended is not None and ended < said.low for said, ended in ranges),
        "after": sum(said.high is not None and (ended is None or ended > said.high) for said, ended in ranges),
        "never": len(never),
        "never_true": sum(never) / max(1, len(never)),
        "dated": len(dated),
        "error_days": errors[0],
        "plain_error_days": errors[1],
    }


def main() -> None:
    """Print both kinds of months."""
    asked = argparse.ArgumentParser(description="Coverage of the error budget's runway on generated months.")
    asked.add_argument("--months", type=int, default=200)
    asked.add_argument("--first", type=int, default=1, help="the first seed")
    told = asked.parse_args()
    for burning in (True, False):
        found = judge([month(seed, burning=burning) for seed in range(told.first, told.first + told.months)])
        kind = "burning faster than sustainable for a day" if burning else "at any moment"
        print(
            f"{found['months']} months {kind}, {found['ended']} ended within 30 days\n"
            f"  a range was said {found['ranges']} times, the truth was inside in {found['inside']:.1%} "
            f"({found['before']} before it, {found['after']} after)\n"
            f'  "will not run out" was said {found["never"]} times, and true in {found["never_true"]:.1%}\n'
            f"  {found['dated']} dates: median error {found['error_days']:.1f} days; at the plain present pace "
            f"{found['plain_error_days']:.1f}"
        )


if __name__ == "__main__":
    main()
