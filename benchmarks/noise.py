"""How often the default rules wake somebody for nothing, and whether they miss or repeat what is real.

Thirty days of the sample's world without an incident, then the same days with ten incidents planted at random times;
both replayed tick by tick through the checker's own decisions. Deterministic: the same figures in every run.

    python -m benchmarks.noise [--seeds 1 2 3] [--days 30] [--requests 10000] [--min-bad 4] [--settle 20m]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import polars as pl

from alerting.replay import replay
from alerting.rules import compile_rules
from core.selection import FILTER_COLUMNS
from core.settings import parse
from core.timespan import TimeSpan
from metrics.summary import COLUMNS
from sample_logs.generate import _Plan, _requests
from sample_logs.incidents import slow
from sample_logs.world import LANES

END = datetime(2026, 11, 24, tzinfo=UTC)
PLANNER = next(lane for lane in LANES if lane.agent == "planner")
SCHEMA = {
    "timestamp": pl.Datetime("us", "UTC"), "execution_time_ms": pl.Float64, "status": pl.String, "agent_id": pl.String,
    "timeout_ms": pl.Float64, "fallback_used": pl.Boolean, "sample_rate": pl.Float64, "operation": pl.String,
    "model": pl.String, "environment": pl.String, "user_id": pl.String,
}  # fmt: skip


class Days:
    """Generated requests as a source."""

    def __init__(self, rows):
        self.rows = rows

    def requests(self, selection, columns=None):
        found = self.rows
        if selection.span:
            ends = pl.Series([selection.span.start, selection.span.end], dtype=pl.Datetime("us", "UTC"))
            first, last = found["timestamp"].search_sorted(ends, "left")
            found = found.slice(first, last - first)
        for name, value in selection.filters.items():
            found = found.filter(pl.col(FILTER_COLUMNS[name]) == value)
        return found.select(columns or COLUMNS)


def planted(rng, days, count, cut):
    """So many incidents of 30 to 90 minutes, each in a part of the time of its own."""
    end = int(END.timestamp() * 1000)
    part = days * 86_400_000 // count
    found = []
    for number in range(count):
        length = rng.randrange(30, 91) * 60_000
        start = end - days * 86_400_000 + number * part + rng.randrange(part - length - 3_600_000)
        found.append(slow(PLANNER, start, start + length, cut))
    return found


def generated(seed, days, requests, incidents):
    end = int(END.timestamp() * 1000)
    plan = _Plan(end - days * 86_400_000, end, days * requests)
    drawn = [
        (
            moment(each.started), each.took_ms, each.status, each.lane.agent, each.cut_at_ms,
            each.fallback_ms is not None, 1.0, each.lane.operation, each.lane.model and each.lane.model.name,
            "prod", "",
        )
        for each in _requests(Random(seed), plan, incidents)
    ]  # fmt: skip
    return Days(pl.DataFrame(drawn, SCHEMA, orient="row").sort("timestamp"))


def interrupts(source, settings, days, min_bad):
    span = TimeSpan(END - timedelta(days=days), END)
    rules = [
        replace(rule, min_bad=min_bad) if min_bad and rule.severity == "critical" else rule
        for rule in compile_rules(settings).rules
    ]
    return [each for each in replay(source, rules, settings, span).incidents if each.severity != "info"]


def moment(milliseconds):
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def run(seed, days, requests, settings, *, min_bad, cut, count=10):
    quiet = interrupts(generated(seed, days, requests, ()), settings, days, min_bad)
    incidents = planted(Random(f"planted {seed}"), days, count, cut)
    told = interrupts(generated(seed, days, requests, incidents), settings, days, min_bad)
    of_each = [
        [each for each in told if moment(one.start) <= each.opened_at < moment(one.end) + timedelta(minutes=5)]
        for one in incidents
    ]
    known = [each for found in of_each for each in found]
    delays = sorted(
        found[0].opened_at - moment(one.start) for one, found in zip(incidents, of_each, strict=True) if found
    )
    return {
        "quiet": len(quiet),
        "found": sum(bool(found) for found in of_each),
        "twice": sum(len({each.group for each in found}) < len(found) for found in of_each),
        "other": len([each for each in told if each not in known]),
        "delay": delays[len(delays) // 2] if delays else None,
        "slowest": delays[-1] if delays else None,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--requests", type=int, default=10_000, help="a day")
    parser.add_argument("--packs", nargs="+", default=["p3"])
    parser.add_argument("--cut", type=float, default=0.75, help="the share of the planner's requests that is cut")
    parser.add_argument("--min-bad", type=int, help="of critical rules, in place of what the pack says")
    parser.add_argument("--settle", default="10m")
    given = parser.parse_args()
    settings = parse(f"alerting: {{packs: [{', '.join(given.packs)}], settle: {given.settle}}}")
    print(f"{given.days} days, {given.requests:,} requests a day, packs {', '.join(given.packs)}, 10 incidents planted")
    for seed in given.seeds:
        found = run(seed, given.days, given.requests, settings, min_bad=given.min_bad, cut=given.cut)
        print(
            f"seed {seed}: quiet days {found['quiet']} interrupts; planted: {found['found']} of 10 found, "
            f"{found['twice']} told twice, {found['other']} other interrupts, median delay {found['delay']}, "
            f"longest {found['slowest']}",
            flush=True,
        )


if __name__ == "__main__":
    main()
