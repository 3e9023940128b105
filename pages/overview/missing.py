"""What the numbers of the page may be without, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.text import moment, number
from pages.shared.text import t

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from core.selection import Losses
    from core.text import Language
    from metrics.coverage import Coverage


def missing_words(found: Coverage, losses: Losses, zone: ZoneInfo, language: Language) -> str:
    """One sentence for each thing that is missing; nothing when the numbers are whole enough."""
    if found.state != "partial":
        return ""
    counts = {"refused": found.refused, "dropped": found.dropped, "unread": found.unread}
    said = [t(f"missing_{name}", language, count=number(count, language)) for name, count in counts.items() if count]
    if found.starts_late and losses.since is not None:
        said.append(t("missing_before", language, when=moment(losses.since, zone, language)))
    return " ".join(said)
