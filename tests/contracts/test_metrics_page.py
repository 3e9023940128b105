"""The pages of metrics: each metric has a formula, a unit, a null rule and a test that pins it, and that test exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = "\n".join((ROOT / "docs" / name).read_text("utf-8") for name in ("metrics.md", "error-budget.md"))
TESTS = {path.name: path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")}
NEEDED = {"metric", "formula", "unit", "null when", "pinned by"}


def tables():
    """Tables of metrics as (line, header cells, row cells)."""
    header: list[str] = []
    for number, line in enumerate(PAGE.splitlines(), 1):
        if not line.startswith("|"):
            header = []
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not header:
            header = cells
        elif header[0] == "metric" and not set(line) <= set("|- :"):
            yield number, header, cells


ROWS = list(tables())


@pytest.mark.parametrize(("number", "header", "cells"), ROWS, ids=[f"{cells[0]} in line {n}" for n, _, cells in ROWS])
def test_a_metric_is_described_in_full(number, header, cells):
    """Only the unit may be empty: a name has none."""
    assert set(header) >= NEEDED, f"line {number}: the table lacks {sorted(NEEDED - set(header))}"
    assert len(cells) == len(header), f"line {number} has {len(cells)} cells under {len(header)} headings"
    row = dict(zip(header, cells, strict=True))
    assert [name for name in ("formula", "null when", "pinned by") if not row[name]] == []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+(?:\.py)?)", PAGE))))
def test_a_test_that_the_page_names_exists(name):
    if name.endswith(".py"):
        assert name in TESTS
    else:
        assert any(f"def {name}" in text or f'"{name}"' in text for text in TESTS.values())
