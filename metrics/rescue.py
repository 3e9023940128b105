"""Timeouts and failures that the caller never felt, because a fallback answered in time."""

from __future__ import annotations

import polars as pl

BAD = ("timeout", "failed")
OUTCOMES = ("saved", "no_fallback", "fallback_failed", "fallback_slow", "fallback_unknown")
"""What a bad request meant to its caller: an answer all the same, or one of four ways to feel it."""


def outcome(limit_ms: float) -> pl.Expr:
    """One of OUTCOMES for a classified bad request, null for any other.

    It is saved when the fallback is known to have answered, and not known to have taken longer than `limit_ms` itself.
    A fallback that does not say whether it answered saved nobody that we know of. Needs `class`, `fallback_used`,
    `fallback_ok` and `fallback_ms`.
    """
    return (
        pl.when(~pl.col("class").is_in(BAD))
        .then(None)
        .when(~pl.col("fallback_used").fill_null(value=False))
        .then(pl.lit("no_fallback"))
        .when(pl.col("fallback_ok").is_null())
        .then(pl.lit("fallback_unknown"))
        .when(~pl.col("fallback_ok"))
        .then(pl.lit("fallback_failed"))
        .when((pl.col("fallback_ms") > limit_ms).fill_null(value=False))
        .then(pl.lit("fallback_slow"))
        .otherwise(pl.lit("saved"))
        .cast(pl.Enum(OUTCOMES))
    )


def saved(limit_ms: float) -> pl.Expr:
    """Whether a bad request was saved; false for any other."""
    return (outcome(limit_ms) == "saved").fill_null(value=False)
