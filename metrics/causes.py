"""Which requests moved a rate: a scan over every value of every dimension, all measured with one yardstick.

A cause is a set of requests whose inside changed and whose outside did not. How much better "only this set changed"
explains the counts than "nothing changed" is the set's log-likelihood ratio: of two nested sets that hold the same
extra timeouts the smaller has more, of two of a size the one that holds more. "Everything changed alike" is one of the
sets and must be beaten. Source: M. Kulldorff, "A spatial scan statistic", Communications in Statistics 26 (1997), with
the past as expectation: D. B. Neill, "Expectation-based scan statistics for monitoring spatial time series data",
International Journal of Forecasting 25 (2009).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import polars as pl

from metrics.why import DIMENSIONS, MEASURES, groups_of, ledger, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from metrics.why import Groups, Ledger, Measure, Part, Sums

How = Literal["rate", "new", "gone", "mix", "code"]
Where = tuple[tuple[str, str], ...]

PLACES = tuple(name for name in DIMENSIONS if name != "hour")
"""The dimensions a cause is looked for in. An hour says when, not what."""

MAX_CAUSES = 3
DOUBT = 0.005
"""The chance that noise alone names a cause, over all sets that were looked at (Bonferroni)."""

MIN_EXTRA = 3.0
"""Requests a cause must have added to the count or taken from it."""

CLEARLY = 1.0
"""Log-likelihood a set must be ahead of "everything changed alike"."""

PAIR = 5.0
"""Log-likelihood two names together must be ahead of one: what the second name costs."""

ODD = 6.0
MIN_WINDOWS = 3
"""Twice the log-likelihood at which a window is no usual one, and how many windows there must be to tell."""

CALM = 4.0
"""Windows without variation of its own that every group is taken to have had: a few windows measure it poorly."""

TIE = 2.0
"""Log-likelihood within which two sets are as good as each other: odds of about 7 to 1."""

WIDER = 3.0
"""A set so many times as large is no other name for the same requests."""

MOSTLY = 0.5
PRIOR_HITS = 2.0
"""Hits at the overall rate the past of every set is taken to have had, when sets are compared: that a small set had
none is little proof of its rate. What makes a cause stand out of chance is told without it."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A set of requests that moved the rate. `where` is one or two (dimension, value); values are log text.

    `how`: its own rate moved; it is new, or gone; more of the requests belong to groups of higher (lower) rates, of
    which `where` matters most (mix); or failures everywhere had this code (code). Rates are its own, None where it had
    no requests; of a code they are its share of all requests. `points` is its part of the change of the overall rate,
    `explained` that part as a share of the change, None unless the whole clearly changed the same way. `score` is its
    log-likelihood ratio.
    """

    where: Where
    how: How
    rate_before: float | None
    rate_now: float | None
    share_before: float
    share_now: float
    points: float
    explained: float | None
    score: float
    proof: float
    rivals: tuple[Where, ...] = ()


@dataclass(frozen=True, slots=True)
class _Counts:
    """Requests, their squared weights and hits of a set, before and now."""

    valid: tuple[float, float]
    squares: tuple[float, float]
    hits: tuple[float, float]

    def rate(self, now: int) -> float | None:
        return self.hits[now] / self.valid[now] if self.valid[now] > 0 else None

    def rows(self, now: int) -> tuple[float, float]:
        """Effective number of rows, and hits among them."""
        if not self.valid[now] > 0:
            return 0.0, 0.0
        rows: float = self.valid[now] ** 2 / self.squares[now]
        return rows, rows * self.hits[now] / self.valid[now]


def causes(
    counts: pl.DataFrame, measure: Measure, sign: Literal[1, -1], *, inflation: float = 1.0
) -> tuple[Cause, ...]:
    """What raised (`sign` 1) or lowered (-1) the rate of `measure`, the strongest first, at most three.

    None when nothing stands out of chance, and also when something moved but in no place more than elsewhere. `counts`
    is `metrics.why.cube`. Each further cause is looked for among the requests of no cause before it, so that the same
    requests are not named twice. `inflation` is the verdict's: how much more than by chance the rate varies by itself.
    """
    found: list[Cause] = []
    left, first = counts, _Scan(counts, measure, inflation)
    before, now = first.whole.rate(0), first.whole.rate(1)
    if before is None or now is None:
        return ()
    clear = 2 * _evidence(first.whole, first.whole, sign) / inflation > _threshold(1)
    scan = first
    while best := scan.first(sign):
        found.append(replace(best, explained=best.points / (now - before) if clear else None))
        if best.how in {"mix", "code"} or len(found) == MAX_CAUSES:
            break
        left = left.filter(~inside(best.where))
        scan = _Scan(left, measure, inflation, first.whole)
    return tuple(found)


def inside(where: Where) -> pl.Expr:
    """Whether a row of `metrics.why.placed` or of its cube belongs to the set."""
    return pl.all_horizontal(pl.col(name).eq_missing(pl.lit(value)) for name, value in where)


class _Scan:
    """One search among `counts`; parts of the change are told of the `whole`."""

    def __init__(self, counts: pl.DataFrame, measure: Measure, inflation: float, whole: _Counts | None = None) -> None:
        self._counts, self._measure, self._inflation = counts, measure, inflation
        self._hits = 2 + MEASURES.index(measure)
        self._groups = groups_of(counts, (*DIMENSIONS, "error_code"))
        self.total = self._sum(self._groups["environment"].values())
        self.whole = whole or self.total
        self._tried = sum(len(self._groups[name]) for name in PLACES)

    def singles(self, sign: float) -> list[Cause]:
        """Every group of every dimension that moved that way."""
        return [cause for name in PLACES for cause in self._candidates((), name, self._groups[name], sign)]

    def first(self, sign: float) -> Cause | None:
        """The strongest cause that moves the rate in the direction of `sign`."""
        if min(self.total.valid) <= 0:
            return None
        singles = [cause for name in PLACES for cause in self._candidates((), name, self._groups[name], sign)]
        best = max(singles, key=lambda cause: cause.score, default=None)  # of equals the first dimension's
        if best and self.stands_out(best):
            # Of two names for the same requests the one that began with the span says more.
            best = next((c for c in singles if c.how == "new" and _same_requests(c, best)), best)
            best = self._paired(best, sign)
        else:
            best = None
        if best and not self._apart(best, sign):
            best = None
        if best:
            least = best.score - TIE
            close = [c for c in singles if c.score >= least and c.where[0] not in best.where and self.stands_out(c)]
            apart = [c for c in close if not _same_requests(c, best) and c.share_now <= WIDER * best.share_now]
            best = replace(best, rivals=tuple(c.where for c in sorted(apart, key=lambda c: -c.score)[:2]))
        everything = _evidence(self.total, self.total, sign)
        if 2 * everything / self._inflation > _threshold(1):
            return self._mix(sign, best, everything) or best or self._code(sign)
        return best

    def _apart(self, cause: Cause, sign: float) -> bool:
        """Whether its inside moved and its outside did not, or not alike.

        "Only this set changed" must be likelier than "everything changed alike". A set that is one of two causes is
        not; then both together must be clearly likelier, and the set must have moved by clearly more than the rest.
        """
        everything = _evidence(self.total, self.total, sign, PRIOR_HITS)
        if cause.score >= everything + CLEARLY:
            return True
        within = inside(cause.where)
        others = _Scan(self._counts.filter(~within), self._measure, self._inflation, self.whole)
        group = _Scan(self._counts.filter(within), self._measure, self._inflation, self.whole)
        if min(*others.total.valid, *group.total.valid) <= 0:
            return False
        second = max((c.score for c in others.singles(sign) if others.stands_out(c)), default=0.0)
        (own, own_variance), (other, other_variance) = _move(group.total), _move(others.total)
        more = sign * (own - other) / math.sqrt(own_variance + other_variance)
        return cause.score + second >= everything + PAIR and more > math.sqrt(_threshold(self._tried))

    def _sum(self, groups: Iterable[dict[int, Sums]]) -> _Counts:
        found = [(total(windows, 0, self._hits), total(windows, 1, self._hits)) for windows in groups]
        valid, squares, hits = (
            (math.fsum(before[i] for before, _ in found), math.fsum(now[i] for _, now in found)) for i in range(3)
        )
        return _Counts(valid, squares, hits)

    def _candidates(self, above: Where, name: str, groups: Groups, sign: float) -> Iterator[Cause]:
        """Every group of a dimension that moved that way; requests that do not say theirs are none to act on."""
        middle = ((self.whole.rate(0) or 0.0) + (self.whole.rate(1) or 0.0)) / 2
        for value, windows in groups.items():
            if value is None:
                continue
            group, (usual, varies) = self._sum([windows]), self._usual(windows)
            score = _evidence(usual, self.total, sign, PRIOR_HITS)
            before, now = group.rate(0), group.rate(1)
            share0, share1 = (group.valid[i] / self.whole.valid[i] for i in (0, 1))
            how: How = "rate"
            if before is not None and now is not None:
                points = (now - before) * (share0 + share1) / 2
            elif now is not None:
                how, points = "new", share1 * (now - middle)
            else:
                how, points = "gone", share0 * (middle - (before or 0.0))
            if score > 0 and points * sign > 0:
                proof = _evidence(usual, self.total, sign) / varies
                yield Cause((*above, (name, value)), how, before, now, share0, share1, points, None, score, proof)

    def _usual(self, windows: dict[int, Sums]) -> tuple[_Counts, float]:
        """A group without the baseline windows in which itself stood out, and how much the others vary beyond chance.

        How a group was while something was wrong with it is not how it usually is. The variation is the dispersion of
        the windows' counts, at least 1; of fewer than three windows it is the whole's.
        """
        usual = {window: sums for window, sums in windows.items() if window and sums[0] > 0}
        few = len(usual) < MIN_WINDOWS
        while len(usual) >= MIN_WINDOWS:
            valid, squares, hits = (math.fsum(sums[i] for sums in usual.values()) for i in (0, 1, self._hits))
            worst = max(usual, key=lambda window: usual[window][self._hits] / usual[window][0])
            n, q, k = (usual[worst][i] for i in (0, 1, self._hits))
            both = _Counts((valid - n, n), (squares - q, q), (hits - k, k))
            if 2 * _evidence(both, both, 1) <= ODD:
                break
            del usual[worst]
        counts = self._sum([usual | {window: sums for window, sums in windows.items() if window == 0}])
        share = counts.rate(0)
        if few:
            part = max(counts.valid[i] / self.whole.valid[i] for i in (0, 1))
            return counts, 1 + (self._inflation - 1) * min(1.0, part)
        if not share or share >= 1 or len(usual) < MIN_WINDOWS - 1:
            return counts, 1.0
        off = math.fsum((s[self._hits] - share * s[0]) ** 2 / (share * (1 - share) * s[1]) for s in usual.values())
        return counts, max(1.0, (off + CALM) / (len(usual) - 1 + CALM))

    def _paired(self, single: Cause, sign: float) -> Cause:
        """Or two names together, when that is clearly better than one."""
        best, known = single, single.score + PAIR
        others = [name for name in PLACES if name != single.where[0][0]]
        for name, groups in groups_of(self._counts.filter(inside(single.where)), others).items():
            for pair in self._candidates(single.where, name, groups, sign):
                if pair.score > known and self.stands_out(pair):
                    best, known = pair, pair.score
        return best

    def stands_out(self, cause: Cause) -> bool:
        """Whether neither chance nor its own variation explains it, all sets that were tried considered."""
        extra = abs(cause.points) * self.whole.valid[1]
        return extra >= MIN_EXTRA and 2 * cause.proof > _threshold(self._tried)

    def _mix(self, sign: float, best: Cause | None, score: float) -> Cause | None:
        """Traffic moving between groups, when that is most of the change, and of what `best` seems to be."""
        ledgers = [ledger(self._groups[name], name, self._measure) for name in DIMENSIONS]
        moved = max(ledgers, key=lambda found: sign * _moved(found))
        points = _moved(moved)
        if not moved.parts or sign * points < MOSTLY * abs(moved.change):
            return None
        if best is not None and moved.dimension in dict(best.where):
            if abs(best.points) >= abs(points):
                return None
        elif best is not None:
            part = groups_of(self._counts.filter(inside(best.where)), (moved.dimension,))[moved.dimension]
            within = ledger(part, moved.dimension, self._measure)
            if sign * _moved(within) < MOSTLY * abs(within.change):
                return None
        most = max((part for part in moved.parts if _comparable(part)), key=lambda part: sign * part.mix_shift)
        share0, share1 = most.valid_before / self.whole.valid[0], most.valid_now / self.whole.valid[1]
        where = ((moved.dimension, most.group or ""),)
        return Cause(where, "mix", most.rate_before, most.rate_now, share0, share1, points, None, score, score)

    def _code(self, sign: float) -> Cause | None:
        """The error code most of the change has, when failures have it more (less) often than they had before."""
        found = []
        valid, squares, hits = self.total.valid, self.total.squares, self.total.hits
        change = hits[1] / valid[1] - hits[0] / valid[0]
        for part in ledger(self._groups["error_code"], "error_code", self._measure).parts:
            if part.group is None or part.rate_before is None or part.rate_now is None:
                continue
            have_it = (part.rate_before * valid[0], part.rate_now * valid[1])
            of_all, of_hits = _Counts(valid, squares, have_it), _Counts(hits, hits, have_it)
            if hits[0] > 0 and 2 * _evidence(of_hits, of_hits, sign) <= _threshold(1):
                continue
            if sign * part.rate_shift >= MOSTLY * abs(change):
                score, where = _evidence(of_all, of_all, sign), (("error_code", part.group),)
                rates = part.rate_before, part.rate_now
                proof = score / self._inflation
                found.append(Cause(where, "code", *rates, 1.0, 1.0, part.rate_shift, None, score, proof))
        best = max(found, key=lambda cause: cause.score, default=None)
        return best if best and self.stands_out(best) else None


def _move(counts: _Counts) -> tuple[float, float]:
    """The change of a rate, and its variance when nothing but chance is at work; every period gets half a hit."""
    (n0, k0), (n1, k1) = counts.rows(0), counts.rows(1)
    variance = sum((k + 0.5) * max(n - k, 0.5) / n**3 for n, k in ((n0, k0), (n1, k1)))
    return k1 / n1 - k0 / n0, variance


def _same_requests(one: Cause, other: Cause) -> bool:
    return (one.share_now, one.rate_now) == (other.share_now, other.rate_now)


def _comparable(part: Part) -> bool:
    return part.group is not None and part.rate_before is not None and part.rate_now is not None


def _moved(found: Ledger) -> float:
    """The mix shift of groups that are in both periods; 0 where requests stopped (or began) to say their group.

    A request that fails early may not say its model: then the outcome moves requests between groups, not the traffic.
    """
    mix = math.fsum(part.mix_shift for part in found.parts if _comparable(part))
    silent = math.fsum(abs(part.mix_shift) for part in found.parts if part.group is None)
    return mix if silent <= abs(mix) / 4 else 0.0


def _evidence(group: _Counts, whole: _Counts, sign: float, prior_hits: float = 0.0) -> float:
    """Log-likelihood ratio of two rates against one, 0 when the rate moved the other way.

    A set that is new is compared with what everything was before, one that is gone with what everything is now. With
    `prior_hits`, the past of the set is taken to have had so many hits more, at the overall rate.
    """
    (n0, k0), (n1, k1) = group.rows(0), group.rows(1)
    if not n0:
        n0, k0 = whole.rows(0)
    elif prior_hits and (overall := whole.rate(0)):
        n0, k0 = n0 + prior_hits / overall, k0 + prior_hits
    if not n1:
        n1, k1 = whole.rows(1)
    if not n0 or not n1 or (k1 / n1 - k0 / n0) * sign <= 0:
        return 0.0
    return max(0.0, _likelihood(n0, k0) + _likelihood(n1, k1) - _likelihood(n0 + n1, k0 + k1))


def _likelihood(n: float, k: float) -> float:
    rest = max(n - k, 0.0)
    return (k * math.log(k / n) if k > 0 else 0.0) + (rest * math.log(rest / n) if rest > 0 else 0.0)


def _threshold(tried: int) -> float:
    """What twice the log-likelihood ratio of the best of so many sets exceeds by chance in `DOUBT` of cases."""
    return NormalDist().inv_cdf(1 - DOUBT / (2 * tried)) ** 2
