"""The server killed at random moments while it reads: nothing lost, nothing twice.

BURNLINE_KILLS and BURNLINE_KILL_LINES make the campaign longer; 20 kills over 200,000 lines is the one we publish.
"""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime, timedelta

from dashboard import Dashboard

from core.places import Places
from core.selection import Selection
from core.timespan import utc_now
from loaders.store import Store

KILLS = int(os.environ.get("BURNLINE_KILLS", "2"))
LINES = int(os.environ.get("BURNLINE_KILL_LINES", "30000"))
FILES = 4
START = datetime(2026, 11, 23, tzinfo=UTC)


def line(seq):
    """One request that no other line equals; every hundredth is cut off in the middle of its JSON."""
    record = {"v": 1, "kind": "request", "request_id": f"r{seq}", "status": "success", "agent_id": "planner"}
    record |= {"timestamp": (START + timedelta(milliseconds=seq)).isoformat(), "execution_time_ms": 900.5 + seq % 7}
    text = json.dumps(record)
    return (text[: len(text) // 2] if seq % 100 == 99 else text) + "\n"


def test_a_server_killed_while_it_reads_loses_nothing_and_doubles_nothing(tmp_path):
    """After every kill the account continues where the last commit ended; at the end every line is there once."""
    chance = random.Random(20261124)
    places = Places(tmp_path / "none.yaml", tmp_path / "logs", tmp_path / "s.duckdb", tmp_path / "s.sqlite")
    places.inbox.mkdir()
    server, share = Dashboard(places), LINES // (KILLS + 1)
    written = 0

    def write(until):
        nonlocal written
        files = [(places.inbox / f"w{number}.jsonl").open("a", encoding="utf-8") for number in range(FILES)]
        for seq in range(written, until):
            files[seq % FILES].write(line(seq))
        for file in files:
            file.close()
        written = until

    write(share)
    for _ in range(KILLS):
        server.start()
        write(min(LINES, written + share))
        server.kill_after(chance.uniform(0, 0.8))
    server.start()
    write(LINES)
    while (totals := server.ask("/api/v1/status")["totals"])["lines"] < LINES:
        assert server.process.poll() is None, server.log.read_text("utf-8")
    server.stop()
    broken = LINES // 100
    assert (totals["stored"], totals["quarantined"], totals["duplicates"], totals["blank"]) == (
        LINES - broken,
        broken,
        0,
        0,
    )
    assert totals["offset"] == sum(path.stat().st_size for path in places.inbox.iterdir())
    with Store.open(places.store, clock=utc_now) as store:
        found = store.requests(Selection(), ("request_id",))["request_id"].to_list()
    assert len(found) == len(set(found))
    assert set(found) == {f"r{seq}" for seq in range(LINES) if seq % 100 != 99}
