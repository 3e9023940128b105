"""Why a line was not stored: a code machines count by, and a sentence people act on."""

from __future__ import annotations

from typing import Literal

Reason = Literal[
    "invalid_utf8",
    "invalid_json",
    "trailing_garbage",
    "not_an_object",
    "duplicate_key",
    "too_deep",
    "not_a_record",
    "unsupported_version",
    "missing_field",
    "bad_type",
    "non_finite",
    "out_of_range",
    "negative",
    "unknown_kind",
    "unknown_status",
    "bad_timestamp",
    "timestamp_without_zone",
    "bad_sample_rate",
]


class Refused(Exception):  # noqa: N818 - an outcome, not a fault of ours
    """The line goes to the quarantine with this reason and detail."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail
