"""How long it takes from a step in timeouts to the first rule that fires: the table of docs/alerting.md."""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from traffic import START, Traffic, frame, settings

from alerting.decide import decide
from alerting.evaluate import Known, evaluate
from alerting.rules import compile_rules
from core.selection import Freshness
from core.slo import GOOGLE_30D, Objective
from metrics.burn import detected_after

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
EDGE = timedelta(microseconds=1)


def stepping(share, before, after, every=SECOND):
    """A request every so often, quick and good; from START on the share of them is cut, evenly."""
    share = Fraction(share).limit_denominator(1000)
    rows = []
    for number in range(1, int((before + after) / every)):
        at = START - before + every * number
        place = int((at - START) / every)
        cut = place > 0 and int(place * share) > int((place - 1) * share)
        rows.append(
            {"timestamp": at, "execution_time_ms": 8000.0 if cut else 100.0, "status": "timeout" if cut else "success"}
        )
    return frame(rows).with_columns(pl.lit(None, pl.Float64).alias("fallback_ms"))


def quick(rule):
    """Rules on a day or a month do not detect a step: what came before it decides when they fire."""
    return rule.window <= HOUR and all(part.metric.needs != "budget" for part in rule.condition.comparisons)


def first_fire(text, rows, phase, most=20 * MINUTE):
    """(How long after START the first rule fires, its name) when ticks come at `phase` after START and so on."""
    set_ = settings(text)
    rules = [rule for rule in compile_rules(set_).rules if quick(rule)]
    instances, kept = {}, Known()
    interval, traffic = set_.alerting.interval, Traffic(rows)
    for tick in range(int(most / interval)):
        traffic.now = now = START + phase + interval * tick
        known = Known(instances, (), kept.kept)
        for found in evaluate(traffic, rules, set_, now, Freshness(now, now, 1), known=known):
            made = decide(instances.get(found.rule.key), found.rule, found.outcome, now, interval)
            instances[found.rule.key] = made.instance
            if made.reason == "fired":
                return now - START, found.rule.name
    return None, ""


FIGURES = {
    # limit, window, for: share of timeouts -> seconds, ticks of 30 s
    "> 5 % of 5 min for 1 min": ("timeout_rate > 5%", "1m", {1.0: 105, 0.5: 120, 0.2: 165, 0.1: 240, 0.06: 340}),
    "> 10 % of 5 min for 5 min": ("timeout_rate > 10%", "5m", {1.0: 360, 0.2: 480}),
}


@pytest.mark.parametrize(("name", "share"), [(name, share) for name, row in FIGURES.items() for share in row[2]])
def test_a_step_is_detected_in_the_time_that_was_worked_out(name, share):
    """At worst a tick finds exactly the limit, which is not above it, and the next one comes 30 s later."""
    condition, hold, seconds = FIGURES[name]
    text = (
        "alerting: {packs: [], delay: 0s, interval: 30s}\n"
        f"alerts: [{{name: rule, condition: '{condition}', window: 5m, for: {hold}}}]"
    )
    rows = stepping(share, 10 * MINUTE, 10 * MINUTE)
    worst = timedelta(seconds=seconds[share]) % (30 * SECOND)
    assert first_fire(text, rows, worst) == (timedelta(seconds=seconds[share]), "rule")
    sooner, _ = first_fire(text, rows, worst + 20 * SECOND if worst < 10 * SECOND else worst - 10 * SECOND)
    assert sooner < timedelta(seconds=seconds[share])


SHARES = (0.1, 0.2, 0.5, 1.0)
PHASES = (0 * SECOND, 5 * SECOND, 10 * SECOND)


def slowest(pack, share):
    """The slowest of three phases of the tick, with the default interval and delay."""
    rows = stepping(share, 20 * MINUTE, 15 * MINUTE)
    return max(first_fire(f"alerting: {{packs: [{pack}]}}", rows, phase) for phase in PHASES)


def shown(length):
    return f"{length // MINUTE}:{length % MINUTE // SECOND:02}"


def documented():
    """Pack -> share -> cell of the table."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "alerting.md").read_text("utf-8")
    table = re.search(r"\| pack \| 10 % \| 20 % \| 50 % \| 100 % \|\n\|[-|]+\n((?:\|.*\n)+)", text)[1]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines()]
    return {row[0].strip("`"): dict(zip(SHARES, row[1:], strict=True)) for row in rows}


@pytest.mark.parametrize(("pack", "share"), [("p3", 0.1), ("p3", 1.0), ("p2", 0.2), ("on_call", 0.5), ("p1_kpis", 0.1)])
def test_the_documented_times_are_those_of_the_packs(pack, share):
    length, name = slowest(pack, share)
    assert documented()[pack][share] == f"{shown(length)} `{name}`"


@pytest.mark.parametrize("share", SHARES)
def test_the_documented_times_of_burn_rates_are_those_they_need(share):
    found = {f"burn_{pair.long // HOUR}h": detected_after(pair, Objective(), share) for pair in GOOGLE_30D}
    minutes, name = min((minutes, name) for name, minutes in found.items() if minutes is not None)
    hours, left = divmod(round(minutes), 60)
    assert documented()["google_30d"][share] == f"{f'{hours} h ' if hours else ''}{left} min `{name}`"


def test_the_default_pack_detects_one_in_ten_timeouts_within_five_minutes():
    assert all(cell < "5:00" for cell in documented()["p3"].values())


@pytest.mark.parametrize(("share", "minutes"), [(1.0, 8.64), (0.5, 17.28), (0.2, 43.2)])
def test_a_burn_rate_fires_when_both_windows_hold_enough(share, minutes):
    """The rule fires with the first tick after what the windows were worked out to need, and not before."""
    needed = timedelta(minutes=detected_after(GOOGLE_30D[0], Objective(), share))
    assert needed / MINUTE == pytest.approx(minutes)
    text = "alerting: {packs: [google_30d], delay: 0s}"
    rows = stepping(share, 2 * HOUR, HOUR, every=2 * SECOND)
    set_ = settings(text)
    rule = next(rule for rule in compile_rules(set_).rules if rule.name == "burn_1h")
    seen = []
    for after in (needed - 20 * SECOND, needed + 20 * SECOND):
        now = START + after
        (found,) = evaluate(Traffic(rows, now), [rule], set_, now, Freshness(now, now, 1))
        seen.append(found.outcome)
    assert seen == ["false", "true"]


def test_a_burn_that_is_over_ends_with_its_short_window():
    text = "alerting: {packs: [google_30d], delay: 0s}"
    set_ = settings(text)
    rule = next(rule for rule in compile_rules(set_).rules if rule.name == "burn_1h")
    over = stepping(1.0, 2 * HOUR, 20 * MINUTE)
    rows = pl.concat([over, stepping(0.0, 0 * HOUR, HOUR).with_columns(pl.col("timestamp") + 20 * MINUTE)])
    for after, outcome in ((20, "true"), (24, "true"), (26, "false")):
        now = START + after * MINUTE
        (found,) = evaluate(Traffic(rows, now), [rule], set_, now, Freshness(now, now, 1))
        assert found.outcome == outcome, after
        assert found.readings[0].value > 14.4, "the hour as a whole burns on"
