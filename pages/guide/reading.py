"""What the first week is told from, read once for every visitor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.record import SPAN_KINDS
from core.selection import Selection
from metrics.first_week import COLUMNS, Facts, days_of, of_requests
from pages.shared.kept import kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.record import Kind
    from core.settings import Settings
    from pages.shared.frame import Frame

LAST = 1000


def facts(frame: Frame) -> Facts:
    """The facts as of this version of the data and of the settings."""
    read: dict[str, Any] = kept("guide", "facts", frame.key, lambda: _read(frame))
    return Facts(sample=frame.demo, **read, **_set(frame.settings))


def _read(frame: Frame) -> dict[str, Any]:
    reader = frame.reader
    newest = of_requests(reader.requests(Selection(last=LAST), COLUMNS))
    evals = bool(newest.pop("evals", False)) or _any(frame, ("eval",))
    days = days_of(reader.extent(Selection()))
    return {**newest, "evals": evals, "spans": _any(frame, SPAN_KINDS), "days": days, "files": len(reader.ledger())}


def _any(frame: Frame, kinds: Sequence[Kind]) -> bool:
    return frame.reader.records(kinds, Selection(last=1), ("timestamp",)).height > 0


def _set(settings: Settings) -> dict[str, bool]:
    return {
        "objective": "objectives" in settings.model_fields_set,
        "channel": any(channel.type != "console" for channel in settings.channels.values()),
    }
