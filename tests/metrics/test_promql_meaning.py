"""What the team's PromQL means beside Burnline's numbers, asked of the real promtool.

Ten lines, few enough to count by hand, stand behind `/metrics` at two moments one hour apart. Where Prometheus
only subtracts counters, both must say the same; where it extrapolates or interpolates, what it says is derived here by
hand from its documentation of `increase` and `histogram_quantile`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from metric_frames import NOW
from prometheus_client.parser import text_string_to_metric_families

from core.selection import Selection
from core.settings import parse
from core.timespan import TimeSpan
from loaders.chunk import Chunk, Identity, Windows
from loaders.store import Store
from metrics.answer import answer
from metrics.exposition import EDGES_MS, prometheus_text

pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian's package prometheus has it)"
)
HOUR = timedelta(hours=1)
SETTINGS = parse("")


def line(name, agent, status, took_ms, **more):
    """One request, by what it is called; its name starts with the minute after 05:00 in which it began."""
    began = NOW - 2 * HOUR + timedelta(minutes=int(name.split("-")[0]))
    record = {"v": 1, "request_id": name, "timestamp": began.isoformat(), "agent_id": agent, "status": status}
    return json.dumps(record | {"execution_time_ms": took_ms, "operation": "answer"} | more) + "\n"


BEFORE = [
    line("10-a", "planner", "success", 900.0),
    line("20-b", "planner", "success", 900.0),
    line("30-c", "planner", "timeout", 8005.0, timeout_type="API_TIMEOUT"),
    line("40-d", "writer", "failed", 200.0, error_code="UPSTREAM_503"),
]
BETWEEN = [
    line("70-e", "planner", "success", 900.0, sample_rate=0.25),  # stands for 4
    line("75-f", "planner", "timeout", 8005.0, timeout_type="API_TIMEOUT"),
    line("80-g", "search", "timeout", None, timeout_type="API_TIMEOUT"),  # an agent never seen before
    line("85-h", "writer", "failed", 200.0, error_code="UPSTREAM_503"),
    line("90-i", "writer", "success", 9000.0),  # over the limit: a timeout
    line("95-j", "planner", "cancelled", 300.0),  # not valid
]


class Fed:
    """A store that is given lines step by step, and `/metrics` as it stands after each step."""

    def __init__(self, store):
        self.store = store
        self.file = store.open_generation(Path("api.jsonl"), Identity(0, 0), "v1")
        self.offset, self.lines, self.texts = 0, 0, []

    def scrape(self, lines=()):
        """Read these lines, then be scraped."""
        if lines:
            data = "".join(lines).encode()
            end = self.offset + len(data)
            self.store.append(Chunk(self.file.id, self.offset, self.lines + 1, data, Windows(), end))
            self.offset, self.lines = end, self.lines + len(lines)
        hour = self.answer(Selection(TimeSpan.last(HOUR, NOW)))
        cube = self.store.cube(8000.0, EDGES_MS)
        self.texts.append(prometheus_text(cube, hour, quarantined={}, limit_ms=8000.0))

    def answer(self, selection):
        return answer(self.store, selection, SETTINGS, NOW, self.store.freshness())

    def series(self):
        """Every series with its value at each scrape, `_` where it is not there."""
        found = {}
        for place, text in enumerate(self.texts):
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    labels = ", ".join(f'{name}="{value}"' for name, value in sample.labels.items())
                    values = found.setdefault(f"{sample.name}{{{labels}}}", ["_"] * len(self.texts))
                    values[place] = f"{sample.value:g}"
        return [{"series": name, "values": " ".join(values)} for name, values in found.items()]


@pytest.fixture
def fed(tmp_path):
    with Store.open(tmp_path / "store.duckdb", clock=lambda: NOW) as store:
        yield Fed(store)


@pytest.fixture
def two_moments(fed):
    """Four requests before 06:00; six lines after it, one of which stands for four requests."""
    fed.scrape(BEFORE)
    fed.scrape(BETWEEN)
    return fed


def promtool_finds(tmp_path, fed, promql, expected, *, every="1h", at="1h"):
    """Ask the real promtool: {labels: value} is what the expression gives at `at`, the first scrape being at 0."""
    samples = [{"labels": labels, "value": value} for labels, value in expected.items()]
    case = {"expr": promql, "eval_time": at, "exp_samples": samples}
    test = {"interval": every, "input_series": fed.series(), "promql_expr_test": [case]}
    path = tmp_path / "promql.yaml"
    path.write_text(json.dumps({"evaluation_interval": every, "tests": [test]}), "utf-8")  # JSON is YAML
    done = subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def grown(selector, by=""):
    """How much counters grew in the last hour, without extrapolation."""
    return f"(sum{by} ({selector}) - sum{by} ({selector} offset 1h))"


VALID_ONLY = 'api_requests_total{status!~"cancelled|rejected|unmeasured"}'
COUNTED = {
    "timeouts of the hour": (grown("api_timeout_total"), lambda hour: hour.counts.timeout, 3),
    "timeouts by operation": (grown("workflow_timeout_total"), lambda hour: hour.counts.timeout, 3),
    "failed requests (5xx) of the hour": (grown("api_errors_total"), lambda hour: hour.counts.failed, 1),
    "requests of the hour, a sampled one for all it stands for": (
        grown("api_requests_total"), lambda hour: hour.counts.requests, 9,
    ),
    "valid requests of the hour": (grown(VALID_ONLY), lambda hour: hour.counts.valid, 8),
    "successes by operation": (grown("workflow_api_success_total"), lambda hour: hour.counts.success, 4),
    "timeout rate in percent": (
        f"100 * {grown('api_timeout_total')} / {grown(VALID_ONLY)}", lambda hour: hour.timeout_rate.value * 100, 37.5,
    ),
    "failed (5xx) in percent": (
        f"100 * {grown('api_errors_total')} / {grown(VALID_ONLY)}", lambda hour: hour.error_rate.value * 100, 12.5,
    ),
    "the gauge of the last hour": ("sum(api_timeout_rate_percent)", lambda hour: hour.timeout_rate.value * 100, 37.5),
}  # fmt: skip


@pytest.mark.parametrize("what", COUNTED)
def test_counters_subtracted_are_burnlines_numbers(what, two_moments, tmp_path):
    promql, ours, by_hand = COUNTED[what]
    assert ours(two_moments.answer(Selection(TimeSpan.last(HOUR, NOW)))) == by_hand
    promtool_finds(tmp_path, two_moments, promql, {"{}": by_hand})


def test_timeouts_by_agent_are_burnlines_of_each_agent(two_moments, tmp_path):
    """`offset` finds nothing of an agent that was not there an hour ago: the rest of it is asked for with `or`."""
    ours = {
        agent: two_moments.answer(Selection(TimeSpan.last(HOUR, NOW), agent=agent)).counts.timeout
        for agent in ("planner", "search", "writer")
    }
    assert ours == {"planner": 1, "search": 1, "writer": 1}
    known = grown("api_timeout_total", " by (agent_id)")
    promql = f"{known} or sum by (agent_id) (api_timeout_total)"
    promtool_finds(tmp_path, two_moments, promql, {f'{{agent_id="{agent}"}}': n for agent, n in ours.items()})


def test_all_requests_by_status_are_the_classes(two_moments, tmp_path):
    counts = two_moments.answer(Selection()).counts
    expected = {"success": counts.success, "timeout": counts.timeout, "failed": counts.failed, "cancelled": 1}
    assert list(expected.values()) == [6, 4, 2, 1]
    labelled = {f'{{status="{status}"}}': n for status, n in expected.items()}
    promtool_finds(tmp_path, two_moments, "sum by (status) (api_requests_total)", labelled)


def test_the_heatmap_of_successes_counts_them_up_to_each_edge(two_moments, tmp_path):
    """The six successes took 0.9 s; the failures of 0.2 s are not among them."""
    promql = 'sum by (le) (http_server_request_duration_seconds_bucket{status="success"})'
    upto = {"0.1": 0, "0.5": 0, **dict.fromkeys(("1.0", "2.0", "5.0", "8.0", "10.0", "15.0", "30.0", "+Inf"), 6)}
    promtool_finds(tmp_path, two_moments, promql, {f'{{le="{edge}"}}': n for edge, n in upto.items()})


def test_requests_called_off_are_in_the_denominator_of_the_plain_ratio(two_moments, tmp_path):
    """3 of 9, where 3 of 8 valid requests timed out."""
    promql = f"round(100 * {grown('api_timeout_total')} / {grown('api_requests_total')}, 0.001)"
    promtool_finds(tmp_path, two_moments, promql, {"{}": 33.333})


def test_timeouts_in_the_last_1000_are_a_rate_to_prometheus(two_moments, tmp_path):
    """A thousand times 3 of 8, where all there is are 12 valid requests, 4 of which timed out."""
    last = two_moments.answer(Selection(last=1000)).counts
    assert (last.timeout, last.valid) == (4, 12)
    promql = f"1000 * {grown('api_timeout_total')} / {grown(VALID_ONLY)}"
    promtool_finds(tmp_path, two_moments, promql, {"{}": 375})


def timeouts(minute, count):
    return [
        line(f"{minute}-{place}", "planner", "timeout", 8005.0, timeout_type="API_TIMEOUT") for place in range(count)
    ]


def test_increase_extrapolates_three_timeouts_to_four(fed, tmp_path):
    """Samples every 15 min from 05:55, asked at 07:00: 4 of them stand in the hour and span 45 of its 60 minutes.

    They rise by 3, and 3 * 60 / 45 is 4. The counter starts far enough above 0 for that not to bind.
    """
    for lines in (timeouts(50, 9), timeouts(65, 1), timeouts(80, 1), timeouts(90, 1), timeouts(110, 1)):
        fed.scrape(lines)
    asked = Selection(TimeSpan(NOW - timedelta(minutes=50), NOW))
    assert fed.answer(asked).counts.timeout == 3
    promql = "round(sum(increase(api_timeout_total[1h])), 0.001)"
    promtool_finds(tmp_path, fed, promql, {"{}": 4}, every="15m", at="65m")


def test_increase_does_not_see_what_a_series_begins_with(fed, tmp_path):
    """Five timeouts before the first scrape, none later."""
    for lines in (timeouts(65, 5), (), (), ()):
        fed.scrape(lines)
    assert fed.answer(Selection(TimeSpan.last(HOUR, NOW))).counts.timeout == 5
    promtool_finds(tmp_path, fed, "sum(increase(api_timeout_total[1h]))", {"{}": 0}, every="15m", at="45m")


def test_the_first_timeout_of_an_agent_is_seen_when_the_agent_was(fed, tmp_path):
    """Its counter stands at 0 before, because writer had such a timeout: Prometheus sees it go from 0 to 1."""
    known = [line("61-a", "planner", "success", 900.0)]
    known += [line("61-b", "writer", "timeout", 8005.0, timeout_type="API_TIMEOUT")]
    for lines in (known, (), (), timeouts(100, 1)):
        fed.scrape(lines)
    promql = 'increase(api_timeout_total{agent_id="planner"}[1h]) > bool 0'
    labels = '{agent_id="planner", timeout_type="API_TIMEOUT"}'
    promtool_finds(tmp_path, fed, promql, {labels: 1}, every="15m", at="45m")


QUANTILE = "round(histogram_quantile(0.95, sum by (le) (api_duration_seconds_bucket)), 0.001)"


def test_a_percentile_is_a_straight_line_inside_its_bucket(fed, tmp_path):
    """Twenty requests of 0.9 s: the 19th of 20 in (0.5, 1] is 0.5 + 0.5 * 19 / 20."""
    fed.scrape([line(f"70-{place}", "planner", "success", 900.0) for place in range(20)])
    p95 = fed.answer(Selection(last=1000)).percentiles["p95"]
    assert (p95.value, p95.at_least) == (900.0, False)
    promtool_finds(tmp_path, fed, QUANTILE, {"{}": 0.975}, at="0")


def test_a_cut_request_is_a_value_to_prometheus(fed, tmp_path):
    """Ten of twenty cut at 8.005 s: the 9th of the 10 in (8, 10] is 8 + 2 * 9 / 10, whatever they would have taken."""
    quick = [line(f"70-{place}", "planner", "success", 900.0) for place in range(10)]
    fed.scrape([*quick, *timeouts(71, 10)])
    p95 = fed.answer(Selection(last=1000)).percentiles["p95"]
    assert (p95.value, p95.at_least) == (8005.0, True)
    promtool_finds(tmp_path, fed, QUANTILE, {"{}": 9.8}, at="0")


def test_above_the_last_edge_prometheus_says_the_last_edge(fed, tmp_path):
    """A cut request without a duration is above every edge: nothing says it took 30 s. Burnline says at least 8."""
    fed.scrape([line(f"70-{place}", "planner", "timeout", None) for place in range(20)])
    p95 = fed.answer(Selection(last=1000)).percentiles["p95"]
    assert (p95.value, p95.at_least) == (8000.0, True)
    promtool_finds(tmp_path, fed, QUANTILE, {"{}": 30}, at="0")
