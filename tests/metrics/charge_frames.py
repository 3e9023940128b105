"""Requests and their calls as frames, for the tests of cost, fallback and time."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from metric_frames import NOW

from core.record import COLUMNS

TYPES = {
    "VARCHAR": pl.String, "JSON": pl.String, "DOUBLE": pl.Float64, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean,
    "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
}  # fmt: skip
SCHEMA = {column.name: TYPES[column.type] for column in COLUMNS}


def frame(rows, **usual):
    """Rows with every column a record can have; what neither a row nor `usual` says is null."""
    return pl.DataFrame(
        [{name: (usual | row).get(name) for name in SCHEMA} for row in rows], schema=SCHEMA, orient="row"
    )


def asked(*rows):
    """Requests r0, r1, ... of one second each, a minute apart, that called `mini`."""
    usual = {"execution_time_ms": 1000.0, "status": "success", "agent_id": "planner", "sample_rate": 1.0}
    filled = [{"request_id": f"r{n}", "timestamp": NOW + timedelta(minutes=n), **row} for n, row in enumerate(rows)]
    return frame(filled, kind="request", model="mini", **usual)


def called(*rows):
    """Calls of r0 unless they say otherwise, a tenth of a second apart."""
    filled = [{"timestamp": NOW + timedelta(milliseconds=100 * n), **row} for n, row in enumerate(rows)]
    return frame(filled, kind="llm", request_id="r0", status="success", operation="chat", model="mini")
