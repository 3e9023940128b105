"""Roll-ups answer what the rows answer, follow every change, and a wrong one is found and made again."""

from __future__ import annotations

import math
import random
from dataclasses import astuple
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest
from filling import fill, line
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from core.selection import CompactSource, Extent, Selection
from core.slo import Objective
from core.timespan import TimeSpan
from loaders import rollup
from loaders.buckets import bucketed, is_edge
from loaders.compact import _whole
from loaders.store import Store
from metrics.budget import hourly
from metrics.classes import count
from metrics.groups import by_group
from metrics.latency import latency, timed
from metrics.trend import trend
from metrics.values import PERCENTILES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
LATER = MIDNIGHT + timedelta(days=9)
LIMIT = 8000.0
DURATIONS = (None, 0.004, 7.5, 120.0, 999.0, 1000.0, 1999.9, 6000.0, 7200.0, 7999.0, 8000.0, 8001.0, 8000.0000001, 4e6)


@pytest.fixture(autouse=True)
def every_hour_is_worth_its_cells(monkeypatch):
    """Unless a test says otherwise: few requests shall make every kind of cell."""
    monkeypatch.setattr(rollup, "ENOUGH", dict.fromkeys(rollup.ENOUGH, 1))
    monkeypatch.setattr(rollup, "FINE_FOR", 100 * rollup.DAY)


def lines(seed: int, many: int = 600, days: float = 2.5, sampled: tuple[float, ...] = (1.0,)) -> list[bytes]:
    """Requests of all kinds over so many days."""
    chance = random.Random(seed)
    made = []
    for number in range(many):
        status = chance.choices(("success", "timeout", "failed", "cancelled"), (85, 7, 6, 2))[0]
        duration = chance.choice(DURATIONS) if chance.random() < 0.4 else chance.lognormvariate(7, 1.5)
        if status in ("success", "cancelled") and duration is None:
            duration = 40.0
        more = {"fallback_used": chance.random() < 0.3} if chance.random() < 0.5 else {}
        more |= {"timeout_ms": 7000.0} if status == "timeout" and chance.random() < 0.5 else {}
        rate = chance.choice(sampled) if status == "success" else 1.0
        moment = MIDNIGHT + timedelta(days=chance.random() * days)
        made.append(
            line(
                request_id=f"{seed}-{number}", timestamp=moment.isoformat(), execution_time_ms=duration, status=status,
                agent_id=chance.choice(("planner", "writer", "critic")), operation=chance.choice(("a", "b")),
                sample_rate=rate, **more,
            )
        )  # fmt: skip
    return made


def roll(store: Store) -> None:
    while store.roll_up(LATER, most=24):
        pass


def cells(store: Store, table: str) -> int:
    return store.frame(f"SELECT count(*) FROM rolled_{table}").item()


def same_counts(store: Store, selection: Selection, edges: tuple[float, ...] = (6000.0, 7200.0, LIMIT)) -> None:
    """Compact and one by one, the counts of every class and the sums by agent and by hour are the same."""
    short, rows = store.compact(selection, ("agent_id",), edges=edges), store.requests(selection)
    for limit in edges:
        assert astuple(count(timed(short, limit))) == pytest.approx(astuple(count(timed(rows, limit))), rel=1e-12)
    few, all_ = (by_group(frame, "agent_id", LIMIT).drop("p95", "p95_at_least").to_dicts() for frame in (short, rows))
    for one, other in zip(few, all_, strict=True):
        for name, value in other.items():
            assert one[name] == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value), name


def only_counted(store: Store, selection: Selection) -> None:
    """Who only counts has the same classes at every round limit, however coarse the cells they come from."""
    short, rows = (
        store.compact(selection, edges=rollup.COARSE_EDGES, durations=False), store.requests(selection)
    )  # fmt: skip
    for limit in rollup.COARSE_EDGES:
        assert astuple(count(timed(short, limit))) == pytest.approx(astuple(count(timed(rows, limit))), rel=1e-12)


def close_percentiles(store: Store, selection: Selection) -> None:
    found, exact = (
        latency(timed(frame, LIMIT)).row(0, named=True)
        for frame in (store.compact(selection, edges=(LIMIT,)), store.requests(selection))
    )
    for name in PERCENTILES:
        if exact[name] is None:
            assert found[name] is None
            continue
        assert found[name] == pytest.approx(exact[name], rel=0.01, abs=0.01)
        assert found[f"{name}_at_least"] or not exact[f"{name}_at_least"], "a bound is never taken for a value"
    if exact["average_ms"] is not None:
        assert found["average_ms"] == pytest.approx(exact["average_ms"], rel=1e-9)
    assert found["average_at_least"] == exact["average_at_least"]


