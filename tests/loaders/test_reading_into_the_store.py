"""The tailer and the real store keep one contract: a day in the life of a folder, and the ledger adds up."""

from __future__ import annotations

import gzip
import os

import pytest
import zstandard
from filling import START, line

from loaders.intake import Intake
from loaders.reading import AT_ONCE
from loaders.scan import scan
from loaders.tail import Limits


@pytest.fixture
def look(store, tmp_path):
    """Looks at the folder with a memory as fresh as after a start."""
    (tmp_path / "logs").mkdir()

    def once() -> None:
        intake = Intake(store, clock=lambda: START, limits=Limits(chunk=2000, line=1500), patience=AT_ONCE)
        more = True
        while more:
            _, more = intake.round(scan(tmp_path / "logs"))
        intake.forget()

    return once


def test_a_day_in_the_life_of_a_folder(store, look, tmp_path):
    logs = tmp_path / "logs"
    old = b"".join(line() for _ in range(30))
    new = b"".join(line() for _ in range(5))
    (logs / "a.jsonl").write_bytes(old)
    (logs / "tiếng Việt 🔥.jsonl").write_bytes(b"\xef\xbb\xbf" + line() + b"\r\n" + line()[:-1])
    (logs / os.fsdecode(b"\xff.jsonl")).write_bytes(line(status="lost") + b"x" * 1501 + b"\n")
    look()
    (logs / "copy.jsonl").write_bytes(old + new)
    look()
    (logs / "a.jsonl.1.gz").write_bytes(gzip.compress(old + new))
    (logs / "a.jsonl").unlink()
    (logs / "cut.zst").write_bytes(zstandard.compress(old + line())[:-3])
    look()
    look()
    ledger = {os.fsencode(row["path"].split("/")[-1]): row for row in store.ledger()}
    account = {
        name: tuple(row[key] for key in ("state", "lines", "stored", "quarantined", "duplicates", "blank"))
        for name, row in ledger.items()
    }
    assert account == {
        b"a.jsonl.1.gz": ("done", 35, 30, 0, 5, 0),
        b"copy.jsonl": ("open", 35, 5, 0, 30, 0),
        "tiếng Việt 🔥.jsonl".encode(): ("open", 3, 2, 0, 0, 1),
        b"\\xff.jsonl": ("open", 2, 0, 2, 0, 0),
        b"cut.zst": ("failed", 1, 0, 1, 0, 0),
    }
    assert store.quarantine_counts() == {"damaged_archive": 1, "too_long": 1, "unknown_status": 1}
    assert ledger[b"a.jsonl.1.gz"]["bytes"] == (logs / "a.jsonl.1.gz").stat().st_size
    assert ledger[b"a.jsonl.1.gz"]["offset"] == len(old + new)
    assert store.frame("SELECT count(*) AS n, count(DISTINCT request_id) AS d FROM records").row(0) == (37, 37)
