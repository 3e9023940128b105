"""A real store behind the interfaces pages know, for pages that read more than requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from fake_engine import FakeEngine
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from core import services
from core.settings import Settings
from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store

HOSTILE = "<b>**x**</b> `y` $z$"
MAIN = str(Path(__file__).resolve().parents[2] / "pages" / "main.py")


def lines(
    count: int, *, ago: timedelta = timedelta(seconds=30), every: timedelta = timedelta(seconds=20), **fields: object
) -> list[dict[str, object]]:
    """Requests r0, r1, ... the newest `ago` before now, each with these fields."""
    end = datetime.now(UTC) - ago
    usual = {"v": 1, "execution_time_ms": 900.0, "status": "success", "agent_id": "planner", "operation": "answer"}
    return [usual | {"request_id": f"r{n}", "timestamp": (end - every * n).isoformat()} | fields for n in range(count)]


def records(frame: pl.DataFrame) -> list[dict[str, object]]:
    """Requests of a frame (`fake_engine.requests`) as log records."""
    return [
        {"v": 1}
        | {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in row.items()
            if value is not None
        }
        for row in frame.iter_rows(named=True)
    ]


def append(store: Store, records: list[dict[str, object]], *, broken: bytes = b"") -> None:
    """Commit these records, and the broken lines after them, as one file."""
    data = "".join(json.dumps({"v": 1} | one) + "\n" for one in records).encode() + broken
    account = store.open_generation(Path(f"{len(store.ledger())}.jsonl"), Identity(0, len(store.ledger())), "v1")
    store.append(Chunk(account.id, 0, 1, data, Windows(), len(data)))


def visit(on: Store | FakeEngine, url_path: str, /, settings: Settings | None = None, **query: str) -> AppTest:
    """The page at this path, over a store or an engine, after its first run."""
    services.publish(on if isinstance(on, FakeEngine) else FakeEngine(on, settings))  # type: ignore[arg-type]
    return opened(url_path, query).run()


def opened(url_path: str, query: Mapping[str, str]) -> AppTest:
    """The page at this path, before its first run."""
    test = AppTest.from_file(MAIN, default_timeout=30)
    for name, value in {"lang": "en", **query}.items():
        test.query_params[name] = value
    if url_path:
        test._page_hash = calc_hash(url_path)  # AppTest has no other way to open a page of st.navigation
    return test


def words(page: AppTest) -> str:
    """Everything the page says outside of tables and charts."""
    said = [*page.header, *page.subheader, *page.markdown, *page.text, *page.caption, *page.code, *page.info]
    shown = [str(element.value) for element in said]
    shown += [f"{metric.label}: {metric.value}" for metric in page.metric]
    shown += [element.proto.label for element in page.get("page_link")]
    shown += [folded.label for folded in page.expander]
    return "\n".join(shown).replace("\\", "").replace("\xa0", " ")
