"""When a problem began, by its own minutes: before any rule could be sure of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import polars as pl

from alerting.rules import labels_of
from alerting.screen import judged, screen, screened
from core.timespan import TimeSpan
from metrics.summary import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from alerting.archive import Story
    from alerting.rules import Rule
    from core.selection import RequestSource
    from core.settings import Settings

MINUTE = timedelta(minutes=1)


def onset(source: RequestSource, rule: Rule, settings: Settings, fired_at: datetime) -> datetime | None:
    """The start of the first minute (UTC) of the run of minutes beyond the rule's limit that led to the fire.

    Each minute is judged alone, however few its requests; minutes without any are passed over. Looked for in the two
    windows before the fire; None when none of their minutes is beyond the limit, or single minutes cannot tell.
    """
    alone = replace(rule, window=MINUTE, short=None, group_by=(), min_samples=0, min_bad=0)
    if not screened(alone, settings):
        return None
    last = (fired_at - settings.alerting.delay).astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
    count = -(-2 * rule.window // MINUTE)
    span = TimeSpan(last - count * MINUTE, last)
    rows = judged(source.requests(rule.requests.over(span), COLUMNS), settings)
    ends = pl.Series([last - number * MINUTE for number in range(count)], dtype=pl.Datetime("us", "UTC"))
    began = None
    for number, seen in enumerate(screen(alone, rows, settings, ends)):
        if seen == "true":
            began = last - (number + 1) * MINUTE
        elif seen != "no_data" and began is not None:
            break
    return began


def onsets(
    source: RequestSource, rules: Mapping[str, Rule], settings: Settings, incidents: Iterable[Story]
) -> dict[str, datetime]:
    """When each incident began by its own minutes, by its id: where its first rule is still in force and can tell."""
    began = {}
    for one in incidents:
        first = one.episodes[0] if one.episodes else None
        name, labels = labels_of(first.rule) if first else ("", ())
        if first and name in rules:
            rule = rules[name].of_group(labels) if labels else rules[name]
            start = onset(source, rule, settings, first.fired_at) if rule.whole else None
            if start is not None:
                began[one.id] = start
    return began
