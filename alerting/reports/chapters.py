"""What follows the first page: days, agents, incidents, the budget's ledger, money, and the review."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from alerting.changed import points
from alerting.chart import ON_A_PAGE, PRINTED, Line, draw
from alerting.programme import TARGETS
from alerting.reports.document import Drawing, Part, Table, words
from alerting.reports.figures import OLD
from core.text import age, moment, money, number, percent, seconds
from metrics.budget_ledger import first

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from typing import Any

    import polars as pl

    from alerting.archive import Story
    from alerting.reports.figures import Report
    from core.settings import Settings
    from core.text import Language

MOST_ROWS = 12


def parts(report: Report, settings: Settings, language: Language) -> tuple[Part, ...]:
    """The chapters in the order they are read."""
    return (
        _trend(report, settings, language),
        _agents(report, settings, language),
        _story(report, settings, language),
        _ledger(report, settings, language),
        _money(report, language),
        _review(report, language),
        _data(report, settings, language),
    )


def trend_line(report: Report, settings: Settings, language: Language) -> Line:
    """The timeout rate of every day beside what the objective allows."""
    days, objective = report.days, settings.objective_values[0]

    def rate(value: float) -> str:
        return percent(value, language, 1)

    limit = words("trend_limit", language, budget=rate(objective.budget))
    title = words("trend_chart", language)
    return Line(title, days["start"].to_list(), days["timeout_rate"].to_list(), rate, objective.budget, limit)


def trend(report: Report, settings: Settings, language: Language) -> Drawing:
    """That line, drawn for a page and for print."""
    line, zone = trend_line(report, settings, language), settings.zone
    return Drawing(draw(line, zone, language, ON_A_PAGE), draw(line, zone, language, PRINTED))


def _trend(report: Report, settings: Settings, language: Language) -> Part:
    rows = tuple(
        (
            _date(row["start"], settings, language),
            number(row["requests"], language),
            number(row["timeouts"], language),
            percent(row["timeout_rate"], language, 2),
            _range(row, language),
            seconds(row["p95"], language, at_least=bool(row["p95_at_least"])),
        )
        for row in report.days.iter_rows(named=True)
    )
    table = _table("", ("day", "requests", "timeouts", "rate", "range", "p95"), rows, language)
    return Part("trend", words("trend", language), tables=(table,))


def _agents(report: Report, settings: Settings, language: Language) -> Part:
    agents = tuple(
        (
            _named(row["group"], language),
            settings.owners.get(row["group"] or "", "–"),
            number(row["requests"], language),
            number(row["timeouts"], language),
            percent(row["timeout_rate"], language, 2),
            _range(row, language),
            points(row["points"], language) or "–",
            number(row["failed"], language),
            seconds(row["p95"], language, at_least=bool(row["p95_at_least"])),
        )
        for row in report.agents.head(MOST_ROWS).iter_rows(named=True)
    )
    columns = ("agent", "owner", "requests", "timeouts", "rate", "range", "change", "failed", "p95")
    slowest = report.operations.filter(report.operations["group"].is_not_null()).sort(
        "p95", "group", descending=[True, False], nulls_last=True
    )
    operations = tuple(
        (
            _named(row["group"], language),
            number(row["requests"], language),
            seconds(row["p95"], language, at_least=bool(row["p95_at_least"])),
            seconds(row["average_ms"], language, at_least=bool(row["average_at_least"])),
            percent(row["timeout_rate"], language, 2),
            _range(row, language),
        )
        for row in slowest.head(MOST_ROWS).iter_rows(named=True)
    )
    tables = [_table("", columns, agents, language, texts=2)]
    if operations:
        names = ("operation", "requests", "p95", "average", "rate", "range")
        tables.append(_table(words("operations", language), names, operations, language))
    return Part("agents", words("agents", language), tables=tuple(tables))


def _story(report: Report, settings: Settings, language: Language) -> Part:
    if not report.incidents:
        return Part("incidents", words("story", language), (words("no_incidents", language),))
    rows = tuple(
        (
            moment(one.since, settings.zone, language),
            age(one.ended_at - one.since, language) if one.ended_at else words("still_open", language),
            words(f"severity_{one.severity}", language),
            one.message.title.partition(": ")[2] or one.message.title,
            _worst(one),
            words(f"verdict_{one.verdict}", language) if one.verdict else "–",
        )
        for one in reversed(report.incidents)
    )
    columns = ("began", "lasted", "severity", "what", "worst", "verdict")
    table = _table("", columns, rows, language, texts=len(columns))
    return Part("incidents", words("story", language), tables=(table, _response(report, language)))


def _response(report: Report, language: Language) -> Table:
    """How soon problems were seen, answered and solved, each beside its target."""

    def shown(name: str, value: float | None) -> str:
        if value is None:
            return "–"
        if name == "false_positive_rate":
            return percent(value, language, 0)
        if name == "alerts_per_day":
            return number(value, language, 1)
        return age(timedelta(milliseconds=value), language)

    rows = []
    for name in ("mttd", "mtta", "mttr_critical", "mttr", "false_positive_rate", "alerts_per_day"):
        figure, target = report.programme.figures.get(name), TARGETS.get(name)
        below = f"< {shown(name, target)}" if target is not None else "–"
        seen = number(figure.n, language) if figure else "–"
        rows.append((words(name, language), shown(name, figure.value if figure else None), below, seen))
    return _table(words("response", language), ("figure", "value", "target", "n"), tuple(rows), language)


def _ledger(report: Report, settings: Settings, language: Language) -> Part:
    found, budget = report.ledger, report.summary.budget
    if not found.spent:
        return Part("ledger", words("ledger", language), (words("nothing_spent", language),))
    note = words(
        "ledger_note",
        language,
        period=age(budget.period, language),
        at=moment(report.as_of, settings.zone, language),
    )

    def spent(row: dict[str, Any]) -> tuple[str, str, str]:
        of_budget, of_spend = (percent(row[name], language) for name in ("of_budget", "of_spend"))
        return number(row["spent"], language), of_budget, of_spend

    def breakdown(frame: pl.DataFrame, column: str) -> tuple[tuple[str, ...], ...]:
        return tuple((_key(row, column, language), *spent(row)) for row in first(frame, MOST_ROWS))

    hours = tuple(
        (
            words("no_incident", language)
            if row["start"] is None and row["others"] is None
            else words("others", language, count=row["others"])
            if row["others"]
            else moment(row["start"], settings.zone, language),
            number(row["hours"], language) if row["hours"] else "–",
            "–" if row["start"] is None else _named(row["agent_id"], language),
            *spent(row),
        )
        for row in first(found.incidents, MOST_ROWS)
    )
    sums = ("spent", "of_budget", "of_spend")
    agents, codes = breakdown(found.agents, "agent_id"), breakdown(found.error_codes, "error_code")
    when = ("began", "hours", "agent", *sums)
    return Part(
        "ledger",
        words("ledger", language),
        (note,),
        tables=(
            _table("", ("agent", *sums), agents, language),
            _table(words("ledger_incidents", language), when, hours, language, numbers=(1, 3, 4, 5)),
            _table(words("ledger_codes", language), ("code", *sums), codes, language),
        ),
    )


def _money(report: Report, language: Language) -> Part:
    cost = report.cost
    if cost.unread:
        said = words("money_unread", language, days=number(cost.unread, language))
        return Part("cost", words("money", language), (said,))
    if cost.spent is None:
        return Part("cost", words("money", language), (words("money_unknown", language),))
    rows = tuple(
        (
            _short(row["day"], language),
            money(row["spent"], language),
            money(row["wasted"], language),
            number(row["unknown"], language),
        )
        for row in cost.days.iter_rows(named=True)
    )
    return Part(
        "cost", words("money", language), tables=(_table("", ("day", "usd", "wasted", "unknown"), rows, language),)
    )


def _review(report: Report, language: Language) -> Part:
    """Thresholds, noise, runbooks and what is due for the archive: what a monthly review goes through."""
    judged = [one.verdict for one in report.incidents if one.verdict]
    noise, unjudged = judged.count("noise"), len(report.incidents) - len(judged)
    said = []
    if judged:
        said.append(
            words(
                "review_noise",
                language,
                judged=number(len(judged), language),
                noise=number(noise, language),
                rate=percent(noise / len(judged), language, 0),
                unjudged=number(unjudged, language),
            )
        )
    elif unjudged:
        said.append(words("review_unjudged", language, unjudged=number(unjudged, language)))
    days = number(OLD.days, language)
    said.append(
        words("review_old", language, count=number(report.old, language), days=days)
        if report.old
        else words("review_nothing_old", language, days=days)
    )
    rows = tuple(
        (
            use.rule.name,
            str(use.rule.condition),
            number(use.fired, language),
            number(use.useful, language),
            number(use.noise, language),
            use.rule.owner or "–",
            words("yes" if use.rule.runbook else "missing", language),
        )
        for use in report.rules
    )
    columns = ("rule", "condition", "fired", "useful", "noise", "owner", "runbook")
    table = _table(words("review_rules", language), columns, rows, language, numbers=(2, 3, 4))
    return Part("review", words("review", language), tuple(said), tables=(table,))


def _data(report: Report, settings: Settings, language: Language) -> Part:
    lost = report.losses
    said = []
    if lost.refused or lost.dropped or lost.unread:
        counts = {name: number(getattr(lost, name), language) for name in ("refused", "dropped", "unread")}
        said.append(words("data_lost", language, **counts))
    else:
        said.append(words("data_whole", language))
    if lost.since is not None and lost.since > report.span.start:
        said.append(words("data_late", language, since=moment(lost.since, settings.zone, language)))
    if not report.summary.receipt.exact:
        said.append(words("data_inexact", language))
    return Part("data", words("data", language), tuple(said))


def _table(
    title: str,
    columns: Sequence[str],
    rows: tuple[tuple[str, ...], ...],
    language: Language,
    *,
    texts: int = 1,
    numbers: tuple[int, ...] | None = None,
) -> Table:
    """A table whose columns after the first `texts` are numbers, or those at `numbers`."""
    places = tuple(range(texts, len(columns))) if numbers is None else numbers
    return Table(title, tuple(words(f"col_{name}", language) for name in columns), rows, places)


def _range(row: dict[str, Any], language: Language) -> str:
    if row["low"] is None or row["high"] is None:
        return "–"
    return f"{percent(row['low'], language)} – {percent(row['high'], language)}"


def _named(value: str | None, language: Language) -> str:
    return words("unnamed", language) if value is None else value


def _key(row: dict[str, Any], column: str, language: Language) -> str:
    if row["others"]:
        return words("others", language, count=number(row["others"], language))
    return _named(row[column], language)


def _worst(incident: Story) -> str:
    return next((one.worst for one in incident.episodes if one.worst), "–")


def _date(when: datetime, settings: Settings, language: Language) -> str:
    return _short(when.astimezone(settings.zone).date(), language)


def _short(day: date, language: Language) -> str:
    return f"{day:%d/%m}" if language == "vi" else f"{day:%a} {day.day} {day:%b}"
