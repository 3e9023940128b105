"""Is it getting worse? A span against its baseline, hour by hour, with the spread of the baseline as the yardstick.

The expected count is that of the same slots: every slot of the span at its baseline's rate, so that neither the daily
rhythm of a rate nor traffic moving between hours is taken for a change. The variance of a slot's count is

    p (1 - p) n + a (p n)^2

where `a` is the squared coefficient of variation of the true rate between hours. It is estimated from the residuals of
the baseline by moments (D. A. Williams, "Extra-binomial variation in logistic linear models", Applied Statistics 31,
1982), and its correlation from one slot to the next by their products. The statistic is Student's t with the degrees
of freedom of those residuals and a continuity correction of one half.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from metrics.budget import MIN_BAD, MIN_VALID

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Outcome = Literal["worse", "better", "no_evidence", "too_few"]

CONFIDENCE = 0.95
UNUSUAL = 0.99
MIN_QUIET = 300
"""No hit in so many requests is a rate below 1 % with 95 % confidence (the rule of three): quiet, not unknown."""

MIN_FREEDOM = 3
"""Fewer comparable slots than this cannot tell how much a rate varies by itself."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What one slot of one window counted: `window` 0 is the span, 1, 2, ... its baseline; `place` counts back from 0.

    `hits` of `valid` requests are weighted; `squares` is the sum of the squared weights (`valid` when all are 1).
    """

    window: int
    place: int
    hits: float
    valid: float
    squares: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Shares: `now`, and `before`, what the span's slots would have by their baseline. `points` is now - before.

    `low` to `high` is the 95 % range of `points`. `confidence` is 1 - the two-sided probability of so large a
    difference by chance alone; worse and better need 0.95. `spread` is the coefficient of variation of the rate from
    slot to slot beyond chance, `inflation` how many times the variance of pure chance that makes; `left_out` are
    windows of the baseline that were not compared with. None: cannot be told.
    """

    outcome: Outcome
    now: float | None = None
    before: float | None = None
    points: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    spread: float | None = None
    inflation: float = 1.0
    left_out: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Spread:
    """Extra-binomial variation: squared coefficient of variation, correlation of neighbours, degrees of freedom."""

    square: float
    carried: float
    freedom: int


def verdict(slots: Iterable[Slot], *, same_hours: bool = True) -> Verdict:
    """Worse, better, no evidence or too few to judge; two-sided at 95 %, for a rate of which less is better.

    With `same_hours`, slots of one place are compared with each other; without, the baseline has one common rate
    (a window just before has no same hours). Too few: under 50 valid requests on a side, or under 300 when fewer than 5
    hits were both seen and expected (which is never worse or better), or fewer than 3 degrees of freedom. Baseline
    windows in which something was wrong already are left out.
    """
    slots = [slot for slot in slots if slot.valid > 0]
    windows = {slot.window for slot in slots} - {0}
    odd = _unusual(slots, windows, same_hours=same_hours)
    return replace(_judged(slots, windows - odd, 0, same_hours=same_hours), left_out=tuple(sorted(odd)))


