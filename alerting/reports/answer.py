"""A report asked for by a command or a URL: `week=2026-W47` or `month=2026-11`, in plain JSON types."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from alerting.reports.figures import build_report, report_json
from alerting.reports.period import KINDS, period_from, period_of
from alerting.reports.table import rows
from alerting.reports.words import document
from core.errors import UsageError
from core.text import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from alerting.reports.period import Period
    from core.selection import Reader
    from core.settings import Settings

TRIES = 3


def report_answer(
    reader: Reader, settings: Settings, state: Path, params: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    """`report` (numbers), `documents` (words by language, `alerting.reports.document`) and `rows` (the table).

    Without parameters, the last month that is over. All of it is of one version of the data: made again while rows came
    in, at most TRIES times. UsageError for a period that has not begun, or that nobody can read.
    """
    period = _period(params, now, settings)
    for _ in range(TRIES):
        version = reader.freshness().version
        found = build_report(reader, settings, state, period, now)
        if reader.freshness().version == version:
            break
    return {
        "report": report_json(found),
        "documents": {language: document(found, settings, language).tree() for language in LANGUAGES},
        "rows": rows(found, settings),
    }


def _period(params: Mapping[str, str], now: datetime, settings: Settings) -> Period:
    if unknown := sorted(params.keys() - set(KINDS)):
        raise UsageError(f'no parameter "{unknown[0]}"; a report is asked for by {" or ".join(KINDS)}')
    if len(params) > 1:
        raise UsageError("week and month both say when; give one of them")
    today = now.astimezone(settings.zone).date()
    kind = next((kind for kind in KINDS if kind in params), None)
    if kind is None:
        return period_of("month", today.replace(day=1) - timedelta(days=1))
    period = period_from(kind, params[kind])
    if period.first > today:
        raise UsageError(f"{period.name} has not begun in {settings.timezone}, where it is {today}")
    return period
