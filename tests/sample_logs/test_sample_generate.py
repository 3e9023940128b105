"""Writing the sample: same seed, same bytes; refusals; the command; the committed small sample."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from core.errors import UsageError
from sample_logs.generate import generate

ROOT = Path(__file__).resolve().parents[2]
END = datetime(2026, 3, 4, 16, 30, tzinfo=UTC)
SMALL_END = datetime(2026, 3, 4, tzinfo=UTC)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_and_end_give_the_same_bytes(tmp_path):
    """Also when the end is written in another zone; compressed files included."""
    here = END.astimezone(timezone(timedelta(hours=7)))
    generate(tmp_path / "a", days=4, seed=3, end=END, requests=2000)
    generate(tmp_path / "b", days=4, seed=3, end=here, requests=2000)
    first, second = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert first == second
    assert {Path(name).suffix for name in first} == {".jsonl", ".gz", ".zst", ".json"}


def test_another_seed_gives_other_requests(tmp_path):
    generate(tmp_path / "a", days=1, seed=1, end=END, requests=200)
    generate(tmp_path / "b", days=1, seed=2, end=END, requests=200)
    assert contents(tmp_path / "a") != contents(tmp_path / "b")


def test_only_log_files_lie_where_the_reader_looks(sample):
    assert sorted(path.name for path in sample.out.iterdir()) == ["logs", "truth.json"]
    assert {path.name for path in (sample.out / "logs").iterdir()} == set(sample.truth.files)
    assert len(sample.truth.files) <= 16


@pytest.mark.parametrize("requests", [1, 7, 1000])
@pytest.mark.parametrize("days", [1, 3])
def test_exactly_the_asked_number_of_requests_is_written(tmp_path, days, requests):
    truth = generate(tmp_path, days=days, seed=1, end=END, requests=requests)
    assert truth.counts.requests == truth.lines["request"] == requests
    assert all(incident.start >= truth.start for incident in truth.incidents)


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"days": 0}, "both must be at least 1"),
        ({"requests": 0}, "both must be at least 1"),
        ({"end": datetime(2026, 3, 4)}, "has no time zone"),  # noqa: DTZ001 - the fault
    ],
)
def test_a_wrong_number_or_a_time_without_zone_is_refused(tmp_path, wrong, found):
    with pytest.raises(UsageError, match=found):
        generate(tmp_path, **({"days": 1, "seed": 1, "end": END, "requests": 10} | wrong))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_is_never_written_into(tmp_path):
    (tmp_path / "logs").mkdir()
    mine = tmp_path / "logs" / "mine.jsonl"
    mine.write_text("{}\n")
    with pytest.raises(UsageError, match="already holds files"):
        generate(tmp_path, days=1, seed=1, end=END, requests=10)
    assert contents(tmp_path) == {"mine.jsonl": b"{}\n"}


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "sample_logs", *map(str, arguments)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_writes_what_the_function_writes(tmp_path):
    generate(tmp_path / "a", days=1, seed=5, end=END, requests=50)
    result = command("--days", 1, "--seed", 5, "--requests", 50, "--end", END.isoformat(), "--out", tmp_path / "b")
    assert result.returncode == 0, result.stderr
    assert "50 requests" in result.stdout
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((), "--out"),
        (("--out", "{tmp}", "--end", "yesterday"), "is not a time"),
        (("--out", "{tmp}", "--end", "2026-03-04T00:00:00"), "has no time zone"),
        (("--out", "{tmp}", "--days", "0"), "at least 1"),
    ],
)
def test_a_wrong_use_of_the_command_ends_with_2_and_says_why(tmp_path, arguments, found):
    result = command(*(word.format(tmp=tmp_path) for word in arguments))
    assert result.returncode == 2
    assert found in result.stderr
    assert "Traceback" not in result.stderr


def test_the_help_shows_examples():
    result = command("--help")
    assert result.returncode == 0
    assert "python -m sample_logs --out" in result.stdout


def test_the_committed_small_sample_is_what_the_generator_writes(tmp_path):
    """sample_logs/README.md says how to write it anew."""
    generate(tmp_path, days=1, seed=1, end=SMALL_END, requests=110)
    small = contents(ROOT / "sample_logs" / "small")
    assert small == contents(tmp_path / "logs")
    assert sum(content.count(b"\n") for content in small.values()) <= 200