def _unusual(slots: Sequence[Slot], windows: set[int], *, same_hours: bool) -> set[int]:
    """Baseline windows in which something was wrong already: a span that is as bad as they were is not as usual.

    The window of the highest rate, when it would be called worse than the others with 99 %, then the next; at least
    three windows, and half of all, stay.
    """
    out = set[int]()
    while len(windows - out) > max(3, (len(windows) + 1) // 2):
        left = windows - out
        sums = {window: [0.0, 0.0] for window in left}
        for slot in slots:
            if slot.window in left:
                sums[slot.window][0] += slot.hits
                sums[slot.window][1] += slot.valid
        highest = max(sums, key=lambda window: sums[window][0] / sums[window][1])
        found = _judged(slots, left - {highest}, highest, same_hours=same_hours)
        if found.outcome != "worse" or (found.confidence or 0.0) < UNUSUAL:
            break
        out.add(highest)
    return out


def _judged(slots: Sequence[Slot], past_windows: set[int], window: int, *, same_hours: bool) -> Verdict:
    """The verdict on one window against others."""
    span = [s for s in slots if s.window == window]
    past = [s for s in slots if s.window in past_windows]
    valid, hits = math.fsum(s.valid for s in span), math.fsum(s.hits for s in span)
    past_valid, past_hits = math.fsum(s.valid for s in past), math.fsum(s.hits for s in past)
    if not span or not past:
        return Verdict("too_few", now=hits / valid if span else None)
    rates = _rates(past, past_hits / past_valid, same_hours=same_hours)
    expected = math.fsum(s.valid * _rate(rates, s.place) for s in span)
    now, before = hits / valid, expected / valid
    sized = Verdict("too_few", now, before, now - before, now / before if before else None)
    spread = _spread(past, rates, past_hits / past_valid, same_hours=same_hours)
    rare = max(hits, expected) < MIN_BAD
    if min(valid, past_valid) < (MIN_QUIET if rare else MIN_VALID) or spread.freedom < MIN_FREEDOM:
        return sized
    variance, chance = _variance(span, past, rates, spread, (hits + past_hits) / (valid + past_valid))
    error = math.sqrt(variance)
    away = max(0.0, abs(hits - expected) - 0.5) / error if error else 0.0
    doubt = 2 * student_tail(away, spread.freedom)
    half = student_point(CONFIDENCE, spread.freedom) * error / valid
    sure = doubt <= 1 - CONFIDENCE and not rare
    return replace(
        sized,
        outcome="no_evidence" if not sure else "worse" if now > before else "better",
        low=now - before - half,
        high=now - before + half,
        confidence=1 - doubt,
        spread=math.sqrt(spread.square),
        inflation=variance / chance if chance else 1.0,
    )


def _rates(past: Sequence[Slot], overall: float, *, same_hours: bool) -> dict[int, float]:
    """The baseline's rate at each place; one that holds for every place stands at -1."""
    found = {-1: overall}
    if same_hours:
        sums: dict[int, list[float]] = {}
        for slot in past:
            total = sums.setdefault(slot.place, [0.0, 0.0])
            total[0] += slot.hits
            total[1] += slot.valid
        found |= {place: hits / valid for place, (hits, valid) in sums.items()}
    return found


def _rate(rates: dict[int, float], place: int) -> float:
    return rates.get(place, rates[-1])


def _smooth(rates: dict[int, float], valid: float, place: int) -> float:
    """A rate that variances can be taken of: that of all slots counts as much as one hit does."""
    overall = rates[-1]
    return (_rate(rates, place) * valid + 1) / (valid + 1 / overall) if overall else 0.0


def _spread(past: Sequence[Slot], rates: dict[int, float], overall: float, *, same_hours: bool) -> _Spread:
    seen: dict[int, float] = {}
    windows: dict[int, int] = {}
    for slot in past:
        place = slot.place if same_hours else -1
        seen[place] = seen.get(place, 0.0) + slot.valid
        windows[place] = windows.get(place, 0) + 1
    freedom = sum(count - 1 for count in windows.values())
    if not overall or overall >= 1 or freedom < 1:
        return _Spread(0.0, 0.0, freedom)
    excess = weight = 0.0
    off: dict[tuple[int, int], tuple[float, float]] = {}
    for slot in past:
        place = slot.place if same_hours else -1
        left = 1 - slot.valid / seen[place]  # what is left of a residual after its own part in the rate
        if not left:
            continue
        rate = _smooth(rates, seen[place], slot.place)
        mean = slot.valid * rate
        residual = slot.hits - slot.valid * _rate(rates, slot.place)
        chance = rate * (1 - rate) * slot.squares
        excess += (residual**2 / left - chance) * mean**2 / chance**2
        weight += mean**4 / chance**2
        off[slot.window, slot.place] = residual / math.sqrt(left), mean
    square = max(0.0, excess / weight) if weight else 0.0
    pairs = [(here, off[w, p + 1]) for (w, p), here in off.items() if (w, p + 1) in off]
    common = square * math.fsum(a[1] * b[1] for a, b in pairs)
    carried = math.fsum(a[0] * b[0] for a, b in pairs) / common if common else 0.0
    return _Spread(square, min(max(carried, 0.0), 0.95), freedom)


def _variance(
    span: Sequence[Slot], past: Sequence[Slot], rates: dict[int, float], spread: _Spread, common: float
) -> tuple[float, float]:
    """Variance of hits - expected when nothing changed, and the part of it that is pure chance.

    Nothing changed means one rate on both sides, `common`: the baseline's rates are scaled to it.
    """
    scale = common / rates[-1] if rates[-1] else 0.0
    seen: dict[int, float] = {}
    for slot in past:
        for place in {slot.place if slot.place in rates else -1, -1}:
            seen[place] = seen.get(place, 0.0) + slot.valid
    asked: dict[int, float] = {}
    for slot in span:
        place = slot.place if slot.place in rates else -1
        asked[place] = asked.get(place, 0.0) + slot.valid

    asked_of = span[0].window

    def rate(place: int) -> float:
        known = place if place in rates else -1
        smooth = _smooth(rates, seen[known], known) if rates[-1] else common
        return min(smooth * scale if rates[-1] else common, 1.0)

    chance, series = 0.0, dict[int, list[tuple[int, float]]]()
    for slot in (*span, *past):
        p, factor = rate(slot.place), 1.0
        if slot.window != asked_of:
            factor = asked.get(slot.place, 0.0) / seen[slot.place] if slot.place in rates else 0.0
            factor += asked.get(-1, 0.0) / seen[-1]
        chance += p * (1 - p) * slot.squares * factor**2
        series.setdefault(slot.window, []).append((slot.place, slot.valid * p * factor))
    extra = math.fsum(_carried(sorted(means), spread.carried) for means in series.values())
    return chance + spread.square * extra, chance


def _carried(means: Sequence[tuple[int, float]], carried: float) -> float:
    """The double sum of m_s m_t carried^|s - t| over slots of a window."""
    total, behind, last = 0.0, 0.0, None
    for place, mean in means:
        if last is not None:
            behind *= carried ** (place - last)
        total += mean * (mean + 2 * behind)
        behind, last = behind + mean, place
    return total


def student_tail(t: float, freedom: int) -> float:
    """P(T > t) of Student's t, t >= 0 (Abramowitz and Stegun 26.7.3 and 26.7.4; normal from 300 degrees on)."""
    if freedom >= 300:
        return math.erfc(t / math.sqrt(2)) / 2
    angle = math.atan2(t, math.sqrt(freedom))
    cos2 = math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0 if freedom == 1 else term
    for k in range(2 + odd, freedom - 1, 2):
        term *= cos2 * (k - 1) / k
        total += term
    inside = (angle + math.sin(angle) * total) * 2 / math.pi if odd else math.sin(angle) * total
    return max(0.0, (1 - inside) / 2)


def student_point(confidence: float, freedom: int) -> float:
    """The t that holds `confidence` of the distribution between -t and t, by halving."""
    low, high = 0.0, 1e4
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 2 * student_tail(middle, freedom) > 1 - confidence else (low, middle)
    return high
