"""The answer on a terminal: the sentence, then the numbers behind it. Log text is shown as text."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from core.text import NARROW, age, number, percent, say, seconds
from metrics.sentence import TEXTS, printable, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from zoneinfo import ZoneInfo

    from rich.console import Console

    from core.text import Language
    from metrics.values import Rate, Summary
_SHORT = 18
_IN_ONE_CELL = {frozenset(("low", "high")), frozenset(("value", "low", "high", "n")), frozenset(("value", "at_least"))}


def show(summary: Summary, language: Language, zone: ZoneInfo, console: Console) -> None:
    """Print the sentence and, when there are requests, the table."""
    said = sentence(summary, language, zone)
    console.print(Text(said.headline, style="bold"))
    reason = Text.assemble(*((printable(part.text), "cyan") if part.quoted else part.text for part in said.reason))
    for line in (reason, Text(said.budget)):
        if line:
            console.print(line)
    if not summary.counts.requests:
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, value, note in _rows(summary, language):
        table.add_row(Text(name), Text(value), Text(note))
    console.print()
    console.print(table)


def show_answer(shown: Mapping[str, Any], console: Console) -> None:
    """Any other answer: its sentence, then every number by name, and every list of rows as a table."""
    if sentence_ := shown.get("sentence"):
        console.print(Text(printable(str(sentence_)), style="bold"))
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in _facts(shown):
        facts.add_row(Text(name), Text(_cell(value)))
    if facts.row_count:
        console.print(facts)
    for name, rows in shown.items():
        if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
            console.print()
            _print_whole(_table(name, rows), console)


def _print_whole(table: Table, console: Console) -> None:
    """A pipe is as wide as it takes; on a terminal the longer words of a table fold."""
    if not console.is_terminal:
        console.width = max(
            console.width, Measurement.get(console, console.options.update(width=10_000), table).maximum
        )
    console.print(table)


def _facts(shown: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in shown.items():
        if (not above and name in {"sentence", "receipt", "sample"}) or (
            isinstance(value, list) and any(isinstance(item, dict) for item in value)
        ):
            continue
        if isinstance(value, dict) and frozenset(value) not in _IN_ONE_CELL:
            yield from _facts(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _table(name: str, rows: list[dict[str, Any]]) -> Table:
    flat = [dict(_facts(row, " ")) for row in rows]
    columns = list(dict.fromkeys(column for row in flat for column in row))
    table = Table(title=name, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in columns:
        numeric = all(isinstance(row.get(column), int | float | None) for row in flat)
        short = numeric or all(len(_cell(row.get(column))) <= _SHORT for row in flat)
        table.add_column(column.strip(), justify="right" if numeric else "left", overflow="fold", no_wrap=short)
    for row in flat:
        table.add_row(*(Text(_cell(row.get(column))) for column in columns))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, dict):
        return _one(value)
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value) or "–"
    return printable(str(value))


def _one(value: Mapping[str, Any]) -> str:
    """A range, a rate with its range and n, or a time that may be a bound, in one cell."""
    if "at_least" in value:
        return ("≥ " if value["at_least"] else "") + _cell(value["value"])
    span = " to ".join(dict.fromkeys((_cell(value["low"]), _cell(value["high"]))))
    return f"{_cell(value['value'])} ({span}; n {_cell(value['n'])})" if "value" in value else span


def _rows(summary: Summary, language: Language) -> Iterator[tuple[str, str, str]]:
    counts, budget, sli = summary.counts, summary.budget, summary.sli

    def name(key: str, **values: object) -> str:
        return say(TEXTS, f"row_{key}", language, **values)

    def share(rate: Rate | None) -> str:
        if rate is None:
            return ""
        low = percent(rate.low, language).removesuffix(f"{NARROW}%")
        span = say(TEXTS, "range", language, low=low, high=percent(rate.high, language))
        return f"{percent(rate.value, language)} ({span})"

    yield name("requests"), number(counts.requests, language), ""
    yield name("success"), number(counts.success, language), share(summary.success_rate)
    yield name("timeout"), number(counts.timeout, language), share(summary.timeout_rate)
    yield name("failed"), number(counts.failed, language), share(summary.error_rate)
    for key, count in (("excluded", counts.excluded), ("unmeasured", counts.unmeasured), ("near", summary.near)):
        if count:
            yield name(key), number(count, language), ""
    if summary.fallback_rate and summary.fallback_rate.value:
        used = summary.fallback_rate.value * counts.valid
        yield name("fallback"), number(used, language), share(summary.fallback_rate)
    yield name("average"), seconds(summary.average_ms, language, at_least=summary.average_at_least), ""
    for percentile, found in summary.percentiles.items():
        bound = found is not None and found.at_least
        yield percentile.upper(), seconds(found.value if found else None, language, at_least=bound), ""
    goal = {"target": percent(sli.target, language), "limit": seconds(sli.limit_ms, language)}
    yield name("sli", name=sli.objective, **goal), percent(sli.value, language, 2), ""
    period = age(budget.period, language)
    yield name("budget", period=period), percent(None if budget.consumed is None else budget.remaining, language), ""
    burns = " / ".join(number(burn, language, 1) for burn in budget.burn.values())
    yield name("burn", windows=" / ".join(budget.burn)), burns, ""
    if summary.freshness.age_s is not None:
        old = age(timedelta(seconds=summary.freshness.age_s), language)
        yield name("age"), say(TEXTS, "ago", language, age=old), ""
