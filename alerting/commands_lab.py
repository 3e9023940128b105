"""`python -m alerting backtest`: what a rule would have done over stored history."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alerting.trial import trial
from core.dashboard import ask_dashboard
from core.errors import StoreLocked
from core.settings import load
from core.text import age, moment, number, percent
from core.timespan import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from core.places import Places
    from core.selection import Reader
    from core.settings import Settings


def run_backtest(
    places: Places, store: Callable[[Places], AbstractContextManager[Reader]], asked: dict[str, str], *, as_json: bool
) -> int:
    """Print what the lab found; 0 whatever it is."""
    settings = load(places.config)
    try:
        with store(places) as reader:
            found = trial(reader, places.state, settings, asked, utc_now())
    except StoreLocked as locked:
        found = ask_dashboard(places.store, "/api/v1/backtest", asked, locked)
    print(json.dumps(found, indent=2, ensure_ascii=False) if as_json else told(found, settings))
    return 0


def told(found: dict[str, Any], settings: Settings) -> str:
    """What the lab found, in words for a terminal."""
    start, end = (datetime.fromisoformat(found["span"][name]) for name in ("start", "end"))

    def at(text: str) -> str:
        return moment(datetime.fromisoformat(text), settings.zone, "en")

    lines = [f"{found['rule']}: {found['condition']}, over {age(end - start, 'en')} from {at(found['span']['start'])}"]
    if found["not_evaluable"]:
        return "\n".join([*lines, f"It cannot be evaluated, so it never fires: {found['not_evaluable']}"])
    if not found["as_live"]:
        lines.append(f"Looked at every {found['interval_s']:g} s, not as often as the checker does: fires may differ.")
    lines.append(
        f"{number(found['fires'], 'en')} fires ({number(found['fires_per_day'], 'en', 2)} a day), told as "
        f"{number(found['incidents'], 'en')} incidents ({number(found['incidents_per_day'], 'en', 2)} a day)"
    )
    if found["fires"]:
        lines.append(f"First {at(found['first_fire'])}, last {at(found['last_fire'])}")
    lines.append(_labels(found))
    return "\n".join([*lines, *_suggested(found["suggestion"])])


def _labels(found: dict[str, Any]) -> str:
    useful = len(found["found"]) + len(found["missed"])
    if not useful and found["false_share"] is None:
        return "No incident of that time is labelled useful or noise, so nothing can be said about misses and noise."
    said = []
    if useful:
        delays = sorted(one["delay_s"] for one in found["found"])
        middle = f", {timedelta(seconds=delays[len(delays) // 2])} after they were first seen" if delays else ""
        said.append(f"{len(delays)} of {useful} useful incidents found{middle}")
    if found["false_share"] is not None:
        said.append(f"{percent(found['false_share'], 'en')} of {found['judged_fires']} judged fires were noise")
    return "; ".join(said)


def _suggested(suggestion: dict[str, Any] | None) -> list[str]:
    if suggestion is None:
        return []
    most, limit = suggestion["at_most_a_week"], suggestion["limit"]
    if limit is None:
        return [f"None of the limits tried is calm enough for at most {most:g} incidents a week."]
    tried = {one["limit"]: one["incidents_per_week"] for one in suggestion["tried"]}
    never = "" if tried[limit] else ", which would never have fired"
    said = [
        f"At most {most:g} incidents a week: {limit}{never}",
        "Incidents a week by limit: " + ", ".join(f"{one} {number(week, 'en', 1)}" for one, week in tried.items()),
    ]
    if not suggestion["enough_history"]:
        said.append("There is less than two weeks of history: judge it again when there is more.")
    return said
