"""The numbers of the page of health, and what is to be said of machines and of Burnline itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.text import age, moment, number
from metrics.figures import Figure
from metrics.host import growing, pressed
from pages.shared.figures import Figure as Tile
from pages.shared.standing import figure_text, judged, range_note, target_notes
from pages.shared.text import t

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from core.services import WorkerHealth
    from core.text import Language
    from metrics.figures import Unit
    from pages.health.reading import Health, Reading
    from pages.shared.frame import Frame

UNITS: dict[str, Unit] = {
    "requests_per_hour": "requests",
    "average_latency": "ms",
    "p95": "ms",
    "p99": "ms",
    "error_rate": "share",
    "uptime": "share",
    "hang_rate": "share",
    "trace_coverage": "share",
}


def service_tiles(found: Health, frame: Frame) -> Sequence[Tile]:
    """Each number of the service beside its target."""
    language, targets = frame.language, {each.metric: each for each in frame.settings.targets}
    shown = []
    for name, unit in UNITS.items():
        figure, standing = found.figures[name], found.standings.get(name)
        target = targets.get(name)  # type: ignore[call-overload] # names of targets are literals
        notes = [range_note(figure, language) or t("health_no_traffic", language)]
        if target is not None:
            notes += target_notes(target, standing, unit, language)
        shown.append(judged(name, figure, standing, notes, language, about=f"health_help_{name}"))
    return shown


def load_tiles(found: Health, frame: Frame) -> Sequence[Tile]:
    """What is under way at once, what seems to hang, and what writers left out."""
    language, busy = frame.language, found.under_way
    peak = ""
    if busy is not None:
        when = moment(busy.peak_at, frame.settings.zone, language)
        peak = t("health_note_peak", language, when=when)
    lost = float(found.drops["dropped"].sum()) if found.drops.height else 0.0
    hang = None if found.unrecorded is None else Figure(found.unrecorded, "requests", found.read)
    return (
        Tile(
            "busy",
            t("health_busy", language),
            number(busy.average if busy else None, language, 1),
            "",
            t("health_help_busy", language),
        ),
        Tile(
            "peak",
            t("health_peak", language),
            number(busy.peak if busy else None, language),
            peak,
            t("health_help_busy", language),
        ),
        Tile(
            "hangs",
            t("health_hangs", language),
            figure_text(hang, language),
            t("health_note_hangs_none", language) if hang is None else "",
            t("health_help_hangs", language),
        ),
        Tile(
            "drops",
            t("health_drops", language),
            number(lost, language),
            t("health_note_drops" if lost else "health_note_drops_none", language),
            t("health_help_drops", language),
        ),
    )


def about_machines(found: Health, language: Language) -> list[tuple[str, str]]:
    """What to look at: the machine's name (log text), and what is the matter with it."""
    said = [
        (
            host.name or t("unnamed", language),
            t(f"health_pressed_{gauge}", language, value=number(host.gauges[gauge].p95, language)),
        )
        for host, gauge in pressed(found.hosts)
    ]
    for host in growing(found.hosts):
        grows = host.memory_growth
        if grows is not None:
            unit = "MB" if host.growth_of == "memory_mb" else "%"
            low, high = number(grows.low, language, 1), number(grows.high, language, 1)
            said.append(
                (host.name or t("unnamed", language), t("health_grows", language, low=low, high=high, unit=unit))
            )
    return said


def own_sentence(workers: Sequence[WorkerHealth], files: Reading, frame: Frame) -> str:
    """How Burnline itself does: whether it reads, how old the data is, what it could not read."""
    language, found = frame.language, frame.age
    late = [worker.name for worker in workers if worker.late(frame.now)]
    old = age(_since(found.newest, frame.now), language) if found.newest else "–"
    said = [
        t("health_own_late", language, names=", ".join(late))
        if late
        else t("health_own_ok", language, count=len(workers))
    ]
    said.append(t(f"health_own_{found.state}", language, age=old))
    if files.files.failed:
        said.append(t("health_own_failed", language, count=number(files.files.failed, language)))
    return " ".join(said)


def file_tiles(found: Reading, language: Language) -> Sequence[Tile]:
    """The ledger: lines = stored + refused + duplicates + blank."""
    files = found.files
    return tuple(
        Tile(name, t(f"health_{label}", language), number(value, language), "", t(f"health_help_{label}", language))
        for name, label, value in (
            ("lines", "lines", files.lines),
            ("stored", "stored", files.stored),
            ("refused", "quarantined", files.refused),
            ("duplicates", "duplicates", files.duplicates),
            ("blank", "blank", files.blank),
            ("unread", "unread", files.unread),
        )
    )


def _since(newest: datetime, now: datetime) -> timedelta:
    return now - min(newest, now)
