"""Rows to take along: Parquet, and CSV that a spreadsheet cannot mistake for formulas."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from metrics.csv import as_csv

if TYPE_CHECKING:
    import polars as pl

__all__ = ["as_csv", "as_parquet"]


def as_parquet(rows: pl.DataFrame) -> bytes:
    """The rows as they are, every column with its type."""
    file = io.BytesIO()
    rows.write_parquet(file)
    return file.getvalue()
