"""The golden lines of the format: what the helper writes, byte for byte, and what every reader must read."""

from __future__ import annotations

import itertools
import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from burnline.line import FIELDS, KINDS, STATUSES, encode
from core import record

FILE = Path(__file__).resolve().parents[2] / "sample_logs" / "contract" / "v1.jsonl"
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "log-format.md"
MOMENT = 1_772_442_900.25  # 2026-03-02T09:15:00.25Z
DEFAULTS = {"service": "report-api", "environment": "production"}
HANOI = timezone(timedelta(hours=7))

INPUTS: tuple[dict[str, object], ...] = (
    {"request_id": "r-1", "execution_time_ms": 1250.5, "status": "success", "agent_id": "researcher"},
    {
        "request_id": "r-2",
        "timestamp": datetime(2026, 3, 2, 16, 15, 1, 500, HANOI),
        "execution_time_ms": 8000.4,
        "status": "timeout",
        "agent_id": "researcher",
        "operation": "analyze_document",
        "error_code": "API_TIMEOUT",
        "error_message": "analyze_document was cut after 8 s",
        "timeout_type": "api",
        "timeout_ms": 8000,
        "fallback_used": True,
        "fallback_ok": True,
        "fallback_ms": 12.25,
    },
    {"request_id": "r-3", "status": "timeout", "agent_id": "researcher", "error_code": "GRAPH_TIMEOUT"},
    {
        "request_id": "r-4",
        "timestamp": "2026-03-02T09:15:02Z",
        "execution_time_ms": 310,
        "status": "failed",
        "agent_id": "risk-analyst",
        "operation": "flag_risks",
        "error_code": "ValueError",
        "error_message": 'the model said "no"',
        "error_stack": 'Traceback (most recent call last):\n  File "app.py", line 7\nValueError: the model said "no"\n',
        "fallback_used": True,
        "fallback_ok": False,
        "fallback_ms": 3,
    },
    {"request_id": "r-5", "execution_time_ms": 40, "status": "cancelled", "agent_id": "researcher"},
    {
        "request_id": "r-6",
        "execution_time_ms": 2,
        "status": "rejected",
        "agent_id": "gateway",
        "operation": "/runs/wait",
        "method": "POST",
        "http_status": 429,
    },
    {
        "request_id": "r-7",
        "timestamp": 1_772_442_905,
        "execution_time_ms": 5400,
        "status": "success",
        "agent_id": "phân-tích",
        "operation": "analyze_document",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id": "00f067aa0ba902b7",
        "parent_span_id": "b7ad6b7169203331",
        "feature": "báo cáo quý",
        "model_version": "2026-02-14",
        "prompt_version": "v12",
        "user_id": "u-88",
        "session_id": "s-3",
        "model": "gpt-4o-mini",
        "tokens_used": {"input": 1500, "output": 800},
        "cost_usd": 0.045,
        "billed": True,
        "eval_score": {"accuracy": 0.92, "relevance": 0.88},
        "confidence": 0.81,
        "hallucination": False,
        "sources": [{"document": "Báo cáo tài chính 2025.pdf", "page": 14}],
        "disclaimer": True,
        "prompt": "Tóm tắt báo cáo này giúp tôi",
        "response": "Doanh thu tăng 12 % so với cùng kỳ 🙂",
        "sample_rate": 0.2,
        "tenant": "ngân hàng",
        "retries": 2,
    },
    {
        "kind": "llm",
        "request_id": "r-7",
        "timestamp": "2026-03-02T09:15:06+00:00",
        "execution_time_ms": 2340,
        "status": "success",
        "agent_id": "phân-tích",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "parent_span_id": "00f067aa0ba902b7",
        "operation": "chat",
        "model": "gpt-4o-mini",
        "tokens_used": {"input": 1500, "output": 800},
        "cost_usd": 0.045,
    },
    {
        "kind": "tool",
        "request_id": "r-7",
        "execution_time_ms": 90.5,
        "status": "failed",
        "operation": "exchange_rates",
        "error_code": "HTTP_503",
        "parent_span_id": "00f067aa0ba902b7",
    },
    {
        "kind": "retrieval",
        "request_id": "r-7",
        "execution_time_ms": 41,
        "status": "success",
        "operation": "search_filings",
        "span_id": "53995c3f42cd8ad8",
        "sources": [{"document": "10-K.pdf", "page": 3}, {"document": "Q4.pdf", "page": None}],
    },
    {"kind": "step", "request_id": "r-7", "execution_time_ms": 7.125, "status": "success", "operation": "plan"},
    {
        "kind": "eval",
        "request_id": "r-7",
        "eval_score": {"accuracy": 1, "faithfulness": 0.75},
        "hallucination": True,
        "evaluator": "nightly",
    },
    {"kind": "feedback", "request_id": "r-7", "feedback": -1, "user_id": "u-88", "comment": "thiếu số liệu"},
    {"kind": "deploy", "model_version": "2026-03-01", "prompt_version": "v13", "commit": "9f2c1e7"},
    {"kind": "host", "host": "api-1", "cpu_percent": 71.5, "memory_bytes": 1_610_612_736},
    {
        "kind": "drops",
        "dropped": 12,
        "from": "2026-03-02T09:14:58.000000+00:00",
        "to": "2026-03-02T09:14:59.000000+00:00",
        "reason": "queue full",
    },
    {
        "request_id": "r-8",
        "execution_time_ms": 9,
        "agent_id": "researcher",
        "note": 'quotes " and \\ and \t and \x00 and \u2028',
        "extra": {"nested": {"list": [1, 2.5, None, True, "x"]}},
    },
)


def golden() -> bytes:
    """The lines the helper writes for INPUTS, with a fixed clock and counted ids."""
    counter = itertools.count(1)
    return b"".join(encode(fields, MOMENT, DEFAULTS, lambda name: f"{name}-{next(counter)}") for fields in INPUTS)


def test_the_helper_writes_the_golden_lines_byte_for_byte() -> None:
    assert golden().decode() == FILE.read_text(encoding="utf-8")


def test_golden_lines_show_every_kind_every_status_and_every_field() -> None:
    lines = [json.loads(line) for line in FILE.read_text(encoding="utf-8").split("\n")[:-1]]
    assert {line["kind"] for line in lines} == set(record.KINDS)
    assert {line["status"] for line in lines if "status" in line} == set(record.STATUSES)
    assert {key for line in lines for key in line} == record.LINE_KEYS


def test_the_helper_and_the_store_know_the_same_fields_kinds_and_statuses() -> None:
    assert {"v", *FIELDS, "extra"} == record.LINE_KEYS
    assert KINDS == record.KINDS
    assert STATUSES == record.STATUSES


def test_every_stored_column_kind_and_status_is_documented() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    names = [column.path[0] if column.path else column.name for column in record.COLUMNS]
    missing = [name for name in (*names, *record.KINDS, *record.STATUSES) if f"`{name}`" not in document]
    assert not missing


def test_the_documented_examples_are_lines_of_the_format() -> None:
    blocks = DOCUMENT.read_text(encoding="utf-8").split("```json\n")[1:]
    examples = [line for block in blocks for line in block.split("```")[0].strip().split("\n")]
    assert len(examples) >= len(record.KINDS)
    for example in examples:
        line = json.loads(example)
        assert line.keys() <= record.LINE_KEYS, example
        assert line["kind"] in record.KINDS, example


if __name__ == "__main__":
    sys.stdout.buffer.write(golden())
