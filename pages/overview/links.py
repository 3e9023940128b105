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
    """The query string of the Requests page for a cell of the heatmap: its slot and its band; `params` go along."""
    start = _EPOCH + timedelta(milliseconds=cell["at"])
    wanted = filters.params_of(choice.between(start, start + data.HEATMAP[1])) | {"band": cell["band"]}
    kept = {name: value for name, value in params.items() if name not in {*wanted, "view", "q", "page"}}
    return kept | {name: value for name, value in wanted.items() if value is not None}
