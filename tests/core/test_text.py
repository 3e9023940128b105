"""Numbers and times in the reader's language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.text import age, moment, number, percent, seconds


def plain(text):
    """With ordinary spaces, to read the table."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (number(48120, "en"), "48,120"),
        (number(48120.5, "vi", 1), "48.120,5"),
        (number(None, "en"), "–"),
        (percent(0.037, "en"), "3.7 %"),
        (percent(0.037, "vi"), "3,7 %"),
        (percent(None, "en"), "–"),
        (percent(0.0, "en"), "0.0 %"),
        (percent(1.0, "en"), "100.0 %"),
        (percent(0.00004, "en"), "0.004 %"),
        (percent(0.99996, "en"), "99.996 %"),
        (seconds(180, "en"), "180 ms"),
        (seconds(6400, "en"), "6.4 s"),
        (seconds(6400, "vi"), "6,4 s"),
        (seconds(8000, "en", at_least=True), "≥ 8.0 s"),
        (seconds(None, "en"), "–"),
        (seconds(999.6, "en"), "1.0 s"),
        (age(timedelta(seconds=2), "en"), "2 s"),
        (age(timedelta(seconds=-3), "en"), "0 s"),
        (age(timedelta(minutes=119), "en"), "1 h"),
        (age(timedelta(days=2), "vi"), "2 ngày"),
    ],
)
def test_a_value_reads_as_its_reader_writes_it(shown, expected):
    """Unknown is a dash, a tiny share is never rounded to nothing, and a bound says that it is one."""
    assert plain(shown) == expected


def test_a_moment_is_told_in_the_readers_zone_and_language():
    """A budget that ends at 07:20 UTC ends at 14:20 in Hanoi."""
    when, hanoi = datetime(2026, 11, 26, 7, 20, tzinfo=UTC), ZoneInfo("Asia/Ho_Chi_Minh")
    assert moment(when, hanoi, "en") == "Thu 26 Nov, 14:20"
    assert moment(when, hanoi, "vi") == "T5 26/11, 14:20"
