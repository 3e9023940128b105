"""The page of quality over a real store: what is said, what is not, what to do, and which answers to look at."""

from __future__ import annotations

from datetime import timedelta

import pytest
from stored import HOSTILE, append, lines, visit, words

from core.timespan import utc_now
from loaders.store import Store
from metrics.drift import Drift
from pages.quality.table import drift_reading

JUDGED = {
    "eval_score": {"accuracy": 0.95, "relevance": 0.9}, "hallucination": False, "confidence": 0.9, "feedback": 1,
    "sources": [{"document": "10-K.pdf"}], "disclaimer": True,
}  # fmt: skip


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "b.duckdb", clock=utc_now, threads=1) as opened:
        yield opened


def test_good_answers_are_on_target(store):
    append(store, lines(400, **JUDGED))
    page = visit(store, "quality")
    assert not page.exception
    said = words(page)
    assert "5 of 6 targets are met. Not known: drift of confidence." in said
    for card in ("Hallucinations: 0.0 %", "Accuracy: 0.95", "NPS of thumbs: 100", "With a source: 100.0 %"):
        assert card in said
    assert len(page.get("vega_lite_chart")) == 4
    assert "No answer was found to be made up" in said
    assert "What to do" not in said


def test_a_missed_target_says_what_to_do_and_shows_the_answers(store):
    bad = {"eval_score": {"accuracy": 0.2, HOSTILE: 0.1}, "hallucination": True, "feedback": -1, "agent_id": HOSTILE}
    append(
        store,
        [
            *lines(50, **{**JUDGED, **bad}),
            *[{**row, "request_id": f"g{n}"} for n, row in enumerate(lines(50, **JUDGED))],
        ],
    )
    page = visit(store, "quality")
    said = words(page)
    assert "Beyond the threshold: hallucinations." in said
    assert "roll it back" in said
    poor = next(table.value for table in page.dataframe if "why" in table.value.columns)
    assert poor.shape[0] == 20
    assert poor["why"].to_list()[0] == f"made up · thumb down · {HOSTILE} 0.10"
    assert HOSTILE not in said


def test_logs_that_judge_nothing_say_what_to_write_and_draw_no_chart(store):
    append(store, lines(30))
    page = visit(store, "quality")
    said = words(page)
    assert "How good the answers were is unknown" in said
    assert said.count('"kind":"eval"') == 2
    assert '"confidence": 0.84' in said
    assert not page.get("vega_lite_chart")


def test_a_single_judged_answer_is_too_few_to_be_on_target(store):
    append(store, [*lines(30), *[{**row, "request_id": "one"} for row in lines(1, hallucination=False)]])
    assert "on target" not in words(visit(store, "quality"))


def test_a_rate_whose_range_reaches_across_the_target_is_not_certain(store):
    append(store, lines(60, **JUDGED))
    assert "not certain" in words(visit(store, "quality"))


def test_old_answers_are_not_called_good_now(store):
    """What was good an hour ago is unknown when nothing came since."""
    append(store, lines(400, ago=timedelta(hours=1), **JUDGED))
    assert "0 of 6 targets are met" in words(visit(store, "quality"))


def test_a_filter_nobody_matches_leads_back_to_all(store):
    append(store, lines(30, **JUDGED))
    page = visit(store, "quality", agent="nobody")
    assert not page.exception
    assert page.button(key="empty.clear")


@pytest.mark.parametrize("sentence", ["Đạt 5 trên 6 mục tiêu", "Câu trả lời cần xem", "Có còn như trước không?"])
def test_the_page_of_quality_speaks_vietnamese(store, sentence):
    append(store, lines(400, **JUDGED))
    assert sentence in words(visit(store, "quality", lang="vi"))


READINGS = {
    "below chance, which is small": (Drift(0.02, 0.03, 9, 9), "steady"),
    "below chance, which is large": (Drift(0.3, 0.4, 9, 9), "unsure"),
    "beyond chance, and small": (Drift(0.09, 0.03, 9, 9), "steady"),
    "beyond chance and worth a look": (Drift(0.2, 0.03, 9, 9), "some"),
    "beyond all": (Drift(0.26, 0.03, 9, 9), "large"),
}


@pytest.mark.parametrize("case", READINGS)
def test_a_drift_is_read_as_siddiqi_reads_it_unless_chance_explains_it(case):
    drift, word = READINGS[case]
    assert drift_reading(drift) == word
