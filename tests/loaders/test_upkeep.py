"""Roll-ups are made behind the reading, never ahead of it, and compared with the rows."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from filling import fill, line

from core.selection import Selection
from core.timespan import TimeSpan
from loaders import rollup
from loaders.store import Store
from loaders.upkeep import COMPARED_EVERY, Upkeep

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Rolls:
    """Remembers what was asked of it: `left` steps of rolling, then nothing; `wrong` what a comparison finds."""

    def __init__(self, left: int = 0, wrong: tuple[str, ...] = ()) -> None:
        self.left, self.wrong, self.done = left, wrong, list[str]()
        self.broken: Exception | None = None
        self.asked = threading.Event()

    def roll_up(self, now: datetime) -> int:
        self.asked.set()
        if self.broken:
            raise self.broken
        self.done.append("roll")
        self.left -= 1
        return int(self.left >= 0)

    def verify_rollups(self) -> tuple[str, ...]:
        self.done.append("compare")
        wrong, self.wrong = self.wrong, ()
        return wrong


def steps(upkeep: Upkeep) -> int:
    """Work until there is nothing to do at once; how many steps that took."""
    count = 1
    while upkeep.step():
        count += 1
    return count


def test_everything_is_rolled_before_it_is_compared():
    store = Rolls(left=3)
    steps(Upkeep(store, behind=lambda: False, clock=lambda: NOON))
    assert store.done == ["roll", "roll", "roll", "roll", "compare"]


def test_nothing_is_rolled_while_reading_is_behind():
    store, behind = Rolls(left=1), [True]
    upkeep = Upkeep(store, behind=lambda: behind[0], clock=lambda: NOON)
    assert steps(upkeep) == 1
    assert store.done == []
    behind[0] = False
    steps(upkeep)
    assert store.done[0] == "roll"


def test_a_comparison_is_made_at_the_start_and_once_a_day():
    store, now = Rolls(), [NOON]
    upkeep = Upkeep(store, behind=lambda: False, clock=lambda: now[0])
    for at in (NOON, NOON + COMPARED_EVERY - timedelta(seconds=1), NOON + COMPARED_EVERY):
        now[0] = at
        steps(upkeep)
    assert store.done.count("compare") == 2


def test_what_was_wrong_is_said_and_rolled_again(caplog):
    store = Rolls(wrong=("an hour",))
    with caplog.at_level(logging.ERROR):
        steps(Upkeep(store, behind=lambda: False, clock=lambda: NOON))
    assert store.done == ["roll", "compare", "roll"]
    assert "1 roll-ups did not count what their rows count" in caplog.text


def test_a_store_that_fails_is_told_of_and_the_worker_lives():
    store = Rolls()
    store.broken = OSError("disk full")
    upkeep = Upkeep(store, behind=lambda: False, clock=lambda: NOON)
    upkeep.start()
    try:
        assert store.asked.wait(10)
        told = threading.Event()
        while not upkeep.health().detail:
            told.wait(0.01)
        assert upkeep.health().alive
        assert "disk full" in upkeep.health().detail
    finally:
        upkeep.stop()
    assert not upkeep.health().alive


@pytest.mark.parametrize("harm", [False, True], ids=["as rolled", "with a cell of the roll-up deleted"])
def test_a_real_store_answers_the_same_before_and_after(store: Store, monkeypatch, *, harm: bool):
    monkeypatch.setattr(rollup, "ENOUGH", dict.fromkeys(rollup.ENOUGH, 1))
    fill(store, *(line(timestamp=(NOON + timedelta(minutes=n)).isoformat()) for n in range(200)))
    upkeep = Upkeep(store, behind=lambda: False, clock=lambda: NOON + timedelta(hours=5))
    steps(upkeep)
    if harm:
        with store._transaction() as cursor:
            cursor.execute("DELETE FROM rolled_hour_all")
        again = Upkeep(store, behind=lambda: False, clock=lambda: NOON + timedelta(hours=5))
        assert steps(again) > 1
    found = store.compact(Selection(TimeSpan(NOON, NOON + timedelta(hours=4))), durations=False)
    assert found["rows"].sum() == 200
