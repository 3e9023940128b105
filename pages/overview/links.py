"""From a number of the Overview to the rows behind it, as addresses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pages.shared import data, filters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pages.shared.filters import Choice

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rows_of_cell(choice: Choice, cell: Mapping[str, Any], params: Mapping[str, str]) -> dict[str, str]:
    """The query string of the Requests page for a cell of the heatmap: its slot and its band."""
    start = _EPOCH + timedelta(milliseconds=cell["at"])
    return filters.query_of(choice.between(start, start + data.HEATMAP[1]), params, band=cell["band"])
