"""The why-ledger: its parts are the change, exactly; what was planted is named, and noise is not."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from incident_frames import incident, quiet
from metric_frames import requests

from core.settings import parse
from metrics.causes import causes
from metrics.why import DIMENSIONS, MEASURES, cube, groups_of, ledger, measured, placed, split

LIMITS = parse("").limit_values
COUNT = st.floats(0, 1e6) | st.just(0.0)
GROUPS = st.dictionaries(st.none() | st.text(max_size=3), st.tuples(COUNT, st.floats(0, 1), COUNT, st.floats(0, 1)), min_size=1)  # fmt: skip


@given(GROUPS, st.sampled_from(["agent", "error_code"]))
def test_the_parts_sum_to_the_change(found, dimension):
    sums = {group: (n0, n0 * r0, n1, n1 * r1) for group, (n0, r0, n1, r1) in found.items()}
    n0, k0, n1, k1 = (math.fsum(row[i] for row in sums.values()) for i in range(4))
    got = split(sums, dimension)
    if min(n0, n1) <= 0:
        assert got.parts == ()
        return
    assert got.change == pytest.approx(k1 / n1 - k0 / n0, abs=1e-12)
    assert abs(got.rate_shift + got.mix_shift - got.change) <= 1e-9


@given(GROUPS)
def test_a_mean_is_split_as_exactly_as_a_rate(found):
    """Milliseconds up to 60,000 in place of hits: the tolerance is of their size."""
    sums = {group: (n0, n0 * r0 * 60_000, n1, n1 * r1 * 60_000) for group, (n0, r0, n1, r1) in found.items()}
    got = split(sums, "agent")
    assert abs(got.rate_shift + got.mix_shift - got.change) <= 1e-9 * 60_000


@given(GROUPS)
def test_back_in_time_every_part_has_the_opposite_sign(found):
    there = split({g: (n0, n0 * r0, n1, n1 * r1) for g, (n0, r0, n1, r1) in found.items()}, "agent")
    back = split({g: (n1, n1 * r1, n0, n0 * r0) for g, (n0, r0, n1, r1) in found.items()}, "agent")
    assert back.change == pytest.approx(-there.change, abs=1e-9)
    mirrored = {part.group: part for part in back.parts}
    for part in there.parts:
        assert mirrored[part.group].rate_shift == pytest.approx(-part.rate_shift, abs=1e-9)
        assert mirrored[part.group].mix_shift == pytest.approx(-part.mix_shift, abs=1e-9)


def parts(sums, dimension="agent"):
    """Group -> (rate shift, mix shift)."""
    return {part.group: (part.rate_shift, part.mix_shift) for part in split(sums, dimension).parts}


def test_a_rate_that_moves_is_all_rate_shift():
    """a: 1 % to 5 % at a steady half of the traffic is two points; b stays."""
    found = parts({"a": (500, 5, 500, 25), "b": (500, 5, 500, 5)})
    assert found["a"] == (pytest.approx(0.02), pytest.approx(0.0))
    assert found["b"] == (pytest.approx(0.0), pytest.approx(0.0))


def test_traffic_that_moves_is_all_mix_shift():
    """A keeps its 10 % and grows from a tenth to half: 0.4 of the traffic times the 9 points it is worse than b."""
    found = split({"a": (100, 10, 500, 50), "b": (900, 9, 500, 5)}, "agent")
    assert found.rate_shift == pytest.approx(0.0)
    assert found.mix_shift == pytest.approx(0.4 * 0.09)


def test_a_new_group_brings_its_distance_from_the_overall_rate_and_an_old_one_takes_it_away():
    """Overall 1 % before and 5.5 % now, 3.25 % in the middle: half the traffic at 10 % brings half of 6.75 points."""
    found = parts({"old": (1000, 10, 500, 5), "new": (0, 0, 500, 50)})
    assert found["new"] == (0.0, pytest.approx(0.5 * (0.1 - 0.0325)))
    back = parts({"old": (500, 5, 1000, 10), "gone": (500, 50, 0, 0)})
    assert back["gone"] == (0.0, pytest.approx(-0.5 * (0.1 - 0.0325)))


def test_an_error_code_has_the_change_of_its_own_share_and_no_mix():
    found = parts({"A": (100, 2, 100, 9), "B": (100, 3, 100, 3), None: (800, 0, 1800, 0)}, "error_code")
    assert found["A"] == (pytest.approx(9 / 2000 - 2 / 1000), 0.0)
    assert None not in found


def rows(*requests_, window=0):
    """(count, hits, {dimension: value}) as placed rows of one window."""
    frames = [
        pl.DataFrame(
            {name: pl.Series([values.get(name)] * count, dtype=pl.String) for name in (*DIMENSIONS, "error_code")}
            | {
                "weight": [1.0] * count,
                "rows": [1] * count,
                "timeout": [i < hits for i in range(count)],
                "error": [False] * count,
            }
            | {"near": [False] * count, "window": [window] * count}
        )
        for count, hits, values in requests_
    ]
    return pl.concat(frames)


def test_simpson_every_rate_fell_while_the_total_rose_and_traffic_is_named():
    """Agent slow fell from 20 to 18 %, quick from 1 to 0.5 %, and the total rose from 2.9 to 9.25 %: mix, not rate."""
    before = rows(
        (3600, 36, {"agent": "quick", "environment": "production", "model": "atlas"}),
        (400, 80, {"agent": "slow", "environment": "production", "model": "atlas"}),
        window=1,
    )
    now = rows(
        (2000, 10, {"agent": "quick", "environment": "production", "model": "atlas"}),
        (2000, 360, {"agent": "slow", "environment": "production", "model": "atlas"}),
    )
    counts = cube(pl.concat([before, now]))
    by_agent = ledger(groups_of(counts, ["agent"])["agent"], "agent", "timeout")
    assert by_agent.change == pytest.approx(0.0925 - 0.029)
    assert by_agent.rate_shift < 0
    assert all(part.rate_shift < 0 for part in by_agent.parts)
    (cause,) = causes(counts, "timeout", 1)
    assert (cause.where, cause.how) == ((("agent", "slow"),), "mix")
    assert cause.explained > 1


def test_steady_rates_and_moving_traffic_are_a_change_in_traffic_though_other_dimensions_seem_worse():
    before = rows((3600, 36, {"agent": "quick", "model": "x"}), (400, 80, {"agent": "slow", "model": "x"}), window=1)
    now = rows((2000, 20, {"agent": "quick", "model": "x"}), (2000, 400, {"agent": "slow", "model": "x"}))
    (cause,) = causes(cube(pl.concat([before, now])), "timeout", 1)
    assert (cause.where, cause.how) == ((("agent", "slow"),), "mix")
    assert cause.explained == pytest.approx(1.0)


def test_an_agent_that_got_slow_is_named_before_the_model_it_shares_with_others():
    """B uses the same model as a and did not change; a is the smaller set with the same timeouts."""
    usual = ((500, 2, {"agent": "a", "model": "x"}), (500, 2, {"agent": "b", "model": "x"}), (1000, 4, {"agent": "c"}))
    before = [rows(*usual, window=window) for window in (1, 2, 3)]
    now = rows((500, 60, {"agent": "a", "model": "x"}), *usual[1:])
    (cause,) = causes(cube(pl.concat([now, *before])), "timeout", 1)
    assert (cause.where, cause.how) == ((("agent", "a"),), "rate")
    assert cause.explained == pytest.approx(1.0)
    assert (cause.rate_before, cause.rate_now) == (pytest.approx(0.004), pytest.approx(0.12))


def test_two_causes_are_both_named_each_once():
    usual = [
        (500, 2, {"agent": name, "model": model}) for name, model in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "y"))
    ]
    before = [rows(*usual, window=window) for window in (1, 2, 3)]
    now = rows((500, 60, usual[0][2]), usual[1], (500, 40, usual[2][2]), usual[3])
    found = causes(cube(pl.concat([now, *before])), "timeout", 1)
    assert [cause.where for cause in found] == [(("agent", "a"),), (("agent", "c"),)]
    assert sum(cause.explained for cause in found) == pytest.approx(1.0)


def test_two_names_are_given_only_where_neither_alone_is_the_cause():
    """Agent a is slow with model x only, and so is model x with agent a only."""
    usual = [(400, 2, {"agent": agent, "model": model}) for agent in "abc" for model in "xyz"]
    before = [rows(*usual, window=window) for window in (1, 2, 3)]
    now = rows((400, 80, usual[0][2]), *usual[1:])
    (cause,) = causes(cube(pl.concat([now, *before])), "timeout", 1)
    assert set(cause.where) == {("agent", "a"), ("model", "x")}


def test_a_new_version_is_named_by_its_own_name():
    before = [rows((500, 2, {"model": "x", "model_version": "x 1"}), (500, 2, {"model": "y", "model_version": "y 1"}), window=w) for w in (1, 2, 3)]  # fmt: skip
    now = rows((500, 50, {"model": "x", "model_version": "x 2"}), (500, 2, {"model": "y", "model_version": "y 1"}))
    (cause,) = causes(cube(pl.concat([now, *before])), "timeout", 1)
    assert (cause.where, cause.how, cause.rate_before) == ((("model_version", "x 2"),), "new", None)


def test_everything_worse_alike_has_no_single_cause():
    usual = [(500, 5, {"agent": agent, "environment": "production"}) for agent in "abcd"]
    before = [rows(*usual, window=window) for window in (1, 2, 3)]
    now = rows(*((500, 40, values) for _, _, values in usual))
    assert causes(cube(pl.concat([now, *before])), "timeout", 1) == ()


def test_requests_that_do_not_say_are_no_cause():
    """A gateway that fails early names no model: neither "no model" nor fewer requests of the others is the reason."""
    usual = [(900, 9, {"model": "x"}), (100, 1, {})]
    before = [rows(*usual, window=window) for window in (1, 2, 3)]
    now = rows((800, 8, {"model": "x"}), (200, 101, {}))
    assert causes(cube(pl.concat([now, *before])), "timeout", 1) == ()


def test_what_was_planted_ranks_first_in_at_least_190_of_200_incidents():
    """Eight kinds by turns, 30 or more extra requests each, 800 to 15,000 requests a window, agents tied to models."""
    wrong = []
    for seed in range(200):
        frame, planted = incident(seed)
        found = causes(cube(frame), planted.measure, 1)
        if not found or found[0].where != ((planted.dimension, planted.value),):
            wrong.append((seed, planted, found[:1]))
    assert len(wrong) <= 10, wrong


def test_where_nothing_was_planted_nothing_is_named():
    """30 services, three measures, both directions: at most one of a hundred looks names something."""
    named = [
        (seed, measure, sign)
        for seed in range(30)
        for counts in [cube(quiet(seed))]
        for measure in MEASURES
        for sign in (1, -1)
        if causes(counts, measure, sign)
    ]
    assert len(named) <= 2, named


def test_measures_are_classes_and_successes_near_the_limit():
    frame = requests(
        {"status": "timeout"}, {"execution_time_ms": 8001.0}, {"status": "failed"}, {"execution_time_ms": 6000.0},
        {"execution_time_ms": 5999.0}, {"status": "cancelled"}, {"execution_time_ms": None},
    )  # fmt: skip
    found = measured(frame, LIMITS)
    assert found.select("timeout", "error", "near").rows() == [
        (True, False, False), (True, False, False), (False, True, False), (False, False, True), (False, False, False),
    ]  # fmt: skip


def test_a_request_is_placed_by_what_it_says():
    frame = requests(
        {"model": "atlas", "tokens_input": 999}, {"tokens_input": 1000}, {"tokens_input": 64_000}, {"tokens_input": 0}, {},
    ).with_columns(pl.lit("2.1").alias("model_version"), pl.lit(None, pl.String).alias("prompt_version"))  # fmt: skip
    found = placed(measured(frame, LIMITS), ZoneInfo("Asia/Ho_Chi_Minh"))
    assert found["prompt_size"].to_list() == ["<1k", "1k-4k", ">=64k", None, None]
    assert found["model_version"].to_list() == ["atlas 2.1", None, None, None, None]
    assert found["hour"].unique().to_list() == ["13:00"]
    assert found["release"].to_list() == [None] * 5
    assert set(DIMENSIONS) <= set(found.columns)


def test_a_release_is_the_newest_deploy_that_concerns_the_request():
    frame = requests(
        {"timestamp": at(1), "model": "atlas"}, {"timestamp": at(3), "model": "atlas"}, {"timestamp": at(3), "model": "cedar"},
        {"timestamp": at(5), "model": "atlas"},
    ).with_columns(pl.lit(None, pl.String).alias("prompt_version"), pl.lit(None, pl.String).alias("model_version"))  # fmt: skip
    deploys = pl.DataFrame(
        {"timestamp": [at(2), at(4)], "service": ["s", "s"], "environment": [None, None], "agent_id": [None, "planner"],
         "model": ["atlas", None], "model_version": ["2.2", None], "prompt_version": [None, "p9"], "extra": [None, None]},
        schema_overrides=dict.fromkeys(("environment", "agent_id", "model", "model_version", "prompt_version", "extra"), pl.String),
    )  # fmt: skip
    found = placed(measured(frame, LIMITS), ZoneInfo("UTC"), deploys)["release"].to_list()
    assert found == [None, "atlas 2.2 2026-11-24 02:00Z", None, "planner p9 2026-11-24 04:00Z"]


def at(hour):
    """An hour of the day before the tests' NOW."""
    return datetime(2026, 11, 24, hour, tzinfo=UTC)
