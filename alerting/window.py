"""One window and its groups: what was asked of it, read when it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from alerting.look import MICROSECOND, NEAR, PLAIN, once
from alerting.rules import OTHERS
from core.timespan import TimeSpan, micros
from metrics.cost_answer import charges_of
from metrics.evidence import Evidence, gather
from metrics.host import COLUMNS as HOST_COLUMNS
from metrics.host import Host, gauges, hosts
from metrics.tally import PERCENTILES, group_numbers, most_telling, tally

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from alerting.catalogue import Needs
    from alerting.look import Kind, Look, Question
    from alerting.rules import Labels

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

    def _kept(self, what: str, make: Callable[[], Kind]) -> Kind:
        """`make()`, kept while the window ends there; of past windows nothing is kept but their values."""
        if self.end != self.look.end:
            return make()
        return self.look.kept.get((what, self.question.requests.over(self.span("cost")), self.question.columns), make)

    def rows(self, needs: Needs = "requests") -> pl.DataFrame:
        """The requests, plain or compact."""
        plain = needs in PLAIN
        if self.question.window <= NEAR and self.end == self.look.end:
            return self.once("rows", lambda: self.look.near(self.question))
        return self.once(f"rows {plain}", lambda: self.look.read(self.question, self.span(needs), plain=plain))

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
            names=sorted(asked.percentiles) or PERCENTILES[-1:],
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
        look, span, columns = self.look, self.span("said"), self.question.columns
        selection = self.question.requests.over(span)
        found = self._kept(
            "said", lambda: gather(look.recorded, selection, look.limits.limit_ms, look.now, more=columns)
        )
        requests, said = self.groups().parts(found.requests), self.groups().parts(found.said)
        return {
            number: Evidence(requests.get(number, found.requests.clear()), said.get(number, found.said.clear()), span)
            for number in {*requests, *said}
        }

    def charges(self) -> dict[int, tuple[pl.DataFrame, pl.DataFrame]]:
        """The requests of every group and their charges (`metrics.charges`)."""
        return self.once("charges", self._charges)

    def _charges(self) -> dict[int, tuple[pl.DataFrame, pl.DataFrame]]:
        look, columns = self.look, self.question.columns
        selection = self.question.requests.over(self.span("cost"))
        requests, charges = self._kept(
            "cost", lambda: charges_of(look.recorded, selection, look.settings, more=columns)
        )
        if not columns:
            return {0: (requests, charges)}
        numbered = self.groups().number(requests)
        of_row = numbered.select("group").with_row_index("row")
        parts = charges.join(of_row, on="row", how="left", maintain_order="left").partition_by("group", as_dict=True)
        return {
            number: (mine, parts.get((number,), charges.clear()))
            for number, mine in ((part["group"][0], part) for part in numbered.partition_by("group"))
        }

    def hosts(self) -> tuple[Host, ...]:
        """The machines; of the environment where the question has one."""
        selection = self.question.requests.over(self.span("host"))
        return self.once("hosts", lambda: hosts(gauges(self.look.recorded.records(("host",), selection, HOST_COLUMNS))))
