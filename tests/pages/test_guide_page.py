"""The guide: ticks from the data, a way through the pages for each role, and every word explained in both languages."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import stored
import yaml
from fake_engine import FakeEngine
from stored import append, words
from streamlit.testing.v1 import AppTest

from core.settings import parse
from core.timespan import utc_now
from loaders.store import Store
from metrics.first_week import Facts, first_week
from pages.guide.words import LINES, ROLES, STEPS, WORDS
from pages.shared.text import TEXTS
from pages.ways import SECTIONS, UNLISTED

MAIN = str(Path(__file__).resolve().parents[2] / "pages" / "main.py")
TEXTS_OF_GUIDE = yaml.safe_load((Path(MAIN).parent / "guide" / "texts.yaml").read_text("utf-8"))
PAGES = {way.name for way in (*(way for ways in SECTIONS.values() for way in ways), *UNLISTED)}
END = datetime.now(UTC) - timedelta(seconds=20)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "b.duckdb", clock=utc_now) as opened:
        yield opened


@pytest.fixture
def open_guide(store):
    """`open_guide(records, settings, demo=False, **query)` -> the page over a store of these records."""

    def visit(records=(), settings="", *, demo=False, **query: str) -> AppTest:
        if records:
            append(store, list(records))
        return stored.visit(FakeEngine(store, parse(settings), demo=demo), "guide", **query)

    return visit


def record(number: int, **fields: object) -> dict[str, object]:
    return {
        "v": 1, "request_id": f"r{number:03}", "timestamp": (END - timedelta(hours=number)).isoformat(),
        "execution_time_ms": 400.0, "status": "success", "agent_id": "planner", **fields,
    }  # fmt: skip


FULL = {
    "service": "api", "fallback_used": False, "cost_usd": 0.1, "eval_score": {"accuracy": 1.0},
}  # fmt: skip
SETTINGS = 'objectives:\n  - {name: api, target: 98%}\nchannels:\n  team: {type: slack, channel: "#a"}\n'


def test_before_any_data_the_guide_says_how_to_begin(open_guide):
    page = open_guide()
    assert not page.exception
    assert "0 of 12 steps of the first week are done" in words(page)
    assert any("burnline.configure" in code.value for code in page.code)


def test_steps_tick_from_the_data_and_the_settings(open_guide):
    rows = [record(n, **FULL, user_id=f"u{n}") for n in range(0, 15 * 24, 6)]
    rows.append(record(1, kind="llm", span_id="s", operation="call"))
    assert "All 12 steps" in words(open_guide(rows, SETTINGS))


def test_what_is_open_says_how_far_it_is_and_what_to_write(open_guide):
    page = open_guide([record(n, user_id=f"u{n % 9}") for n in range(0, 5 * 24, 6)])
    said = words(page)
    assert "2 of 12 steps" in said
    assert "20 users are told apart (3 of 20)" in said
    assert "A week of data is there (4 of 7)" in said
    assert LINES["cost"] in [code.value for code in page.code]


def test_the_sample_ticks_nothing_of_the_logs(open_guide):
    page = open_guide([record(n, **FULL) for n in range(400)], demo=True)
    assert "0 of 12 steps" in words(page)
    assert "Steps tick by themselves" in words(page)


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_its_way_and_it_stands_in_the_address(open_guide, role, language):
    page = open_guide(role=role, lang=language)
    assert not page.exception
    said = words(page)
    assert all(TEXTS_OF_GUIDE[f"guide_{role}_{name}"][language] in said for name in STEPS[role])
    assert page.segmented_control(key="guide.role").value == role


def test_a_role_nobody_has_is_the_first_one(open_guide):
    assert open_guide(role="**x**").segmented_control(key="guide.role").value == ROLES[0]


def test_every_word_is_explained_and_every_explanation_belongs_to_a_word():
    names = [word for words in WORDS.values() for word in words]
    assert len(names) == len(set(names)) > 40
    for prefix in ("guide_word_", "guide_means_"):
        assert {key.removeprefix(prefix) for key in TEXTS_OF_GUIDE if key.startswith(prefix)} == set(names)


def test_every_step_has_a_title_and_says_how():
    for step in first_week(Facts()):
        assert {f"guide_step_{step.name}", f"guide_do_{step.name}"} <= set(TEXTS_OF_GUIDE)
    assert set(LINES) <= {step.name for step in first_week(Facts())}


def test_pages_named_in_the_guide_exist_and_are_called_by_their_own_name():
    catalogue = {key: text for path in TEXTS for key, text in yaml.safe_load(path.read_text("utf-8")).items()}
    named = {*WORDS, *(name for steps in STEPS.values() for name in steps)}
    assert named <= PAGES
    assert {name: catalogue[f"guide_group_{name}"] for name in named} == {name: catalogue[name] for name in named}


def test_what_is_to_be_written_into_the_settings_is_understood():
    for name in ("objective", "channel"):
        parse(LINES[name])


def test_what_is_to_be_written_into_a_log_is_json():
    for name in ("agent", "fallback", "cost", "users"):
        json.loads("{" + LINES[name] + "}")
    assert json.loads(LINES["evals"])["kind"] == "eval"
