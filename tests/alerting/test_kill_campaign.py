"""A checker killed at random moments, again and again: no incident and no message is lost, no repeat is unmarked.

BURNLINE_KILLS makes the campaign longer. One process imports everything once and forks the checkers that are killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from fake_server import running
from fake_slack import CHANNEL, TOKEN, FakeSlack
from fake_vendors import ROUTING_KEY, FakePagerDuty

KILLS = int(os.environ.get("BURNLINE_KILLS", "5"))
CYCLE, BAD, AGENTS = 24, 4, 4
"""Minutes from one bad stretch of an agent to its next, how long each lasts, and how many agents take turns."""
CYCLES = KILLS * 4 // CYCLE + 1
INCIDENTS = CYCLES * AGENTS
ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
digest: {{enabled: false}}
channels:
  ops: {{type: slack, channel: {channel}, base_url: "{slack}"}}
  pager: {{type: pagerduty, base_url: "{pager}", allow_http: true}}
alerting: {{interval: 30s, settle: 1m, packs: [], escalate_to: [pager], escalate_after: 1m}}
alerts:
  - {{name: cut, condition: timeout_rate > 20%, window: 1m, keep_firing_for: 0s, severity: critical, group_by: agent,
     min_samples: 5, min_bad: 2, action: ops}}
"""
FORKING = """
import os, signal, sys
sys.path[:0] = ["tests/alerting", "."]
from datetime import timedelta
from pathlib import Path
from traffic import START, Traffic, frame, minutes, settings, steady
from alerting.checker import Checker
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are gone at once
path, text, clock, cycle, bad, agents, cycles, last = *map(Path, sys.argv[1:4]), *map(int, sys.argv[4:])
END, rows = START + minutes(cycle * (cycles + 1)), []
for agent in range(agents):
    at, name = START - minutes(cycle), f"a{agent}"
    first = START + minutes(cycle * agent / agents)
    rows += steady(at, first - at, every=5, agent=name)
    for number in range(cycles):
        at = first + minutes(cycle * number)
        rows += steady(at, minutes(bad), every=5, bad=0.5, agent=name)
        rows += steady(at + minutes(bad), minutes(cycle - bad), every=5, agent=name)
    rows += steady(first + minutes(cycle * cycles), END - first - minutes(cycle * cycles), every=5, agent=name)

def live(number):
    now = START + timedelta(seconds=int(clock.read_text()) if clock.exists() else 0)
    seen = [row for row in rows if now - minutes(20) < row["timestamp"] < now + minutes(20) or number == last]
    traffic, set_ = Traffic(frame(seen), now), settings(text.read_text())
    checker = Checker(traffic, lambda: set_, path, traffic.freshness, traffic.clock)
    while traffic.now < END:
        traffic.now += timedelta(seconds=30)
        checker.tick(traffic.now)
        checker.deliver()
        clock.with_suffix(".new").write_text(str(int((traffic.now - START).total_seconds())))
        clock.with_suffix(".new").replace(clock)
        print(number, "tick", flush=True)
    print(number, "done", flush=True)

for line in sys.stdin:
    if not (child := os.fork()):
        live(int(line))
        os._exit(0)
    print(int(line), child, flush=True)
"""


class Slow:
    """Answers a little after taking a message in: the time in which a death makes it uncertain."""

    def take(self, request, raw):
        found = super().take(request, raw)
        time.sleep(0.02)
        return found


class SlowSlack(Slow, FakeSlack):
    pass


class SlowPager(Slow, FakePagerDuty):
    pass


@pytest.fixture
def nursery(tmp_path, monkeypatch):
    """Starts checkers; `nursery(number)` is the next word of checker `number`."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    monkeypatch.setenv("PAGERDUTY_ROUTING_KEY", ROUTING_KEY)
    arguments = [
        *(tmp_path / name for name in ("state.sqlite", "settings.yaml", "clock")),
        CYCLE,
        BAD,
        AGENTS,
        CYCLES,
        KILLS,
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", FORKING, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def word(number: int) -> str:
        for line in process.stdout:
            who, what = line.split()
            if int(who) == number:
                return what
        raise AssertionError("the checkers' process ended")

    word.start = lambda number: (process.stdin.write(f"{number}\n"), process.stdin.flush())
    yield word
    process.stdin.close()
    process.wait(20)
    process.stdout.close()


def messages(path: Path) -> list[tuple[str, str, dict]]:
    """Channel, state and content of every message that was to interrupt somebody."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT channel, state, payload FROM outbox ORDER BY id").fetchall()
    connection.close()
    decoded = [(channel, state, json.loads(payload)) for channel, state, payload in rows]
    return [row for row in decoded if row[2]["delivery"] != "edit" and row[1] != "superseded"]


def test_a06_a07_killed_at_random_moments_nothing_is_lost_and_every_repeat_is_marked(nursery, tmp_path):
    chance = random.Random(KILLS)
    with running(SlowSlack()) as slack, running(SlowPager()) as pager:
        written = SETTINGS.format(channel=CHANNEL, slack=slack.url, pager=pager.url)
        (tmp_path / "settings.yaml").write_text(written)
        for number in range(KILLS):
            nursery.start(number)
            child = int(nursery(number))
            for _ in range(chance.randrange(6)):
                assert nursery(number) == "tick"
            threading.Event().wait(chance.uniform(0, 0.12))
            os.kill(child, signal.SIGKILL)
        nursery.start(KILLS)
        while nursery(KILLS) != "done":
            pass
        kept = messages(tmp_path / "state.sqlite")
    assert [(channel, state) for channel, state, _ in kept if state != "sent"] == []
    said = Counter((message["event"], channel) for channel, _, message in kept)
    begun = said["firing", "ops"]
    assert begun == INCIDENTS
    assert said["resolved", "ops"] == INCIDENTS
    assert said["firing", "pager"] == INCIDENTS
    assert Counter(pager.incidents.values()) == {"resolved": INCIDENTS}
    heard = Counter(subject_of(post) + kind_of(post) for post in slack.posts)
    wanted = Counter(message["subject"] + kind(message["title"]) for channel, _, message in kept if channel == "ops")
    assert set(heard) == set(wanted)
    assert max(wanted.values()) == 1
    once = Counter(subject_of(post) + kind_of(post) for post in slack.posts if "possible repeat" not in post["text"])
    assert max(once.values()) == 1
    repeats = sum(heard.values()) - len(wanted)
    print(
        f"{KILLS} kills, {begun} incidents, {len(wanted)} messages to the chat and {len(pager.posts)} to the pager: "
        f"0 lost, {repeats} repeated, all marked; {sum(heard.values()) - sum(once.values())} marked in all"
    )


def kind(title: str) -> str:
    return " " + title.split(":", maxsplit=1)[0]


def kind_of(post: dict) -> str:
    return kind(post["text"])


def subject_of(post: dict) -> str:
    """The incident's name ends the last line of a message."""
    return post["blocks"][-1]["elements"][0]["text"].split(" | ")[-1]
