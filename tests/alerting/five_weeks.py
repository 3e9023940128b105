"""A store with five weeks of traffic, filled once for all tests that need what only a store can tell."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store

END = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
START = END - timedelta(days=35)
HOSTILE = '<b>=cmd|"#[x]" @channel'
"""What somebody called an agent, to see what becomes of it."""
BAD_SINCE = datetime(2026, 11, 16, tzinfo=UTC)
"""From here on every sixth request of the planner is cut."""


def lines() -> list[dict[str, object]]:
    """A request every 15 minutes, by three agents in turn, of which one in fifty is cut; see BAD_SINCE."""
    found = []
    for number in range(int((END - START) / timedelta(minutes=15))):
        at = START + timedelta(minutes=15 * number)
        agent = ("planner", "search", HOSTILE)[number % 3]
        cut = number % 50 == 0 or (agent == "planner" and at >= BAD_SINCE and number % 18 == 0)
        found.append(
            {
                "v": 1,
                "request_id": f"r-{number}",
                "timestamp": at.isoformat(),
                "agent_id": agent,
                "operation": ("plan", "find")[number % 2],
                "status": "timeout" if cut else "success",
                "execution_time_ms": 8000.0 if cut else 900.0 + number % 7,
                "cost_usd": 0.01,
            }
        )
    return found


@cache
def store_file() -> Path:
    """The file of the store; whoever reads it opens and closes it."""
    path = Path(mkdtemp(prefix="burnline-stored-")) / "burnline.duckdb"
    data = "".join(json.dumps(one) + "\n" for one in lines()).encode()
    with Store.open(path, clock=lambda: END) as store:
        account = store.open_generation(Path("requests.jsonl"), Identity(0, 0), "v1")
        store.append(Chunk(account.id, 0, 1, data, Windows(), len(data)))
    return path
