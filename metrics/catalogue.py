"""Every metric of a selection at once: figures by name, and the tables behind them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from core.selection import Selection
from metrics import adoption as users
from metrics.baseline import MIN_WEEKS, baselines
from metrics.classes import count, is_valid
from metrics.drift import Drift, drift
from metrics.dropped import COLUMNS as DROPS_COLUMNS
from metrics.dropped import dropped
from metrics.evidence import gather, spans, unrecorded
from metrics.figures import Figure, figure_json, mean, of_rate, percentile, share_of
from metrics.host import COLUMNS as HOST_COLUMNS
from metrics.host import gauges, hosts
from metrics.quality import (
    accuracy,
    confidence_bins,
    confidence_rows,
    disclaimer_rate,
    feedback_rate,
    hallucination_rate,
    newest,
    nps,
    score_rows,
    scores,
    source_attribution,
)
from metrics.tokens import tokens
from metrics.tracing import trace_coverage
from metrics.traffic import HANG, hang_rate, in_flight, peak_minute, per_second
from metrics.uptime import minute_up_of, uptime
from metrics.values import PERCENTILES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from core.selection import Reader
    from core.settings import Settings
    from metrics.evidence import Evidence
    from metrics.host import Host
    from metrics.quality import Score
    from metrics.questions import Asked
    from metrics.values import Counts, Rate

Why = Literal["no_traffic", "not_logged", "no_baseline", "too_few", "no_users_total"]
"""Why a figure is None."""

MOST_DRIFTS = 12
"""Scores whose distribution is compared with the baseline's, the most frequent first."""
MOST_ROWS = 20
MATERIAL_DRIFT = 0.1
"""Below this a drift is none (`metrics.drift`); chance alone must stay below it, too, or there are too few rows."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`figures` by name, in the order they are shown; `why` says why one is None. Names of scores are log text."""

    figures: Mapping[str, Figure | None]
    why: Mapping[str, Why]
    counts: Counts
    scores: tuple[Score, ...]
    confidence: list[float]
    drifts: Mapping[str, Drift]
    hosts: tuple[Host, ...]
    tables: Mapping[str, Any]


def catalogue(reader: Reader, selection: Selection, settings: Settings, now: datetime) -> Catalogue:
    """Everything that can be told of the selection's requests; adoption is of the week before `now`."""
    limits = settings.limit_values
    found = gather(reader, selection, limits.limit_ms, now)
    rows, said = found.requests, found.said
    counts, valid = count(rows), is_valid()
    score_table = score_rows(said)
    named, confidence, used = scores(score_table), confidence_rows(said), tokens(rows)
    drifts = drifts_of(reader, selection, settings, now=now, found=found, score_table=score_table, named=named)
    begun = spans(reader, found.span, now)
    traced, lost = trace_coverage(rows, begun), unrecorded(reader, selection, found, begun, now)
    overdue = pl.col("started") < now - timedelta(milliseconds=HANG * limits.limit_ms)
    hung = None if lost is None else lost.filter(overdue)
    alone = Selection(found.span) if found.span else Selection(last=0)
    people = users.adoption(
        reader.requests(selection.over(users.week_before(now)), users.COLUMNS), now, settings.users_total
    )
    good, slow = pl.col("class") == "success", pl.col("execution_time_ms")
    speed, busiest = per_second(rows, selection, now), peak_minute(rows)
    under_way = in_flight(rows, found.span) if found.span else None

    def plain(value: float | None, unit: Any, n: int) -> Figure | None:
        return None if value is None else Figure(value, unit, n)

    rates: dict[str, Rate | None] = {
        "timeout_rate": share_of(rows, pl.col("class") == "timeout", valid),
        "error_rate": share_of(rows, pl.col("class") == "failed", valid),
        "success_rate": share_of(rows, good, valid),
        "near_rate": share_of(rows, good & (slow >= limits.near_ms), valid),
        "critical_rate": share_of(rows, good & (slow >= limits.critical_ms), valid),
        "fallback_rate": share_of(rows, pl.col("fallback_used"), valid),
        "uptime": uptime(rows, limits.limit_ms, minute_up_of(settings.objective_values)),
        "hang_rate": hang_rate(rows, limits.limit_ms),
        "hallucination_rate": hallucination_rate(said),
        "feedback_rate": feedback_rate(rows, said),
        "source_attribution": source_attribution(rows),
        "disclaimer_rate": disclaimer_rate(rows),
        "trace_coverage": traced.valid,
        "trace_coverage_bad": traced.bad,
        "tokens_said": used.said,
    }
    took = pl.col("latency_ms")
    figures: dict[str, Figure | None] = {
        "requests_per_second": plain(speed, "1/s", rows.height),
        "peak_minute": plain(busiest.requests if busiest else None, "requests", rows.height),
        "in_flight_average": plain(under_way.average if under_way else None, "requests", rows.height),
        "in_flight_peak": plain(under_way.peak if under_way else None, "requests", rows.height),
        "unrecorded": None if hung is None else Figure(hung.height, "requests", begun.height),
        **{name: of_rate(rate) for name, rate in rates.items()},
        "average_latency": _average(rows),
        **{name: percentile(rows, took, float(name[1:]), "ms") for name in PERCENTILES},
        "tokens_input": plain(used.input, "tokens", rows["tokens_input"].count()),
        "tokens_output": plain(used.output, "tokens", rows["tokens_output"].count()),
        "tokens_per_request": used.per_request,
        "tokens_per_user": plain(used.per_user, "tokens", used.users),
        "accuracy": accuracy(named),
        "confidence_median": percentile(confidence, pl.col("value"), 50, "score"),
        "nps": nps(said),
        "drift": drift_figure(drifts.get("confidence")),
        "weekly_users": Figure(people.weekly, "users", people.said, at_least=people.at_least) if people else None,
        "daily_users": Figure(people.daily, "users", people.said, at_least=people.at_least) if people else None,
        "stickiness": plain(people.stickiness if people else None, "share", people.said if people else 0),
        "adoption": Figure(people.share, "share", people.said, at_least=people.at_least)
        if people and people.share is not None
        else None,
    }
    return Catalogue(
        figures,
        {
            name: "no_users_total" if name == "adoption" and people else _why(name, rows, counts, drifts)
            for name, figure in figures.items()
            if figure is None
        },
        counts,
        named,
        confidence_bins(confidence) if confidence.height else [],
        drifts,
        hosts(gauges(reader.records(("host",), alone, HOST_COLUMNS))),
        {
            "drops": dropped(reader.records(("drops",), alone, DROPS_COLUMNS)).head(MOST_ROWS).to_dicts(),
            "unrecorded": [] if hung is None else _moments(hung.head(MOST_ROWS), "started"),
            "peak_minute_start": busiest.start.isoformat() if busiest else None,
            "in_flight_peak_at": under_way.peak_at.isoformat() if under_way else None,
        },
    )


