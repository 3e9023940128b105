"""How often the verdict is wrong and how soon it is right: `python -m benchmarks.verdict [--runs 1000]`.

Services are made by chance, with a daily and a weekly rhythm in traffic and rate, 2,000 requests an hour and 2 %
timeouts on average. `varies` is the coefficient of variation of the rate from hour to hour on top of the rhythm.
"""

from __future__ import annotations

import click
import numpy as np

from metrics.verdict import Slot, Verdict, verdict

WEEK, WEEKS, DAY = 168, 4, 24


def service(rng: np.random.Generator, varies: float) -> tuple[np.ndarray, np.ndarray]:
    """Hourly requests and true rates of five weeks."""
    hour = np.arange(WEEK * (WEEKS + 1))
    weekend = (hour // 24) % 7 >= 5
    busy = 2000 * (1 + 0.6 * np.cos(2 * np.pi * (hour % 24 - 14) / 24)) * np.where(weekend, 0.6, 1.0)
    rate = 0.02 * (1 + 0.5 * np.sin(2 * np.pi * hour / 24)) * np.where(weekend, 1.3, 1.0)
    own = rng.gamma(1 / varies**2, varies**2, hour.size) if varies else 1.0
    return rng.poisson(busy), np.clip(rate * own, 0, 1)


def look(requests: np.ndarray, timeouts: np.ndarray, end: int, hours: int) -> Verdict:
    """The verdict on the `hours` before `end` against the same hours of four weeks."""
    return verdict(
        Slot(window, place, int(timeouts[at]), int(requests[at]), int(requests[at]))
        for window in range(WEEKS + 1)
        for place in range(hours if window == 0 else max(hours, 4))
        if (at := end - 1 - place - window * WEEK) >= 0
    )


@click.command(help=__doc__)
@click.option("--runs", default=1000, show_default=True, help="Services for each line.")
@click.option("--seed", default=1, show_default=True)
def main(runs: int, seed: int) -> None:
    """Print one line for every variation."""
    for varies in (0.0, 0.15, 0.3, 0.5):
        rng = np.random.default_rng([seed, round(100 * varies)])
        worse = dict.fromkeys((1, 2, 24), 0)
        hourly = called = 0
        for _ in range(runs):
            requests, rates = service(rng, varies)
            timeouts = rng.binomial(requests, rates)
            end = int(rng.integers(WEEK * WEEKS + DAY, WEEK * (WEEKS + 1)))
            for hours in worse:
                worse[hours] += look(requests, timeouts, end, hours).outcome == "worse"
            hourly += any(look(requests, timeouts, end - back, 2).outcome == "worse" for back in range(DAY))
            after = rates.copy()
            after[end - 2 : end] *= 2
            stepped = rng.binomial(requests, np.clip(after, 0, 1))
            called += any(look(requests, stepped, end - back, 2 - back).outcome == "worse" for back in (1, 0))
        shares = ", ".join(f"{hours} h {100 * count / runs:.1f} %" for hours, count in worse.items())
        print(
            f"varies {varies:g}: false 'worse' per look of {shares}; at least one in 24 hourly looks of 2 h "
            f"{100 * hourly / runs:.1f} %; 2 % -> 4 % called within 2 h {100 * called / runs:.1f} %",
            flush=True,
        )


if __name__ == "__main__":
    main()
