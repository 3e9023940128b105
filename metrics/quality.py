"""How good the answers were: what evaluations, users and the answers themselves say.

A score, a verdict or a thumb may stand on the request or come later in a record of its own; of the same request and
the same score the newest counts. Each stands for as many requests as its request does. What nobody said is unknown: it
is in no denominator.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from metrics.classes import is_valid
from metrics.figures import Figure, effective, known, mean, percentile, share_of
from metrics.rates import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrics.values import Rate

SAID = ("eval_score", "hallucination", "confidence", "feedback")
"""What a request, an evaluation or feedback may say about an answer."""

BINS = 10
"""Bins of the distribution of confidence, each a tenth wide; 1 is in the last."""

MOST_SCORES = 50
"""Names of scores are log text: no more than these, most frequent first, are told apart."""

_PAIR = r'"(?:[^"\\]|\\.)*"\s*:\s*[-+0-9.eE]+'
_NAME = r'^("(?:[^"\\]|\\.)*")'


@dataclass(frozen=True, slots=True)
class Score:
    """One score by name (log text) over the requests that have it."""

    name: str
    mean: Figure
    median: Figure
    p10: Figure


def verdicts(requests: pl.DataFrame, records: pl.DataFrame, more: Sequence[str] = ()) -> pl.DataFrame:
    """Everything said about the requests, oldest first: columns key, timestamp, weight, SAID and `more` of the request.

    `key` tells requests apart, `timestamp` is when the request began. `requests` is classified and has request_id,
    timestamp and SAID; `records` are evaluations and feedback, oldest first, with
    request_id, sample_rate and SAID. A record without a request_id speaks for a request of its own; one whose
    request_id is not among `requests` is left out.
    """
    own = requests.with_row_index("key").with_columns(pl.col("key").cast(pl.Int64))
    about = own.filter(pl.col("request_id").is_not_null()).unique("request_id", keep="last", maintain_order=True)
    matched = records.drop("timestamp", *more, strict=False).join(
        about.select("request_id", "key", "timestamp", "weight", *more),
        on="request_id",
        how="inner",
        maintain_order="left",
    )
    rate = pl.col("sample_rate")
    alone = (
        records.filter(pl.col("request_id").is_null())
        .with_row_index("place")
        .with_columns(
            (-1 - pl.col("place").cast(pl.Int64)).alias("key"),
            pl.when((rate > 0) & (rate <= 1)).then(1 / rate).otherwise(1.0).alias("weight"),
        )
    )
    return pl.concat(
        [frame.select("key", "timestamp", "weight", *SAID, *more) for frame in (own, matched, alone)],
        how="vertical_relaxed",
    )


def newest(said: pl.DataFrame, name: str) -> pl.DataFrame:
    """One row (key, timestamp, weight, `name`) per request that says: the newest of what was said."""
    return (
        said.filter(pl.col(name).is_not_null())
        .group_by("key", maintain_order=True)
        .agg(pl.col("timestamp", "weight", name).last())
    )


def score_rows(said: pl.DataFrame) -> pl.DataFrame:
    """Columns name, key, timestamp, weight, score: the newest of each score of each request, from 0 to 1."""
    pairs = (
        said.select(
            "key", "timestamp", "weight", pl.col("eval_score").cast(pl.String).str.extract_all(_PAIR).alias("pair")
        )
        .filter(pl.col("pair").list.len() > 0)
        .explode("pair")
        .with_columns(
            pl.col("pair").str.extract(_NAME).alias("quoted"),
            pl.col("pair").str.extract(r"([-+0-9.eE]+)$").cast(pl.Float64, strict=False).alias("score"),
        )
        .filter(pl.col("score").is_between(0, 1))
    )
    quoted = pairs["quoted"].unique().to_list()
    names = pl.DataFrame(
        {"quoted": quoted, "name": [_unquoted(text) for text in quoted]},
        schema={"quoted": pl.String, "name": pl.String},
    )
    return (
        pairs.join(names, on="quoted", how="left", maintain_order="left")
        .group_by("name", "key", maintain_order=True)
        .agg(pl.col("timestamp", "weight", "score").last())
    )


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text[1:-1]


def scores(rows: pl.DataFrame) -> tuple[Score, ...]:
    """Every score of `score_rows`: most frequent first, then by name."""
    found = []
    names = rows.group_by("name").len().sort("len", "name", descending=[True, False])["name"].head(MOST_SCORES)
    for name in names:
        one = rows.filter(pl.col("name") == name)
        value = pl.col("score")
        figures = (
            mean(one, value, "score"),
            percentile(one, value, 50, "score"),
            percentile(one, value, 10, "score"),
        )
        average, median, low = figures
        if average and median and low:
            found.append(Score(name, average, median, low))
    return tuple(found)


def hallucination_rate(said: pl.DataFrame) -> Rate | None:
    """Answers found to say what their sources do not, of those that were checked."""
    found = newest(said, "hallucination")
    return share_of(found, pl.col("hallucination"), pl.col("hallucination").is_not_null())


def confidence_rows(said: pl.DataFrame) -> pl.DataFrame:
    """Columns value, weight: the newest confidence of each request that has one, from 0 to 1."""
    return known(newest(said, "confidence"), pl.col("confidence")).filter(pl.col("value").is_between(0, 1))


def confidence_bins(rows: pl.DataFrame) -> list[float]:
    """Requests in each tenth of 0 to 1 of `confidence_rows`."""
    place = (pl.col("value") * BINS).floor().clip(0, BINS - 1).cast(pl.Int64).alias("place")
    counts = dict(rows.group_by(place).agg(pl.col("weight").sum()).rows())
    return [float(counts.get(number, 0.0)) for number in range(BINS)]


def feedback_rate(requests: pl.DataFrame, said: pl.DataFrame) -> Rate | None:
    """Valid requests a user gave feedback on, of all valid ones; None when nobody gave any: is it asked for at all?"""
    keyed = requests.with_row_index("key").with_columns(pl.col("key").cast(pl.Int64))
    with_feedback = newest(said, "feedback").filter(pl.col("key") >= 0)
    found = share_of(
        keyed.join(with_feedback.select("key", pl.lit(value=True).alias("given")), on="key", how="left"),
        pl.col("given"),
        is_valid(),
    )
    return found if found is not None and found.value > 0 else None


def nps(said: pl.DataFrame) -> Figure | None:
    """100 * (thumbs up - thumbs down) / feedback, from -100 to 100; feedback of 0 is in the denominator only.

    The range is 100 * (2 * Wilson - 1) of the share (mean + 1) / 2, exact for thumbs and rather too wide with zeros.
    The name is that of Reichheld's score (Harvard Business Review, December 2003), of two thumbs, not eleven points.
    """
    rows = newest(said, "feedback").filter(pl.col("feedback").is_between(-1, 1))
    found = mean(rows, pl.col("feedback"), "points")
    if found is None:
        return None
    share = wilson(min(1.0, max(0.0, (found.value + 1) / 2)), effective(rows))
    return Figure(100 * found.value, "points", found.n, 100 * (2 * share.low - 1), 100 * (2 * share.high - 1))


def source_attribution(requests: pl.DataFrame) -> Rate | None:
    """Answers (class success) that cite a source, of those that say what they cite; an empty list is none."""
    cites = pl.col("sources").cast(pl.String).str.json_path_match("$[0]").is_not_null()
    return share_of(requests, cites, (pl.col("class") == "success") & pl.col("sources").is_not_null())


def disclaimer_rate(requests: pl.DataFrame) -> Rate | None:
    """Answers (class success) with their disclaimer, of those that say whether they have it."""
    return share_of(requests, pl.col("disclaimer"), (pl.col("class") == "success") & pl.col("disclaimer").is_not_null())


def accuracy(found: tuple[Score, ...]) -> Figure | None:
    """The mean of the score called accuracy."""
    return next((score.mean for score in found if score.name == "accuracy"), None)
