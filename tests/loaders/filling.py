"""Records and lines for tests, quickly put into a store."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loaders.chunk import Chunk, Generation, Identity, Windows

if TYPE_CHECKING:
    from loaders.store import Store

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
_ids = itertools.count(1)


def record(**fields: Any) -> dict[str, Any]:
    """A complete request with an id of its own; `fields` win, and a field set to `...` is left out."""
    number = next(_ids)
    made = {
        "v": 1,
        "request_id": f"req-{number}",
        "timestamp": (START + timedelta(seconds=number)).isoformat(),
        "execution_time_ms": 1250.5,
        "status": "success",
        "agent_id": "planner",
        **fields,
    }
    return {name: value for name, value in made.items() if value is not ...}


def line(**fields: Any) -> bytes:
    """The record as one line of a log."""
    return json.dumps(record(**fields)).encode() + b"\n"


def fill(store: Store, *lines: bytes, path: str = "logs/a.jsonl", format_name: str = "v1") -> Generation:
    """Append whole lines to a file of this path, as the tailer would; its account afterwards."""
    known = [g for g in store.generations() if g.path == Path(path)]
    generation = known[-1] if known else store.open_generation(Path(path), Identity(0, 0), format_name)
    data = b"".join(lines)
    end = generation.offset + len(data)
    return store.append(Chunk(generation.id, generation.offset, generation.lines + 1, data, Windows(), end))
