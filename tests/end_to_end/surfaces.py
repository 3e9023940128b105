"""Where numbers can be read. Each surface is one function: an installation and an agent in, counts by class out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.places import Places
from core.selection import Selection
from core.settings import load
from core.timespan import utc_now
from loaders.store import Store
from metrics.answer import answer
from metrics.classes import classify
from metrics.summary import to_json

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("success", "timeout", "failed", "excluded")

Surface = Callable[[Places, "str | None"], Counter[str]]


def command(places: Places, *words: str) -> Any:
    """What `python -m ...` prints as JSON, for this installation."""
    names = {"CONFIG": places.config, "INBOX": places.inbox, "STORE": places.store, "STATE": places.state}
    result = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=os.environ | {f"BURNLINE_{name}": str(path) for name, path in names.items()},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr + result.stdout
    return json.loads(result.stdout)


def from_summary(summary: Mapping[str, Any]) -> Counter[str]:
    """The counts of the summary's JSON, the same for command and API."""
    assert summary["unmeasured"] == 0
    assert summary["requests"] == sum(summary[name] for name in CLASSES)
    return Counter({name: summary[name] for name in CLASSES if summary[name]})


def store_rows(places: Places, agent: str | None) -> Counter[str]:
    """The rows in the store, classified one by one."""
    limit = load(places.config).limit_values.limit_ms
    with Store.open(places.store, clock=utc_now) as store:
        rows = classify(store.requests(Selection(agent=agent)), limit)
    return Counter(rows["class"].to_list())


def one_answer(places: Places, agent: str | None) -> Counter[str]:
    """The value page, digest, alerts and API are made of."""
    with Store.open(places.store, clock=utc_now) as store:
        found = answer(store, Selection(last=2000, agent=agent), load(places.config), utc_now(), store.freshness())
    return from_summary(to_json(found))


def summary_command(places: Places, agent: str | None) -> Counter[str]:
    """`python -m metrics summary --json`."""
    words = ["metrics", "summary", "--last-requests", "2000", "--json"]
    return from_summary(command(places, *words, *(("--agent", agent) if agent else ())))


SURFACES: dict[str, Surface] = {"store": store_rows, "answer": one_answer, "metrics summary": summary_command}
