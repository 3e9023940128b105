"""A week of logs, the same bytes for the same seed and end: `logs/` for the reader, `truth.json` beside it."""

from __future__ import annotations

import math
from datetime import timedelta
from itertools import accumulate, pairwise
from random import Random
from typing import TYPE_CHECKING

from core.errors import UsageError
from sample_logs.draw import Request, draw
from sample_logs.fields import deploy_fields, judgement_fields, request_fields, span_fields
from sample_logs.files import LogFiles
from sample_logs.incidents import MINUTE, Incident, plant
from sample_logs.truth import Tally, Truth
from sample_logs.world import LANE_WEIGHTS, LANES, activity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

_STEP = 10 * MINUTE


def generate(out: Path, *, days: int, seed: int, end: datetime, requests: int = 60_000) -> Truth:
    """Write `requests` requests that start in the `days` before `end` (which has a zone), with spans and events.

    Files are `out/logs/<service>-<day>.jsonl[.gz|.zst]`; `out/truth.json` says what was planted. UsageError when
    `out/logs` already holds files, `end` has no zone, or a number is not positive.
    """
    logs = out / "logs"
    if logs.exists() and any(logs.iterdir()):
        raise UsageError(f"{logs} already holds files; name an empty folder, or remove it first")
    if end.tzinfo is None:
        raise UsageError(f"the end {end.isoformat()} has no time zone; write {end.isoformat()}+00:00")
    if days < 1 or requests < 1:
        raise UsageError(f"{requests} requests in {days} days: both must be at least 1")
    logs.mkdir(parents=True, exist_ok=True)
    last = int(end.timestamp() * 1000)
    first = last - days * (timedelta(days=1) // timedelta(milliseconds=1))
    rng, files, plan = Random(f"{seed} {last}"), LogFiles(), _Plan(first, last, requests)
    incidents = plant(first, last, plan.expected)
    tally = Tally(incidents)
    for request in _requests(rng, plan, incidents):
        tally.add(request)
        _add(files, request, rng, last)
    for incident in incidents:
        for written, fields in deploy_fields(incident):
            files.add(written, fields)
    counts = files.write(out, logs)
    truth = tally.truth(seed=seed, start=first, end=last, lines=dict(sorted(files.kinds.items())), files=counts)
    truth.write(out / "truth.json")
    return truth


class _Plan:
    """How the requests spread over the time: ten-minute steps weighted by how busy the world is."""

    def __init__(self, first: int, last: int, requests: int) -> None:
        self.first, self.last, self.requests = first, last, requests
        self.steps = list(pairwise([*range(first, last, _STEP), last]))
        sizes: list[float] = [(b - a) * activity((a + b) // 2) for a, b in self.steps]
        self._total = sum(sizes)
        until = [0, *(round(requests * size / self._total) for size in accumulate(sizes))]
        self.counts = [b - a for a, b in pairwise(until)]

    def expected(self, start: int, end: int) -> float:
        """The number of requests to expect in [start, end)."""
        busy = math.fsum(activity(minute) for minute in range(start, end, MINUTE)) * MINUTE
        return busy / self._total * self.requests


def _requests(rng: Random, plan: _Plan, incidents: Sequence[Incident]) -> Iterator[Request]:
    left = plan.requests
    for (start, end), count in zip(plan.steps, plan.counts, strict=True):
        near = [incident for incident in incidents if incident.start < end and start < incident.end]
        for lane in rng.choices(LANES, cum_weights=LANE_WEIGHTS, k=count):
            started = rng.randrange(start, end)
            incident = next((found for found in near if found.hits(lane, started)), None) if near else None
            request = draw(rng, lane, incident, started)
            left -= 1
            if not left or request.ended >= plan.last:
                # A line is written when its request is over: the newest one just before the end, none after it.
                request = request._replace(started=plan.last - 1 - math.ceil(request.took_ms))
            yield request


def _add(files: LogFiles, request: Request, rng: Random, end: int) -> None:
    if request.trace_id:
        for fields in span_fields(request, rng):
            files.add(request.ended, fields)
    files.add(request.ended, request_fields(request))
    for written, fields in judgement_fields(request, rng, end):
        files.add(written, fields)
