"""How long one look at 200 rules takes: each judged for 50 groups and all others together, over 10 million requests.

The rules ask seven metrics of windows from five minutes to six hours, told apart by agent and operation (65 groups), at
limits of their own. A look is `alerting.evaluate.evaluate` itself at a moment of its own, 15 s after the one before; a
tick is what the checker does with it as well: decide, fold into incidents, write the state file.

    python -m benchmarks.alerts                    a store of 10 million requests is made, 1 GB
    python -m benchmarks.alerts --store FILE       a store that was made before, and is kept

The peer is the plain way, one question per rule: its window, grouped, by DuckDB's own aggregates over the same store.
What both say is compared, rule by rule and group by group. Medians of five after one to warm up, by the clock and of
CPU (all threads): where others work on the machine, the CPU says more.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerting.decide import Instance
from alerting.evaluate import Known, evaluate
from alerting.round import Moment, run
from alerting.rules import OTHERS, Rule, compile_rules
from alerting.state import StateFile
from benchmarks.overview import END, MILLION, make_store, roll
from core.selection import Freshness
from core.settings import parse
from core.timespan import micros
from loaders.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

RULES, RUNS = 200, 5
TICK = timedelta(seconds=15)
WINDOWS = ("5m", "15m", "30m", "1h", "6h")
CONDITIONS = (
    "timeout_rate > {n}%", "error_rate > {n}%", "success_rate < {m}%", "p95 > {n}s", "p99 > {n}s",
    "timeouts_per_second > {n}/min", "requests_per_second > {n}/s",
)  # fmt: skip
_VALID = "status IN ('success', 'timeout', 'failed')"
_CUT = "(status = 'timeout' OR execution_time_ms > 8000)"
PLAIN = {
    "timeout_rate": f"count(*) FILTER (WHERE {_CUT}) / count(*) FILTER (WHERE {_VALID})",
    "error_rate": f"count(*) FILTER (WHERE status = 'failed' AND NOT {_CUT}) / count(*) FILTER (WHERE {_VALID})",
    "success_rate": f"count(*) FILTER (WHERE status = 'success' AND NOT {_CUT}) / count(*) FILTER (WHERE {_VALID})",
    "p95": f"quantile_cont(execution_time_ms, 0.95) FILTER (WHERE {_VALID})",
    "p99": f"quantile_cont(execution_time_ms, 0.99) FILTER (WHERE {_VALID})",
    "timeouts_per_second": f"count(*) FILTER (WHERE {_CUT}) / {{seconds}}",
    "requests_per_second": "count(*) / {seconds}",
}


def rules_text() -> str:
    """The settings with all rules."""
    lines = ["alerting: {packs: [], delay: 0s}", "digest: {enabled: false}", "alerts:"]
    for number in range(RULES):
        condition = CONDITIONS[number % len(CONDITIONS)].format(n=1 + number % 9, m=90 + number % 9)
        window = WINDOWS[number // len(CONDITIONS) % len(WINDOWS)]
        lines.append(
            f"  - {{name: rule_{number}, condition: '{condition}', window: {window}, for: 5m, min_samples: 1, "
            f"min_bad: 0, group_by: [agent, operation], family: family_{number % 20}}}"
        )
    return "\n".join(lines)


def plainly(store: Store, rules: tuple[Rule, ...], end: Any) -> dict[str, set[tuple[str, str]]]:
    """The groups that breach each rule, by one query per rule."""
    found = {}
    for rule in rules:
        part = rule.condition.comparisons[0]
        value = PLAIN[part.metric.name].format(seconds=rule.window.total_seconds())
        rows = store.frame(
            f"SELECT agent_id, operation FROM records WHERE kind = 'request' AND timestamp > make_timestamptz(?) AND "
            f"timestamp <= make_timestamptz(?) GROUP BY ALL HAVING {value} {part.op} {part.limit!r}",
            [micros(end - rule.window), micros(end)],
        )
        found[rule.name] = set(rows.iter_rows())
    return found


def timed(work: Callable[[int], Any]) -> tuple[float, float]:
    """Median seconds of RUNS runs after one to warm up, by the clock and of CPU."""
    taken = []
    for number in range(RUNS + 1):
        clock, cpu = time.perf_counter(), time.process_time()
        work(number)
        taken.append((time.perf_counter() - clock, time.process_time() - cpu))
    return statistics.median(each[0] for each in taken[1:]), statistics.median(each[1] for each in taken[1:])


def measure(path: Path) -> None:
    """Print what one look and one tick take, and the plain way."""
    settings = parse(rules_text())
    compiled = compile_rules(settings)
    assert len(compiled.rules) == RULES, compiled.problems
    rules, fresh = compiled.rules, Freshness(END, END, 1)
    with Store.open(path, clock=lambda: END) as store, tempfile.TemporaryDirectory() as folder:
        extent = store.size()
        roll(store, END)
        agree(store, rules, settings)
        known = Known()
        look = timed(lambda number: evaluate(store, rules, settings, END + TICK * number, fresh, known=known))
        state = StateFile.open(Path(folder) / "state.sqlite")
        tick = timed(lambda number: run(state, Moment(store, rules, settings, END + TICK * number, fresh, known)))
        with state.transaction() as db:
            (active,) = db.execute("SELECT count(*) FROM instances WHERE state != 'ok'").fetchone()
        state.close()
        peer = timed(lambda number: plainly(store, rules, END + TICK * number))
    print(
        f"{RULES} rules x 50 groups (and the rest) over {extent / MILLION:.1f} million requests, {active} groups not ok"
    )
    for name, (clock, cpu) in (("look", look), ("tick", tick), ("one query per rule", peer)):
        print(f"  {name:20} {clock:6.2f} s by the clock, {cpu:6.2f} s of CPU")
    print(f"  the plain way takes {peer[0] / look[0]:.1f} times as long, and {peer[1] / look[1]:.1f} times the CPU")


def agree(store: Store, rules: tuple[Rule, ...], settings: Any) -> None:
    """Both ways find the same groups of those judged one by one; windows read from roll-ups round percentiles."""
    before = {}
    plain = plainly(store, rules, END)
    for rule in rules:  # a group with something going on is always told
        for agent, operation in plain[rule.name]:
            instance = rule.of_group((("agent", agent), ("operation", operation)))
            before[instance.key] = Instance(instance.key, instance.hash, "pending")
    seen = evaluate(store, rules, settings, END, Freshness(END, END, 1), known=Known(before))
    ours: dict[str, set[tuple[str | None, ...]]] = {rule.name: set() for rule in rules}
    for found in seen:
        if found.outcome == "true" and found.rule.labels not in ((), OTHERS):
            ours[found.rule.name].add(tuple(value for _, value in found.rule.labels))
    for rule in rules:
        exact = rule.window <= timedelta(hours=1) or not rule.condition.comparisons[0].metric.name.startswith("p")
        assert not exact or ours[rule.name] == plain[rule.name], f"{rule.name}: {ours[rule.name] ^ plain[rule.name]}"


def main() -> None:
    """Measure over a store of one's own or a given one."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--store", type=Path, help="a store made by `benchmarks.overview.make_store`")
    asked.add_argument("--millions", type=float, default=10)
    told = asked.parse_args()
    if told.store:
        measure(told.store)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.duckdb"
        make_store(path, int(told.millions * MILLION))
        measure(path)


if __name__ == "__main__":
    main()
