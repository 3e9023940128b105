"""The house as rules that run: who imports whom, how long a file may be, what a wheel holds."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("burnline", "core", "loaders", "metrics", "alerting", "pages", "sample_logs")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SOURCES = sorted(
    path
    for path in ROOT.rglob("*.py")
    if not {".venv", "data", "build", ".git"} & set(path.relative_to(ROOT).parts) and "egg-info" not in str(path)
)


def test_the_import_contracts_hold():
    """Every contract of pyproject.toml, as import-linter sees it."""
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_the_one_in_this_checkout(room):
    """Generic names exist on package indexes, too; ours must win."""
    module = importlib.import_module(room)
    assert Path(module.__file__).is_relative_to(ROOT)


def test_every_folder_of_a_room_is_a_package():
    """A folder without __init__.py is silently skipped by the import contracts."""
    folders = {path.parent for path in SOURCES if path.relative_to(ROOT).parts[0] in ROOMS}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_no_file_is_longer_than_400_lines():
    """A longer file holds two things."""
    assert [f"{path}: {n}" for path in SOURCES if (n := len(path.read_text("utf-8").splitlines())) > 400] == []


def test_duckdb_is_imported_by_the_store_alone():
    """One owner of the file, one place that speaks SQL."""
    users = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if re.search(r"^\s*(import|from) duckdb", path.read_text("utf-8"), re.MULTILINE)
    }
    outside = {user for user in users if not user.startswith(("loaders/", "tests/", "benchmarks/"))}
    assert outside == set()


def test_no_page_is_written_as_raw_html():
    """Log text is written by strangers; the one way to show it is as text."""
    assert [
        str(path) for path in SOURCES if "tests" not in path.parts and "unsafe_allow_html" in path.read_text("utf-8")
    ] == []


def test_every_test_states_its_rule():
    """In its docstring, or in a name that reads as a sentence: a bare noun is a guess at what it guards."""
    silent = [
        f"{path.relative_to(ROOT)}::{node.name}"
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] == "tests"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
        and len(node.name.split("_")) < 4
    ]
    assert silent == []


def test_every_dependency_carries_its_reason():
    """Who adds a dependency says why, on the same line."""
    extras = SETTINGS["project"]["optional-dependencies"]
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    bare = [name for extra in extras.values() for name in extra if not re.search(rf'"{re.escape(name)}",\s*# \S', text)]
    assert bare == []


def test_the_helper_has_no_dependencies():
    """`pip install burnline` brings one package."""
    assert SETTINGS["project"]["dependencies"] == []


def test_the_lock_pins_hashes_and_names_no_registry():
    """Every requirement has an exact version and a hash; no committed file names a registry's host."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    requirements = re.findall(r"^[A-Za-z0-9].*?(?=^[A-Za-z0-9]|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert requirements
    assert [item.split()[0] for item in requirements if "==" not in item or "--hash=sha256:" not in item] == []
    assert "://" not in lock
    assert "duckdb==1.5.5 " in lock
    assert not (ROOT / "uv.lock").exists()


def test_the_wheel_holds_the_helper_and_nothing_else(tmp_path):
    """Our flat room names must never reach somebody's site-packages."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    result = subprocess.run(build, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
        metadata = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("METADATA"))
    assert {top for top in tops if not top.endswith(".dist-info")} == {"burnline"}
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert required == []
