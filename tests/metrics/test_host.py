"""Machines: their gauges from `host` records, and growth of memory that wild points do not bend."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from metric_frames import NOW

from metrics.host import gauges, hosts, slope


def records(*extras, every=timedelta(minutes=1), service=None):
    """Host records one after the other, with what they say as text."""
    return pl.DataFrame(
        {
            "timestamp": [NOW + every * place for place in range(len(extras))],
            "service": [service] * len(extras),
            "extra": [each if isinstance(each, str | None) else json.dumps(each) for each in extras],
        },
        schema={"timestamp": pl.Datetime("us", "UTC"), "service": pl.String, "extra": pl.String},
    )


def seen(*extras, **more):
    return hosts(gauges(records(*extras, **more)))


def grown(values, every=timedelta(minutes=1)):
    return slope(gauges(records(*({"memory_mb": value} for value in values), every=every)), "memory_mb")


def test_each_machine_has_its_own_gauges_by_name():
    found = seen({"host": "b", "cpu_percent": 10}, {"host": "a", "cpu_percent": 50}, {"host": "a", "cpu_percent": 70})
    assert [(host.name, host.gauges["cpu_percent"].mean) for host in found] == [("a", 60.0), ("b", 10.0)]
    cpu = found[0].gauges["cpu_percent"]
    assert (cpu.max, cpu.last, cpu.n, cpu.p95) == (70.0, 70.0, 2, pytest.approx(69.0))


def test_a_gauge_nobody_wrote_is_absent_not_0():
    (found,) = seen({"host": "a", "cpu_percent": 0})
    assert list(found.gauges) == ["cpu_percent"]
    assert (found.memory_growth, found.growth_of) == (None, None)


@pytest.mark.parametrize("value", [101, -1, "high", None, [1], 1e300, True])
def test_a_value_that_cannot_be_a_percentage_is_left_alone(value):
    (found,) = seen({"host": "a", "gpu_percent": value})
    assert found.gauges == {}


def test_a_record_without_a_host_is_its_services():
    assert [host.name for host in seen({"cpu_percent": 1}, service="api")] == ["api"]
    assert [host.name for host in seen({"cpu_percent": 1}, None)] == [None]
    assert seen() == ()


def test_no_more_machines_than_can_be_shown():
    assert len(seen(*({"host": f"h{n}", "cpu_percent": 1} for n in range(80)))) == 50


def test_a_straight_line_has_its_own_slope():
    """2 MB a minute is 120 MB an hour."""
    found = grown([100 + 2 * n for n in range(60)])
    assert (found.per_hour, found.low, found.high) == pytest.approx((120, 120, 120))


def test_a_quarter_of_wild_points_does_not_bend_the_slope():
    values = [100 + 2 * n if n % 4 else 10_000 for n in range(80)]
    assert grown(values).per_hour == pytest.approx(120, rel=0.05)


def test_the_range_holds_the_true_slope_about_as_often_as_it_says():
    """200 draws of a growth of 60 MB/h under noise: the 95 % range holds it in 90 to 99 %."""
    rng = np.random.default_rng(4)
    held = [
        found.low <= 60 <= found.high
        for found in (grown(500 + np.arange(30) + rng.normal(0, 5, 30)) for _ in range(200))
    ]
    assert 0.9 <= np.mean(held) <= 0.99


def test_many_points_give_the_slope_of_few():
    """20,000 samples are thinned to 200 medians."""
    rng = np.random.default_rng(3)
    found = grown(500 + np.arange(20_000) / 60 + rng.normal(0, 5, 20_000), timedelta(seconds=1))
    assert found.n == 200
    assert found.low <= 60 <= found.high
    assert found.per_hour == pytest.approx(60, rel=0.05)


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 9])
def test_few_points_have_no_slope(values):
    assert grown(values) is None


def test_points_of_one_moment_have_no_slope():
    assert grown([1.0, 2.0] * 10, timedelta(0)) is None
