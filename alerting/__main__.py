"""`python -m alerting`: read the rules, evaluate them now, show or send the digest, prove a channel."""

from __future__ import annotations

import difflib
import json
import sys
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from alerting.channels import make_channel, missing_secrets
from alerting.channels.channel import DeliveryError
from alerting.command import FINDING
from alerting.command import command as _command
from alerting.commands_actions import COMMANDS
from alerting.commands_lab import run_backtest
from alerting.commands_reports import run_report
from alerting.commands_rules import rules as rules_command
from alerting.compose import test
from alerting.evaluate import INGEST
from alerting.lease import Holder
from alerting.ledger import enter
from alerting.message import Message, visible
from alerting.report import alerts_report, digest_report
from alerting.round import Moment, evaluate_all
from alerting.rules import compile_rules
from alerting.sender import Sender
from alerting.state import StateFile
from alerting.words import reading_shown, seen_shown
from core.dashboard import ask_dashboard
from core.errors import BurnlineError, SettingsError, StoreLocked, UsageError
from core.settings import load
from core.text import moment
from core.timespan import utc_now
from loaders.store import Store

if TYPE_CHECKING:
    from core.places import Places
    from core.settings import Settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Alerts and the morning digest.

    Exit status: 0 in order, 1 a finding (a faulty or breached rule, a message not sent), 2 wrong use.
    """


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, for machines.")
@_command
def validate(places: Places, *, as_json: bool) -> int:
    """Read settings and rules, and list every fault at once.

    \b
    Examples:
      python -m alerting validate
      python -m alerting validate --config staging.yaml --json
    """  # noqa: D301 - click reads the escape as "keep these lines"
    rules: list[dict[str, Any]] = []
    warnings: list[str] = []
    try:
        settings = load(places.config)
    except SettingsError as error:
        problems = [str(problem) for problem in error.problems]
    else:
        compiled = compile_rules(settings)
        problems = [str(problem) for problem in compiled.problems]
        warnings = [str(warning) for warning in compiled.warnings] + missing_secrets(settings)
        rules = [
            {"rule": rule.name, "condition": str(rule.condition), "severity": rule.severity, "family": rule.family}
            for rule in compiled.rules
        ]
    if as_json:
        print(json.dumps({"problems": problems, "warnings": warnings, "rules": rules}, indent=2))
        return FINDING if problems else 0
    if not places.config.exists():
        print(f"{places.config} does not exist: the defaults are in force.")
    for problem in problems:
        print(f"{places.config}, {problem}")
    for warning in warnings:
        print(f"warning: {warning}")
    for rule in rules:
        print(f"{rule['severity']:9} {rule['rule']}: {rule['condition']}")
    print(f"{len(problems)} problem(s), {len(warnings)} warning(s), {len(rules)} rule(s) in force")
    return FINDING if problems else 0


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, for machines.")
@_command
def check(places: Places, *, as_json: bool) -> int:
    """Say what every rule sees; nothing is sent and no state changes.

    The rules are evaluated now. While the dashboard runs it holds the store: then these are the results of its last
    check, and the first line says when that was.

    \b
    Examples:
      python -m alerting check
      python -m alerting check --json
    """  # noqa: D301 - click reads the escape as "keep these lines"
    settings, now = load(places.config), utc_now()
    rules = compile_rules(settings).rules
    known = alerts_report(places.state)
    states = {row["rule"]: row["state"] for row in known["rules"]}
    checked_at: str | None
    try:
        with _store(places) as store:
            asked = Moment(store, rules, settings, now, store.freshness())
            seen = evaluate_all(asked, was_fresh=known["fresh_at"] is not None)
        rows = [
            {
                "rule": found.rule.name,
                "severity": found.rule.severity,
                "observed": found.seen,
                "shown": "; ".join(reading_shown(reading, settings.language) for reading in found.readings)
                or found.detail,
                "state": states.get(found.rule.name, "ok"),
            }
            for found in seen
        ]
        checked_at, by = now.isoformat(), "Evaluated now, {at}."
    except StoreLocked as locked:
        severities = {rule.name: rule.severity for rule in (INGEST, *rules)}
        answered = ask_dashboard(places.store, "/api/v1/alerts", {}, locked)
        rows = [
            {
                "rule": row["rule"],
                "severity": severities.get(row["rule"], "critical"),
                "observed": row["observed"],
                "shown": row["shown"],
                "state": row["state"],
            }
            for row in answered["rules"]
        ]
        checked_at, by = answered["last_tick"], "The dashboard is running; this is its last check, at {at}."
    breached = [row["rule"] for row in rows if row["observed"] == "breached"]
    if as_json:
        print(json.dumps({"checked_at": checked_at, "rules": rows, "breached": breached}, indent=2, ensure_ascii=False))
        return FINDING if breached else 0
    if checked_at is None:
        print("The dashboard is running and has not checked the rules yet.")
    else:
        at = datetime.fromisoformat(checked_at)
        print(by.format(at=moment(at, settings.zone, settings.language, seconds_too=True)))
    for row in rows:
        shown = visible(row["shown"]) or seen_shown(row["observed"], settings.language)
        print(f"{row['state']:10} {row['observed']:13} {row['rule']}: {shown}")
    return FINDING if breached else 0


@cli.command()
@click.option("--dry-run", is_flag=True, help="Show it; send nothing.")
@click.option("--date", "day", metavar="YYYY-MM-DD", help="The local day it tells of (default yesterday).")
@click.option("--json", "as_json", is_flag=True, help="The digest as JSON, for machines.")
@_command
def digest(places: Places, *, dry_run: bool, day: str | None, as_json: bool) -> int:
    """Show the digest of a day and, without --dry-run, send it to the channels that have not had it.

    Only a finished day is sent: its place in the ledger is that of the next morning's digest.

    \b
    Examples:
      python -m alerting digest --dry-run
      python -m alerting digest --date 2026-11-23 --json
    """  # noqa: D301 - click reads the escape as "keep these lines"
    settings = load(places.config)
    told, today = _day(day), utc_now().astimezone(settings.zone).date()
    if told is not None and told == today and not dry_run:
        raise UsageError(f"{told} is not over, and its digest is sent tomorrow; add --dry-run to see it as it stands")
    try:
        with _store(places) as store:
            found = digest_report(store, settings, places.state, utc_now(), store.freshness(), day=told)
    except StoreLocked as locked:
        params = {"date": told.isoformat()} if told else {}
        found = ask_dashboard(places.store, "/api/v1/digest", params, locked)
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    elif dry_run:
        print(found["text"])
    if dry_run:
        return 0
    message = Message.from_json(json.dumps(found["message"]))
    return _send_digest(places, settings, date.fromisoformat(found["day"]), message)


@cli.command()
@click.option("--month", metavar="YYYY-MM", help="The local month it tells of (default the last one that is over).")
@click.option("--week", metavar="YYYY-Www", help="The local week from Monday, as 2026-W47.")
@click.option("--html", metavar="FILE", help="Write it as one page that opens anywhere, in both languages.")
@click.option("--pdf", metavar="FILE", help="Write it as PDF.")
@click.option("--csv", metavar="FILE", help="Write its numbers as a table.")
@click.option("--language", type=click.Choice(["en", "vi"]), help="The language of the PDF (default the settings').")
@click.option("--json", "as_json", is_flag=True, help="Its numbers as JSON, for machines.")
@_command
def report(places: Places, *, language: Any, as_json: bool, **options: str | None) -> int:
    """Tell of a week or a month: the answer, six numbers, what moved, what to do, then every table.

    \b
    Examples:
      python -m alerting report --month 2026-11 --pdf november.pdf
      python -m alerting report --week 2026-W47 --html week.html --csv week.csv
    """  # noqa: D301 - click reads the escape as "keep these lines"
    said = {name: value for name, value in options.items() if value is not None}
    asked: dict[str, str] = {name: said.pop(name) for name in ("month", "week") if name in said}
    return run_report(places, _store, asked, said, language=language, as_json=as_json)


@cli.command("test-channel")
@click.argument("name")
@_command
def test_channel(places: Places, name: str) -> int:
    """Send a test message through one channel, now.

    \b
    Examples:
      python -m alerting test-channel slack_ops
    """  # noqa: D301 - click reads the escape as "keep these lines"
    settings = load(places.config)
    if name not in settings.channels:
        near = difflib.get_close_matches(name, settings.channels, 1, 0.5)
        hint = f'; did you mean "{near[0]}"?' if near else f"; configured: {', '.join(sorted(settings.channels))}"
        raise UsageError(f'no channel "{name}"{hint}')
    try:
        make_channel(settings.channels[name]).send(test(name, settings))
    except DeliveryError as error:
        raise BurnlineError(f'the test did not reach "{name}": {error}') from None
    print(f'The test reached "{name}".')
    return 0


@cli.command()
@click.argument("rule", required=False)
@click.option("--condition", metavar="TEXT", help='Another condition, "p95 > 7s".')
@click.option("--for", "hold", metavar="TIME", help="How long it must hold.")
@click.option("--window", metavar="TIME", help="The window it looks at.")
@click.option("--since", metavar="TIME", help="How far back (default 14d).")
@click.option("--most", metavar="N", help="Suggest the limit with at most so many incidents a week (default 1).")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, for machines.")
@_command
def backtest(places: Places, *, hold: str | None, as_json: bool, **asked: str | None) -> int:
    """Say what a rule would have done over the stored past; nothing is sent and no state changes.

    \b
    Examples:
      python -m alerting backtest timeout_critical --since 14d
      python -m alerting backtest --condition "p95 > 7s" --for 5m --json
    """  # noqa: D301 - click reads the escape as "keep these lines"
    told = {name: text for name, text in {**asked, "for": hold}.items() if text}
    return run_backtest(places, _store, told, as_json=as_json)


def _store(places: Places) -> Store:
    if not places.store.exists():
        raise UsageError(
            f"there is no store at {places.store}; start the dashboard, read files with `python -m loaders ingest "
            "PATH`, or say where the store is with --store"
        )
    return Store.open(places.store, clock=utc_now)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f'--date: "{text}" is not a day; write 2026-11-23') from None


def _send_digest(places: Places, settings: Settings, day: date, message: Message) -> int:
    """Enter it in the ledger and hand it to the running checker or, when none runs, send it from here."""
    now, on = utc_now(), day + timedelta(days=1)
    state = StateFile.open(places.state)
    try:
        with state.transaction() as db:
            channels = settings.digest.channels or tuple(settings.channels)
            owed = [name for name in channels if enter(db, on, name, message, now, late=False)]
        if not owed:
            print(f"Not sent: every channel already had the digest of {day}.", file=sys.stderr)
            return FINDING
        holder = Holder()
        with state.transaction() as db:
            other = holder.take(db, now)
        if other:
            print(f"Handed to the checker of {other}: {', '.join(owed)}.", file=sys.stderr)
            return 0
        Sender(state, lambda: settings, utc_now).round()
        with state.transaction() as db:
            holder.give_up(db)
            rows = db.execute(
                "SELECT channel, state, error FROM outbox WHERE subject = ?", (message.subject,)
            ).fetchall()
        for row in rows:
            print(f"{row['channel']}: {row['state']} {row['error']}".rstrip(), file=sys.stderr)
        return 0 if all(row["state"] == "sent" for row in rows if row["channel"] in owed) else FINDING
    finally:
        state.close()


for each in (*COMMANDS, rules_command):
    cli.add_command(each)


if __name__ == "__main__":
    cli(prog_name="python -m alerting")
