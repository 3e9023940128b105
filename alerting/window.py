"""One window and its groups: what was asked of it, read when it is needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

import polars as pl

from alerting.look import MICROSECOND, NEAR, PLAIN, once
from alerting.rules import OTHERS
from core.sections import RuleLabel
from core.selection import FILTER_COLUMNS
from core.timespan import TimeSpan, micros
from metrics.cost import spent_by
from metrics.cost_answer import charges_of
from metrics.evidence import Evidence, gather
from metrics.host import COLUMNS as HOST_COLUMNS
from metrics.host import Host, gauges, hosts
from metrics.tally import group_numbers, most_telling, tally

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from alerting.catalogue import Needs
    from alerting.look import Kind, Look, Question
    from alerting.rules import Labels
    from core.selection import Selection

LABEL_COLUMNS = tuple(FILTER_COLUMNS[name] for name in get_args(RuleLabel))
MOST_GROUPS = 50
"""So many groups are judged one by one; all others together are one more."""
STEPS = 240
"""What is read record by record is looked at so many times in its window, when that is longer than NEAR."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The number of every group that is judged one by one; `others` is how many the number of OTHERS stands for."""

    numbers: dict[Labels, int]
    known: pl.DataFrame
    columns: tuple[str, ...]
    others: int = 0

    def number(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame`, which has `columns`, with `group`."""
        if not self.columns:
            return frame.with_columns(pl.lit(0, pl.UInt32).alias("group"))
        told = frame.join(self.known, on=list(self.columns), how="left", nulls_equal=True, maintain_order="left")
        return told.with_columns(pl.col("group").fill_null(len(self.known)))

    def parts(self, frame: pl.DataFrame) -> dict[int, pl.DataFrame]:
        """`frame` by number of group."""
        if not self.columns:
            return {0: frame}
        return {part["group"][0]: part for part in self.number(frame).partition_by("group")}


def labelled_charges(look: Look, selection: Selection) -> pl.DataFrame:
    """The charges of the selected requests, with LABEL_COLUMNS of the request."""
    requests, charges = charges_of(look.recorded, selection, look.settings, more=LABEL_COLUMNS)
    labels = requests.select(LABEL_COLUMNS).with_row_index("row")
    return charges.drop(LABEL_COLUMNS, strict=False).join(labels, on="row", how="left", maintain_order="left")


class Window:
    """The window of a question that ends at `end`, with its groups: `most` of them, those to `keep` among them.

    With `like` its groups are those of another window.
    """

    def __init__(
        self,
        look: Look,
        question: Question,
        end: datetime,
        keep: Collection[Labels] = (),
        *,
        most: int = MOST_GROUPS,
        like: Window | None = None,
    ) -> None:
        self.look, self.question, self.end = look, question, end
        self._keep, self._most, self._like = keep, most, like
        self._made: dict[str, Any] = {}

    def span(self, needs: Needs = "requests") -> TimeSpan:
        """(end - window, end]; of what is read record by record in a long window, of the last step before."""
        end = self.end
        if end == self.look.end and self.question.window > NEAR and needs not in ("requests", "minutes"):
            end -= timedelta(microseconds=(micros(end) - 1) % (self.question.window // STEPS // MICROSECOND))
        return TimeSpan(end - self.question.window, end)

    def once(self, what: str, make: Callable[[], Kind]) -> Kind:
        """`make()`, once for this window; a fault is told each time, not tried again."""
        return once(self._made, what, make)

    def rows(self, needs: Needs = "requests") -> pl.DataFrame:
        """The requests, plain or compact."""
        plain = needs in PLAIN
        if self.question.window <= NEAR and self.end == self.look.end:
            return self.once("rows", lambda: self.look.near(self.question))
        return self.once(f"rows {plain}", lambda: self._read(needs, plain=plain))

    def _read(self, needs: Needs, *, plain: bool) -> pl.DataFrame:
        rows = self.look.read(self.question, self.span(needs), plain=plain)
        self._spend(rows.height)
        return rows

    def _spend(self, rows: int) -> None:
        """Of a past window: what was read of it is not read of another in this evaluation."""
        if self.end != self.look.end:
            self.look.kept.spend(rows)

    def groups(self) -> Groups:
        """Its groups: those that must stay, then the most telling, then all others as one."""
        return self.once("groups", self._groups)

    def _groups(self) -> Groups:
        if self._like is not None:
            return self._like.groups()
        by, columns = self.question.group_by, self.question.columns
        if not by:
            return Groups({(): 0}, pl.DataFrame(), ())
        numbered, known = group_numbers(self.rows(), columns)
        labels: list[Labels] = [tuple(zip(by, row, strict=True)) for row in known.select(columns).iter_rows()]
        place = {found: number for number, found in enumerate(labels)}
        stay = dict.fromkeys(place[found] for found in self._keep if found in place)
        ranked = list(dict.fromkeys([*stay, *most_telling(numbered, self.look.limits)]))
        chosen = ranked[: max(self._most, len(stay))]
        numbers = {labels[number]: position for position, number in enumerate(chosen)}
        if others := len(labels) - len(chosen):
            numbers[OTHERS] = len(chosen)
        positions = pl.DataFrame(
            {"group": chosen, "position": range(len(chosen))}, {"group": pl.UInt32, "position": pl.UInt32}
        )
        kept = known.join(positions, on="group").drop("group").rename({"position": "group"})
        return Groups(numbers, kept, columns, others)

    def tallies(self) -> dict[int, dict[str, Any]]:
        """`metrics.tally` of every group, by its number."""
        return self.once("tally", self._tallies)

    def _tallies(self) -> dict[int, dict[str, Any]]:
        asked = self.look.asked[self.question]
        found = tally(
            self.groups().number(self.rows()),
            self.look.limits,
            self.look.objective,
            names=sorted(asked.percentiles) if asked.times else None,
            beyond=sorted(asked.beyond),
        )
        return {row["group"]: row for row in found.iter_rows(named=True)}

    def beyond(self, limit_ms: float) -> str:
        """The column of a tally with how many requests took longer."""
        return f"beyond_{sorted(self.look.asked[self.question].beyond).index(limit_ms)}"

    def parts(self, needs: Needs) -> dict[int, pl.DataFrame]:
        """The requests of every group."""
        return self.once(f"parts {needs}", lambda: self.groups().parts(self.rows(needs)))

    def said(self) -> dict[int, Evidence]:
        """The requests of every group and what was said about them until now."""
        return self.once("said", self._said)

    def _said(self) -> dict[int, Evidence]:
        look, span = self.look, self.span("said")
        selection = self.question.requests.over(span)

        def read() -> Evidence:
            return gather(look.recorded, selection, look.limits.limit_ms, look.now, more=LABEL_COLUMNS)

        past = self.end != look.end  # of past windows nothing is kept but their values
        found = read() if past else look.kept.get(("said", selection), read)
        self._spend(found.requests.height)
        requests, said = self.groups().parts(found.requests), self.groups().parts(found.said)
        return {
            number: Evidence(requests.get(number, found.requests.clear()), said.get(number, found.said.clear()), span)
            for number in {*requests, *said}
        }

    def spent(self) -> dict[int, dict[str, Any]]:
        """`metrics.cost.spent_by` of every group, by its number; those without a charge are not there."""
        return self.once("spent", self._spent)

    def any_request(self) -> bool:
        """Whether there is any request in the window `spent` is of."""
        return (
            self.look.source.requests(
                replace(self.question.requests.over(self.span("cost")), last=1), ("timestamp",)
            ).height
            > 0
        )

    def _spent(self) -> dict[int, dict[str, Any]]:
        look, selection = self.look, self.question.requests.over(self.span("cost"))
        charges = look.kept.get(("cost", selection), lambda: labelled_charges(look, selection))
        sums = spent_by(self.groups().number(charges), ("group",))
        return {row["group"]: row for row in sums.iter_rows(named=True)}

    def hosts(self) -> tuple[Host, ...]:
        """The machines; of the environment where the question has one."""
        selection = self.question.requests.over(self.span("host"))
        return self.once("hosts", lambda: hosts(gauges(self.look.recorded.records(("host",), selection, HOST_COLUMNS))))
