"""The story going on: an endless stream of records and the moments at which services would write them."""

from __future__ import annotations

import heapq
import math
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from sample_logs.draw import draw
from sample_logs.fields import Fields, judgement_fields, request_fields, span_fields
from sample_logs.incidents import MINUTE, Incident, slow
from sample_logs.world import LANE_WEIGHTS, LANES

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROUND = 20 * MINUTE
_CUT = 0.25


def live(start: int, *, seed: int, rate: float) -> Iterator[tuple[float, Fields]]:
    """Records with the time each is written, oldest first, from `start` on (Unix milliseconds).

    Requests end at random, on average `rate` a second. Every twenty minutes another agent is slow for three.
    """
    rng, numbers = Random(f"{seed} {start}"), count()
    later: list[tuple[float, int, Fields]] = []
    now = float(start)
    while True:
        now += rng.expovariate(rate) * 1000
        while later and later[0][0] <= now:
            written, _, fields = heapq.heappop(later)
            yield written, fields
        lane = rng.choices(LANES, cum_weights=LANE_WEIGHTS)[0]
        patch = slow_patch(int(now), seed)
        request = draw(rng, lane, patch if patch.hits(lane, int(now)) else None, 0)
        request = request._replace(started=int(now - request.took_ms))
        if request.trace_id:
            for fields in span_fields(request, rng):
                yield now, fields
        yield now, request_fields(request)
        for written, fields in judgement_fields(request, rng, math.inf):
            heapq.heappush(later, (written, next(numbers), fields))


def slow_patch(now: int, seed: int) -> Incident:
    """The three slow minutes of the twenty that `now` lies in."""
    start = now // _ROUND * _ROUND
    lane = Random(f"{seed} {start}").choice([lane for lane in LANES if lane.model and lane.weight >= 6])
    return slow(lane, start + 8 * MINUTE, start + 11 * MINUTE, _CUT)
