"""The records of one request put together for people."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

FACTS = (
    "request_id", "trace_id", "agent_id", "operation", "service", "environment", "model", "model_version",
    "prompt_version", "user_id", "session_id", "timeout_type", "timeout_ms", "fallback_used", "fallback_ok",
    "fallback_ms", "tokens_input", "tokens_output", "cost_usd",
)  # fmt: skip
"""Fields shown as they are, in this order; what the line does not say is left out."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A request as its line says it, the facts worth showing, and the judgements that came later."""

    request: dict[str, Any]
    facts: list[tuple[str, str]]
    scores: list[tuple[str, float]]
    feedback: int | None


def whole(records: pl.DataFrame, identity: str) -> Whole | None:
    """The request of this id among the records of its trace, else the first request or record; None without any."""
    rows = records.to_dicts()
    if not rows:
        return None
    requests = [row for row in rows if row["kind"] == "request"]
    request = next((row for row in requests if row["request_id"] == identity), (requests or rows)[0])
    facts = [(name, _said(request[name])) for name in FACTS if request[name] is not None]
    about = [row for row in rows if row["request_id"] == request["request_id"]]
    feedback = [row["feedback"] for row in about if row["feedback"] is not None]
    return Whole(request, facts, _scores(about), feedback[-1] if feedback else None)


def moment_of(text: str | None) -> datetime | None:
    """The moment a URL says; None when it says none that can be understood."""
    try:
        found = datetime.fromisoformat((text or "").replace(" ", "+"))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _scores(rows: list[dict[str, Any]]) -> list[tuple[str, float]]:
    """Every score of every evaluation, the newest of a name."""
    found: dict[str, float] = {}
    for row in rows:
        try:
            scores = json.loads(row["eval_score"] or "{}")
        except ValueError:
            continue  # an evaluation of another shape is not this page's to judge
        if isinstance(scores, dict):
            found |= {str(k): float(v) for k, v in scores.items() if isinstance(v, int | float) and math.isfinite(v)}
    return list(found.items())


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
