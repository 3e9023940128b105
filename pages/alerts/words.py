"""The page's numbers and sentences as they are read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from alerting.lab import at_limit
from alerting.programme import FOUND_FIRST, TARGETS
from core.text import age, moment, number, percent, seconds
from pages.shared.figures import Figure as Tile
from pages.shared.standing import range_note
from pages.shared.text import t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alerting.archive import Archive, Story
    from alerting.lab import Backtest, Suggestion
    from alerting.programme import Programme
    from core.text import Language
    from metrics.figures import Figure
    from metrics.scorecard import Status
    from pages.alerts.reading import Trial
    from pages.shared.frame import Frame

NAMES = (
    "mttd", "mtta", "mttr_critical", "mttr", "alerts_per_day", "false_positive_rate", "label_coverage",
    "found_before_users", "delivery_p95",
)  # fmt: skip
LATE = timedelta(minutes=3)
"""Rules not looked at for so long are not looked at."""


def headline(found: Archive, frame: Frame) -> str:
    """Whether something is wrong now."""
    language = frame.language
    opened = [one for one in found.incidents if one.open]
    if found.last_tick is None:
        return t("alerts_head_unchecked", language)
    if opened:
        worst = next((one for one in opened if one.severity == "critical"), opened[0])
        severity, lasts = t(f"alerts_a_{worst.severity}", language), age(frame.now - worst.since, language)
        if len(opened) == 1:
            return t("alerts_head_one", language, severity=severity, age=lasts)
        return t("alerts_head_many", language, count=number(len(opened), language), severity=severity, age=lasts)
    if found.incidents:
        last = max(one.closed_at for one in found.incidents if one.closed_at)
        return t("alerts_head_quiet", language, age=age(frame.now - last, language))
    return t("alerts_head_never", language)


def late_note(found: Archive, frame: Frame) -> str:
    """That the rules are not being looked at, "" when they are."""
    if found.last_tick is None or frame.now - found.last_tick <= LATE:
        return ""
    return t("alerts_late", frame.language, age=age(frame.now - found.last_tick, frame.language))


def length(milliseconds: float, language: Language) -> str:
    """4 min, 38 s, 0.4 s: a length as people say it."""
    if abs(milliseconds) < 60_000:
        return seconds(milliseconds, language)
    return age(timedelta(milliseconds=milliseconds), language)


def value(figure: Figure | None, language: Language) -> str:
    """A figure of the programme in its unit."""
    if figure is None:
        return "–"
    if figure.unit == "ms":
        return length(figure.value, language)
    return percent(figure.value, language) if figure.unit == "share" else number(figure.value, language, 1)


def tiles(found: Programme, language: Language) -> Sequence[Tile]:
    """How alerting does, each figure beside its target."""
    return [
        Tile(
            name,
            t(f"alerts_figure_{name}", language),
            value(figure, language),
            _target(name, language),
            t(f"alerts_help_{name}", language),
            status(name, figure),
            (_seen_in(name, figure, language),),
        )
        for name in NAMES
        for figure in (found.figures[name],)
    ]


def status(name: str, figure: Figure | None) -> Status | None:
    """Whether the target is met; None for a figure without one."""
    if figure is None:
        return None
    if name == "found_before_users":
        return "ok" if figure.value >= FOUND_FIRST else "breached"
    return None if name not in TARGETS else "ok" if figure.value < TARGETS[name] else "breached"


def _target(name: str, language: Language) -> str:
    if name == "found_before_users":
        return t("alerts_target_least", language, target=percent(FOUND_FIRST, language, 0))
    target = TARGETS.get(name)
    if target is None:
        return ""
    unit = {"alerts_per_day": number(target, language), "false_positive_rate": percent(target, language, 0)}
    return t("alerts_target_below", language, target=unit.get(name) or length(target, language))


def _seen_in(name: str, figure: Figure | None, language: Language) -> str:
    if figure is None:
        return t(f"alerts_none_{name}", language)
    if figure.unit == "share":
        return range_note(figure, language)
    return t("alerts_of", language, n=number(figure.n, language), what=t(f"alerts_unit_{name}", language))


def below_figures(found: Programme, language: Language) -> str:
    """What the figures leave out."""
    said = [t("alerts_looked_back", language, count=number(found.incidents, language))]
    if found.held_back:
        said.append(t("alerts_held_back", language, count=number(found.held_back, language)))
    if found.suspected:
        said.append(t("alerts_suspected", language, count=number(found.suspected, language)))
    return " ".join(said)


def lasted(one: Story, frame: Frame) -> str:
    """How long it lasted, or has lasted."""
    return age((one.ended_at or frame.now) - one.since, frame.language)


def standing_of(one: Story, frame: Frame) -> str:
    """What people know and did about it, in a few words."""
    language, zone = frame.language, frame.settings.zone
    said = []
    if one.hush:
        said.append(t("alerts_hushed", language))
    if one.acked_at:
        said.append(t("alerts_acked_by", language, who=one.acked_by, at=moment(one.acked_at, zone, language)))
    if one.snoozed_until and one.snoozed_until > frame.now:
        said.append(t("alerts_snoozed_until", language, at=moment(one.snoozed_until, zone, language)))
    if one.verdict:
        said.append(t(f"alerts_verdict_{one.verdict}", language))
    if one.flaps:
        said.append(t("alerts_flaps", language))
    return " · ".join(said)


def lab_sentence(found: Backtest, frame: Frame) -> str:
    """What the rule would have done."""
    language, zone = frame.language, frame.settings.zone
    span = age(found.span.length, language)
    if found.missing:
        return t("alerts_lab_missing", language)
    if not found.fires:
        return t("alerts_lab_never", language, span=span)
    first, last = (moment(fire.at, zone, language) for fire in (found.fires[0], found.fires[-1]))
    many = t("alerts_lab_fired", language, span=span, fires=number(len(found.fires), language), first=first, last=last)
    return many if len(found.fires) > 1 else t("alerts_lab_once", language, span=span, first=first)


def lab_tiles(found: Backtest, language: Language) -> Sequence[Tile]:
    """Incidents a day, delay on useful incidents, share of noise."""
    delays = sorted(one.delay for one in found.found)
    useful = len(found.found) + len(found.missed)
    middle = length(delays[len(delays) // 2] / timedelta(milliseconds=1), language) if delays else "–"
    hits = t("alerts_lab_hits", language, found=len(found.found), useful=useful) if useful else ""
    unlabelled = t("alerts_lab_unlabelled", language)
    judged = t("alerts_of", language, n=number(found.judged, language), what=t("alerts_lab_judged", language))
    return (
        Tile(
            "per-day",
            t("alerts_lab_per_day", language),
            number(found.told_per_day, language, 2),
            t("alerts_lab_incidents", language, count=number(len(found.told), language)),
            t("alerts_lab_help_per_day", language),
        ),
        Tile(
            "delay", t("alerts_lab_delay", language), middle, hits or unlabelled, t("alerts_lab_help_delay", language)
        ),
        Tile(
            "false",
            t("alerts_lab_false", language),
            percent(found.false_share, language),
            judged if found.judged else unlabelled,
            t("alerts_lab_help_false", language),
        ),
    )


def lab_notes(found: Backtest, tip: Suggestion | None, language: Language) -> Sequence[str]:
    """What to know before believing it."""
    said = []
    if tip is not None:
        key = "alerts_lab_tip" if tip.limit else "alerts_lab_no_tip"
        said.append(t(key, language, limit=tip.limit, most=number(tip.most, language)))
        if tip.limit and not dict(tip.tried)[tip.limit]:
            said.append(t("alerts_lab_tip_never", language))
        if not tip.enough:
            said.append(t("alerts_lab_short", language))
    every = length(found.interval / timedelta(milliseconds=1), language)
    said.append(t("alerts_lab_as_live" if found.as_live else "alerts_lab_coarse", language, every=every))
    return said


def nearest(found: Trial) -> str:
    """The limit of the ladder where the slider stands while the rule is at its own."""
    own = found.rule.condition.comparisons[0].limit
    return min(found.limits, key=lambda limit: abs(at_limit(found.rule, limit).condition.comparisons[0].limit - own))


def slug(action: str) -> str:
    """An action's name as part of a key."""
    return action.replace(" ", "_")
