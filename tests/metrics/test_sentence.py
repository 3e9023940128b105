"""The answer in words: every variant, in both languages."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from metric_frames import NOW, many, requests, source

from core.selection import Freshness, Selection
from core.settings import parse
from core.text import LANGUAGES, catalogue, missing_keys
from core.timespan import TimeSpan
from metrics.answer import answer
from metrics.sentence import TEXTS, Part, sentence

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
LAST = Selection(last=1000)
FRESH, STALE = (Freshness(NOW - timedelta(minutes=m), NOW, 1) for m in (1, 200))
EMPTY = Freshness(None, None, 0)
HOUR = timedelta(hours=1)
USUAL = many(success=963, timeout=37)


def say(frame=USUAL, selection=LAST, language="en", freshness=FRESH, **changes):
    found = replace(answer(source(frame), selection, parse(""), NOW, freshness), **changes)
    said = sentence(found, language, ZONE)
    return replace(said, headline=plain(said.headline), budget=plain(said.budget))


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


TABLE = {
    "the worked example": (
        {}, "some", "37 of the last 1,000 requests timed out: 3.7 % (2.7 to 5.1 %).",
        "37 trong 1.000 yêu cầu gần nhất bị quá hạn: 3,7 % (2,7 đến 5,1 %).",
    ),
    "no timeouts": (
        {"frame": many(success=1000)}, "zero", "None of the last 1,000 requests timed out: 0.0 % (0.0 to 0.4 %).",
        "Trong 1.000 yêu cầu gần nhất, không yêu cầu nào bị quá hạn: 0,0 % (0,0 đến 0,4 %).",
    ),
    "too few to judge": (
        {"frame": many(success=19, timeout=1)}, "too_few",
        "Too few to judge. 1 of the last 20 requests timed out: 5.0 % (0.9 to 23.6 %).",
        "Quá ít để kết luận. 1 trong 20 yêu cầu gần nhất bị quá hạn: 5,0 % (0,9 đến 23,6 %).",
    ),
    "one request": (
        {"frame": many(timeout=1)}, "too_few",
        "Too few to judge. The only request timed out.",
        "Quá ít để kết luận. Chỉ có một yêu cầu và yêu cầu đó bị quá hạn.",
    ),
    "cancelled requests do not count": (
        {"frame": many(success=953, timeout=37, cancelled=10)}, "some",
        "37 of the last 1,000 requests timed out: 3.7 % of the 990 that count (2.7 to 5.1 %).",
        "37 trong 1.000 yêu cầu gần nhất bị quá hạn: 3,7 % trên 990 yêu cầu được tính (2,7 đến 5,1 %).",
    ),
    "only cancelled requests": (
        {"frame": many(cancelled=3)}, "no_traffic",
        "None of the last 3 requests counts: they were cancelled, rejected or not measured.",
        "Trong 3 yêu cầu gần nhất, không yêu cầu nào được tính: đã bị hủy, bị từ chối hoặc không đo được.",
    ),
    "a span until now": (
        {"selection": Selection(TimeSpan(NOW - HOUR, NOW))}, "some",
        "37 of the 1,000 requests since Tue 24 Nov, 13:00 timed out: 3.7 % (2.7 to 5.1 %).",
        "37 trong 1.000 yêu cầu kể từ T3 24/11, 13:00 bị quá hạn: 3,7 % (2,7 đến 5,1 %).",
    ),
    "a span that is over": (
        {"selection": Selection(TimeSpan(NOW - HOUR, NOW - timedelta(seconds=1)))}, "some",
        "36 of the 999 requests from Tue 24 Nov, 13:00 to Tue 24 Nov, 13:59 timed out: 3.6 % (2.6 to 4.9 %).",
        "36 trong 999 yêu cầu từ T3 24/11, 13:00 đến T3 24/11, 13:59 bị quá hạn: 3,6 % (2,6 đến 4,9 %).",
    ),
    "another year": (
        {"selection": Selection(TimeSpan(NOW - 400 * 24 * HOUR, NOW))}, "some",
        "37 of the 1,000 requests since Mon 20 Oct, 14:00 (2025) timed out: 3.7 % (2.7 to 5.1 %).",
        "37 trong 1.000 yêu cầu kể từ T2 20/10, 14:00 (2025) bị quá hạn: 3,7 % (2,7 đến 5,1 %).",
    ),
    "all there is": (
        {"selection": Selection()}, "some", "37 of all 1,000 requests timed out: 3.7 % (2.7 to 5.1 %).",
        "37 trong toàn bộ 1.000 yêu cầu bị quá hạn: 3,7 % (2,7 đến 5,1 %).",
    ),
    "nothing in the span": (
        {"selection": Selection(TimeSpan(NOW - 9 * HOUR, NOW - 8 * HOUR))}, "no_traffic",
        "No requests in this period.", "Không có yêu cầu nào trong khoảng thời gian này.",
    ),
    "a filter nothing passes": (
        {"selection": Selection(last=1000, agent="nobody")}, "no_traffic",
        "0 of 1,000 requests match these filters.", "0 trong 1.000 yêu cầu khớp với bộ lọc này.",
    ),
    "nothing stored": (
        {"frame": requests(), "freshness": EMPTY}, "empty", "No requests yet.", "Chưa có yêu cầu nào.",
    ),
    "stale data is unknown": (
        {"freshness": STALE}, "stale",
        ("Unknown: no request for 3 h. As of Tue 24 Nov, 10:40: "
        "37 of the last 1,000 requests timed out: 3.7 % (2.7 to 5.1 %)."),
        ("Chưa rõ hiện trạng: không có yêu cầu nào trong 3 giờ qua. Tính đến T3 24/11, 10:40: "
        "37 trong 1.000 yêu cầu gần nhất bị quá hạn: 3,7 % (2,7 đến 5,1 %)."),
    ),
    "stale data is unknown without a timeout, too": (
        {"freshness": STALE, "frame": many(success=1000)}, "stale",
        ("Unknown: no request for 3 h. As of Tue 24 Nov, 10:40: "
        "None of the last 1,000 requests timed out: 0.0 % (0.0 to 0.4 %)."),
        ("Chưa rõ hiện trạng: không có yêu cầu nào trong 3 giờ qua. Tính đến T3 24/11, 10:40: "
        "Trong 1.000 yêu cầu gần nhất, không yêu cầu nào bị quá hạn: 0,0 % (0,0 đến 0,4 %)."),
    ),
    "sampled requests are estimates": (
        {"frame": requests(*[{"sample_rate": 0.1}] * 300, *[{"status": "timeout"}] * 37)}, "some",
        "37 of the last ≈ 3,037 requests timed out: 1.2 % (0.5 to 3.2 %).",
        "37 trong ≈ 3.037 yêu cầu gần nhất bị quá hạn: 1,2 % (0,5 đến 3,2 %).",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("given", "state", "english", "vietnamese"), TABLE.values(), ids=TABLE.keys())
def test_the_headline_answers_first(given, state, english, vietnamese, language):
    said = say(**given, language=language)
    assert (said.state, said.headline) == (state, {"en": english, "vi": vietnamese}[language])


def agents(**timeouts):
    return requests(*({"agent_id": a, "status": "timeout"} for a, n in timeouts.items() for _ in range(n)))


@pytest.mark.parametrize(
    ("frame", "parts", "vietnamese"),
    [
        (agents(planner=26, search=11), ["planner", " has 26 of the 37."], ["planner", " chiếm 26 trong 37."]),
        (agents(planner=26), ["All 26 are from ", "planner", "."], ["Cả 26 đều từ ", "planner", "."]),
        (agents(planner=1), ["It is from ", "planner", "."], ["Yêu cầu đó là của ", "planner", "."]),
        (many(success=40), [], []),
        (requests({"execution_time_ms": 7000.0}), ["1 came close to the limit."], ["1 yêu cầu suýt chạm giới hạn."]),
    ],
)
def test_the_reason_names_who_and_how_many(frame, parts, vietnamese):
    assert [part.text for part in say(frame).reason] == parts
    assert [part.text for part in say(frame, language="vi").reason] == vietnamese


def test_an_agent_that_was_asked_for_is_not_the_reason():
    assert say(agents(planner=3), Selection(last=1000, agent="planner")).reason == ()


def test_the_name_of_an_agent_stays_apart_from_our_words():
    hostile = "{total} **bold** <b> \x1b[31m\n\0"
    said = say(requests({"agent_id": hostile, "status": "timeout"}))
    assert said.reason == (Part("It is from "), Part(hostile, quoted=True), Part("."))
    assert "\x1b" not in said.plain()
    assert "\n" not in said.plain()


OUTLOOKS = {
    "ends": ("At the pace of the last 24 h the error budget ends Thu 26 Nov, 14:20.", "Với tốc độ của 24 giờ qua, ngân sách lỗi sẽ hết vào T5 26/11, 14:20."),
    "spent": ("The error budget has been spent since Tue 24 Nov, 11:00.", "Ngân sách lỗi đã hết từ T3 24/11, 11:00."),
    "never": ("At the pace of the last 24 h the error budget will not run out.", "Với tốc độ của 24 giờ qua, ngân sách lỗi sẽ không cạn."),
    "low_traffic": ("Too few requests to judge the error budget.", "Quá ít yêu cầu để đánh giá ngân sách lỗi."),
    "no_traffic": ("No requests in the last 30 d: the error budget is untouched.", "Không có yêu cầu nào trong 30 ngày qua: ngân sách lỗi còn nguyên."),
}  # fmt: skip
UNKNOWN = (
    "Without fresh data nobody can say when the error budget ends.",
    "Không có dữ liệu mới thì không thể biết khi nào ngân sách lỗi hết.",
)


@pytest.mark.parametrize("freshness", [FRESH, STALE], ids=["fresh", "stale"])
@pytest.mark.parametrize("outlook", OUTLOOKS)
def test_budget(outlook, freshness):
    """Stale data says nothing about the future; that a budget is spent stays true."""
    budget = answer(source(USUAL), LAST, parse(""), NOW, FRESH).budget
    ends = NOW + timedelta(days=2, minutes=20) if outlook == "ends" else None
    since = NOW - 3 * HOUR if outlook == "spent" else None
    budget = replace(budget, outlook=outlook, exhausted_at=ends, exhausted_since=since)
    expected = OUTLOOKS[outlook] if freshness is FRESH or outlook == "spent" else UNKNOWN
    found = tuple(say(language=language, freshness=freshness, budget=budget).budget for language in LANGUAGES)
    assert found == expected


def test_every_text_is_there_in_both_languages_with_the_same_placeholders():
    texts = catalogue(TEXTS)
    assert missing_keys(texts) == []
    for key, by_language in texts.items():
        names = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in by_language.values()]
        assert names[0] == names[1], key
