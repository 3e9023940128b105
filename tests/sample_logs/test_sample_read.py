"""Burnline's own reader and numbers find in the sample exactly what was planted."""

from __future__ import annotations

import pytest

from core.selection import Selection
from core.slo import Limits
from core.timespan import TimeSpan, utc_now
from loaders.reading import AT_ONCE
from loaders.store import Store
from loaders.watch import Watcher
from metrics.classes import classify, count


@pytest.fixture(scope="module")
def store(sample, tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "burnline.duckdb"
    with Store.open(path, clock=utc_now) as store:
        Watcher(store, sample.out / "logs", clock=utc_now, patience=AT_ONCE).scan_once()
        yield store


def counted(store, selection) -> tuple[float, ...]:
    found = count(classify(store.requests(selection), Limits().limit_ms))
    assert found.unmeasured == 0
    return found.requests, found.success, found.timeout, found.failed, found.excluded


def planted(counts) -> tuple[float, ...]:
    return counts.requests, counts.success, counts.timeout, counts.failed, counts.excluded


def test_every_line_is_stored_none_refused_none_twice(store, sample):
    ledger = {generation.path.name: generation for generation in store.generations()}
    assert {name: generation.stored for name, generation in ledger.items()} == sample.truth.files
    assert all(g.quarantined == g.duplicates == g.blank == 0 for g in ledger.values())


def test_the_numbers_over_everything_are_the_planted_ones(store, sample):
    assert counted(store, Selection()) == planted(sample.truth.counts)


def test_the_numbers_of_each_agent_and_operation_are_the_planted_ones(store, sample):
    for agent, counts in sample.truth.agents.items():
        assert counted(store, Selection(agent=agent)) == planted(counts)
    for operation, counts in sample.truth.operations.items():
        assert counted(store, Selection(operation=operation)) == planted(counts)


def test_the_numbers_of_each_incident_are_the_planted_ones(store, sample):
    for incident in sample.truth.incidents:
        selection = Selection(TimeSpan(incident.start, incident.end), agent=incident.agent, model=incident.model)
        assert counted(store, selection) == planted(incident.counts)
