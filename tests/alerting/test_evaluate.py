"""What a rule sees in its window: the numbers of the page, enough of them, and a reason when it sees nothing."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from traffic import START, Traffic, frame, minutes, settings, steady

from alerting.evaluate import evaluate, ingest
from alerting.rules import compile_rules
from core.selection import Freshness, Selection
from core.timespan import TimeSpan
from metrics.answer import answer

SETTINGS = "alerting: {{packs: [], delay: 0s}}\nalerts: [{{name: rule, condition: '{condition}', {more}}}]\n"
EDGE = timedelta(microseconds=1)


def see(rows, condition, more="window: 5m", now=START, freshness=None):
    """The one observation of one rule over these rows."""
    set_ = settings(SETTINGS.format(condition=condition, more=more))
    traffic = Traffic(frame(rows), now)
    compiled = compile_rules(set_)
    assert not compiled.problems
    (found,) = evaluate(traffic, compiled.rules, set_, now, freshness or Freshness(now, now, 1))
    return found


def requests(good=0, cut=0, failed=0, saved=0, fast_ms=1000.0):
    """So many of each within the last five minutes."""
    kinds = (
        [{}] * good
        + [{"status": "timeout", "execution_time_ms": 8000.0}] * cut
        + [{"status": "failed"}] * failed
        + [{"fallback_used": True}] * saved
    )
    return [
        {"timestamp": START - timedelta(milliseconds=250 * number), "execution_time_ms": fast_ms} | kind
        for number, kind in enumerate(kinds)
    ]


BREACHES = {
    "5 of 100 is not above 5 %": (requests(95, 5), "timeout_rate > 5%", "within"),
    "6 of 100 is": (requests(94, 6), "timeout_rate > 5%", "breached"),
    "5 of 100 is at least 5 %": (requests(95, 5), "timeout_rate >= 5%", "breached"),
    "failures are not timeouts": (requests(90, 0, 10), "timeout_rate > 5%", "within"),
    "failures are errors": (requests(90, 0, 10), "error_rate > 5%", "breached"),
    "success falls with both": (requests(90, 5, 5), "success_rate < 91%", "breached"),
    "the SLI falls with both": (requests(90, 5, 5), "sli < 99%", "breached"),
    "a burn rate of 10": (requests(90, 10), "burn_rate >= 9.99x", "breached"),
    "fallbacks are counted": (requests(90, saved=10), "fallback_rate > 5%", "breached"),
    "a percentile at a cut request counts as its bound": (requests(90, 10), "p99 > 7.9s", "breached"),
    "a median is exact": (requests(100, fast_ms=501.0), "p50 > 500ms", "breached"),
    "exactly the limit is not above it": (requests(100, fast_ms=500.0), "p95 > 500ms", "within"),
    "the long names of percentiles": (requests(90, 10), "p95_latency > 7s", "breached"),
    "an average": (requests(100, fast_ms=600.0), "avg_latency > 500ms", "breached"),
    "timeouts are counted": (requests(0, 3), "timeout_count >= 3", "breached"),
    "requests are counted, also few of them": (requests(3), "request_count < 10", "breached"),
    "30 timeouts in 5 minutes are not above 0.1/s": (requests(70, 30), "timeouts_per_second > 0.1/s", "within"),
    "31 are": (requests(70, 31), "timeouts_per_second > 0.1/s", "breached"),
    "requests per second": (requests(300), "requests_per_second >= 60/min", "breached"),
    "the budget that is left": (requests(90, 10), "budget_remaining < 25%", "breached"),
    "both": (requests(90, 10), "timeout_rate > 5% and request_count > 200", "within"),
    "either": (requests(90, 10), "timeout_rate > 5% or request_count > 200", "breached"),
    "19 requests are too few": (requests(9, 10), "timeout_rate > 5%", "low_traffic"),
    "20 are enough": (requests(10, 10), "timeout_rate > 5%", "breached"),
    "2 bad ones are too few": (requests(28, 2), "timeout_rate > 5%", "low_traffic"),
    "one slow request is no slow service": (requests(24, 1), "p99 > 6s", "low_traffic"),
    "three are": (requests(37, 3), "p99 > 6s", "breached"),
    "a burn rate needs 50": (requests(40, 9), "burn_rate > 6", "low_traffic"),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_condition_over_traffic_is_seen_so(name):
    rows, condition, seen = BREACHES[name]
    found = see(rows, condition)
    assert (found.seen, found.outcome) == (seen, "true" if seen == "breached" else "false")


@pytest.mark.parametrize(
    "condition", ["timeout_rate > 5%", "p95 > 7s", "sli < 99%", "burn_rate > 2", "success_rate < 9%"]
)
def test_no_request_is_no_data_and_neither_good_nor_bad(condition):
    found = see([], condition)
    assert (found.outcome, found.seen) == ("no_data", "no_traffic")


def test_counting_nothing_is_an_answer():
    assert see([], "request_count < 1").seen == "breached"


def test_only_cancelled_requests_are_no_traffic():
    rows = [row | {"status": "cancelled"} for row in requests(50)]
    assert see(rows, "timeout_rate > 5%").seen == "no_traffic"


@pytest.mark.parametrize(
    ("offset", "counted"),
    [(-minutes(5), 0), (-minutes(5) + EDGE, 1), (timedelta(0), 1), (EDGE, 0)],
    ids=["the start is out", "just after it is in", "the end is in", "just after it is out"],
)
def test_a_window_is_open_at_its_start_and_closed_at_its_end(offset, counted):
    found = see([{"timestamp": START + offset}], "request_count >= 1")
    assert found.requests == counted


def test_the_window_ends_before_now_by_the_delay():
    set_ = settings("alerting: {delay: 30s}")
    traffic = Traffic(frame(steady(START - minutes(10), minutes(10))), START)
    evaluate(traffic, compile_rules(set_).rules, set_, START, traffic.freshness())
    assert {read.span for read in traffic.reads} == {
        TimeSpan(START - timedelta(seconds=330) + EDGE, START - timedelta(seconds=30) + EDGE)
    }


def test_rules_over_the_same_window_read_it_once():
    set_ = settings("")
    traffic = Traffic(frame(steady(START - minutes(10), minutes(10))), START)
    assert len(evaluate(traffic, compile_rules(set_).rules, set_, START, traffic.freshness())) == 3
    assert len(traffic.reads) == 1


def test_a_filter_looks_at_its_own_requests_only():
    rows = requests(50) + [row | {"agent_id": "search"} for row in requests(10, 40)]
    assert see(rows, "timeout_rate > 50%", "filter: {agent: search}").seen == "breached"
    assert see(rows, "timeout_rate > 50%").seen == "within"


def test_a_rule_sees_the_numbers_of_the_page():
    rows = requests(80, 13, 7)
    found = see(rows, "timeout_rate > 5%")
    set_, traffic = settings(), Traffic(frame(rows), START)
    span = TimeSpan(START - minutes(5) + EDGE, START + EDGE)
    page = answer(traffic, Selection(span), set_, START, traffic.freshness())
    assert found.readings[0].rate == page.timeout_rate


def day(bad):
    """A request in each minute of the last 24 hours, the last so many of them cut."""
    cut = {"status": "timeout", "execution_time_ms": 8000.0}
    return [
        {"timestamp": START - minutes(number) - timedelta(seconds=1)} | (cut if number < bad else {})
        for number in range(1440)
    ]


@pytest.mark.parametrize(("bad", "seen"), [(7, "within"), (8, "breached")])
def test_uptime_is_judged_by_minutes(bad, seen):
    """7 bad minutes of 1,440 are 99.514 %, 8 are 99.444 %."""
    found = see(day(bad), "uptime < 99.5%", "window: 24h")
    assert found.seen == seen
    assert (found.readings[0].rows, found.readings[0].bad) == (1440, pytest.approx(bad))


def test_a_few_minutes_are_too_few_to_judge_uptime_by():
    assert see(requests(50, 50), "uptime < 99.5%").seen == "low_traffic"
    assert see([], "uptime < 99.5%").seen == "no_traffic"


HELD = {
    "nothing was ever stored": (None, None, "empty"),
    "ten minutes are fresh": (minutes(10), minutes(10), "within"),
    "more is stale": (minutes(10) + EDGE, minutes(10), "stale"),
    "old rows that are just being read are not told as stopped": (timedelta(hours=3), minutes(1), "catching_up"),
}


@pytest.mark.parametrize("name", HELD)
def test_data_that_is_not_about_now_holds_every_rule(name):
    newest, read, seen = HELD[name]
    freshness = Freshness(newest and START - newest, read and START - read, 1)
    told = ingest(freshness, START, was_fresh=True)
    assert (told.seen, told.outcome) == (seen, {"within": "false", "stale": "true"}.get(seen, "frozen"))
    if seen != "within":
        found = see(requests(50, 50), "timeout_rate > 5%", freshness=freshness)
        assert (found.outcome, found.seen) == ("frozen", seen)


def test_sampled_requests_count_for_those_they_stand_for():
    """100 rows at 1 in 10 are 1,000 requests; the 20 timeouts, always kept, are 2 % of them."""
    rows = [row | {"sample_rate": 0.1} for row in requests(98)] + requests(0, 20)
    assert see(rows, "timeout_rate > 2.1%").seen == "within"
    assert see(rows, "timeout_rate > 1.9%").seen == "breached"
    assert see(rows, "request_count >= 1000").seen == "breached"


def test_a_fault_in_one_window_is_the_finding_of_its_rules_only():
    set_ = settings(
        "alerting: {packs: [], delay: 0s}\nalerts: [{name: bad_one, condition: p95 > 1s, window: 1h},"
        " {name: good_one, condition: p95 > 1s, window: 5m}]\n"
    )

    class Half(Traffic):
        def requests(self, selection, columns=None) -> pl.DataFrame:
            if selection.span.length > minutes(30):
                raise RuntimeError("too much")
            return super().requests(selection, columns)

    traffic = Half(frame(requests(50)), START)
    bad, good = evaluate(traffic, compile_rules(set_).rules, set_, START, traffic.freshness())
    assert (bad.outcome, bad.seen, bad.detail) == ("frozen", "error", "RuntimeError: too much")
    assert good.seen == "within"
