"""Quality over time, how its figures stand, and the answers to look at."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from metric_frames import NOW
from test_quality import answered, rows

from core.targets import DEFAULT
from core.timespan import TimeSpan
from metrics.drift import Drift
from metrics.evidence import Evidence
from metrics.quality import hallucination_rate, score_rows, scores, verdicts
from metrics.quality_figures import quality_figures, quality_standings
from metrics.quality_trend import hallucinations_over_time, means_over_time, poor_answers

MINUTE = timedelta(minutes=1)
SPAN = TimeSpan(NOW, NOW + 3 * MINUTE)


def found(requests, *records):
    frame = answered(*({"agent_id": "a", **request} for request in requests)).with_columns(
        pl.lit("a").alias("agent_id")
    )
    return Evidence(frame, verdicts(frame, rows(*records)), SPAN)


def test_each_slot_is_the_rate_of_its_own_requests_whenever_they_were_judged():
    late = NOW + timedelta(days=2)
    evidence = found(
        [{}, {}, {"timestamp": NOW + MINUTE}],
        {"request_id": "r0", "hallucination": True, "timestamp": late},
        {"request_id": "r1", "hallucination": False, "timestamp": late},
        {"request_id": "r2", "hallucination": False, "timestamp": late},
    )
    over = hallucinations_over_time(evidence.said, SPAN, MINUTE)
    assert over["rate"].to_list() == [0.5, 0.0, None]
    assert over["n"].to_list() == [2, 1, 0]
    whole = hallucinations_over_time(evidence.said, SPAN, 3 * MINUTE).row(0, named=True)
    rate = hallucination_rate(evidence.said)
    assert (whole["rate"], whole["low"], whole["high"]) == pytest.approx((rate.value, rate.low, rate.high))


def test_means_over_time_have_a_row_for_every_slot_and_name():
    evidence = found([{"eval_score": {"a": 1.0}}, {"eval_score": {"a": 0.0, "b": 0.5}}])
    over = means_over_time(score_rows(evidence.said), "score", SPAN, MINUTE, ["a", "b"])
    assert over.filter(pl.col("name") == "a")["mean"].to_list() == [0.5, None, None]
    assert over.filter(pl.col("name") == "b")["n"].to_list() == [1, 0, 0]


def test_answers_to_look_at_are_made_up_disliked_or_scored_low():
    evidence = found(
        [{"eval_score": {"a": 0.69, "b": 0.2}}, {"feedback": -1}, {"hallucination": True}, {"feedback": 1, "eval_score": {"a": 0.7}}]
    )  # fmt: skip
    poor = poor_answers(evidence, score_rows(evidence.said), 10)
    assert poor.select("request_id", "hallucination", "thumb_down", "score", "low").rows() == [
        ("r2", True, False, None, None), ("r1", False, True, None, None), ("r0", False, False, "b", 0.2),
    ]  # fmt: skip
    assert poor_answers(evidence, score_rows(evidence.said), 1)["request_id"].to_list() == ["r2"]


def test_a_later_verdict_takes_an_answer_off_the_list():
    evidence = found([{"hallucination": True}], {"request_id": "r0", "hallucination": False})
    assert poor_answers(evidence, score_rows(evidence.said), 10).height == 0


def test_what_nobody_logs_is_unknown_and_never_on_target():
    evidence = found([{}] * 30)
    figures = quality_figures(evidence, scores(score_rows(evidence.said)), {})
    assert set(figures.values()) == {None}
    standings = quality_standings(figures, DEFAULT, {}, stale=False)
    assert list(standings) == [
        "hallucination_rate",
        "accuracy",
        "nps",
        "confidence_median",
        "source_attribution",
        "drift",
    ]
    assert {each.status for each in standings.values()} == {"unknown"}
    assert {each.because for each in standings.values()} == {"not_logged"}


def test_drift_of_few_rows_is_unknown_because_they_are_few():
    evidence = found([{"confidence": 0.5}] * 30)
    drifts = {"confidence": Drift(0.5, 0.4, 30, 30)}
    figures = quality_figures(evidence, (), drifts)
    assert quality_standings(figures, DEFAULT, drifts, stale=False)["drift"].because == "too_few"


def test_drift_without_anything_before_has_no_baseline():
    figures = quality_figures(found([{"confidence": 0.5}] * 30), (), {})
    assert quality_standings(figures, DEFAULT, {}, stale=False)["drift"].because == "no_baseline"
