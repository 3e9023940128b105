"""Real lines of real loggers and exporters, and what each is taken for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from filling import fill, line, record

from core.selection import Selection
from loaders.decode import decode
from loaders.formats import FORMATS, detect
from loaders.refusal import Refused
from loaders.store import Store
from loaders.validate import row

CLIENTS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "clients"
OTLP_EXAMPLE = CLIENTS.parent / "otlp-json" / "trace.json"
needs_clients = pytest.mark.skipif(not CLIENTS.exists(), reason="the real log files are not beside this checkout")


def reasons(store: Store) -> dict[str, int]:
    return store.quarantine_counts()


@needs_clients
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("structlog", "flat"),
        ("python-json-logger", "flat"),
        ("python-json-logger-timestamp", "flat"),
        ("uvicorn-json", "flat"),
        ("otlp-json-file", "otlp"),
    ],
)
def test_the_content_says_which_format_a_real_file_has(name: str, expected: str):
    assert detect((CLIENTS / f"{name}.jsonl").read_bytes()[:65536]) == expected


@pytest.mark.parametrize(
    ("first_lines", "expected"),
    [
        (b"", "v1"),
        (b"\n\nnonsense\n" + line(), "v1"),
        (b"\xef\xbb\xbf" + line(), "v1"),
        (line(v=...), "v1"),
        (b'{"resourceLogs":[]}\n', "otlp"),
        (b'{"level":"info","event":"started"}\n' + line(), "flat"),
        (line(event="request.completed")[:40], "v1"),
    ],
)
def test_a_format_is_found_by_the_first_line_that_claims_one(first_lines: bytes, expected: str):
    assert detect(first_lines) == expected


@needs_clients
def test_structlog_lines_with_the_required_fields_are_requests_and_the_others_say_what_they_lack(store: Store):
    after = fill(store, (CLIENTS / "structlog.jsonl").read_bytes(), format_name="flat")
    assert (after.lines, after.stored, after.quarantined) == (3, 1, 2)
    found = store.requests(Selection(), ["request_id", "agent_id", "model", "extra"]).row(0, named=True)
    assert (found["request_id"], found["agent_id"], found["model"]) == ("req-1", "planner", "gpt-4o-mini")
    assert json.loads(found["extra"]) == {"event": "request.completed", "level": "info"}
    details = [str(bad["detail"]) for bad in store.quarantine()]
    assert all("agent_id is absent" in detail for detail in details)
    assert "execution_time_ms is absent" in details[0]


@needs_clients
def test_a_local_time_without_zone_is_refused_with_the_remedy(store: Store):
    good = json.loads((CLIENTS / "python-json-logger.jsonl").read_bytes().splitlines()[0])
    fill(store, json.dumps({**good, "agent_id": "a"}).encode() + b"\n", format_name="flat")
    (bad,) = store.quarantine()
    assert bad["reason"] == "timestamp_without_zone"
    assert "offset" in str(bad["detail"])


@needs_clients
def test_ordinary_log_lines_are_counted_as_such_and_never_stored(store: Store):
    after = fill(store, (CLIENTS / "uvicorn-json.jsonl").read_bytes(), format_name="flat")
    assert (after.lines, after.stored, after.quarantined) == (13, 0, 13)
    assert reasons(store) == {"not_a_record": 13}


@pytest.mark.parametrize("key", ["time", "ts", "@timestamp", "asctime"])
def test_the_time_is_found_under_the_name_a_logger_gives_it(key: str):
    made = {**record(timestamp=...), "event": "done", key: "2026-11-24T02:23:46Z"}
    (found,) = FORMATS["flat"](made)
    assert found["timestamp"] == "2026-11-24T02:23:46Z"
    assert key not in found


@pytest.mark.parametrize("key", ["exception", "exc_info"])
def test_the_traceback_of_a_logger_becomes_the_stack_of_the_error(key: str):
    (found,) = FORMATS["flat"]({**record(status="failed"), "event": "failed", key: "Traceback ..."})
    assert (found["error_stack"], key in found) == ("Traceback ...", False)


@needs_clients
def test_a_real_otlp_batch_gives_one_request_per_server_span_and_the_others_as_its_steps(store: Store):
    after = fill(store, (CLIENTS / "otlp-json-file.jsonl").read_bytes(), format_name="otlp")
    assert (after.lines, after.stored) == (1, 1)
    rows = store.frame("SELECT * FROM records ORDER BY timestamp, span_id")
    assert rows["kind"].value_counts(sort=True).rows() == [("step", 6), ("request", 3), ("llm", 3)]
    requests = rows.filter(kind="request").sort("timestamp")
    assert requests["status"].to_list() == ["success", "failed", "failed"]
    assert requests["error_code"].to_list() == [None, "HTTP_503", "HTTP_500"]
    assert requests["error_message"].to_list() == [None, None, "boom"]
    assert requests["operation"].unique().to_list() == ["GET /orders/{oid}"]
    assert requests["agent_id"].unique().to_list() == ["orders-api"]
    assert requests["execution_time_ms"][0] == pytest.approx(5.993921, abs=1e-9)
    assert str(requests["timestamp"][0]) == "2026-11-24 02:28:28.386102+00:00"
    llm = rows.filter(kind="llm")
    assert llm.select("model", "tokens_input", "tokens_output", "operation").unique().rows() == [
        ("gpt-4o-mini", 812, 96, "chat")
    ]
    assert set(llm["request_id"]) == set(requests["request_id"])
    assert "RuntimeError: boom" in requests["error_stack"][2]


@pytest.mark.skipif(not OTLP_EXAMPLE.exists(), reason="the official OTLP examples are not beside this checkout")
def test_the_official_otlp_example_is_one_request_with_lower_case_ids(store: Store):
    text = json.dumps(json.loads(OTLP_EXAMPLE.read_text())).encode() + b"\n"
    fill(store, text, format_name=detect(text))
    found = store.requests(Selection(), ["trace_id", "execution_time_ms", "service", "extra"]).row(0, named=True)
    assert found["trace_id"] == "5b8efff798038103d269b633813fc60c"
    assert (found["execution_time_ms"], found["service"]) == (1000.0, "my.service")
    assert json.loads(found["extra"])["my.span.attr"] == "some value"


def span(**fields: object) -> dict[str, object]:
    made = {
        "traceId": "a" * 32,
        "spanId": "b" * 16,
        "name": "work",
        "kind": 2,
        "startTimeUnixNano": "1795487308386102368",
        "endTimeUnixNano": "1795487308392096289",
        **fields,
    }
    return {"resourceSpans": [{"scopeSpans": [{"spans": [made]}]}]}


def attribute(key: str, value: object) -> dict[str, object]:
    return {"attributes": [{"key": key, "value": {"intValue" if isinstance(value, int) else "stringValue": value}}]}


@pytest.mark.parametrize(
    ("fields", "status", "error_code"),
    [
        ({}, "success", None),
        (attribute("http.response.status_code", 200), "success", None),
        (attribute("http.response.status_code", 404), "rejected", "HTTP_404"),
        (attribute("http.response.status_code", 504), "timeout", "HTTP_504"),
        (attribute("http.status_code", 500), "failed", "HTTP_500"),
        ({"status": {"code": 2, "message": "no"}}, "failed", "ERROR"),
        (
            {"status": {"code": "STATUS_CODE_ERROR"}, **attribute("error.type", "TimeoutError")},
            "timeout",
            "TimeoutError",
        ),
        (attribute("rpc.grpc.status_code", 4), "timeout", "GRPC_4"),
        (attribute("rpc.grpc.status_code", 1), "cancelled", "GRPC_1"),
    ],
)
def test_how_a_span_ended(fields: dict[str, object], status: str, error_code: str | None):
    (found,) = FORMATS["otlp"](span(**fields))
    assert (found["status"], found.get("error_code")) == (status, error_code)
    assert row(found)


@pytest.mark.parametrize(
    ("batch", "reason"),
    [
        ({"resourceSpans": []}, "not_a_record"),
        ({"resourceLogs": [{}]}, "not_a_record"),
        ({"resourceSpans": 5}, "bad_type"),
        ({"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "x"}]}]}]}, "bad_type"),
        (span(startTimeUnixNano="0"), "bad_timestamp"),
        (span(startTimeUnixNano="soon"), "bad_type"),
        (span(traceId=None), "bad_type"),
    ],
)
def test_a_batch_that_is_no_batch_of_spans_is_refused(batch: dict[str, object], reason: str):
    with pytest.raises(Refused) as caught:
        FORMATS["otlp"](decode(json.dumps(batch).encode()))
    assert caught.value.reason == reason


def test_a_root_span_is_the_request_of_a_trace_without_a_server_span():
    (root,) = FORMATS["otlp"](span(kind=1))
    (child,) = FORMATS["otlp"](span(kind=1, parentSpanId="c" * 16))
    assert (root["kind"], child["kind"]) == ("request", "step")


def test_an_otlp_line_is_a_duplicate_only_when_every_span_is_known(store: Store):
    one, two = span(), span(spanId="d" * 16)
    both = {"resourceSpans": [*one["resourceSpans"], *two["resourceSpans"]]}
    lines = [json.dumps(batch).encode() + b"\n" for batch in (one, both, two)]
    after = fill(store, *lines, format_name="otlp")
    assert (after.lines, after.stored, after.duplicates) == (3, 2, 1)
    assert store.requests(Selection()).height == 2
