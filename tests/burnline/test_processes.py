"""Whole processes: what is on disk after they end, fork, are stopped or are killed; and what importing costs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from written import read

ROOT = Path(__file__).resolve().parents[2]


def start(script: str, directory: Path) -> subprocess.Popen[str]:
    program = f"import sys\nimport burnline\nburnline.configure(sys.argv[1], service='s')\n{script}"
    return subprocess.Popen(
        [sys.executable, "-c", program, str(directory)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def numbers(directory: Path) -> list[Any]:
    return [line["extra"]["n"] for line in read(directory)]


ENDINGS = {
    "the end of the program": ("", 0),
    "sys.exit": ("sys.exit(3)", 3),
    "an exception nobody caught": ("raise RuntimeError('end')", 1),
    "an interrupt": ("import signal; signal.raise_signal(signal.SIGINT)", -signal.SIGINT),
}


@pytest.mark.parametrize(("ending", "code"), ENDINGS.values(), ids=ENDINGS.keys())
def test_everything_recorded_is_on_disk_after(tmp_path: Path, ending: str, code: int) -> None:
    process = start(f"for n in range(2_000): burnline.record(n=n)\n{ending}", tmp_path)
    process.communicate(timeout=60)
    assert process.returncode in (code, 130)
    assert numbers(tmp_path) == list(range(2_000))


def test_records_of_exit_handlers_that_run_after_ours_are_written_too(tmp_path: Path) -> None:
    program = "import atexit, sys\natexit.register(lambda: burnline.record(n=2))\nimport burnline\n"
    program += "burnline.configure(sys.argv[1])\nburnline.record(n=1)"
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True
    )
    assert numbers(tmp_path) == [1, 2]


FORK = """
import os
for n in range(300): burnline.record(n=n)
children = []
for child in range(3):
    pid = os.fork()
    if pid == 0:
        for n in range(100): burnline.record(n=f"child {child} {n}")
        burnline.flush(30)
        os._exit(0)
    children.append(pid)
for n in range(300, 600): burnline.record(n=n)
for pid in children: assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_writes_its_own_file_and_nothing_of_its_parents(tmp_path: Path) -> None:
    _, error = start(FORK, tmp_path).communicate(timeout=60)
    assert error == ""
    expected = [*range(600), *(f"child {child} {n}" for child in range(3) for n in range(100))]
    assert sorted(numbers(tmp_path), key=str) == sorted(expected, key=str)
    assert len(list(tmp_path.iterdir())) == 4


MULTIPROCESSING = """
import multiprocessing
def work(base):
    for n in range(100): burnline.record(n=base + n)
if __name__ == "__main__":
    burnline.record(n=-1)
    context = multiprocessing.get_context(sys.argv[2])
    children = [context.Process(target=work, args=(base,)) for base in (0, 100)]
    for child in children: child.start()
    for child in children: child.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_of_multiprocessing_ends_with_everything_on_disk(tmp_path: Path, method: str) -> None:
    script, directory = tmp_path / "work.py", tmp_path / "logs"
    script.write_text(f"import sys\nimport burnline\nburnline.configure(sys.argv[1])\n{MULTIPROCESSING}")
    subprocess.run(
        [sys.executable, script, directory, method], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, timeout=60
    )
    assert sorted(numbers(directory)) == [-1, *range(200)]


RE_ENTRANT = """
import signal, threading
signal.signal(signal.SIGALRM, lambda *_: burnline.record(n="signal"))
class Last:
    def __del__(self): burnline.record(n="del")
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for n in range(3_000):
    Last()
    burnline.record(n=n)
signal.setitimer(signal.ITIMER_REAL, 0)
print(burnline.flush(30))
"""


def test_records_made_in_signal_handlers_and_finalizers_neither_hang_nor_disturb(tmp_path: Path) -> None:
    output, error = start(RE_ENTRANT, tmp_path).communicate(timeout=60)
    assert (output, error) == ("True\n", "")
    lines = [line for line in read(tmp_path) if line["kind"] == "request"]
    dropped = sum(line["extra"]["dropped"] for line in read(tmp_path) if line["kind"] == "drops")
    found = [line["extra"]["n"] for line in lines]
    assert found.count("del") + sum(isinstance(n, int) for n in found) + found.count("signal") == len(found)
    assert len(found) + dropped >= 6_000
    assert [n for n in found if isinstance(n, int)] == sorted({n for n in found if isinstance(n, int)})


KILLED = """
import threading
pace = threading.Event()
for n in range(1_000_000):
    burnline.record(n=n)
    if n % 10 == 9:
        print(n, flush=True)
        pace.wait(0.01)
"""


@pytest.mark.parametrize("after", [0, 57, 400, 1_000])
def test_kill_loses_less_than_a_thousand_records_and_leaves_whole_lines_and_one_torn_tail_at_most(
    tmp_path: Path, after: int
) -> None:
    process = start(KILLED, tmp_path)
    assert process.stdout is not None
    recorded = 0
    for line in process.stdout:
        recorded = int(line)
        if recorded >= after:
            break
    process.kill()
    for line in process.stdout:  # what it said before it died
        recorded = int(line) if line.endswith("\n") else recorded
    process.communicate()
    for path in tmp_path.iterdir():
        *whole, _torn = path.read_bytes().split(b"\n")
        found = [json.loads(line)["extra"]["n"] for line in whole]
        assert found == list(range(len(found)))
        assert recorded - len(found) < 1_000


IMPORTED = """
import sys
before = set(sys.modules)
import burnline
print(burnline.asgi.RequestLog.__name__)
print(*sorted(set(sys.modules) - before))
"""

DEAR = {
    "asyncio",
    "concurrent",
    "email",
    "http",
    "inspect",
    "logging",
    "multiprocessing",
    "socket",
    "ssl",
    "urllib",
    "uuid",
    "xml",
}
"""What a script that only writes records has no use for; each of these costs milliseconds."""


def test_importing_burnline_loads_the_standard_library_only_and_nothing_dear() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    name, modules = done.stdout.splitlines()
    loaded = {module.partition(".")[0] for module in modules.split()}
    assert name == "RequestLog"
    assert loaded - set(sys.stdlib_module_names) == {"burnline"}
    assert not loaded & DEAR


def test_the_helper_works_where_nothing_else_is_installed(tmp_path: Path) -> None:
    script = "import sys; sys.path.insert(0, sys.argv[1]); import burnline; burnline.configure(sys.argv[2]); "
    script += "burnline.record(n=1)"
    package = tmp_path / "only"
    package.mkdir()
    (package / "burnline").symlink_to(ROOT / "burnline")
    subprocess.run([sys.executable, "-I", "-S", "-c", script, package, tmp_path / "logs"], check=True, timeout=60)
    assert numbers(tmp_path / "logs") == [1]
