"""When the page is drawn again, and what it says about the age of its data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.services import WorkerHealth
from core.settings import Settings
from core.slo import Objective
from core.timespan import TimeSpan
from metrics.values import DataAge
from pages.shared.data import SPARK_SLOTS, Key, slots_until, slots_within
from pages.shared.frame import Drawn, objective_text, refresh_due, status
from pages.shared.text import code, plain

NOW = datetime(2026, 3, 1, 12, 0, 7, tzinfo=UTC)
KEY = Key(5, NOW, "{}", demo=False)
DRAWN = Drawn((KEY, ()), 100.0, 0.1)


@pytest.mark.parametrize(
    ("seen", "at", "took", "due"),
    [
        ((KEY, ()), 200.0, 0.1, False),
        ((replace(KEY, version=6), ()), 101.0, 0.1, True),
        ((replace(KEY, version=6), ()), 100.3, 0.1, False),
        ((replace(KEY, version=6), ()), 102.0, 1.0, False),
        ((replace(KEY, version=6), ()), 103.0, 1.0, True),
        ((KEY, ("a note",)), 101.0, 0.1, True),
    ],
    ids=["nothing new", "new rows", "too soon", "drawing is slow", "slow, but long ago", "a new note"],
)
def test_the_page_is_drawn_again_when(seen, at, took, due):
    assert refresh_due(replace(DRAWN, took=took), seen, at) is due


@pytest.mark.parametrize(("behind", "at", "due"), [(None, 200.0, False), (150.0, 149.0, False), (150.0, 150.0, True)])
def test_a_page_drawn_from_an_older_reading_is_drawn_again_when_that_is_due(behind, at, due):
    assert refresh_due(DRAWN, (KEY, ()), at, behind) is due


@pytest.mark.parametrize(
    ("state", "seconds", "alive", "text", "color"),
    [
        ("fresh", 2, True, "live · 2 s ago", "green"),
        ("stale", 900, True, "stale · 15 min ago", "orange"),
        ("empty", None, True, "no data yet", "gray"),
        ("fresh", 2, False, "not reading · 2 s ago", "red"),
    ],
)
def test_the_age_of_the_data_in_words_and_colour(state, seconds, alive, text, color):
    newest = NOW - timedelta(seconds=seconds) if seconds is not None else None
    workers = [WorkerHealth("watcher", alive=alive, beat=NOW)]
    found = status(DataAge(state, newest, seconds), workers, NOW, Settings(), "en")
    assert (found.text.replace("\xa0", " "), found.color) == (text, color)


@pytest.mark.parametrize(
    ("target", "limit", "text"),
    [(0.99, 8000, "SLO api 99 % within 8 s"), (0.999, 300, "SLO api 99.9 % within 0.3 s"), (0.9995, 1234, "SLO api 99.95 % within 1.234 s")],
)  # fmt: skip
def test_the_objective_reads_as_it_was_set(target, limit, text):
    assert objective_text(Objective(target=target, limit_ms=limit), "en").replace("\xa0", " ") == text


def test_slots_stay_on_round_times_while_time_goes_on():
    for second in range(0, 300, 60):
        span, _ = slots_until(NOW + timedelta(seconds=second - 7), timedelta(hours=6), timedelta(minutes=5))
        assert (span.start, span.end) == (
            datetime(2026, 3, 1, 6, 5, tzinfo=UTC),
            datetime(2026, 3, 1, 12, 5, tzinfo=UTC),
        )


@pytest.mark.parametrize("minutes", [0, 1, 60, 61, 1440, 10_080, 43_200, 525_600, 26_280_000])
def test_a_sparkline_covers_its_range_in_few_round_slots(minutes):
    asked = TimeSpan(NOW - timedelta(minutes=minutes), NOW)
    span, width = slots_within(asked)
    assert span.start <= asked.start
    assert asked.end <= span.end
    assert 1 <= span.length / width <= SPARK_SLOTS + 2


def test_our_own_words_are_read_as_written_and_log_text_is_code():
    assert plain("1. 50 % *of* <b>$x$</b>") == r"1\. 50 % \*of\* \<b\>\$x\$\</b\>"
    assert code("planner") == "`planner`"
    assert code("a `b` c") == "``a `b` c``"
    assert code("`x\ny") == "`` `x y ``"
    assert code("") == "` `"
