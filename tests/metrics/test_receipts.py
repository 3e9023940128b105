"""Numbers with receipts: whatever was answered can be asked again later, and comes out the same."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random

import pytest
from metric_frames import NOW

from core.settings import parse
from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store
from metrics.questions import QUESTIONS

OF_THE_ASKING = {"selection", "version", "computed_at", "watermark"}
"""What a receipt says of how and when it was asked, not of the numbers."""

ASKED = [
    {"last_requests": "100"},
    {"since": "1h"},
    {"since": "2h", "agent": "planner"},
    {"day": "2026-11-24", "last_requests": "50"},
    {"day": "2026-11-24"},
    {},
]


def written(rng, moment, **fields):
    """One request line with most fields a service can write."""
    status = rng.choices(("success", "timeout", "failed"), (0.9, 0.06, 0.04))[0]
    record = {
        "v": 1,
        "request_id": f"{rng.getrandbits(64):x}",
        "timestamp": moment.isoformat(),
        "execution_time_ms": 8000.0 if status == "timeout" else round(rng.lognormvariate(7, 0.6), 1),
        "status": status,
        "agent_id": rng.choice(("planner", "pricing")),
        "operation": "analyze",
        "model": rng.choice(("atlas", "cedar")),
        "environment": "production",
        "user_id": f"u{rng.randrange(50)}",
        "tokens_used": {"input": rng.randrange(100, 4000), "output": rng.randrange(10, 900)},
        "cost_usd": round(rng.random() / 100, 6),
        **fields,
    }
    return json.dumps(record).encode() + b"\n"


def append(store, lines):
    """The lines as one chunk of one file."""
    found = store.generations()
    account = found[0] if found else store.open_generation("a.jsonl", Identity(0, 0), "v1")
    data = b"".join(lines)
    store.append(Chunk(account.id, account.offset, account.lines + 1, data, Windows(), account.offset + len(data)))


@pytest.fixture
def store(tmp_path):
    """Three hours of requests up to NOW, one of them from a clock two minutes ahead."""
    rng = Random(7)
    with Store.open(tmp_path / "burnline.duckdb", clock=lambda: NOW) as opened:
        append(opened, [written(rng, NOW - timedelta(seconds=9 * n)) for n in range(1200, 0, -1)])
        append(opened, [written(rng, NOW + timedelta(minutes=2))])
        yield opened


def numbers(shown):
    """The answer without what is about the asking."""
    kept = {name: value for name, value in shown.items() if name not in {"freshness", "coverage"}}
    return kept | {"receipt": {name: value for name, value in shown["receipt"].items() if name not in OF_THE_ASKING}}


@pytest.mark.parametrize("asked", ASKED, ids=str)
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_receipt_asks_the_same_question_again_and_gets_the_same_answer(name, asked, store):
    """An hour later, when as many requests again have come in."""
    settings = parse("")
    question = QUESTIONS[name]
    before = question.ask(store, asked, settings, NOW)
    rng = Random(8)
    append(store, [written(rng, NOW + timedelta(minutes=2, seconds=3 * n + 1)) for n in range(1200)])
    later = NOW + timedelta(minutes=62)
    again = question.ask(store, before["receipt"]["parameters"], settings, later)
    assert numbers(again) == numbers(before)
    assert question.ask(store, asked, settings, later)["receipt"]["computed_at"] != before["receipt"]["computed_at"]


def test_an_answer_is_of_one_version_though_rows_come_in_while_it_is_made(tmp_path):
    """The first rows arrive between the look at the data's age and the look at the data: they are not "empty"."""
    with Store.open(tmp_path / "burnline.duckdb", clock=lambda: NOW) as store:

        class Late(Store):
            """Stores its first row when it is first asked how much there is."""

            def extent(self, selection):
                if not self.version:
                    append(store, [written(Random(1), NOW - timedelta(minutes=1))])
                return super().extent(selection)

        store.__class__ = Late
        shown = QUESTIONS["summary"].ask(store, {}, parse(""), NOW)
    assert (shown["requests"], shown["receipt"]["version"]) == (1, 1)
    assert (shown["freshness"]["state"], shown["coverage"]["state"]) == ("fresh", "fresh")


def test_a_late_line_inside_the_span_shows_in_the_rows_and_the_version(store):
    """What cannot be the same any more says so: another count of rows under another version."""
    settings, question = parse(""), QUESTIONS["summary"]
    before = question.ask(store, {"since": "1h"}, settings, NOW)
    append(store, [written(Random(9), NOW - timedelta(minutes=30))])
    again = question.ask(store, before["receipt"]["parameters"], settings, NOW + timedelta(hours=1))
    assert again["receipt"]["rows"] == before["receipt"]["rows"] + 1
    assert again["receipt"]["version"] == before["receipt"]["version"] + 1
