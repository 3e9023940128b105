"""Each target beside its number: ok, warning, breached, or unknown. Silence is not health."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.text import say
from metrics.catalogue import catalogue
from metrics.cost import spend
from metrics.cost_answer import charges_of, daily_change
from metrics.figures import Figure, figure_json
from metrics.freshness import data_age
from metrics.monthly_cost import monthly_cost_per_user
from metrics.rates import TOO_FEW_ROWS, too_few
from metrics.sentence import TEXTS
from metrics.values import Rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from core.selection import Freshness, Reader, Selection
    from core.settings import Settings
    from core.targets import TargetSettings
    from core.text import Language
    from metrics.questions import Asked

Status = Literal["ok", "warning", "breached", "unknown"]
Because = Literal["no_traffic", "not_logged", "no_baseline", "too_few", "no_users_total", "at_least", "stale"]

_UP_TO_NOW = ("adoption", "cost_per_active_user", "daily_cost_change")
"""Of the days before now, whatever span was selected; and no samples: however few, they are what they are."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One target as it stands. `because` is set when it is unknown.

    `certain` is whether the whole range has the same status; None without a range.
    """

    target: TargetSettings
    figure: Figure | None
    status: Status
    because: Because | None = None
    certain: bool | None = None


def standing(
    target: TargetSettings, figure: Figure | None, why: Because | None = None, *, stale: bool = False
) -> Standing:
    """Compare a figure with its target.

    Exactly the target is met, exactly the threshold is not crossed. Unknown are: a figure nobody has (`why`), one seen
    in fewer than 20 rows or `too_few`, a lower bound that would be good, and anything good that is `stale`.
    """
    if figure is None:
        return Standing(target, None, "unknown", why or "not_logged")
    status = _status(target, figure.value)
    if _few(target, figure):
        return Standing(target, figure, "unknown", "too_few")
    if figure.at_least and (status == "ok") != (target.direction == "higher"):  # the truth may be on the other side
        return Standing(target, figure, "unknown", "at_least")
    if stale and status == "ok":
        return Standing(target, figure, "unknown", "stale")
    if figure.low is None or figure.high is None:
        return Standing(target, figure, status)
    certain = {_status(target, figure.low), _status(target, figure.high)} == {status}
    certain &= not (figure.at_least and status == "warning" and target.threshold is not None)
    return Standing(target, figure, status, certain=certain)


def _status(target: TargetSettings, value: float) -> Status:
    sign = -1 if target.direction == "higher" else 1
    missed = abs(value) > target.target if target.direction == "within" else sign * value > sign * target.target
    crossed = target.threshold is not None and sign * value > sign * target.threshold
    return "breached" if crossed else "warning" if missed else "ok"


def _few(target: TargetSettings, figure: Figure) -> bool:
    if target.metric in _UP_TO_NOW:
        return False
    if figure.unit == "share" and figure.low is not None and figure.high is not None:
        return too_few(Rate(figure.value, figure.low, figure.high, figure.n))
    return figure.n < TOO_FEW_ROWS


def sentence(standings: Sequence[Standing], language: Language) -> str:
    """How many targets are met, and which are breached or missed, in the order of the targets."""

    def names(status: Status) -> list[str]:
        found = (each.target.metric for each in standings if each.status == status)
        return [say(TEXTS, f"metric_{name}", language) for name in found]

    if not standings:
        return say(TEXTS, "scorecard_none", language)
    said = [say(TEXTS, "scorecard_met", language, met=len(names("ok")), all=len(standings))]
    others: tuple[Status, ...] = ("breached", "warning", "unknown")
    said += [
        say(TEXTS, f"scorecard_{status}", language, names=", ".join(names(status)))
        for status in others
        if names(status)
    ]
    return " ".join(said)


def is_stale(freshness: Freshness, now: datetime, selection: Selection | None = None) -> bool:
    """Whether nothing came of late; a span that ended before the newest record is settled, and never stale."""
    span = selection.span if selection else None
    settled = span is not None and freshness.newest is not None and span.end <= freshness.newest
    return data_age(freshness, now).state != "fresh" and not settled


def scorecard(reader: Reader, asked: Asked) -> tuple[Standing, ...]:
    """Every target of the settings, of the selection.

    Of the time before now are cost per active user (30 days), adoption (7 days) and the change of the daily cost.
    """
    targets, selection = asked.settings.targets, asked.selection
    found = catalogue(reader, selection, asked.settings, asked.now)
    figures, why = dict(found.figures), dict(found.why)
    for target in targets:
        if cost := _COSTS.get(target.metric):
            figures[target.metric] = cost(reader, selection, asked.settings, asked.now)
    late = is_stale(asked.freshness, asked.now)
    settled = not is_stale(asked.freshness, asked.now, selection)
    return tuple(
        standing(
            target,
            figures.get(target.metric),
            why.get(target.metric),
            stale=late and not (settled and target.metric not in _UP_TO_NOW),
        )
        for target in targets
    )


def _cost_per_request(reader: Reader, selection: Selection, settings: Settings, _now: datetime) -> Figure | None:
    found = spend(charges_of(reader, selection, settings)[1])
    return None if found.per_request is None else Figure(found.per_request, "USD", round(found.known_requests))


def _cost_change(reader: Reader, selection: Selection, settings: Settings, now: datetime) -> Figure | None:
    found = daily_change(reader, selection, settings, now)
    return (
        None if found is None or found["change"] is None else Figure(found["change"], "share", len(found["days_usd"]))
    )


_COSTS: Mapping[str, Callable[[Reader, Selection, Settings, datetime], Figure | None]] = {
    "cost_per_request": _cost_per_request,
    "cost_per_active_user": monthly_cost_per_user,
    "daily_cost_change": _cost_change,
}
"""Read only when a target asks for them: each needs requests and calls of its own."""


def scorecard_answer(reader: Reader, asked: Asked) -> dict[str, Any]:
    """The scorecard as plain JSON: a sentence, and one row per target."""
    found = scorecard(reader, asked)
    return {
        "sentence": sentence(found, asked.settings.language),
        "targets": [
            {
                "metric": each.target.metric,
                "status": each.status,
                **dict.fromkeys(("value", "low", "high", "n")),
                **(figure_json(each.figure) or {}),
                "target": each.target.target,
                "threshold": each.target.threshold,
                "direction": each.target.direction,
                "tier": each.target.tier,
                "certain": each.certain,
                "because": each.because,
            }
            for each in found
        ],
    }
