"""The ranking of groups: the numbers of `by_group`, and what became of them since the period before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from metric_frames import requests

from core.settings import parse
from metrics.groups import by_group
from metrics.ranking import ranking, standing
from metrics.rates import rate, too_few

LIMITS = parse("").limit_values
AT = datetime(2026, 11, 24, tzinfo=UTC)


def rows(agent, good, timeouts=0, near=0):
    made = [("success", 500.0)] * good + [("timeout", 8000.0)] * timeouts + [("success", 6500.0)] * near
    return [{"timestamp": AT, "agent_id": agent, "status": status, "execution_time_ms": ms} for status, ms in made]


NOW = requests(*rows("planner", 80, 20), *rows("search", 90, 0, 10), *rows("new", 40, 2), *rows("rare", 3, 1))
BEFORE = requests(*rows("planner", 95, 5), *rows("search", 100), *rows("rare", 30), *rows("gone", 50))


def by_name(frame):
    return {row["group"]: row for row in frame.iter_rows(named=True)}


def test_most_timeouts_come_first_with_the_change_of_their_rate():
    found = ranking(NOW, BEFORE, "agent_id", LIMITS)
    assert found["group"].to_list() == ["planner", "new", "rare", "search"]
    assert by_name(found)["planner"]["change"] == pytest.approx(0.15)
    assert by_name(found)["search"]["change"] == 0.0


def test_a_change_is_told_only_where_both_periods_can_be_judged():
    found = by_name(ranking(NOW, BEFORE, "agent_id", LIMITS))
    assert found["new"]["change"] is None
    assert found["rare"]["change"] is None
    assert found["rare"]["before_rate"] == 0.0


def test_the_share_near_the_limit_is_of_the_valid_requests():
    found = by_name(ranking(NOW, BEFORE, "agent_id", LIMITS))
    assert found["search"]["near_rate"] == pytest.approx(0.1)
    assert found["planner"]["near_rate"] == 0.0


def test_everything_else_is_as_groups_have_it():
    found = ranking(NOW, BEFORE, "agent_id", LIMITS)
    assert found.drop("near_rate", "before_rate", "change").equals(by_group(NOW, "agent_id", LIMITS.limit_ms))


@pytest.mark.parametrize(("hits", "n"), [(0, 19), (0, 20), (1, 25), (5, 30), (10, 20), (3, 100)])
def test_too_few_to_judge_is_the_same_for_a_column_and_for_a_rate(hits, n):
    found = ranking(requests(*rows("a", n - hits, hits)), requests(*rows("a", 500)), "agent_id", LIMITS)
    assert (found["change"][0] is None) == too_few(rate(hits, n))


def test_without_requests_before_there_is_a_ranking_without_changes():
    found = ranking(NOW, BEFORE.head(0), "agent_id", LIMITS)
    assert found["change"].null_count() == found.height == 4


def test_groups_are_over_when_their_range_lies_above_what_is_allowed():
    found = standing(ranking(NOW, BEFORE, "agent_id", LIMITS), 0.01)
    assert (found.groups, found.timed_out, found.over) == (4, 3, 3)
    assert standing(ranking(NOW.head(0), BEFORE, "agent_id", LIMITS), 0.01).groups == 0
