"""What was planted: exact counts and incidents, written beside the sample so that it can be found again."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from core.record import EXCLUDED_STATUSES
from sample_logs.world import LIMIT_MS, OWNERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sample_logs.draw import Request
    from sample_logs.incidents import Incident, IncidentKind

Class = Literal["success", "timeout", "failed", "excluded"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests by class at the 8 s limit; the four classes sum to `requests`."""

    requests: int
    success: int
    timeout: int
    failed: int
    excluded: int


@dataclass(frozen=True, slots=True)
class Planted:
    """One incident. It hits the requests that start in [start, end) and match `agent` and `model` where set.

    `counts` are those requests; `first_near` and `first_timeout` are the starts of the first one of at least 6 s and
    of the first timeout among them. `step` is the span that is slow or fails.
    """

    kind: IncidentKind
    start: datetime
    end: datetime
    agent: str | None
    model: str | None
    model_version: str | None
    step: str
    owner: str
    expected: str
    counts: Counts
    first_near: datetime | None
    first_timeout: datetime | None


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything a test may look for. `lines` are by record kind, `files` by name under `logs/`."""

    seed: int
    start: datetime
    end: datetime
    limit_ms: float
    counts: Counts
    agents: Mapping[str, Counts]
    operations: Mapping[str, Counts]
    lines: Mapping[str, int]
    files: Mapping[str, int]
    owners: Mapping[str, str]
    incidents: tuple[Planted, ...]

    def write(self, path: Path) -> None:
        """As JSON; times are ISO 8601 with offset."""
        path.write_text(json.dumps(asdict(self), default=datetime.isoformat, indent=1) + "\n", "utf-8")


def class_of(request: Request) -> Class:
    """The request's class at the 8 s limit: exactly the limit is good."""
    if request.status in EXCLUDED_STATUSES:
        return "excluded"
    if request.status == "timeout" or request.took_ms > LIMIT_MS:
        return "timeout"
    return "failed" if request.status == "failed" else "success"


class Tally:
    """Counts requests as they are drawn."""

    def __init__(self, incidents: Sequence[Incident]) -> None:
        self._all, self._agents, self._operations = (
            Counter[Class](),
            Counter[tuple[str, Class]](),
            Counter[tuple[str, Class]](),
        )
        self._hits: dict[Incident, list[tuple[int, float, Class]]] = {incident: [] for incident in incidents}

    def add(self, request: Request) -> None:
        """Count one request."""
        found = class_of(request)
        self._all[found] += 1
        self._agents[request.lane.agent, found] += 1
        self._operations[request.lane.operation, found] += 1
        if request.incident:
            self._hits[request.incident].append((request.started, request.took_ms, found))

    def truth(self, *, seed: int, start: int, end: int, lines: Mapping[str, int], files: Mapping[str, int]) -> Truth:
        """The account of everything counted so far; times in Unix milliseconds."""
        return Truth(
            seed,
            moment(start),
            moment(end),
            LIMIT_MS,
            _counts(self._all),
            _grouped(self._agents),
            _grouped(self._operations),
            lines,
            files,
            OWNERS,
            tuple(_planted(incident, hits) for incident, hits in self._hits.items()),
        )


def moment(milliseconds: int) -> datetime:
    """Unix milliseconds as a UTC datetime."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _planted(incident: Incident, hits: Sequence[tuple[int, float, Class]]) -> Planted:
    near = [started for started, took, found in hits if took >= 0.75 * LIMIT_MS and found == "success"]
    timeouts = [started for started, _, found in hits if found == "timeout"]
    return Planted(
        incident.kind,
        moment(incident.start),
        moment(incident.end),
        incident.agent,
        incident.model,
        incident.version,
        incident.step,
        incident.owner,
        incident.expected,
        _counts(Counter(found for *_, found in hits)),
        moment(min(near)) if near else None,
        moment(min(timeouts)) if timeouts else None,
    )


def _grouped(counts: Mapping[tuple[str, Class], int]) -> dict[str, Counts]:
    return {
        name: _counts({found: n for (other, found), n in counts.items() if other == name})
        for name in sorted({name for name, _ in counts})
    }


def _counts(by_class: Mapping[Class, int]) -> Counts:
    success, timeout, failed, excluded = (
        by_class.get(name, 0) for name in ("success", "timeout", "failed", "excluded")
    )
    return Counts(success + timeout + failed + excluded, success, timeout, failed, excluded)
