"""The numbers others published for real LLM services come out of the same rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from metric_frames import requests

from metrics.classes import classify, count
from metrics.latency import latency, timed
from metrics.rates import rate

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "llmperf-7b-13b"
SERVICES = sorted(path.stem for path in DATA.glob("individual/*.json"))
NAMES = ("p25", "p50", "p75", "p90", "p95", "p99")

pytestmark = pytest.mark.skipif(not SERVICES, reason="the llmperf data is not beside the checkout")


def rows_of(service, field):
    """One request per item: durations in ms, an item with an error code is a failure."""
    items = json.loads((DATA / "individual" / f"{service}.json").read_text())
    return requests(*(
        {
            "execution_time_ms": None if item[field] is None else item[field] * 1000,
            "status": "success" if item["error_code"] is None else "failed",
            "agent_id": service,
        }
        for item in items
    ))  # fmt: skip


@pytest.mark.parametrize("field", ["ttft_s", "end_to_end_latency_s"])
@pytest.mark.parametrize("service", SERVICES)
def test_percentiles(service, field):
    """Published over the requests without error."""
    published = json.loads((DATA / "summary" / f"{service}.json").read_text())
    rows = rows_of(service, field)
    ours = latency(timed(rows.filter(rows["status"] == "success"), 8000.0), names=NAMES).row(0, named=True)
    for name in NAMES:
        assert ours[name] / 1000 == pytest.approx(published[f"results_{field}_quantiles_{name}"], rel=1e-15), name
        assert not ours[f"{name}_at_least"]


@pytest.mark.parametrize("service", SERVICES)
def test_counts_and_error_rate(service):
    published = json.loads((DATA / "summary" / f"{service}.json").read_text())
    counts = count(classify(rows_of(service, "end_to_end_latency_s"), 1e9))
    assert counts.requests == published["results_num_requests_started"]
    assert counts.failed == published["results_number_errors"]
    assert counts.success == published["results_num_completed_requests"]
    assert rate(counts.failed, counts.valid).value == published["results_error_rate"]
