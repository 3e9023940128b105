"""One reading of a question, for command and URL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from metric_frames import NOW

from core.errors import UsageError
from core.selection import Selection
from core.timespan import TimeSpan
from metrics.query import BEGINNING, selection_from

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = TimeSpan(NOW - timedelta(days=1), NOW)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, Selection(last=1000)),
        ({"last_requests": "50"}, Selection(last=50)),
        ({"since": "24h"}, Selection(DAY)),
        ({"since": "1day", "last_requests": "7"}, Selection(DAY, 7)),
        (
            {"day": "2026-11-23"},
            Selection(TimeSpan(datetime(2026, 11, 22, 17, tzinfo=UTC), datetime(2026, 11, 23, 17, tzinfo=UTC))),
        ),
        ({"start": "2026-11-23T07:00:00Z", "end": "2026-11-24T14:00:00+07:00"}, Selection(DAY)),
        ({"start": "2026-11-23T07:00:00 00:00"}, Selection(DAY)),
        ({"end": NOW.isoformat(), "last_requests": "3"}, Selection(TimeSpan(BEGINNING, NOW), 3)),
        ({"agent": "planner"}, Selection(last=1000, agent="planner")),
        (
            {"since": "24h", "operation": "o", "model": "m", "environment": "e"},
            Selection(DAY, operation="o", model="m", environment="e"),
        ),
        ({"agent": "'; DROP TABLE records; --"}, Selection(last=1000, agent="'; DROP TABLE records; --")),
    ],
)
def test_a_question_selects_its_requests(params, expected):
    assert selection_from(params, NOW, HANOI) == expected


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"last_requests": "0"}, "whole number from 1 on"),
        ({"last_requests": "-5"}, "whole number from 1 on"),
        ({"last_requests": "1e3"}, "whole number from 1 on"),
        ({"last_requests": ""}, "whole number from 1 on"),
        ({"last_requests": "٣"}, "whole number from 1 on"),
        ({"last_requests": "9" * 40}, "whole number from 1 on"),
        ({"since": "yesterday"}, '"yesterday" is not a duration; write 500ms, 30s, 5m, 1h or 1d'),
        ({"since": "0h"}, "no time at all"),
        ({"since": "99999999999d"}, "first year of the calendar"),
        ({"since": "9" * 400 + "d"}, "first year of the calendar"),
        ({"day": "23/11/2026"}, 'day: "23/11/2026" is not a date; write 2026-11-23'),
        ({"day": "2026-11-23", "since": "1h"}, "give one of them"),
        ({"start": "yesterday"}, 'start: "yesterday" is not a time; write 2026-11-24T09:00:00+00:00'),
        ({"end": "2026-11-24T09:00:00"}, "has no offset"),
        ({"start": "2026-11-24"}, "write 2026-11-24T00:00:00+00:00 for UTC"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "outside the calendar"),
        ({"end": "9999-12-31T23:00:00-05:00"}, "outside the calendar"),
        ({"start": "2026-11-24T09:00:00Z", "end": "2026-11-24T09:00:00Z"}, "ends"),
        ({"start": "2026-11-24T09:00:00Z", "since": "1h"}, "give one of them"),
        ({"end": "2026-11-24T09:00:00Z", "since": "1h"}, "leave end out"),
        ({"agent": ""}, "agent is empty"),
        ({"agents": "x"}, 'no parameter "agents"; did you mean "agent"?'),
        (
            {"limit": "5"},
            'no parameter "limit". Allowed: last_requests, since, day, start, end, agent, operation, model, environment',
        ),
    ],
)
def test_what_cannot_be_asked_says_what_can(params, message):
    with pytest.raises(UsageError) as caught:
        selection_from(params, NOW, HANOI)
    assert message in str(caught.value)
