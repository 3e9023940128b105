"""Costly readings: at most a share of the time, never an old one for a new key."""

from __future__ import annotations

import threading

from pages.shared.paced import Paced


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def reading(clock: Clock, cost: float, value: str):
    def read() -> str:
        clock.now += cost
        return value

    return read


def test_the_same_stamp_is_never_read_again():
    clock = Clock()
    paced = Paced(share=0.05, entries=2, clock=clock)
    assert paced.get("k", 1, reading(clock, 1, "a")) == "a"
    clock.now += 1000
    assert paced.get("k", 1, reading(clock, 1, "b")) == "a"


def test_another_stamp_is_read_when_its_cost_is_a_twentieth_of_the_time_since():
    clock = Clock()
    paced = Paced(share=0.05, entries=2, clock=clock)
    paced.get("k", 1, reading(clock, 0.2, "a"))
    clock.now += 3.9
    assert paced.get("k", 2, reading(clock, 0.2, "b")) == "a"
    clock.now += 0.2
    assert paced.get("k", 2, reading(clock, 0.2, "b")) == "b"


def test_a_reading_older_than_the_data_says_when_it_is_due_and_one_that_is_not_says_nothing():
    clock = Clock()
    paced = Paced(share=0.05, entries=2, clock=clock)
    assert paced.due("k", 1) is None
    paced.get("k", 1, reading(clock, 0.2, "a"))
    assert (paced.due("k", 1), paced.due("k", 2)) == (None, 0.2 + 4.0)


def test_another_key_is_read_at_once_and_the_oldest_is_forgotten():
    clock = Clock()
    paced = Paced(share=0.05, entries=2, clock=clock)
    for key in "abc":
        assert paced.get(key, 1, reading(clock, 1, key)) == key
    assert paced.get("a", 1, reading(clock, 1, "again")) == "again"
    assert paced.get("c", 1, reading(clock, 1, "again")) == "c"


def test_while_one_thread_reads_others_get_the_last_value():
    clock = Clock()
    paced = Paced(share=0.05, entries=2, clock=clock)
    paced.get("k", 1, reading(clock, 0, "old"))
    begun, finish = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        finish.wait(10)
        return "new"

    thread = threading.Thread(target=paced.get, args=("k", 2, slow))
    thread.start()
    assert begun.wait(10)
    assert paced.get("k", 2, reading(clock, 0, "other")) == "old"
    finish.set()
    thread.join()
    assert paced.get("k", 2, reading(clock, 0, "other")) == "new"


def test_a_failed_reading_frees_the_way():
    clock = Clock()
    paced = Paced(share=0.05, entries=2, clock=clock)
    for _ in range(2):
        try:
            paced.get("k", 1, lambda: 1 // 0)
        except ZeroDivisionError:
            continue
    assert paced.get("k", 1, reading(clock, 1, "a")) == "a"


def test_who_asks_first_for_the_same_key_at_once_reads_it_and_the_others_wait_for_that():
    paced = Paced(share=0.05, entries=2)
    begun, finish, told = threading.Event(), threading.Event(), []

    def slow() -> str:
        begun.set()
        finish.wait(10)
        return "first"

    threads = [threading.Thread(target=lambda read=read: told.append(paced.get("k", 1, read))) for read in (slow, str)]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    finish.set()
    for thread in threads:
        thread.join(10)
    assert told == ["first", "first"]


def test_nobody_waits_for_the_reading_of_another_key():
    paced = Paced(share=0.05, entries=2)
    begun, finish = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        finish.wait(10)
        return "slow"

    thread = threading.Thread(target=paced.get, args=("k", 1, slow))
    thread.start()
    assert begun.wait(10)
    assert paced.get("other", 1, lambda: "quick") == "quick"
    finish.set()
    thread.join(10)
