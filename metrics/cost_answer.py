"""What it cost: spend of the selected requests, what bought nothing, and the last day beside days like it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from core.text import money, number, percent, say
from core.timespan import TimeSpan
from metrics.baseline import baselines
from metrics.charges import REQUEST_COLUMNS, charges, spans_of
from metrics.classes import weight_of
from metrics.cost import THRESHOLD, change, cost_per_active_user, spend, spend_by, with_day
from metrics.fallback import scored
from metrics.sentence import TEXTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.selection import Reader, RecordSource, Selection
    from core.settings import Settings
    from core.text import Language
    from metrics.cost import Spend
    from metrics.questions import Asked

DAY = timedelta(hours=24)
DEAREST = 20
WHOLE = 0.99
"""The share of a day's requests whose whole cost must be known for its spend to be compared."""
GROUPS = ("model", "agent_id", "operation", "feature", "user_id", "day")


def charges_of(
    reader: RecordSource, selection: Selection, settings: Settings, *, more: Sequence[str] = ()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The selected requests, with the columns `more`, and their charges."""
    requests = reader.requests(selection, tuple(dict.fromkeys((*REQUEST_COLUMNS, *more))))
    limit_ms = settings.limit_values.limit_ms
    return requests, charges(requests, spans_of(reader, requests), settings.price_values, limit_ms)


def daily_change(reader: Reader, selection: Selection, settings: Settings, end: datetime) -> dict[str, Any] | None:
    """Spend of the 24 h before `end` beside the same hours of past weeks or days; None without anything before it.

    A day with more than 1 % of its requests of unknown cost is compared with nothing: a model without a price is no
    saving.
    """

    def of(past: TimeSpan) -> Spend:
        return spend(charges_of(reader, selection.over(past), settings)[1])

    def told(day: Spend) -> float | None:
        return day.spent if day.known_requests >= WHOLE * day.requests else None

    span = TimeSpan(end - DAY, end)
    for baseline in baselines(span, reader.losses(span).since, settings.zone):
        if baseline.kind == "before":
            continue
        before = [told(of(past)) for past in baseline.spans]
        if any(before):
            now = of(span)
            moved = change(told(now), before)
            return {"spent_usd": now.spent, "change": moved, "baseline": baseline.kind, "days_usd": before}
    return None


def cost_answer(reader: Reader, asked: Asked) -> dict[str, Any]:
    """The answer as plain JSON types."""
    settings, selection = asked.settings, asked.selection
    requests, rows = charges_of(reader, selection, settings)
    found = spend(rows)
    end = asked.now if selection.last is not None or selection.span is None else min(selection.span.end, asked.now)
    day = daily_change(reader, selection, settings, end)
    bad = scored(requests, settings.limit_values.limit_ms)
    felt = bad.select(weight_of((pl.col("outcome") != "saved").fill_null(value=False))).item()
    worth = settings.value_per_request_usd
    by_day = with_day(rows, settings.zone)
    return {
        "sentence": _sentence(found, day, settings.language),
        "total_usd": found.total,
        "spent_usd": found.spent,
        "billed_ok_usd": found.billed_ok,
        "wasted_usd": found.wasted,
        "unbilled_usd": found.unbilled,
        "wasted_by_usd": dict(found.wasted_by),
        "retried_usd": found.retried,
        "fallback_usd": found.fallback,
        "at_least": found.unknown > 0,
        "unknown": found.unknown,
        "requests": found.requests,
        "cost_per_request_usd": found.per_request,
        "cost_per_active_user_usd": cost_per_active_user(requests, rows),
        "no_answer": felt,
        "lost_value_usd": None if worth is None else worth * felt,
        "day": day,
        **{f"by_{name.removesuffix('_id')}": _rows(by_day, name) for name in GROUPS},
        "prices": [
            {"price": version, "charges": n, "usd": usd}
            for version, n, usd in rows.filter(pl.col("price_version").is_not_null())
            .group_by("price_version")
            .agg(pl.col("weight").sum().alias("n"), (pl.col("list_usd") * pl.col("weight")).sum().alias("usd"))
            .sort("price_version")
            .iter_rows()
        ],
        "unknown_models": [
            {"model": model, "charges": n}
            for model, n in rows.filter(pl.col("cost_source") == "unknown")
            .group_by("model")
            .agg(pl.col("weight").sum().alias("n"))
            .sort("n", "model", descending=[True, False])
            .head(DEAREST)
            .iter_rows()
        ],
    }


def _rows(charges: pl.DataFrame, column: str) -> list[dict[str, Any]]:
    """The dearest groups; days are all there, in their order."""
    found = spend_by(charges, column)
    found = found.sort("group") if column == "day" else found.head(DEAREST)
    return [
        {
            column: str(row["group"]) if column == "day" else row["group"],
            "spent_usd": row["spent"],
            "wasted_usd": row["wasted"],
            "unknown": row["unknown"],
            "requests": row["requests"],
            "cost_per_request_usd": row["per_request"],
        }
        for row in found.iter_rows(named=True)
    ]


def _sentence(found: Spend, day: dict[str, Any] | None, language: Language) -> str:
    said = []
    if found.spent is None or found.wasted is None:
        said.append(say(TEXTS, "cost_none", language))
    else:
        share = percent(found.wasted / found.spent if found.spent else 0.0, language)
        spent, wasted = money(found.spent, language), money(found.wasted, language)
        said.append(say(TEXTS, "cost_some", language, spent=spent, wasted=wasted, share=share))
    if found.unknown:
        said.append(say(TEXTS, "cost_unknown", language, n=number(found.unknown, language)))
    if day and day["change"] is not None and (day["change"] > THRESHOLD or day["change"] < -THRESHOLD):
        key = "cost_more" if day["change"] > 0 else "cost_less"
        said.append(say(TEXTS, key, language, change=percent(abs(day["change"]), language, 0)))
    return " ".join(said)
