"""What evaluations, users and answers say: the newest counts, what nobody said is unknown."""

from __future__ import annotations

import json
import math
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_frames import NOW

from metrics.classes import classify
from metrics.quality import (
    SAID,
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
    verdicts,
)
from metrics.rates import wilson

SCHEMA = {
    "request_id": pl.String, "timestamp": pl.Datetime("us", "UTC"), "status": pl.String,
    "execution_time_ms": pl.Float64, "sample_rate": pl.Float64, "eval_score": pl.String, "hallucination": pl.Boolean,
    "confidence": pl.Float64, "feedback": pl.Int64, "sources": pl.String, "disclaimer": pl.Boolean,
}  # fmt: skip


def rows(*found):
    """Rows with what they say; a score or sources as the store gives them, JSON text."""
    filled = []
    for place, told in enumerate(found):
        usual = {"request_id": f"r{place}", "timestamp": NOW + timedelta(seconds=place), "status": "success"}
        row = {**usual, "execution_time_ms": 100.0, "sample_rate": 1.0, **told}
        text = {n: json.dumps(row[n]) for n in ("eval_score", "sources") if isinstance(row.get(n), dict | list)}
        filled.append({name: {**row, **text}.get(name) for name in SCHEMA})
    return pl.DataFrame(filled, schema=SCHEMA, orient="row")


def answered(*found):
    return classify(rows(*found), 8000.0)


def said(requests, *records):
    return verdicts(answered(*requests), rows(*records))


def test_the_newest_verdict_on_a_request_counts_and_only_once():
    found = said(
        [{"hallucination": True}, {"hallucination": False}, {}],
        {"request_id": "r0", "hallucination": False},
        {"request_id": "r1", "eval_score": {"accuracy": 1}},
        {"request_id": "r1", "hallucination": True},
    )
    rate = hallucination_rate(found)
    assert (rate.value, rate.n) == (0.5, 2)


def test_a_record_about_a_request_that_is_not_selected_is_left_out():
    assert hallucination_rate(said([{}], {"request_id": "other", "hallucination": True})) is None


def test_a_record_without_a_request_speaks_for_one_of_its_own():
    found = said([{}], *[{"request_id": None, "hallucination": True, "sample_rate": 0.5}] * 2)
    assert hallucination_rate(found).n == 2
    assert newest(found, "hallucination")["weight"].to_list() == [2.0, 2.0]


def test_a_verdict_stands_for_as_many_requests_as_its_request():
    found = said(
        [{"sample_rate": 0.1}, {}],
        {"request_id": "r0", "hallucination": True},
        {"request_id": "r1", "hallucination": False},
    )
    assert hallucination_rate(found).value == pytest.approx(10 / 11)


def test_scores_by_name_have_mean_median_and_tenth_percentile():
    """0.0 to 1.0 in tenths: by linear interpolation the tenth percentile is 0.1."""
    found = said([{"eval_score": {"accuracy": n / 10, "tone": 1}} for n in range(11)], {"eval_score": {"tone": 0.5}})
    by_name = {score.name: score for score in scores(score_rows(found))}
    one = by_name["accuracy"]
    assert (one.mean.value, one.median.value, one.p10.value, one.mean.n) == pytest.approx((0.5, 0.5, 0.1, 11))
    assert accuracy(scores(score_rows(found))) == one.mean
    # r0's tone was judged again, 0.5 instead of 1
    assert by_name["tone"].mean.value == pytest.approx(10.5 / 11)


@pytest.mark.parametrize("score", [1.5, -0.1, "1e400", "NaN", "Infinity"])
def test_a_score_out_of_its_range_is_no_score(score):
    text = json.dumps({"a": score}) if not isinstance(score, str) else f'{{"a":{score}}}'
    assert scores(score_rows(said([{"eval_score": text}]))) == ()


