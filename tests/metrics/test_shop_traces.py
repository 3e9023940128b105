"""Self times on real traces of a microservice shop, in which one pod was disturbed at a time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from metrics.self_time import Span
from metrics.time_spent import Trace, time_spent, usual_times

SHOP = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "onlineboutique-traces"
pytestmark = pytest.mark.skipif(not SHOP.exists(), reason=f"the real traces are not at {SHOP}")
MINUTES = ("12_27", "12_28", "12_53", "13_02", "13_10")


def minute(name):
    """One file as traces whose steps are pods; the root is the request and its own step, too."""
    frame = pl.read_csv(SHOP / "trace" / f"{name}_trace.csv.gz")
    found = []
    for rows in frame.partition_by("TraceID", maintain_order=True):
        root = rows.filter(pl.col("ParentID") == "root").row(0, named=True)
        began = root["StartTimeUnixNano"]
        spans = tuple(
            Span(("step", pod), (start - began) / 1e6, (end - began) / 1e6, own, parent)
            for pod, start, end, own, parent in rows.select(
                "PodName", "StartTimeUnixNano", "EndTimeUnixNano", "SpanID", "ParentID"
            ).iter_rows()
        )
        length = (root["EndTimeUnixNano"] - began) / 1e6
        found.append(Trace(root["TraceID"], length, cut=False, weight=1.0, of=(None, None), spans=spans))
    return found, datetime.fromtimestamp(int(frame["EndTimeUnixNano"].max()) / 1e9, UTC)


@pytest.fixture(scope="module")
def usual():
    return usual_times(minute("fault-free_17_00")[0])


def injected(name):
    """Pod and time of the last fault injected in the minute the file is named after, or in the one before."""
    faults = [
        fault for hour in json.loads((SHOP / "2022-08-23-fault_list.json").read_text()).values() for fault in hour
    ]
    named = datetime.strptime(f"2022-08-23 {name}", "%Y-%m-%d %H_%M").replace(tzinfo=UTC)
    at = {datetime.fromtimestamp(int(fault["inject_timestamp"]), UTC): fault["inject_pod"] for fault in faults}
    last = max(moment for moment in at if (moment.replace(second=0) - named).total_seconds() <= 0)
    return at[last], last


def moved(rows):
    """Pods by how far their mean self time per request lies from usual, either way.

    A fault that raises or returns early makes work shorter, not longer.
    """
    return [row.step[1] for row in sorted(rows, key=lambda row: -abs(row.ms - row.usual_ms)) if row.step is not None]


def test_the_disturbed_pod_is_among_the_three_that_moved_most(usual):
    """In at least four of the five fault minutes.

    Two of these minutes (12:53 and 13:10) end before their fault was injected, and the first holds four seconds of it:
    there the rank says that the pod carries much of the time, not that a fault was found.
    """
    ranks, seen = {}, {}
    for name in MINUTES:
        found, ends = minute(name)
        pod, at = injected(name)
        ranks[name] = moved(time_spent(found, usual)).index(pod) + 1
        seen[name] = (ends - at).total_seconds() > 0
    assert sum(rank <= 3 for rank in ranks.values()) >= 4, ranks
    assert [name for name in MINUTES if not seen[name]] == ["12_53", "13_10"]


def test_self_times_of_real_traces_sum_to_the_requests(usual):
    """138,404 spans with calls in parallel and clocks of ten pods: every millisecond is a pod's or unaccounted for."""
    traces, _ = minute("12_28")
    rows = time_spent(traces, usual)
    assert sum(row.ms for row in rows) == pytest.approx(sum(trace.length for trace in traces) / len(traces))
    assert sum(row.share for row in rows) == pytest.approx(1.0)
    assert len(rows) == 11
