"""How each figure of quality stands, what to do about it, and what to log where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metrics.quality_figures import because
from pages.shared.standing import judged as standing_of
from pages.shared.standing import range_note, target_notes
from pages.shared.text import t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.settings import Settings
    from core.text import Language
    from metrics.figures import Unit
    from pages.quality.reading import Quality
    from pages.shared.figures import Figure

UNITS: dict[str, Unit] = {
    "hallucination_rate": "share",
    "accuracy": "score",
    "feedback_rate": "share",
    "nps": "points",
    "confidence_median": "score",
    "source_attribution": "share",
    "disclaimer_rate": "share",
    "drift": "index",
}
LINES = {
    "hallucination_rate": '{"v":1,"kind":"eval","request_id":"r-7","timestamp":"...","hallucination":false}',
    "accuracy": '{"v":1,"kind":"eval","request_id":"r-7","timestamp":"...","eval_score":{"accuracy":0.92}}',
    "nps": '{"v":1,"kind":"feedback","request_id":"r-7","timestamp":"...","feedback":-1}',
    "confidence_median": '"confidence": 0.84',
    "source_attribution": '"sources": [{"document": "10-K.pdf", "page": 3}]',
    "disclaimer_rate": '"disclaimer": true',
}
"""What makes a figure known: a line of its own, or a field of the request's line."""


def judged(found: Quality, settings: Settings, language: Language) -> Sequence[Figure]:
    """Each figure beside its target."""
    targets = {target.metric: target for target in settings.targets}
    shown = []
    for name, unit in UNITS.items():
        figure, standing = found.figures[name], found.standings.get(name)
        target = targets.get(name)  # type: ignore[call-overload] # names of targets are literals
        notes = (
            range_note(figure, language)
            or (t(f"quality_because_{because(name, found.figures, found.drifts)}", language)),
            *target_notes(target, standing, unit, language),
        )
        about = f"quality_help_{name}"
        shown.append(standing_of(name, figure, standing, notes, language, about=about))
    return shown


def advice(found: Quality, language: Language) -> list[str]:
    """What to do about each target that is missed or crossed."""
    return [
        t(f"quality_do_{name}", language)
        for name, standing in found.standings.items()
        if standing.status in ("warning", "breached")
    ]


def missing(found: Quality, language: Language) -> list[tuple[str, str]]:
    """What nobody says, and what to log so that it is known."""
    return [(t(f"quality_log_{name}", language), line) for name, line in LINES.items() if found.figures[name] is None]