def test_names_of_scores_are_read_whatever_is_in_them():
    names = ['say "no": 1', "độ chính xác", "a\\b", "", "\x1b[31m", "accuracy"]
    found = scores(score_rows(said([{"eval_score": dict.fromkeys(names, 0.5)}])))
    assert {score.name for score in found} == set(names)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), st.floats(0, 1, allow_subnormal=False), max_size=3), max_size=20)
)
def test_the_mean_of_a_score_is_that_of_the_requests_that_have_it(found):
    got = {score.name: score.mean for score in scores(score_rows(said([{"eval_score": each} for each in found])))}
    for name in "abc":
        have = [each[name] for each in found if name in each]
        assert (name in got) == bool(have)
        if have:
            assert got[name].value == pytest.approx(math.fsum(have) / len(have))
            assert got[name].n == len(have)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.one_of(st.none(), st.floats(0, 1), st.just(math.nan), st.just(7.0)), max_size=30))
def test_every_known_confidence_is_in_exactly_one_bin(found):
    bins = confidence_bins(confidence_rows(said([{"confidence": value} for value in found])))
    usable = [value for value in found if value is not None and 0 <= value <= 1]
    assert sum(bins) == len(usable)
    assert bins[9] == sum(value >= 0.9 for value in usable)


def test_feedback_is_asked_of_valid_requests():
    requests = [{"feedback": 1}, {}, {}, {"status": "failed"}, {"status": "cancelled", "feedback": 1}]
    frame = answered(*requests)
    rate = feedback_rate(frame, verdicts(frame, rows({"request_id": "r1", "feedback": -1})))
    assert (rate.value, rate.n) == (0.5, 4)


def test_no_feedback_at_all_is_unknown_not_0_percent():
    frame = answered({}, {})
    assert feedback_rate(frame, verdicts(frame, rows())) is None
    assert nps(verdicts(frame, rows())) is None


@pytest.mark.parametrize(
    ("up", "down", "neither", "score"), [(7, 3, 0, 40), (1, 0, 0, 100), (0, 4, 0, -100), (2, 1, 1, 25), (0, 0, 3, 0)]
)
def test_nps_is_promoters_less_detractors_of_all(up, down, neither, score):
    found = nps(said([{"feedback": 1}] * up + [{"feedback": -1}] * down + [{"feedback": 0}] * neither))
    assert found.value == pytest.approx(score)
    assert -100 <= found.low <= found.value <= found.high <= 100


def test_the_range_of_nps_is_wilsons_of_the_thumbs_up():
    """Of thumbs alone, NPS is 200 p - 100."""
    found, share = nps(said([{"feedback": 1}] * 7 + [{"feedback": -1}] * 3)), wilson(0.7, 10)
    assert (found.low, found.high) == pytest.approx((200 * share.low - 100, 200 * share.high - 100))


def test_an_answer_cites_a_source_when_its_list_has_one():
    frame = answered(
        {"sources": [{"document": "10-K.pdf", "page": 3}]},
        {"sources": []},
        {},
        {"status": "failed", "sources": []},
        {"sources": ["10-K.pdf"]},
    )
    rate = source_attribution(frame)
    assert (rate.value, rate.n) == (pytest.approx(2 / 3), 3)


def test_a_disclaimer_nobody_mentions_is_unknown():
    assert disclaimer_rate(answered({}, {})) is None
    rate = disclaimer_rate(answered({"disclaimer": True}, {"disclaimer": False}, {}))
    assert (rate.value, rate.n) == (0.5, 2)


@pytest.mark.parametrize("requests", [[], [{}], [{}] * 3])
def test_nothing_said_gives_no_numbers(requests):
    frame = answered(*requests)
    found = verdicts(frame, rows())
    assert scores(score_rows(found)) == ()
    for number in (hallucination_rate(found), nps(found), feedback_rate(frame, found), source_attribution(frame)):
        assert number is None
    assert sum(confidence_bins(confidence_rows(found))) == 0
    assert found.columns == ["key", "timestamp", "weight", *SAID]