ENOUGH = st.tuples(*(st.sampled_from([1, 9, 11, 13, 1000]) for _ in rollup.ENOUGH))
"""An hour of `lines` has about ten requests: some are thin, others not, and for each width and dimension others."""


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 10_000), st.integers(0, 70),
    st.tuples(st.floats(0, 2.5), st.floats(0.01, 2.5)) | st.tuples(st.floats(-9, 1), st.floats(7, 20)),
    st.tuples(ENOUGH, st.sampled_from([1, 9])),
)  # fmt: skip
def test_rolled_and_raw_together_answer_as_the_rows_do(tmp_path_factory, seed, rolled, days, kept):
    """Whatever part is rolled or thin and wherever the span begins: counts and sums exactly, percentiles within 1 %."""
    (start, length), (enough, fine) = days, kept
    begin = MIDNIGHT + timedelta(days=start)
    span = TimeSpan(begin, begin + timedelta(days=length))
    store = Store.open(tmp_path_factory.mktemp("rolled") / "s.duckdb", clock=lambda: LATER)
    with store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollup, "ENOUGH", dict(zip(rollup.ENOUGH, enough, strict=True)))
        patch.setattr(rollup, "FINE_FOR", fine * rollup.DAY)
        fill(store, *lines(seed))
        store.roll_up(LATER, most=rolled)
        for selection in (Selection(span), Selection(span, agent="writer"), Selection(span, operation="a")):
            same_counts(store, selection)
            close_percentiles(store, selection)
        same_counts(store, Selection(span), edges=(7777.0, LIMIT))
        only_counted(store, Selection(span))
        assert store.verify_rollups() == []


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), ENOUGH)
def test_slots_and_budget_hours_come_out_of_cells_as_out_of_rows(tmp_path_factory, seed, enough):
    now = MIDNIGHT + timedelta(days=2, hours=7, minutes=13, seconds=7)
    span, cuts = TimeSpan(now - timedelta(days=2), now), [now - timedelta(hours=hours) for hours in (1, 6, 24)]
    store = Store.open(tmp_path_factory.mktemp("rolled") / "s.duckdb", clock=lambda: LATER)
    with store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollup, "ENOUGH", dict(zip(rollup.ENOUGH, enough, strict=True)))
        fill(store, *lines(seed, sampled=(1.0, 0.1)))
        roll(store)
        rows = store.requests(Selection(span))
        objective = Objective(fallback_counts_as="bad")
        short = store.compact(Selection(span), width=timedelta(hours=1), cuts=cuts, edges=(LIMIT,), durations=False)
        assert short.height < rows.height
        few, all_ = (hourly(frame, objective, span, cuts) for frame in (short, rows))
        assert few["bad"].sum() > 0
        assert_frame_equal(few, all_)
        for width in (timedelta(days=1), timedelta(hours=6), timedelta(minutes=5), timedelta(minutes=7)):
            start = EPOCH + width * ((MIDNIGHT + timedelta(days=1) - EPOCH) // width)
            whole = TimeSpan(start, start + width * max(1, timedelta(days=1) // width))
            one, other = (
                trend(frame, whole, width, LIMIT)
                for frame in (
                    store.compact(Selection(whole), width=width, edges=(LIMIT,)), store.requests(Selection(whole)),
                )
            )  # fmt: skip
            for name in ("requests", "timeouts", "failed", "good", "valid", "average_ms"):
                assert one[name].to_list() == [v if v is None else pytest.approx(v, rel=1e-9) for v in other[name]], (
                    name
                )


def test_a_store_gives_compact_frames(store: Store):
    assert isinstance(store, CompactSource)


def test_a_late_request_has_its_hour_and_day_rolled_again(store: Store):
    fill(store, *lines(1, days=1.0))
    roll(store)
    assert cells(store, "day_all") > 0
    late = MIDNIGHT + timedelta(hours=5, minutes=30)
    fill(store, line(timestamp=late.isoformat(), status="failed"))
    same_counts(store, Selection(TimeSpan(MIDNIGHT, MIDNIGHT + timedelta(days=1))))
    assert cells(store, "day_all") == 0, "the day is to be rolled again"
    assert store.roll_up(LATER) == 4, "one hour, its six hours, its day and its week"
    assert cells(store, "day_all") > 0
    same_counts(store, Selection(TimeSpan(MIDNIGHT, MIDNIGHT + timedelta(days=1))))


def test_an_hour_of_few_requests_has_no_cells_and_its_day_has(store: Store, monkeypatch):
    monkeypatch.setattr(rollup, "ENOUGH", dict.fromkeys(rollup.ENOUGH, 1000))
    fill(store, *lines(7, days=1.0))
    roll(store)
    assert [cells(store, name) for name in ("5min_all", "hour_all", "hour_agent_id")] == [0, 0, 0]
    assert cells(store, "day_all") > 0
    same_counts(store, Selection(TimeSpan(MIDNIGHT, MIDNIGHT + timedelta(hours=30))))


def test_a_thin_hour_that_many_requests_come_to_gets_its_cells(store: Store, monkeypatch):
    monkeypatch.setattr(rollup, "ENOUGH", dict.fromkeys(rollup.ENOUGH, 20))
    fill(store, *lines(8, many=10, days=1 / 24))
    roll(store)
    assert cells(store, "hour_all") == 0
    fill(store, *lines(9, many=10, days=1 / 24))
    roll(store)
    assert cells(store, "hour_all") > 0
    same_counts(store, Selection(TimeSpan(MIDNIGHT, MIDNIGHT + timedelta(hours=3))))


def test_narrow_cells_go_when_charts_so_narrow_are_over(store: Store, monkeypatch):
    monkeypatch.setattr(rollup, "FINE_FOR", 2 * rollup.DAY)
    fill(store, *lines(10, days=4.0))
    newest = MIDNIGHT + timedelta(days=4)
    for day in range(1, 5):
        while store.roll_up(MIDNIGHT + timedelta(days=day, minutes=10), most=24):
            pass
    oldest = store.frame("SELECT min(start) FROM rolled_5min_all").item()
    assert timedelta(days=1, hours=23) <= newest - EPOCH - timedelta(microseconds=oldest) <= timedelta(days=2, hours=1)
    for begin in (MIDNIGHT, MIDNIGHT + timedelta(days=1.5), newest - timedelta(days=1)):
        whole = Selection(TimeSpan(begin, begin + timedelta(days=1)))
        found = trend(store.compact(whole, width=timedelta(minutes=5)), whole.span, timedelta(minutes=5), LIMIT)
        assert (
            found["requests"].to_list()
            == trend(store.requests(whole), whole.span, timedelta(minutes=5), LIMIT)["requests"].to_list()
        )
    assert store.verify_rollups() == []


def test_a_proven_duplicate_leaves_the_roll_up_as_it_is(store: Store):
    made = lines(2, days=1.0)
    fill(store, *made)
    roll(store)
    fill(store, *made[:5], path="logs/copy.jsonl")
    assert store.roll_up(LATER) == 0


def test_hours_that_are_not_over_are_not_rolled(store: Store):
    fill(store, *lines(3, days=0.2))
    assert store.roll_up(MIDNIGHT + timedelta(minutes=63)) == 0, "late lines have five minutes"
    assert store.roll_up(MIDNIGHT + timedelta(minutes=65)) == 1


@pytest.mark.parametrize(("width", "dimension"), rollup.ALL_TABLES)
@pytest.mark.parametrize(
    "harm", ["SET rows = rows + 1", "SET status = 'failed'", "SET total_ms = total_ms + 1000", "delete"]
)
def test_a_wrong_roll_up_is_found_and_made_again(store: Store, width, dimension, harm):
    fill(store, *lines(4, many=200, days=2.0))
    roll(store)
    assert store.verify_rollups() == []
    name = rollup.table(width, dimension)
    start = store.frame(f"SELECT start FROM {name} WHERE status = 'success' AND total_ms > 0 LIMIT 1").item()
    where = f"WHERE start = {start} AND status = 'success' AND total_ms > 0"
    with store._transaction() as cursor:
        cursor.execute(f"DELETE FROM {name} {where}" if harm == "delete" else f"UPDATE {name} {harm} {where}")
    unit = max(width, rollup.HOUR)
    found = store.verify_rollups()
    assert (unit, start // unit * unit) in found
    same_counts(store, Selection(TimeSpan(MIDNIGHT, MIDNIGHT + timedelta(days=2))))
    roll(store)
    assert store.verify_rollups() == []
    same_counts(store, Selection(TimeSpan(MIDNIGHT, MIDNIGHT + timedelta(days=2))))


def test_a_store_from_before_roll_ups_opens_and_has_everything_to_roll(tmp_path):
    path = tmp_path / "old.duckdb"
    with Store.open(path, clock=lambda: LATER) as store:
        fill(store, *lines(5, many=100, days=1.0))
    with duckdb.connect(str(path)) as old:
        for table in rollup.NAMES:
            old.execute(f"DROP TABLE {table}")
    with Store.open(path, clock=lambda: LATER) as store:
        selection = Selection(TimeSpan(MIDNIGHT, MIDNIGHT + timedelta(days=1)))
        same_counts(store, selection)
        roll(store)
        assert cells(store, "day_all") > 0
        same_counts(store, selection)


def test_hours_before_1970_are_hours_too(store: Store):
    moments = [datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)]
    fill(store, *(line(timestamp=moment.isoformat()) for moment in moments))
    roll(store)
    assert store.frame("SELECT start FROM rolled_hour_all ORDER BY 1")["start"].to_list() == [-rollup.HOUR, 0]
    for day in (datetime(1969, 12, 31, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)):
        assert store.compact(Selection(TimeSpan(day, day + timedelta(days=1))))["rows"].sum() == 1


def buckets_of(*durations: float, status: str = "success") -> list[float]:
    with duckdb.connect() as database:
        database.register("given", pl.DataFrame({"n": range(len(durations)), "duration": durations}).to_arrow())
        rows = f"SELECT n, duration, '{status}' AS status FROM given"
        return [b for (b,) in database.execute(f"SELECT bucket FROM ({bucketed(rows)}) ORDER BY n").fetchall()]


@pytest.mark.parametrize("edge", [1000, 1980, 2000, 2400, 5000, 5250, 6000, 7000, 7200, 8000, 10_000, 30_000, 120_000])
def test_usual_limits_divide_buckets_to_the_last_bit(edge):
    assert is_edge(edge)
    around = [math.nextafter(edge, 0), float(edge), math.nextafter(edge, math.inf)]
    for status in ("success", "timeout"):
        assert len(set(buckets_of(*around, status=status))) == 3


def test_a_coarse_cell_is_made_of_whole_buckets():
    assert all(map(is_edge, rollup.COARSE_EDGES))


def test_cells_are_fewer_the_longer_or_coarser_they_are(store: Store):
    fill(store, *lines(7))
    roll(store)
    made = [cells(store, name) for name in ("hour_agent_id", "6hours_agent_id", "day_agent_id", "week_agent_id")]
    assert made == sorted(made, reverse=True)
    assert 0 < made[-1] < made[0]
    assert 0 < cells(store, "hour_coarse") < cells(store, "hour_all")


@pytest.mark.parametrize("limit", [0.0, 500.0, 750.0, 7777.0, 8000.5, 2500.0])
def test_other_limits_are_no_edges(limit):
    assert not is_edge(limit)


@pytest.mark.parametrize(("status", "width"), [("success", 0.02), ("timeout", 0.01)])
def test_buckets_are_as_narrow_as_percentiles_need(status, width):
    values = np.exp(np.random.default_rng(1).uniform(0, math.log(1e7), 100_000))
    frame = pl.DataFrame({"value": values, "bucket": buckets_of(*values, status=status)})
    found = frame.group_by("bucket").agg(pl.min("value").alias("low"), pl.max("value").alias("high"))
    assert (found["high"] / found["low"] - 1).max() <= width + 1e-9


@settings(max_examples=100, deadline=None)
@given(st.integers(-500, 500), st.integers(0, 500), st.sets(st.integers(-10, 10)))
def test_runs_of_whole_hours_and_what_is_left_make_up_the_span(start, length, barred):
    hours = {hour * 60 for hour in barred}
    runs, left = _whole([(start, start + length)], 60, [(hour, hour + 60) for hour in sorted(hours)])
    moments = [moment for first, end in (*runs, *left) for moment in range(first, end)]
    assert sorted(moments) == list(range(start, start + length))
    assert all(first % 60 == end % 60 == 0 for first, end in runs)
    rolled = {moment // 60 * 60 for first, end in runs for moment in range(first, end)}
    wanted = {h for h in range(-1020, 1080, 60) if start <= h and h + 60 <= start + length and h not in hours}
    assert rolled == wanted


@pytest.mark.parametrize("agent", [None, "writer", "nobody"])
@pytest.mark.parametrize(
    ("start", "length"), [(0.0, 2.5), (0.3, 0.01), (1.1, 9.0), (5.0, 1.0), (-700_000.0, 700_001.0)]
)
def test_an_extent_from_roll_ups_is_that_of_the_rows(store: Store, agent, start, length):
    fill(store, *lines(6, many=300))
    store.roll_up(LATER, most=40)
    begin = MIDNIGHT + timedelta(days=start)
    selection = Selection(TimeSpan(begin, begin + timedelta(days=length)), agent=agent)
    times = store.requests(selection, ["timestamp"])["timestamp"]
    assert store.extent(selection) == Extent(len(times), times.min(), times.max())
