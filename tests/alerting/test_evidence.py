"""What a message tells beside its rule: the same numbers the page shows, requests to open, causes; never in the way."""

from __future__ import annotations

import threading
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from five_weeks import END, store_file
from traffic import START, Traffic, frame, minutes, settings, steady

from alerting.aside import Aside
from alerting.compose import Fired, firing
from alerting.evaluate import evaluate, window_of
from alerting.evidence import evidence
from alerting.rules import compile_rules
from core.selection import Losses
from loaders.store import Store
from metrics.answer import answer
from metrics.questions import QUESTIONS
from pages.shared import filters

RULE = """
alerting: {{packs: []}}
dashboard_url: https://burn.example.com/team/
alerts:
  - {{name: bad, condition: {condition}, window: 5m, severity: critical{more}}}
"""


def traffic():
    """An hour of calm, five minutes of which every tenth request of the planner is cut, and search that is well."""
    rows = [
        *steady(START - minutes(65), minutes(60), every=5),
        *steady(START - minutes(5), minutes(6), every=2, bad=0.1),
        *steady(START - minutes(65), minutes(66), every=10, agent="search"),
    ]
    for number, row in enumerate(rows):
        row["request_id"] = f"r-{number}"
    return Traffic(frame(rows), START)


def told(condition="timeout_rate > 5%", more="", source=None, text=RULE):
    source = source or traffic()
    set_ = settings(text.format(condition=condition, more=more))
    (rule,) = compile_rules(set_).rules
    freshness = source.freshness()
    (observation,) = evaluate(source, [rule], set_, START, freshness)
    known = evidence(rule, source, set_, START, freshness)
    fired = Fired(observation, START - minutes(1), known)
    return firing("a-1", "critical", fired, set_, START), known, set_, source


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("more", ["", ", filter: {agent: planner}"])
@pytest.mark.parametrize(
    ("condition", "page"),
    [("timeout_rate > 5%", "why"), ("p95 > 2s", "latency"), ("request_count > 10", ""), ("burn_rate > 2", "budget")],
)
def test_the_link_opens_the_numbers_the_message_tells(condition, page, more):
    """Read as the pages read it, whenever it is followed, its selection has the numbers of the message."""
    message, known, set_, source = told(condition, more)
    address = urlsplit(message.link)
    assert (address.scheme, address.netloc, address.path) == ("https", "burn.example.com", f"/team/{page}")
    choice, bad = filters.read(dict(parse_qsl(address.query)))
    assert bad == ()
    later = START + timedelta(days=3)
    followed = answer(source, choice.selection(later), set_, START, source.freshness())
    assert followed.counts == known.summary.counts
    assert (followed.timeout_rate, followed.percentiles) == (known.summary.timeout_rate, known.summary.percentiles)
    facts = {fact.name: plain(fact.value) for fact in message.facts}
    assert facts["Requests"] == f"{followed.counts.requests:,.0f}"
    (timeouts,) = [value for name, value in facts.items() if name.startswith("Timeouts")]
    assert timeouts.startswith(f"{followed.counts.timeout:.0f} (")


def test_three_requests_can_be_opened_the_newest_timeouts_first():
    message, known, _, _ = told()
    (examples,) = [part for part in message.sections if part.title == "Requests to open"]
    assert len(examples.lines) == 3
    assert plain(examples.lines[0]).startswith(f"{known.examples[0].request_id}: planner, ≥ 8.0 s, timeout, ")
    assert [one.at for one in known.examples] == sorted((one.at for one in known.examples), reverse=True)
    query = parse_qs(urlsplit(examples.links[0]).query)
    assert query["id"] == [known.examples[0].request_id]
    assert urlsplit(examples.links[0]).path == "/team/request"


def test_about_a_latency_they_are_the_slowest():
    source = traffic()
    _, known, _, _ = told("p95 > 100ms", source=source)
    assert [one.took_ms for one in known.examples] == [8000.0] * 3
    assert all(one.cut for one in known.examples)


def test_without_the_address_of_the_dashboard_there_are_no_links():
    message, _, _, _ = told(text=RULE.replace("dashboard_url: https://burn.example.com/team/", ""))
    assert message.link == ""
    assert all(not part.links for part in message.sections)


class Known(Traffic):
    """Traffic that can say how far back it goes, as the store can."""

    def losses(self, span):
        return Losses(since=self.rows["timestamp"].min())

    def extent(self, selection):
        raise AssertionError("few enough to be read one by one")

    records = page = total = trace = values = deploys = ask = ledger = quarantine_counts = quarantine = extent


def test_causes_that_cannot_be_told_stop_no_alert(caplog):
    """A reader that fails where causes are looked for: the numbers and the requests are there all the same."""
    source = traffic()
    message, known, _, _ = told(source=Known(source.rows, START))
    assert known.summary.counts.timeout > 0
    assert known.why == ""
    assert len(known.examples) == 3
    assert message.sentence
    assert "causes for rule" in caplog.text


def test_what_takes_too_long_is_left_out_and_nothing_else_waits_behind_it(caplog):
    gate, begun, aside = threading.Event(), threading.Event(), Aside()

    def slow():
        begun.set()
        gate.wait()

    try:
        assert aside.in_time(0.01, slow, "first") is None
        begun.wait()
        assert aside.in_time(60, lambda: "never asked", "second") is None
    finally:
        gate.set()
    assert "first took longer" in caplog.text
    assert "second: the last one is still" in caplog.text


def test_the_causes_are_those_of_the_command_for_the_same_window():
    """Over a real store: the sentence of the message is the one `python -m metrics why` gives."""
    text = "alerting: {packs: []}\nalerts: [{name: day, condition: timeout_rate > 1%, window: 1d}]\n"
    set_ = settings(text)
    (rule,) = compile_rules(set_).rules
    with Store.open(store_file(), clock=lambda: END) as store:
        known = evidence(rule, store, set_, END, store.freshness())
        span = window_of(rule, set_, END).span
        asked = {"start": span.start.isoformat(), "end": span.end.isoformat(), "measure": "timeout"}
        assert known.why == QUESTIONS["why"].ask(store, asked, set_, END)["sentence"]
    assert known.why


def test_what_to_do_first_comes_from_the_rule():
    message, _, _, _ = told(more=", first_step: Look at the slowest step.")
    assert message.action == "Look at the slowest step."
