"""A process that is killed at any moment loses nothing and stores nothing twice.

BURNLINE_KILLS and BURNLINE_KILL_LINES make the campaign longer.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loaders.store import Store

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("BURNLINE_KILLS", "6"))
LINES = int(os.environ.get("BURNLINE_KILL_LINES", "60000"))
FILES = 4
START = datetime(2026, 11, 24, tzinfo=UTC)

CHUNK = 100_000
COMMITS = LINES // 730 // KILLS
"""Between two kills on average, so that they spread over all the lines."""

INGEST = f"""
import sys
from pathlib import Path
from core.timespan import utc_now
from loaders.intake import Intake
from loaders.reading import AT_ONCE
from loaders.scan import scan
from loaders.store import Store
from loaders.tail import Limits

class Telling(Store):
    def append(self, chunk):
        done = super().append(chunk)
        print("committed", flush=True)
        return done

with Telling.open(Path(sys.argv[1]), clock=utc_now) as store:
    intake = Intake(store, clock=utc_now, limits=Limits(chunk={CHUNK}, line=50_000), patience=AT_ONCE)
    more = True
    while more:
        _, more = intake.round(scan(Path(sys.argv[2])))
print("done", flush=True)
"""


def test_kill_9_at_random_moments_loses_nothing_and_stores_nothing_twice(tmp_path):
    inbox, path = tmp_path / "logs", tmp_path / "burnline.duckdb"
    inbox.mkdir()
    written = {inbox / f"{writer}.jsonl": write(inbox / f"{writer}.jsonl", writer) for writer in range(FILES)}
    random_moments = random.Random(20261124)
    whole = stored = kills = 0
    grew = []
    while kills < KILLS:
        process = subprocess.Popen(
            [sys.executable, "-c", INGEST, str(path), str(inbox)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told = ""
        for _ in range(random_moments.randint(0, 2 * COMMITS)):
            told = process.stdout.readline()
            if told != "committed\n":
                break
        try:
            process.wait(timeout=random_moments.uniform(0, 0.1) if told != "done\n" else None)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        else:
            assert "done\n" in (told, *process.stdout)
            whole += 1
            grow(written)  # it was faster than the kills: there are more lines now
        process.stdout.close()
        before, stored = stored, check(path, written, complete=False)
        assert stored >= before, "committed rows went away"
        grew.append(stored - before)
    subprocess.run([sys.executable, "-c", INGEST, str(path), str(inbox)], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    total = check(path, written, complete=True)
    assert total == sum(written.values()) >= LINES
    print(f"{kills} kills, {whole} undisturbed runs, {total:,} lines; committed before each kill: {grew}")


def check(path: Path, written: dict[Path, int], *, complete: bool) -> int:
    """Rows = offset for every file, each row once; all of them when `complete`."""
    with Store.open(path, clock=lambda: START) as store:
        rows = store.frame("SELECT request_id FROM records")
        generations = {g.path: g for g in store.generations()}
    ids = Counter(rows["request_id"].to_list())
    assert not [name for name, times in ids.items() if times > 1]
    for file, lines in written.items():
        found = generations.get(file)
        there = {name for name in ids if name.startswith(f"{file.stem}-")}
        assert there == {f"{file.stem}-{seq}" for seq in range(len(there))}, "a gap"
        if found is None:
            assert not there
            assert not complete
            continue
        with file.open("rb") as content:
            read = content.read(found.offset)
        assert read.count(b"\n") == found.lines == found.stored == len(there)
        assert not complete or found.lines == lines
    assert len(generations) <= FILES
    return len(ids)


def write(path: Path, writer: int, first: int = 0, lines: int = LINES // FILES) -> int:
    """Append lines numbered from `first`; how many the file has then."""
    with path.open("ab") as file:
        for seq in range(first, first + lines):
            moment = START + timedelta(milliseconds=seq)
            file.write(
                b'{"v":1,"request_id":"%d-%d","timestamp":"%s","execution_time_ms":%d,"status":"success","agent_id":"%d"}\n'
                % (writer, seq, moment.isoformat().encode(), seq % 9000, writer)
            )
    return first + lines


def grow(written: dict[Path, int]) -> None:
    for path, lines in written.items():
        written[path] = write(path, int(path.stem), lines)