def _moments(frame: pl.DataFrame, column: str) -> list[dict[str, Any]]:
    return [{**row, column: row[column].isoformat()} for row in frame.iter_rows(named=True)]


def _average(rows: pl.DataFrame) -> Figure | None:
    found = mean(rows, pl.col("latency_ms"), "ms")
    cut = bool(rows.select((pl.col("cut") & pl.col("latency_ms").is_not_null()).any()).item())
    return found and Figure(found.value, "ms", found.n, found.low, found.high, cut)


def _why(name: str, rows: pl.DataFrame, counts: Counts, drifts: Mapping[str, Drift]) -> Why:
    if not rows.height or (not counts.valid and name not in ("adoption", "weekly_users", "daily_users", "stickiness")):
        return "no_traffic"
    if name == "drift":
        return "too_few" if "confidence" in drifts else "no_baseline"
    return "not_logged"


def drift_figure(found: Drift | None) -> Figure | None:
    """None when chance alone could look like a drift."""
    return Figure(found.psi, "index", found.n) if found and found.chance <= MATERIAL_DRIFT else None


def drifts_of(
    reader: Reader,
    selection: Selection,
    settings: Settings,
    *,
    now: datetime,
    found: Evidence,
    score_table: pl.DataFrame,
    named: tuple[Score, ...],
    most: int | None = None,
) -> dict[str, Drift]:
    """Drift of confidence, input tokens and each score against the same hours of past weeks, or what there is.

    Of each past window the newest `most` requests are read; None is all of them.
    """
    if found.span is None or not found.requests.height:
        return {}
    for baseline in baselines(found.span, reader.losses(None).since, settings.zone):
        past = [
            gather(reader, replace(selection.over(span), last=most), settings.limit_values.limit_ms, now)
            for span in baseline.spans
        ]
        if sum(each.requests.height > 0 for each in past) >= (MIN_WEEKS if baseline.kind == "weeks" else 1):
            break
    else:
        return {}
    past_scores = pl.concat([score_rows(each.said) for each in past])
    pairs: dict[str, tuple[pl.DataFrame, pl.DataFrame, str]] = {
        "confidence": (
            newest(found.said, "confidence"),
            pl.concat([newest(each.said, "confidence") for each in past]),
            "confidence",
        ),
        "tokens_input": (
            found.requests.select("tokens_input", "weight"),
            pl.concat([each.requests.select("tokens_input", "weight") for each in past]),
            "tokens_input",
        ),
    }
    for score in named[:MOST_DRIFTS]:
        same = pl.col("name") == score.name
        pairs[f"score {score.name}"] = (score_table.filter(same), past_scores.filter(same), "score")
    moved = {name: drift(here, before, pl.col(column)) for name, (here, before, column) in pairs.items()}
    return {name: each for name, each in moved.items() if each is not None}


def catalogue_answer(reader: Reader, asked: Asked) -> dict[str, Any]:
    """The catalogue as plain JSON: `metrics` is one row per figure, null values with their reason."""
    found = catalogue(reader, asked.selection, asked.settings, asked.now)
    return {
        **asdict(found.counts),
        "metrics": [
            {"metric": name, "value": None, **(figure_json(figure) or {"because": found.why[name]})}
            for name, figure in found.figures.items()
        ],
        "scores": [
            {
                "name": score.name,
                "mean": score.mean.value,
                "low": score.mean.low,
                "high": score.mean.high,
                "median": score.median.value,
                "p10": score.p10.value,
                "n": score.mean.n,
            }
            for score in found.scores
        ],
        "confidence": [
            {"from": place / 10, "to": (place + 1) / 10, "requests": requests}
            for place, requests in enumerate(found.confidence)
        ],
        "drift": [{"of": name, **asdict(each)} for name, each in found.drifts.items()],
        "hosts": [
            {
                "host": host.name,
                "newest": host.newest.isoformat(),
                **{gauge: asdict(value) for gauge, value in host.gauges.items()},
                "growth_of": host.growth_of,
                "growth": asdict(host.memory_growth) if host.memory_growth else None,
            }
            for host in found.hosts
        ],
        **found.tables,
    }
