"""One drawing for page, PDF and message: gaps stay gaps, the axis is round, and no text is markup."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from alerting.chart import ON_A_PAGE, PRINTED, Line, draw
from alerting.picture import MOST_BYTES, picture

START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
VN = ZoneInfo("Asia/Ho_Chi_Minh")


def line(values, title="Timeout rate", limit=0.05, step=timedelta(minutes=5)):
    times = [START + step * place for place in range(len(values))]
    return Line(title, times, values, lambda value: f"{value:.0%}", limit, "limit 5 %")


def runs(svg):
    return re.findall(r'<polyline points="([^"]+)"', svg)


def test_a_time_without_traffic_is_a_gap_and_no_zero():
    found = runs(draw(line([0.01, 0.02, None, 0.03, None, 0.04, 0.05]), VN, "en"))
    assert [len(set(points.split())) for points in found] == [2, 1, 2]


@pytest.mark.parametrize("values", [[], [None], [0.0], [0.0, 0.0], [1e-9, 5.0]], ids=str)
@pytest.mark.parametrize("look", [PRINTED, ON_A_PAGE], ids=["printed", "on a page"])
def test_whatever_there_is_can_be_drawn_inside_the_frame(values, look):
    tree = ET.fromstring(draw(line(values, limit=None), VN, "vi", look))
    marks = [float(y) for points in runs(draw(line(values), VN, "vi")) for y in re.findall(r",([\d.]+)", points)]
    assert tree.attrib["viewBox"] == "0 0 640 200"
    assert all(30 <= y <= 172 for y in marks)


def test_a_title_is_text_whatever_is_in_it():
    svg = draw(line([0.1], title='<script>"&</script>'), VN, "en")
    assert "<script>" not in svg
    assert any(one.text == '<script>"&</script>' for one in ET.fromstring(svg).iter())


def test_hours_are_the_readers_and_long_spans_have_dates():
    assert ">09:00</text>" in draw(line([0.1, 0.2]), VN, "en")
    days = line([0.1] * 10, step=timedelta(days=1))
    assert ">25 Nov</text>" in draw(days, VN, "en")
    assert ">25/11</text>" in draw(days, VN, "vi")


def test_a_picture_is_small_and_nothing_known_has_none():
    pytest.importorskip("typst", reason="the extra `reports` is not installed")
    drawn = picture(line([0.1 * (n % 7) for n in range(40)], title="Tỷ lệ quá hạn"), VN, "vi")
    assert drawn.content.startswith(b"\x89PNG")
    assert len(drawn.content) < MOST_BYTES / 4
    assert picture(line([None, None]), VN, "vi") is None
