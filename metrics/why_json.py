"""The question `why`, answered in plain JSON types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from core.errors import UsageError
from metrics.rates import rate_json
from metrics.why import DIMENSIONS, MEASURES, Measure, groups_of, ledger
from metrics.why_answer import why
from metrics.why_sentence import plain_text, why_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from core.selection import Reader
    from core.timespan import TimeSpan
    from metrics.causes import Cause
    from metrics.questions import Asked
    from metrics.verdict import Verdict
    from metrics.why import Part
    from metrics.why_answer import Moved

ROWS = 5
"""Groups of a dimension that are shown; the others are one row, so that the shifts still sum to the change."""

OTHERS = "(others)"


def why_answer(reader: Reader, asked: Asked) -> dict[str, Any]:
    """The verdict, the causes with examples, the other measures, and the ledgers of the measure spoken of."""
    found = why(reader, asked.selection, asked.settings, measure_from(asked.extra.get("measure")))
    moved, baseline = found.answer, found.baseline
    compared = found.compared(moved)
    return {
        "sentence": plain_text(why_sentence(found, asked.settings.language)),
        "measure": moved.measure,
        "span": _span(found.span) if found.span else None,
        "compared_with": baseline.kind if baseline else None,
        "verdict": _verdict(moved.verdict),
        "causes": [
            _cause(cause, moved.examples[place] if place < len(moved.examples) else ())
            for place, cause in enumerate(moved.causes)
        ],
        "measures": [_measure(other) for other in found.moved.values()],
        "windows": [
            _span(window) | {"left_out": number in moved.verdict.left_out}
            for number, window in enumerate(baseline.spans if baseline else (), 1)
        ],
        "ledger": list(_ledgers(compared, moved.measure)),
    }


def measure_from(text: str | None) -> Measure | None:
    """The measure a parameter names; UsageError says which there are."""
    if text is None:
        return None
    for name in get_args(Measure):
        if text == name:
            return name  # type: ignore[no-any-return] # get_args of a Literal of strings
    raise UsageError(f'measure: "{text}" is none; there are {", ".join(MEASURES)}')


def _span(value: TimeSpan) -> dict[str, Any]:
    return {"start": value.start.isoformat(), "end": value.end.isoformat()}


def _verdict(value: Verdict) -> dict[str, Any]:
    return {
        "outcome": value.outcome,
        "before": value.before,
        "now": value.now,
        "points": value.points,
        "low": value.low,
        "high": value.high,
        "ratio": value.ratio,
        "confidence": value.confidence,
        "spread": value.spread,
    }


def _cause(value: Cause, examples: tuple[str, ...]) -> dict[str, Any]:
    return {
        "where": dict(value.where),
        "how": value.how,
        "explained": value.explained,
        "points": value.points,
        "rate_before": value.rate_before,
        "rate_now": value.rate_now,
        "share_before": value.share_before,
        "share_now": value.share_now,
        "rivals": [" + ".join(f"{name} {text}" for name, text in where) for where in value.rivals],
        "examples": list(examples),
    }


def _measure(value: Moved) -> dict[str, Any]:
    cause = value.causes[0] if value.causes else None
    return {
        "measure": value.measure,
        "outcome": value.verdict.outcome,
        "before": rate_json(value.before),
        "now": rate_json(value.now),
        "confidence": value.verdict.confidence,
        "cause": " + ".join(f"{name} {text}" for name, text in cause.where) if cause else None,
    }


def _ledgers(counts: pl.DataFrame, measure: Measure) -> Iterator[dict[str, Any]]:
    names = (*DIMENSIONS, "error_code")
    for name, groups in groups_of(counts, names).items():
        parts = ledger(groups, name, measure).parts
        if {part.group for part in parts} <= {None}:
            continue
        for part in parts[:ROWS]:
            yield _part(name, part)
        if rest := parts[ROWS:]:
            yield {
                "dimension": name,
                "group": OTHERS,
                "requests_before": sum(part.valid_before for part in rest),
                "requests_now": sum(part.valid_now for part in rest),
                "rate_before": None,
                "rate_now": None,
                "rate_shift": sum(part.rate_shift for part in rest),
                "mix_shift": sum(part.mix_shift for part in rest),
            }


def _part(dimension: str, part: Part) -> dict[str, Any]:
    return {
        "dimension": dimension,
        "group": part.group,
        "requests_before": part.valid_before,
        "requests_now": part.valid_now,
        "rate_before": part.rate_before,
        "rate_now": part.rate_now,
        "rate_shift": part.rate_shift,
        "mix_shift": part.mix_shift,
    }
