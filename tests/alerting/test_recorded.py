"""Rules on what is recorded beside requests, read from a real store: the numbers of the pages, and what is not there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from traffic import settings

from alerting.baseline import past_ends
from alerting.decide import decide
from alerting.evaluate import Known, evaluate, window_of
from alerting.look import Kept
from alerting.rules import compile_rules
from core.selection import Freshness, Selection
from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store
from metrics.catalogue import catalogue
from metrics.cost import spend
from metrics.cost_answer import charges_of

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def filled(tmp_path):
    """A store of the lines it is called with: a request each unless they say otherwise."""
    opened = []

    def fill(*lines):
        usual = {"v": 1, "kind": "request", "execution_time_ms": 100, "status": "success", "agent_id": "planner"}
        text = []
        for number, line in enumerate(lines):
            whole = (
                (usual if line.get("kind", "request") == "request" else {"v": 1}) | {"request_id": f"r{number}"} | line
            )
            whole["timestamp"] = whole["timestamp"].isoformat()
            text.append(json.dumps({name: value for name, value in whole.items() if value is not None}))
        data = "".join(line + "\n" for line in text).encode()
        store = Store.open(tmp_path / f"{len(opened)}.duckdb", clock=lambda: NOW)
        opened.append(store)
        generation = store.open_generation(Path("a.jsonl"), Identity(0, 0), "v1")
        after = store.append(Chunk(generation.id, 0, 1, data, Windows(), len(data)))
        assert after.quarantined == 0
        return store

    yield fill
    for store in opened:
        store.close()


def see(store, condition, more="", now=NOW, text=""):
    """What one rule over the store sees."""
    written = f"{text}\nalerting: {{packs: [], delay: 0s}}\nalerts: [{{name: rule, condition: '{condition}'{more}}}]\n"
    set_ = settings(written)
    compiled = compile_rules(set_)
    assert not compiled.problems
    return evaluate(store, compiled.rules, set_, now, Freshness(now, now, 1))


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def spread(count, **fields):
    """So many requests, a second apart."""
    return [{"timestamp": ago(number)} | fields for number in range(count)]


def checked(good, bad):
    return spread(good, hallucination=False) + spread(bad, hallucination=True)


SEEN = {
    "3 of 100 answers are not above 3 %": (checked(97, 3), "hallucination_rate > 3%", "within"),
    "4 of 100 are": (checked(96, 4), "hallucination_rate > 3%", "breached"),
    "19 checked answers are too few": (checked(9, 10), "hallucination_rate > 3%", "low_traffic"),
    "what nobody checked is in no denominator": (
        checked(96, 4) + spread(900), "hallucination_rate > 3%", "breached",
    ),
    "an average score": (spread(30, eval_score={"accuracy": 0.8}), "accuracy < 90%", "breached"),
    "a score of any name": (spread(30, eval_score={"Groundedness": 0.8}), "score.Groundedness < 0.7", "within"),
    "a median of confidence": (spread(30, confidence=0.5), "confidence < 80%", "breached"),
    "feedback that is given": (spread(30, feedback=1) + spread(70), "feedback_rate < 40%", "breached"),
    "cost is its own evidence, however few requests": (spread(2, cost_usd=3.0), "cost > 5 USD", "breached"),
    "exactly the limit is not above it": (spread(2, cost_usd=2.5), "cost > 5 USD", "within"),
    "a day's cost": (spread(2, cost_usd=3.0), "daily_cost > 5 USD", "breached"),
    "cost of a request": (spread(30, cost_usd=3.0), "cost_per_request > 2.5", "breached"),
    "tokens": (spread(10, tokens_used={"input": 90, "output": 10}), "tokens > 999", "breached"),
    "tokens of a request": (spread(30, tokens_used={"input": 90, "output": 10}), "tokens_per_request > 99", "breached"),
    "fallbacks that fail": (
        spread(30, fallback_used=True, fallback_ok=False) + spread(30, fallback_used=True, fallback_ok=True),
        "fallback_failure_rate > 40%", "breached",
    ),
    "the machine that is worst": (
        [{"timestamp": ago(5), "kind": "host", "host": name, "cpu_percent": cpu} for name, cpu in (("a", 20), ("b", 96))],
        "cpu > 95%", "breached",
    ),
    "no verdict": (spread(50), "hallucination_rate > 3%", "not_evaluable"),
    "no score of that name": (spread(50, eval_score={"x": 1}), "score.y < 50%", "not_evaluable"),
    "no cost": (spread(50), "daily_cost > 5 USD", "not_evaluable"),
    "no fallback that says how it went": (spread(50, fallback_used=True), "fallback_failure_rate > 1%", "not_evaluable"),
    "no machine": (spread(50), "memory > 1%", "not_evaluable"),
    "no past": (spread(50, cost_usd=1.0), "daily_cost > baseline * 1.5", "no_baseline"),
    "no past of anything": (spread(50), "p95 > baseline * 1.5", "no_baseline"),
    "no request": ([], "cost > 5 USD", "no_traffic"),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_what_is_recorded_beside_requests_is_seen_so(filled, name):
    lines, condition, seen = SEEN[name]
    (found,) = see(filled(*lines), condition)
    outcomes = {"breached": "true", "within": "false", "low_traffic": "false", "no_traffic": "no_data"}
    assert (found.seen, found.outcome) == (seen, outcomes.get(seen, "frozen"))


def test_what_the_logs_do_not_carry_is_said_in_the_readers_language_and_never_fires(filled):
    store = filled(*spread(50))
    (english,) = see(store, "hallucination_rate > 3%")
    (vietnamese,) = see(store, "hallucination_rate > 3%", text="language: vi")
    assert english.detail == "not evaluable: no hallucination verdicts in the logs"
    assert vietnamese.detail == "không đánh giá được: nhật ký không có kết quả kiểm tra bịa đặt"
    state = None
    for tick in range(300):
        state = decide(
            state, english.rule, english.outcome, NOW + timedelta(minutes=tick), timedelta(minutes=1)
        ).instance
    assert state.state == "ok"


def test_an_evaluation_that_comes_later_counts_for_its_request(filled):
    lines = spread(30) + [
        {"timestamp": ago(1), "kind": "eval", "request_id": f"r{number}", "hallucination": number < 15}
        for number in range(30)
    ]
    (found,) = see(filled(*lines), "hallucination_rate > 3%")
    assert (found.seen, found.readings[0].value, found.readings[0].rows) == ("breached", 0.5, 30)


def test_rules_see_the_numbers_of_the_pages(filled):
    lines = [
        {"timestamp": ago(number), "cost_usd": 0.01 * number, "hallucination": number % 9 == 0, "confidence": number / 100,
         "eval_score": {"accuracy": number / 100}, "tokens_used": {"input": number, "output": 1}}
        for number in range(100)
    ]  # fmt: skip
    store, set_ = filled(*lines), settings("alerting: {packs: [], delay: 0s}")
    (found,) = see(store, "cost > 1 USD")
    window = Selection(window_of(found.rule, set_, NOW).span)
    assert found.readings[0].value == spend(charges_of(store, window, set_)[1]).spent
    page = catalogue(store, window, set_, NOW).figures
    for name in ("hallucination_rate", "accuracy", "confidence_median", "tokens_per_request"):
        (found,) = see(store, f"{name} > 1%" if name != "tokens_per_request" else f"{name} > 1")
        assert (found.readings[0].value, found.readings[0].rows) == (page[name].value, page[name].n), name


def daily(amount, days, at=NOW, agent="planner"):
    """A request of that cost an hour before `at` on each of the days before."""
    return [{"timestamp": at - day * DAY - HOUR, "cost_usd": amount, "agent_id": agent} for day in days]


COSTS = {
    "10 a day makes 15 the limit, which is not above it": (15.0, range(1, 15), "within", 14),
    "15.01 is": (15.01, range(1, 15), "breached", 14),
    "7 days are enough": (15.01, range(1, 8), "breached", 7),
    "6 days are no baseline": (15.01, range(1, 7), "no_baseline", 6),
    "what was before the 14 days is none": (15.01, range(9, 30), "no_baseline", 6),
}


@pytest.mark.parametrize("name", COSTS)
def test_a_days_cost_is_compared_with_the_median_of_the_days_before(filled, name):
    today, days, seen, known = COSTS[name]
    (found,) = see(filled(*daily(10.0, days), *daily(today, [0])), "daily_cost > baseline * 1.5")
    assert (found.seen, found.readings[0].before.days) == (seen, known)
    if seen == "no_baseline":
        assert found.outcome == "frozen"
        assert found.detail == f"no baseline: {known} of the last 14 days can be compared with, 7 are needed"
    else:
        assert found.readings[0].limit == 15.0


def test_one_wild_day_does_not_move_the_baseline(filled):
    lines = daily(10.0, range(2, 15)) + daily(1000.0, [1]) + daily(16.0, [0])
    assert see(filled(*lines), "daily_cost > baseline * 1.5")[0].seen == "breached"


def test_a_day_whose_cost_is_half_unknown_is_compared_with_nothing(filled):
    unknown = [{"timestamp": NOW - day * DAY - HOUR, "model": "unpriced"} for day in range(1, 9)]
    (found,) = see(filled(*daily(10.0, range(1, 15)), *unknown, *daily(16.0, [0])), "daily_cost > baseline * 1.5")
    assert (found.seen, found.readings[0].before.days) == ("no_baseline", 6)


def test_each_agent_has_its_own_baseline(filled):
    lines = (
        daily(10.0, range(1, 15))
        + daily(1.0, range(1, 15), agent="search")
        + daily(5.0, [0])
        + daily(5.0, [0], agent="search")
    )
    whole, search = see(filled(*lines), "daily_cost > baseline * 2", ", group_by: agent")
    assert (whole.seen, whole.detail) == ("grouped", "1 of 2 groups breach it")
    assert (search.seen, search.rule.requests.agent, search.readings[0].limit) == ("breached", "search", 2.0)


ENDS = {
    "a day earlier, where clocks stand still": ("Asia/Ho_Chi_Minh", datetime(2026, 11, 24, 9, 30, tzinfo=UTC), "2026-11-23T09:00"),
    "25 hours earlier, after clocks went back": ("Europe/Berlin", datetime(2026, 10, 25, 9, 30, tzinfo=UTC), "2026-10-24T08:00"),
    "23 hours earlier, after they went forward": ("Europe/Berlin", datetime(2026, 3, 29, 9, 30, tzinfo=UTC), "2026-03-28T10:00"),
    "in a zone of half hours": ("Asia/Kolkata", datetime(2026, 11, 24, 9, 45, tzinfo=UTC), "2026-11-23T09:30"),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_past_windows_end_at_the_same_local_hour(name):
    zone, end, day_before = ENDS[name]
    assert past_ends(end, ZoneInfo(zone))[0] == datetime.fromisoformat(day_before).replace(tzinfo=UTC)
    assert len(past_ends(end, ZoneInfo(zone))) == 14


class Counting:
    """The store, counting how often requests are read."""

    def __init__(self, store):
        self.store, self.reads = store, []

    def requests(self, selection, columns=None):
        self.reads.append(selection.span)
        return self.store.requests(selection, columns)

    def records(self, kinds, selection, columns):
        return self.store.records(kinds, selection, columns)


def test_past_windows_are_read_once_an_hour_and_a_days_cost_every_six_minutes(filled):
    source = Counting(filled(*daily(10.0, range(15))))
    set_ = settings("alerting: {packs: [], delay: 0s}\nalerts: [{name: rule, condition: daily_cost > baseline * 1.5}]")
    rules, known = compile_rules(set_).rules, Known()
    counts = []
    for minute in range(0, 70, 2):
        now = NOW + timedelta(minutes=minute, seconds=1)
        source.reads.clear()
        evaluate(source, rules, set_, now, Freshness(now, now, 1), known=known)
        counts.append(len(source.reads))
    assert counts[:4] == [15, 0, 0, 1]
    assert sum(count == 1 for count in counts) == 10
    assert counts[30] == 2, "a new hour of one past day, and the step of six minutes"


def test_the_checker_reads_past_days_bit_by_bit_and_says_so_until_it_knows(filled):
    store = filled(*daily(10.0, range(1, 15)), *daily(16.0, [0]))
    set_ = settings("alerting: {packs: [], delay: 0s}\nalerts: [{name: rule, condition: daily_cost > baseline * 1.5}]")
    rules, known, seen = compile_rules(set_).rules, Known(kept=Kept(20_000)), []
    for tick in range(5):
        now = NOW + timedelta(seconds=15 * tick)
        seen += evaluate(store, rules, set_, now, Freshness(now, now, 1), known=known)
    assert [each.seen for each in seen] == ["no_baseline"] * 3 + ["breached"] * 2
    assert seen[0].detail == "no baseline yet: the past days are being read"


def test_where_a_window_is_looked_at_does_not_depend_on_when_it_was_first_asked_for(filled):
    """A replay and the checker see the same: the end of a day's cost is a matter of the clock alone."""
    source = Counting(filled(*daily(10.0, range(3))))
    ends = set()
    for second in (0, 100, 359):
        source.reads.clear()
        see(source, "daily_cost > 5 USD", now=NOW + timedelta(seconds=second))
        ends.add(
            max(span.end for span in source.reads if span.length == DAY and span.end <= NOW + timedelta(seconds=1))
        )
    assert len(ends) == 1
