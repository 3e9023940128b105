"""Machines over time, those at their end, and those whose memory grows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from test_host import records

from core.timespan import TimeSpan
from metrics.host import gauges, growing, hosts, over_time, pressed

HOUR = timedelta(hours=1)


def test_each_slot_has_the_mean_of_each_machine_and_none_where_it_was_silent():
    read = gauges(
        records({"host": "a", "cpu_percent": 10}, {"host": "a", "cpu_percent": 30}, {"host": "b", "cpu_percent": 50})
    )
    start = read["timestamp"].min()
    found = over_time(read, "cpu_percent", TimeSpan(start, start + 2 * HOUR), HOUR, ["a", "b"])
    assert found.select("name", "mean", "n").rows() == [("a", 20.0, 2), ("b", 50.0, 1), ("a", None, 0), ("b", None, 0)]


@pytest.mark.parametrize(("percent", "expected"), [(90, []), (91, [("a", "cpu_percent")])])
def test_a_machine_is_at_its_end_above_ninety_percent(percent, expected):
    found = hosts(gauges(records(*[{"host": "a", "cpu_percent": percent}] * 5)))
    assert [(host.name, name) for host, name in pressed(found)] == expected


def test_only_memory_that_surely_grows_may_leak():
    steady = hosts(gauges(records(*[{"host": "a", "memory_mb": 100 + n % 2} for n in range(30)])))
    leaking = hosts(gauges(records(*[{"host": "a", "memory_mb": 100 + 5 * n} for n in range(30)])))
    assert growing(steady) == []
    assert [host.name for host in growing(leaking)] == ["a"]
