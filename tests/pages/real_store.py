"""A store with the requests of `fake_engine.requests`, for pages that ask more than a frame can answer."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import polars as pl

from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store


def records(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Requests of a frame as log records."""
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items() if value is not None}
        for row in frame.iter_rows(named=True)
    ]  # fmt: skip


def append(store: Store, lines: list[dict[str, Any]]) -> None:
    """Records into the store, as one chunk of a new file."""
    data = "".join(json.dumps({"v": 1, **one}) + "\n" for one in lines).encode()
    account = store.open_generation(f"{len(data)}.jsonl", Identity(0, 0), "v1")
    store.append(Chunk(account.id, 0, 1, data, Windows(), len(data)))


def words(page: Any) -> str:
    """All a page says, without the signs that keep words from being markup."""
    said = [*page.header, *page.subheader, *page.markdown, *page.text, *page.caption, *page.code, *page.metric]
    named = [*page.get("page_link"), *page.metric]
    said = [str(element.value) for element in said] + [element.proto.label for element in named]
    return "\n".join(said).replace("\\", "").replace("\xa0", " ")
