"""Whether the choice holds any requests; where it does not, the page is what to do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.text import moment, number
from pages.shared import empty
from pages.shared.kept import kept

if TYPE_CHECKING:
    from core.selection import Selection
    from pages.shared.frame import Frame


def nothing_selected(frame: Frame) -> bool:
    """Whether no request is selected: then it is said whether the filters or the time leave none."""
    selection, choice = frame.choice.selection(frame.now), frame.choice
    if _count(selection, frame):
        return False
    everything = replace(selection, last=None, **dict.fromkeys(choice.filters))
    if choice.filters and (there := _count(everything, frame)):
        empty.nothing_matches(choice, number(there, frame.language), frame.language)
        return True
    newest = frame.freshness.newest
    said = moment(newest, frame.settings.zone, frame.language) if newest else "–"
    empty.nothing_in_range(choice, said, frame.language)
    return True


def _count(selection: Selection, frame: Frame) -> int:
    # The span moves with the clock and is no key: what was chosen is.
    what = (frame.choice, selection.last, tuple(selection.filters))
    return kept("selected", what, frame.key, lambda: frame.reader.extent(selection).rows)
