"""The figures of quality by the names their targets have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from metrics.catalogue import drift_figure
from metrics.figures import Figure, of_rate, percentile
from metrics.quality import (
    accuracy,
    confidence_rows,
    disclaimer_rate,
    feedback_rate,
    hallucination_rate,
    nps,
    source_attribution,
)
from metrics.scorecard import Standing, standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.targets import TargetSettings
    from metrics.drift import Drift
    from metrics.evidence import Evidence
    from metrics.quality import Score
    from metrics.scorecard import Because


def quality_figures(found: Evidence, named: tuple[Score, ...], drifts: Mapping[str, Drift]) -> dict[str, Figure | None]:
    """Each figure of quality, None where nothing was said; `named` are the scores of `found`."""
    requests, said = found.requests, found.said
    return {
        "hallucination_rate": of_rate(hallucination_rate(said)),
        "accuracy": accuracy(named),
        "feedback_rate": of_rate(feedback_rate(requests, said)),
        "nps": nps(said),
        "confidence_median": percentile(confidence_rows(said), pl.col("value"), 50, "score"),
        "source_attribution": of_rate(source_attribution(requests)),
        "disclaimer_rate": of_rate(disclaimer_rate(requests)),
        "drift": drift_figure(drifts.get("confidence")),
    }


def quality_standings(
    figures: Mapping[str, Figure | None],
    targets: Sequence[TargetSettings],
    drifts: Mapping[str, Drift],
    *,
    stale: bool,
) -> dict[str, Standing]:
    """How the figures that have a target stand, in the order of the figures."""
    of = {target.metric: target for target in targets}
    return {
        name: standing(of[name], figure, because(name, figures, drifts), stale=stale)
        for name, figure in figures.items()
        if name in of
    }


def because(name: str, figures: Mapping[str, Figure | None], drifts: Mapping[str, Drift]) -> Because:
    """Why a figure of quality is None: the drift is that of confidence."""
    if name != "drift" or figures["confidence_median"] is None:
        return "not_logged"
    return "too_few" if "confidence" in drifts else "no_baseline"
