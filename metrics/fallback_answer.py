"""What the fallback was good for: saved, felt, how fast, at what price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from core.text import number, say
from metrics.cost_answer import charges_of
from metrics.fallback import marginal, scorecard, scored
from metrics.rates import rate_json
from metrics.sentence import TEXTS

if TYPE_CHECKING:
    from core.selection import Reader
    from core.text import Language
    from metrics.fallback import Scorecard
    from metrics.questions import Asked


def fallback_answer(reader: Reader, asked: Asked) -> dict[str, Any]:
    """The answer as plain JSON types: timeouts, failures likewise, and a row per operation with timeouts."""
    requests, charges = charges_of(reader, asked.selection, asked.settings)
    rows = scored(requests, asked.settings.limit_values.limit_ms)
    timeouts, failures = scorecard(rows, ("timeout",)), scorecard(rows, ("failed",))
    price = marginal(rows, charges)
    operations = rows.filter(pl.col("class") == "timeout")["operation"].unique().sort(nulls_last=True)
    return {
        "sentence": _sentence(timeouts, asked.settings.language),
        "timeouts": _outcomes(timeouts),
        "failures": _outcomes(failures),
        "fallback": {
            "used": timeouts.used,
            "ok_rate": rate_json(timeouts.ok_rate),
            "latency_ms": dict(timeouts.fallback_ms),
            "cost_usd": price.usd if price else None,
            "cost_seen_in": price.requests if price else 0.0,
            "cost_per_saved_usd": price.per_saved if price else None,
        },
        "by_operation": [
            {"operation": name, "timeouts": found.bad, "saved": found.saved, "felt": found.felt}
            for name in operations
            for found in [scorecard(rows.filter(pl.col("operation").eq_missing(name)), ("timeout",))]
        ],
    }


def _outcomes(found: Scorecard) -> dict[str, Any]:
    shown = {"requests": found.bad, "saved": found.saved, "felt": found.felt, **found.felt_by}
    return shown | {"saved_rate": rate_json(found.saved_rate)}


def _sentence(found: Scorecard, language: Language) -> str:
    if not found.bad:
        return say(TEXTS, "fallback_none", language)
    counts = {"timeouts": found.bad, "saved": found.saved, "felt": found.felt}
    return say(TEXTS, "fallback_some", language, **{name: number(n, language) for name, n in counts.items()})
