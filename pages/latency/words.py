"""The figures of the page: words for values that come ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.text import number, percent, seconds
from pages.shared.figures import Figure
from pages.shared.text import round_seconds, t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.slo import Limits
    from core.text import Language
    from metrics.values import Percentile
    from pages.latency.reading import Latencies


def took(value: Percentile, language: Language) -> str:
    """4.2 s, ≥ 8.0 s."""
    return seconds(value.value, language, at_least=value.at_least)


def percentile_figures(found: Latencies, language: Language) -> Sequence[Figure]:
    """P50, P90, P95, P99."""
    note = t("latency_exact" if found.exact else "latency_within", language, n=number(found.requests, language))
    return [
        Figure(
            name,
            name.upper(),
            took(value, language),
            t("note_cut", language) if value.at_least else note,
            t("latency_percentile_help", language, share=name[1:]),
        )
        for name, value in found.percentiles.items()
    ]


def near_figures(found: Latencies, limits: Limits, language: Language) -> Sequence[Figure]:
    """How many are near the limit, and how many of them critical."""
    starts, limit = {"near": limits.near_ms, "critical": limits.critical_ms}, round_seconds(limits.limit_ms, language)
    shown = []
    for name, count in found.near_total.items():
        share = percent(count / found.requests if found.requests else None, language)
        note = t("latency_zone_note", language, share=share, n=number(found.requests, language))
        explained = t("latency_zone_help", language, start=round_seconds(starts[name], language), limit=limit)
        shown.append(Figure(name, t(f"latency_zone_{name}", language), number(count, language), note, explained))
    return shown
