"""Another limit on the selected requests, as an answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from core.errors import UsageError
from core.text import number, percent, say, seconds
from core.timespan import parse_duration
from metrics.sentence import TEXTS
from metrics.what_if import COLUMNS, LIMITS_MS, what_if

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.selection import Reader
    from core.text import Language
    from metrics.questions import Asked
    from metrics.values import Interval, Rate
    from metrics.what_if import Outcome

LONGEST = timedelta(hours=1)


def what_if_answer(reader: Reader, asked: Asked) -> dict[str, Any]:
    """The answer as plain JSON types: the limit asked for (else 3 to 12 s) beside the one in force."""
    settings = asked.settings
    in_force, objective = settings.limit_values.limit_ms, settings.objective_values[0]
    limit = _limit(asked.extra)
    limits = sorted({in_force, *(LIMITS_MS if limit is None else (limit,))})
    found = what_if(reader.requests(asked.selection, COLUMNS), limits, in_force, objective)
    now = found[limits.index(in_force)]
    return {
        "sentence": _said(now, now if limit is None else found[limits.index(limit)], settings.language),
        "in_force_ms": in_force,
        "objective": objective.name,
        "n": now.timeout_rate[0].n if now.timeout_rate else 0,
        "limits": [_row(outcome) for outcome in found],
    }


def _limit(extra: Mapping[str, str]) -> float | None:
    if "limit" not in extra:
        return None
    try:
        limit = parse_duration(extra["limit"])
    except (ValueError, OverflowError) as error:
        raise UsageError(f"limit: {error}") from None
    if not timedelta(0) < limit <= LONGEST:
        raise UsageError(f'limit: "{extra["limit"]}" is no limit of a request; write 500ms, 6s or 12s')
    return limit / timedelta(milliseconds=1)


def _said(now: Outcome, other: Outcome, language: Language) -> str:
    if now.timeout_rate is None:
        return say(TEXTS, "what_if_nothing", language)

    def share(outcome: Outcome) -> str:
        low, high = outcome.timeout_rate or (None, None)
        ends = [percent(end.value if end else None, language) for end in (low, high)]
        counts = [number(count, language) for count in (outcome.timeouts.low, outcome.timeouts.high)]
        if outcome.timeouts.low == outcome.timeouts.high:
            return f"{counts[0]} ({ends[0]})"
        return say(TEXTS, "what_if_between", language, low=f"{counts[0]} ({ends[0]})", high=f"{counts[1]} ({ends[1]})")

    return say(
        TEXTS,
        "what_if_same" if other is now else "what_if",
        language,
        limit=seconds(other.limit_ms, language),
        found=share(other),
        in_force=seconds(now.limit_ms, language),
        now=share(now),
    )


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "limit_ms": outcome.limit_ms,
        "exact": outcome.exact,
        "timeouts": _ends(outcome.timeouts),
        **_rates("timeout", outcome.timeout_rate),
        **_rates("success", outcome.success_rate),
        "budget_consumed": _ends(outcome.consumed),
        "fallback": _ends(outcome.fallback),
    }


def _ends(found: Interval | None) -> dict[str, float] | None:
    return None if found is None else {"low": found.low, "high": found.high}


def _rates(name: str, found: tuple[Rate, Rate] | None) -> dict[str, dict[str, float] | None]:
    """Both ends of a rate, and the 95 % range around them."""
    if found is None:
        return {f"{name}_rate": None, f"{name}_range": None}
    low, high = found
    return {
        f"{name}_rate": {"low": low.value, "high": high.value},
        f"{name}_range": {"low": low.low, "high": high.high},
    }
