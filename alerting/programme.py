"""How alerting itself does: how soon problems are seen and answered, how long they last, how often it was noise.

Every figure says what it was seen in (`n`) and is None where nothing says it. Lengths are in milliseconds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from alerting.archive import UNSENT
from metrics.figures import Figure, mean, of_rate, percentile
from metrics.rates import rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from alerting.archive import Delivery, Story
    from metrics.values import Rate

MILLISECOND = timedelta(milliseconds=1)
BRIEF = timedelta(minutes=5)
"""An incident over so soon, that nobody answered or judged, may have been noise: a hint, not a part of the rate."""

TARGETS: Mapping[str, float] = {
    "mttd": timedelta(minutes=5) / MILLISECOND,
    "mttr_critical": timedelta(minutes=30) / MILLISECOND,
    "mttr": timedelta(hours=1) / MILLISECOND,
    "false_positive_rate": 0.1,
    "alerts_per_day": 3.0,
    "delivery_p95": timedelta(seconds=10) / MILLISECOND,
}
"""What to stay below."""
FOUND_FIRST = 0.7
"""What to reach of the incidents users complained about: known before they did."""


NOT_ALERTS = ("digest", "report", "notice", "test")
"""Messages that are not about an incident."""


@dataclass(frozen=True, slots=True)
class Programme:
    """The figures by name; `held_back` alerts waited for the digest, `suspected` incidents look like noise."""

    figures: Mapping[str, Figure | None]
    incidents: int
    held_back: int
    suspected: int


def programme(
    incidents: Sequence[Story],
    deliveries: Sequence[Delivery],
    *,
    onsets: Mapping[str, datetime],
    complaints: Sequence[datetime],
    days: Sequence[date],
    zone: ZoneInfo,
) -> Programme:
    """The figures of these incidents and messages.

    `onsets` is when a problem began by its own minutes (`alerting.onset`), by incident; `complaints` when users gave
    negative feedback, in order; `days` the local days looked at.
    """
    over = [one for one in incidents if one.seen_end]
    critical = [one for one in over if one.severity == "critical"]
    verdicts = Counter(one.verdict for one in incidents)
    judged = verdicts["useful"] + verdicts["noise"]
    figures = {
        "mttd": _mean(_detection(one, onsets) for one in incidents),
        "mtta": _mean(one.acked_at - one.opened_at for one in incidents if one.acked_at),
        "mttr_critical": _mean(_lasted(one, onsets) for one in critical),
        "mttr": _mean(_lasted(one, onsets) for one in over),
        "false_positive_rate": of_rate(rate(verdicts["noise"], judged)),
        "label_coverage": of_rate(rate(judged, len(incidents))),
        "alerts_per_day": alerts_per_day(deliveries, days, zone),
        "found_before_users": of_rate(found_before_users(incidents, onsets, complaints)),
        "delivery_p95": delivery_p95(deliveries),
    }
    held = {one.subject for one in deliveries if one.event == "firing" and one.state == "capped"}
    return Programme(figures, len(incidents), len(held), sum(_suspected(one) for one in over))


def told_at(incident: Story) -> datetime | None:
    """When the first channel accepted the first message about it."""
    accepted = (one.accepted_at for one in incident.deliveries if one.event == "firing" and one.accepted_at)
    return min(accepted, default=None)


def alerts_per_day(deliveries: Sequence[Delivery], days: Sequence[date], zone: ZoneInfo) -> Figure | None:
    """Interruptions a local day: subjects whose first message was meant for people at once, however many channels."""
    if not days:
        return None
    wanted = set(days)
    first: dict[str, date] = {}
    for one in deliveries:
        if one.event == "firing" and one.state not in UNSENT:
            first.setdefault(one.subject, one.decided_at.astimezone(zone).date())
    return Figure(sum(day in wanted for day in first.values()) / len(days), "1/d", len(days))


def found_before_users(
    incidents: Sequence[Story], onsets: Mapping[str, datetime], complaints: Sequence[datetime]
) -> Rate | None:
    """Of the incidents users complained about while they lasted, those that were told of before the first complaint."""
    known = complained = 0
    for one in incidents:
        start = onsets.get(one.id, one.since)
        first = next((at for at in complaints if at >= start and (one.ended_at is None or at <= one.ended_at)), None)
        if first is None:
            continue
        told = told_at(one)
        complained += 1
        known += told is not None and told < first
    return rate(known, complained)


def delivery_p95(deliveries: Iterable[Delivery]) -> Figure | None:
    """From the decision to the channel's acceptance, of messages about incidents that were accepted."""
    waits = [one.accepted_at - one.decided_at for one in deliveries if one.accepted_at and one.event not in NOT_ALERTS]
    return percentile(_frame(waits), pl.col("value"), 95, "ms")


def _detection(incident: Story, onsets: Mapping[str, datetime]) -> timedelta | None:
    onset, told = onsets.get(incident.id), told_at(incident)
    return None if onset is None or told is None else told - onset


def _lasted(incident: Story, onsets: Mapping[str, datetime]) -> timedelta | None:
    return incident.ended_at - onsets.get(incident.id, incident.since) if incident.ended_at else None


def _suspected(incident: Story) -> bool:
    brief = incident.ended_at is not None and incident.ended_at - incident.since < BRIEF
    return brief and incident.acked_at is None and incident.verdict is None


def _mean(lengths: Iterable[timedelta | None]) -> Figure | None:
    return mean(_frame([length for length in lengths if length is not None]), pl.col("value"), "ms")


def _frame(lengths: Sequence[timedelta]) -> pl.DataFrame:
    values = [length / MILLISECOND for length in lengths]
    return pl.DataFrame({"value": values, "weight": [1.0] * len(values)}, {"value": pl.Float64, "weight": pl.Float64})
