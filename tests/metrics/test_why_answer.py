"""The question `why`: every planted incident of the sample is found and named; sums, words and strange stores."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from polars.testing import assert_frame_equal

from core.errors import UsageError
from core.selection import Selection
from core.settings import parse
from core.text import catalogue
from core.timespan import TimeSpan
from loaders.chunk import Chunk, Identity, Windows
from loaders.once import listing_of, read_into
from loaders.store import Store
from metrics import many
from metrics.questions import QUESTIONS
from metrics.sentence import TEXTS
from metrics.why_answer import why
from metrics.why_sentence import plain_text, why_sentence
from sample_logs.generate import generate

END = datetime(2026, 3, 4, 16, 30, tzinfo=UTC)
SETTINGS = parse("")
HOUR = timedelta(hours=1)
MOVES = {
    "agent_slow": "timeout",
    "model_regression": "timeout",
    "upstream_5xx": "error",
    "near_timeouts_growing": "near",
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """(the sample's truth, a store that has read it)."""
    out = tmp_path_factory.mktemp("sample")
    truth = generate(out, days=7, seed=3, end=END)
    with Store.open(out / "store.duckdb", clock=lambda: END) as store:
        read_into(store, listing_of([out / "logs"]), lambda: END, lambda _: None)
        yield truth, store


def planted(truth, kind):
    return next(incident for incident in truth.incidents if incident.kind == kind)


def ask(store, **params):
    return QUESTIONS["why"].ask(store, params, SETTINGS, END)


@pytest.mark.parametrize("hours", [1, 6, 24])
@pytest.mark.parametrize("kind", MOVES)
def test_every_planted_incident_is_named_by_a_span_that_ends_with_it(sample, kind, hours):
    """Spans of the incident's own length at least; of the measure it moves, the first cause is the planted one."""
    truth, store = sample
    incident = planted(truth, kind)
    start = min(incident.start, incident.end - hours * HOUR)
    shown = ask(
        store, start=start.isoformat(), end=incident.end.isoformat(), at=incident.end.isoformat(), measure=MOVES[kind]
    )
    first = shown["causes"][0]
    assert (incident.agent or incident.model) in " ".join(first["where"].values())
    assert first["points"] > 0
    assert 1 <= len(first["examples"]) <= 3
    assert f"`{first['where'][next(iter(first['where']))]}`" in shown["sentence"]


@pytest.mark.parametrize("kind", MOVES)
def test_without_a_measure_the_planted_incident_is_what_is_spoken_of(sample, kind):
    truth, store = sample
    incident = planted(truth, kind)
    found = why(store, Selection(TimeSpan(incident.start, incident.end)), SETTINGS)
    assert (incident.agent or incident.model) in " ".join(value for _, value in found.answer.causes[0].where)


@pytest.mark.parametrize("kind", MOVES)
def test_many_requests_read_in_compact_rows_have_the_same_answer(sample, kind, monkeypatch):
    """Counts, verdicts, causes and ledgers to the digit; examples are requests of the cause all the same."""
    truth, store = sample
    incident = planted(truth, kind)
    selection = Selection(TimeSpan(incident.end - 6 * HOUR, incident.end))
    one_by_one = why(store, selection, SETTINGS, MOVES[kind])
    monkeypatch.setattr(many, "FEW", 0)
    compact = why(store, selection, SETTINGS, MOVES[kind])
    assert (compact.span, compact.baseline) == (one_by_one.span, one_by_one.baseline)
    assert_frame_equal(compact.counts.select(one_by_one.counts.columns), one_by_one.counts, check_row_order=False)
    for measure, moved in one_by_one.moved.items():
        assert (compact.moved[measure].before, compact.moved[measure].now) == (moved.before, moved.now)
        assert [cause.where for cause in compact.moved[measure].raised] == [cause.where for cause in moved.raised]
        assert compact.moved[measure].verdict.outcome == moved.verdict.outcome
    if one_by_one.answer.raised:
        assert compact.answer.examples[0] == one_by_one.answer.examples[0]


def test_the_last_24_hours_name_the_slow_agent(sample):
    """`python -m metrics why --since 24h` on the sample as it stands."""
    _, store = sample
    shown = ask(store, since="24h", measure="timeout")
    assert "planner" in shown["sentence"]
    assert shown["compared_with"] == "days"


def test_examples_are_requests_of_the_cause_that_had_the_fault(sample):
    truth, store = sample
    incident = planted(truth, "upstream_5xx")
    span = TimeSpan(incident.start, incident.end)
    found = why(store, Selection(span), SETTINGS).moved["error"]
    columns = ("request_id", "status", "model")
    rows = {row[0]: row for row in store.requests(Selection(span), columns).iter_rows()}
    for request in found.examples[0]:
        assert rows[request][1:] == ("failed", incident.model)


def test_the_ledger_of_every_dimension_sums_to_the_change(sample):
    _, store = sample
    for measure in ("timeout", "error", "near"):
        shown = ask(store, since="24h", measure=measure)
        rates = next(row for row in shown["measures"] if row["measure"] == measure)
        change = rates["now"]["value"] - rates["before"]["value"]
        sums: dict[str, float] = {}
        for row in shown["ledger"]:
            sums[row["dimension"]] = sums.get(row["dimension"], 0.0) + row["rate_shift"] + row["mix_shift"]
        assert {"agent", "model", "model_version", "environment", "hour", "release"} <= sums.keys()
        assert ("error_code" in sums) == (measure != "near"), "a success has no error code"
        assert all(abs(total - change) <= 1e-9 for total in sums.values())


def test_the_answer_is_plain_json_and_asks_itself_again(sample):
    _, store = sample
    shown = ask(store, since="6h")
    again = QUESTIONS["why"].ask(store, shown["receipt"]["parameters"], SETTINGS, END + timedelta(days=9))
    del shown["receipt"], again["receipt"], shown["coverage"], again["coverage"]
    assert json.loads(json.dumps(shown)) == json.loads(json.dumps(again))


def test_a_measure_that_is_none_is_refused_with_the_ones_there_are(sample):
    with pytest.raises(UsageError, match=r'measure: "latency" is none; there are timeout, error, near'):
        ask(sample[1], measure="latency")


def line(moment, **fields):
    record = {
        "v": 1, "request_id": f"{moment.timestamp()}", "timestamp": moment.isoformat(), "execution_time_ms": 400.0,
        "status": "success", "agent_id": "planner", **fields,
    }  # fmt: skip
    return json.dumps(record).encode() + b"\n"


@pytest.fixture
def fill(tmp_path):
    """`fill(lines)` -> a store that holds them."""
    with Store.open(tmp_path / "s.duckdb", clock=lambda: END) as store:

        def into(lines):
            data = b"".join(lines)
            account = store.open_generation("a.jsonl", Identity(0, 0), "v1")
            store.append(Chunk(account.id, 0, 1, data, Windows(), len(data)))
            return store

        yield into


def steady(days, per_hour=60, rate=0.02, seed=1, **fields):
    """Requests of so many days up to END, the share `rate` of them timeouts."""
    rng = Random(seed)
    for place in range(days * 24 * per_hour):
        moment = END - (place + 1) * HOUR / per_hour
        late = rng.random() < rate
        yield line(
            moment, status="timeout" if late else "success", execution_time_ms=8000.0 if late else 400.0, **fields
        )


CASES = {
    "nothing at all": ([], {"since": "1h"}, "No requests in this period."),
    "one request": ([line(END - HOUR / 2)], {"since": "1h"}, "There is nothing earlier to compare with."),
    "a quarter of an hour of history": (
        [line(END - timedelta(minutes=m)) for m in range(1, 76)], {"since": "1h"}, "Too few requests to say",
    ),
    "a quiet past": (list(steady(3)), {"since": "6h"}, "Timeouts did not clearly change"),
    "no agent known by that name": (list(steady(1)), {"since": "1h", "agent": "nobody"}, "No requests in this period."),
    "a clock of 1970 is no history": (
        [line(datetime(1970, 1, 1, tzinfo=UTC)), *steady(10)], {"since": "6h"}, "the same hours of the past 7 days",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_strange_store_has_a_defined_answer(fill, case):
    lines, params, begins = CASES[case]
    shown = ask(fill(lines), **params)
    assert begins in shown["sentence"]
    assert shown["causes"] == []
    json.dumps(shown, allow_nan=False)


def test_names_from_logs_stay_quoted_pieces(fill):
    """An agent called like markup and control characters: it is a piece of its own, printable in the terminal."""
    evil = "**bold** <b> `x`\x1b[31m"
    lines = [*steady(3, agent_id="calm"), *steady(3, rate=0.01, seed=2, agent_id=evil)]
    lines += [
        line(END - HOUR * (n + 1) / 80, status="timeout", execution_time_ms=8000.0, agent_id=evil) for n in range(60)
    ]
    found = why(fill(lines), Selection(TimeSpan(END - HOUR, END)), SETTINGS)
    parts = why_sentence(found, "en")
    assert [part.text for part in parts if part.quoted] == [evil]
    assert all(evil not in part.text for part in parts if not part.quoted)
    assert "\x1b" not in plain_text(parts)


def test_both_languages_say_every_sentence_with_the_same_places():
    for key, texts in catalogue(TEXTS).items():
        places = [sorted(re.findall(r"\{\w+\}", texts[language])) for language in ("en", "vi")]
        assert places[0] == places[1], key


@pytest.mark.parametrize(("language", "words"), [("en", "rose from"), ("vi", "tăng từ")])
def test_the_sentence_is_said_in_the_readers_language(sample, language, words):
    truth, store = sample
    incident = planted(truth, "upstream_5xx")
    found = why(store, Selection(TimeSpan(incident.start, incident.end)), SETTINGS)
    assert words in plain_text(why_sentence(found, language))
