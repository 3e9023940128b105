"""Targets are written in the unit of their metric, and a threshold lies beyond its target."""

from __future__ import annotations

import pytest

from core.errors import SettingsError
from core.settings import Settings, parse


def one(text):
    (target,) = parse(f"targets: [{{{text}}}]").targets
    return target


@pytest.mark.parametrize(
    ("text", "target", "threshold"),
    [
        ("metric: uptime, target: 99.9%, threshold: 0.995, direction: higher", 0.999, 0.995),
        ("metric: p95, target: 500ms, threshold: 3s, direction: lower", 500.0, 3000.0),
        ("metric: nps, target: 40, direction: higher", 40.0, None),
        ("metric: drift, target: 0.1, threshold: 0.25, direction: lower", 0.1, 0.25),
        ("metric: daily_cost_change, target: 20%, threshold: 150%, direction: within", 0.2, 1.5),
    ],
)
def test_a_target_is_kept_in_the_unit_of_its_metric(text, target, threshold):
    found = one(text)
    assert (found.target, found.threshold) == (target, threshold)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("metric: uptme, target: 99%, direction: higher", "uptime"),
        ("metric: uptime, target: 99.9, direction: higher", "write 99.9%"),
        ("metric: p95, target: 2, direction: lower", "is not a duration"),
        ("metric: uptime, target: 99%, threshold: 99.9%, direction: higher", "lies below the target"),
        ("metric: p95, target: 3s, threshold: 2s, direction: lower", "lies above the target"),
        ("metric: nps, target: .nan, direction: higher", "finite"),
        ("metric: nps, direction: higher", "target"),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(text, said):
    with pytest.raises(SettingsError, match=said):
        one(text)


def test_two_targets_for_one_metric_are_refused():
    both = "{metric: nps, target: 40, direction: higher}"
    with pytest.raises(SettingsError, match="two targets: nps"):
        parse(f"targets: [{both}, {both}]")


def test_no_target_at_all_is_a_choice():
    assert parse("targets: []").targets == ()
    assert len(Settings().targets) == 13


def test_the_number_of_users_is_at_least_one():
    with pytest.raises(SettingsError, match="users_total"):
        parse("users_total: 0")
