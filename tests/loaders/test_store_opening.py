"""Opening and losing the store: who holds it, what is wrong with it, and that it comes back."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from filling import START, fill, line

from core.errors import StoreLocked, StoreUnusable
from core.selection import Selection
from loaders.database import owner_file
from loaders.store import Store

HOLDER = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


def opened(path: Path) -> Store:
    return Store.open(path, clock=lambda: START)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "b.duckdb"


@pytest.fixture
def holder(path: Path):
    """Another process that holds the store."""
    opened(path).close()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_store_keeps_everything_over_a_restart(path: Path):
    with opened(path) as store:
        after = fill(store, line(), b"bad\n")
        version = store.version
    with opened(path) as store:
        assert store.generations() == [after]
        assert store.version == version
        assert store.requests(Selection()).height == 1
        assert store.quarantine_counts() == {"invalid_json": 1}


def test_a_store_held_by_another_process_names_it(path: Path, holder: subprocess.Popen[bytes]):
    with pytest.raises(StoreLocked, match=f"in use by process {holder.pid}"):
        opened(path)


def test_a_store_held_by_a_dashboard_names_its_address(path: Path, holder: subprocess.Popen[bytes]):
    owner_file(path).write_text(json.dumps({"pid": holder.pid, "url": "http://localhost:8501"}))
    with pytest.raises(StoreLocked, match="the dashboard at http://localhost:8501"):
        opened(path)


@pytest.mark.parametrize("note", ["", "{", "[]", '{"pid": 1, "url": "http://old"}'])
def test_an_owner_note_that_says_nothing_about_the_holder_is_ignored(path: Path, holder, note: str):
    owner_file(path).write_text(note)
    with pytest.raises(StoreLocked, match=f"process {holder.pid}\\. ") as caught:
        opened(path)
    assert "old" not in str(caught.value)


def test_a_damaged_store_says_what_to_do_and_is_left_as_it_is(path: Path):
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreUnusable, match="move it away"):
        opened(path)
    assert path.read_bytes() == b"not a database" * 1000


def test_a_folder_in_place_of_the_store_is_told(path: Path):
    path.mkdir()
    with pytest.raises(StoreUnusable, match="cannot be opened"):
        opened(path)


def test_somebody_elses_database_is_refused_unchanged(path: Path):
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE TABLE theirs (a INTEGER)")
    with pytest.raises(StoreUnusable, match="not one of Burnline's"):
        opened(path)
    with duckdb.connect(str(path)) as other:
        assert other.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("theirs",)]


def test_a_store_of_a_newer_burnline_is_refused_unchanged(path: Path):
    opened(path).close()
    with duckdb.connect(str(path)) as other:
        other.execute("UPDATE store SET schema_version = 99")
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match="tables version 99"):
        opened(path)
    assert path.read_bytes() == before


def test_a_failed_commit_leaves_nothing_and_the_store_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch):
    with opened(path) as store:
        before = fill(store, line())
        reader = store.requests(Selection())

        def fail(*_: object, **__: object) -> None:
            raise duckdb.IOException("IO Error: Could not write: No space left on device")

        monkeypatch.setattr(Store, "_account", fail)
        with pytest.raises(StoreUnusable, match="No space left on device"):
            fill(store, line(), b"bad\n")
        monkeypatch.undo()
        assert store.generations() == [before]
        assert store.requests(Selection()).equals(reader)
        assert store.quarantine_counts() == {}
        assert fill(store, line()).stored == 2


def test_readers_survive_a_database_that_duckdb_gave_up(path: Path):
    with opened(path) as store, ThreadPoolExecutor(3) as readers:
        fill(store, line())
        heights = [readers.submit(lambda: store.requests(Selection()).height) for _ in range(60)]
        for _ in range(10):
            store._database.distrust()
            assert store.freshness().version == store.version
        assert {found.result() for found in heights} == {1}


def test_a_closed_store_says_so(path: Path):
    store = opened(path)
    store.close()
    store.close()
    with pytest.raises(StoreUnusable, match="was closed"):
        store.freshness()


def test_four_readers_and_a_writer_do_not_disturb_each_other(path: Path):
    def read(store: Store) -> bool:
        found = store.requests(Selection(), ["request_id"])["request_id"]
        return len(found) % 2 == 0 and found.n_unique() == len(found)

    with opened(path) as store, ThreadPoolExecutor(4) as readers:
        whole = []
        for _ in range(20):
            whole += [readers.submit(read, store) for _ in range(8)]
            fill(store, line(), line())
        assert all(answer.result() for answer in whole)
        assert store.requests(Selection()).height == 40
