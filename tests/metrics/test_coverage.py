"""Silence is not health: what an answer rests on."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from metric_frames import NOW

from core.selection import Extent, Freshness, Losses, Selection
from core.timespan import TimeSpan
from metrics.coverage import coverage, coverage_json
from metrics.freshness import data_age
from metrics.query import selection_from

HOUR = Selection(TimeSpan(NOW - timedelta(hours=1), NOW))
YESTERDAY = Selection(TimeSpan(NOW - timedelta(days=2), NOW - timedelta(days=1)))
SINCE_LONG = NOW - timedelta(days=9)
THOUSAND = Extent(1000, NOW - timedelta(hours=1), NOW)
NOTHING = Extent(0, None, None)

CASES = {
    "nothing was ever stored": (None, Losses(), HOUR, NOTHING, "empty"),
    "rows keep coming": (0, Losses(since=SINCE_LONG), HOUR, THOUSAND, "fresh"),
    "other lines keep coming, but no request": (0, Losses(since=SINCE_LONG), HOUR, NOTHING, "no_traffic"),
    "exactly ten minutes of silence are still fresh": (600, Losses(since=SINCE_LONG), HOUR, THOUSAND, "fresh"),
    "ten minutes of silence and more are stale, whatever was good before": (
        601, Losses(since=SINCE_LONG), HOUR, THOUSAND, "stale",
    ),
    "the last N of a silent service are stale": (601, Losses(), Selection(last=1000), THOUSAND, "stale"),
    "a day that was over before the silence began is settled": (
        601, Losses(since=SINCE_LONG), YESTERDAY, THOUSAND, "fresh",
    ),
    "a file that cannot be read to its end makes every answer partial": (
        0, Losses(unread=1, since=SINCE_LONG), HOUR, THOUSAND, "partial",
    ),
    "no request, and a file that cannot be read: partial, for they may stand in it": (
        0, Losses(unread=1, since=SINCE_LONG), HOUR, NOTHING, "partial",
    ),
    "one refused line in a hundred is still fresh": (0, Losses(refused=10, since=SINCE_LONG), HOUR, Extent(990, NOW, NOW), "fresh"),
    "more than one refused line in a hundred is partial": (0, Losses(refused=11, since=SINCE_LONG), HOUR, Extent(989, NOW, NOW), "partial"),
    "records the writer dropped count like refused lines": (0, Losses(dropped=11, since=SINCE_LONG), HOUR, Extent(989, NOW, NOW), "partial"),
    "machines keep reporting, but the last request is old": (
        0, Losses(), Selection(last=1000), Extent(1000, YESTERDAY.span.start, NOW - timedelta(minutes=11)), "no_traffic",
    ),
    "the last request is as old as fresh data may be": (
        0, Losses(), Selection(last=1000), Extent(1000, YESTERDAY.span.start, NOW - timedelta(minutes=10)), "fresh",
    ),
    "a span that begins before the first row is partial": (0, Losses(since=NOW - timedelta(minutes=5)), HOUR, THOUSAND, "partial"),
    "the last N have no beginning to miss": (0, Losses(since=NOW), Selection(last=5), THOUSAND, "fresh"),
    "nor have all requests before a moment": (0, Losses(since=SINCE_LONG), Selection().before(NOW), THOUSAND, "fresh"),
    "nor have the last N of a moment": (
        0, Losses(since=SINCE_LONG), selection_from({"last_requests": "5", "end": NOW.isoformat()}, NOW, ZoneInfo("UTC")),
        THOUSAND, "fresh",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_answer_says_what_it_rests_on(case):
    old, losses, selection, found, expected = CASES[case]
    newest = None if old is None else NOW - timedelta(seconds=old)
    age = data_age(Freshness(newest, newest, 1), NOW)
    assert coverage(age, losses, selection, found).state == expected


def test_the_counts_behind_the_state_are_told():
    age = data_age(Freshness(NOW, NOW, 1), NOW)
    found = coverage(age, Losses(3, 4, 1, NOW), HOUR, THOUSAND)
    assert coverage_json(found) == {
        "state": "partial", "refused": 3, "dropped": 4, "unread_files": 1, "starts_late": True,
    }  # fmt: skip
