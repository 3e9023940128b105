"""Words and directions of the six tiles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fake_engine import FakeReader, requests

from core.selection import Extent, Losses, Selection
from core.settings import Settings
from core.timespan import TimeSpan
from metrics.answer import answer
from metrics.change import changes
from metrics.coverage import coverage
from pages.overview.tiles import length, points, tiles
from pages.shared.data import Overview
from pages.shared.filters import Choice

END = datetime(2026, 3, 1, 12, tzinfo=UTC)


def overview(now_frame, before_frame) -> Overview:
    now, before = (
        answer(FakeReader(frame), Selection(last=1000), Settings(), END, FakeReader(frame).freshness())
        for frame in (now_frame, before_frame)
    )
    whole = coverage(now.freshness, Losses(), Selection(last=1000), Extent(now.receipt.rows, None, None))
    return Overview(now, changes(now, before), *(now_frame,) * 5, whole, Losses())


def shown(now_frame, before_frame, language="en"):
    objective, limit = Settings().objective_values[0], 8000.0
    return {tile.line.field: tile for tile in tiles(overview(now_frame, before_frame), objective, limit, language)}


BAD = requests(end=END)
GOOD = requests(end=END).with_columns(
    status=BAD["status"].replace("timeout", "success"), execution_time_ms=BAD["execution_time_ms"].clip(0, 900)
)


def test_less_success_is_a_fall_that_is_bad_and_more_timeouts_a_rise_that_is_bad():
    tile = shown(BAD, GOOD)
    assert tile["success_rate"].delta.startswith("-")
    assert tile["success_rate"].better == "normal"
    assert tile["timeout_rate"].delta.startswith("+")
    assert tile["timeout_rate"].better == "inverse"


def test_a_percentile_cut_at_the_limit_says_so_and_has_no_arrow():
    tile = shown(BAD, GOOD)["p99"]
    assert (tile.value.replace("\xa0", " "), tile.delta, tile.note) == ("≥ 8.0 s", "", "cut at the limit")


def test_no_change_has_no_arrow():
    tile = shown(GOOD, GOOD)
    assert {(name, one.delta, one.note) for name, one in tile.items()} == {(name, "", "no change") for name in tile}


def test_too_few_rows_are_not_compared():
    few = shown(GOOD.tail(10), GOOD)
    assert {one.delta for one in few.values()} == {""}
    assert {one.note for one in few.values()} == {"too few to compare"}


@pytest.mark.parametrize("before", [GOOD.head(0), GOOD.head(10)], ids=["none", "ten"])
@pytest.mark.parametrize("now", [GOOD, BAD], ids=["good", "bad"])
def test_a_past_too_thin_to_compare_with_is_called_the_same_in_every_tile(now, before):
    assert {one.note for one in shown(now, before).values()} == {"too few before"}


def test_a_percentile_that_was_cut_before_and_is_not_now_says_so():
    assert shown(GOOD, BAD)["p99"].note == "cut before"


def test_every_rate_says_how_many_it_was_seen_in_and_its_range():
    explained = shown(BAD, GOOD)["timeout_rate"].help.replace("\\", "").replace("\xa0", " ")
    assert "1,000 valid requests; the true rate is between 1.0 % and 2.6 %" in explained


@pytest.mark.parametrize(
    ("change", "language", "text"),
    [
        (0.0161, "en", "+1.6 pt"), (-0.032, "vi", "-3,2 điểm"), (0.0004, "en", ""), (-0.0, "en", ""), (None, "en", ""),
        (0.0006, "en", "+0.1 pt"),
    ],
)  # fmt: skip
def test_points_have_a_sign_and_say_nothing_at_zero(change, language, text):
    assert points(change, language).replace("\xa0", " ") == text


@pytest.mark.parametrize(
    ("change", "value", "text"),
    [(-900.0, 2000.0, "-0.9 s"), (49.0, 2000.0, ""), (49.0, 900.0, "+49 ms"), (0.4, 900.0, ""), (None, 1.0, ""), (5.0, None, "")],
)  # fmt: skip
def test_a_time_changes_in_the_unit_it_is_shown_in(change, value, text):
    assert length(change, value, "en").replace("\xa0", " ") == text


def test_the_previous_period_of_the_last_1000_is_the_1000_before():
    reader = FakeReader(requests(end=END))
    now = answer(reader, Selection(last=1000), Settings(), END, reader.freshness())
    before = reader.requests(Choice().earlier(Selection(last=1000), now.span))
    assert before["request_id"].to_list() == [f"r{n}" for n in range(1000, 2000)]


def test_the_previous_period_of_a_range_is_as_long_and_ends_where_it_starts():
    span = TimeSpan(END - timedelta(hours=6), END)
    found = Choice().earlier(Selection(span, agent="a"), span)
    assert found == Selection(TimeSpan(END - timedelta(hours=12), END - timedelta(hours=6)), agent="a")
