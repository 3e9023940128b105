"""Rows to take along: CSV that a spreadsheet cannot mistake for formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORMULA = r"^[=+\-@\t\r]"


def as_csv(rows: pl.DataFrame) -> bytes:
    """UTF-8 with a mark that spreadsheets know it by; times as ISO 8601 in UTC.

    A text that a spreadsheet would read as a formula gets an apostrophe in front of it.
    """
    texts: Iterable[str] = [name for name, kind in rows.schema.items() if kind == pl.String]
    safe = rows.with_columns(
        pl.when(pl.col(name).str.contains(_FORMULA)).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name in texts
    )
    return safe.write_csv(include_bom=True, datetime_format="%Y-%m-%dT%H:%M:%S%.6f%:z").encode()
