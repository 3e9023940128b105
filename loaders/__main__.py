"""`python -m loaders`: read log files, show what became of every line."""

from __future__ import annotations

import json
import sys
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.dashboard import ask_dashboard
from core.errors import BurnlineError, StoreLocked, UsageError
from core.places import Places
from core.timespan import utc_now
from loaders.handover import hand_over, wait_until_read
from loaders.once import listing_of, read_into
from loaders.report import account, quarantine_report, status_report
from loaders.scan import shown
from loaders.store import Store
from loaders.terminal import console, progress, show_account, show_quarantine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from loaders.scan import Listing

FINDING, WRONG_USE = 1, 2


def _command(work: Callable[..., int]) -> Callable[..., None]:
    """Options every command has, and exit statuses: what `work` returns, 1 for a failure, 2 for wrong use."""

    @click.option("--json", "as_json", is_flag=True, help="The result as JSON, for machines.")
    @click.option("--store", metavar="FILE", help="The store (BURNLINE_STORE; default data/burnline.duckdb).")
    @click.option("--inbox", metavar="FOLDER", help="The inbox (BURNLINE_INBOX; default logs).")
    @click.option("--config", metavar="FILE", help="Settings (BURNLINE_CONFIG; default burnline.yaml).")
    @click.option("--state", metavar="FILE", help="Alert states (BURNLINE_STATE; default data/burnline.state.sqlite).")
    @wraps(work)
    def command(*, config: str | None, inbox: str | None, store: str | None, state: str | None, **options: Any) -> None:
        try:
            status = work(Places.find(config=config, inbox=inbox, store=store, state=state), **options)
        except BurnlineError as error:
            print(f"Error: {error}", file=sys.stderr)
            sys.exit(WRONG_USE if isinstance(error, UsageError) else FINDING)
        except KeyboardInterrupt:
            print("Stopped. What was committed stays; the next ingest goes on from there.", file=sys.stderr)
            sys.exit(130)
        sys.exit(status)

    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Log files, and what became of every line.

    Every complete line is stored, quarantined, a proven duplicate, or blank; the columns add up.

    Exit status: 0 in order, 1 a finding (lines in quarantine, a file that cannot be read), 2 wrong use.
    """


@cli.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@_command
def ingest(places: Places, *, paths: tuple[Path, ...], as_json: bool) -> int:
    """Read files, and all files below folders, to their end, and show their account.

    Plain, gzip and zstd files; what was read before is not read again. While the dashboard runs, the files are put
    into its inbox and it reads them.

    \b
    Examples:
      python -m loaders ingest logs/
      python -m loaders ingest old/api.jsonl.gz old/worker.jsonl.zst
      python -m loaders ingest backup/ --store data/burnline.duckdb --json
    """  # noqa: D301 - click reads the escape as "keep these lines"
    listing = listing_of(paths)
    if not listing.files and not listing.refused:
        raise UsageError(f"no files below {', '.join(shown(path) for path in paths)}")
    try:
        store = Store.open(places.store, clock=utc_now)
    except StoreLocked as locked:
        files, notes = _through_dashboard(listing, places, locked)
    else:
        with store, progress(listing) as tell:
            files, notes = read_into(store, listing, utc_now, tell)
    report = account(files, "stopped", None, notes)
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        show_account(report, console())
    return _finding(report) or (FINDING if notes else 0)


def _through_dashboard(
    listing: Listing, places: Places, locked: StoreLocked
) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Let the dashboard that holds the store read the files."""

    def ask() -> dict[str, Any]:
        return ask_dashboard(places.store, "/api/v1/status", {}, locked)

    ask()  # nothing is put into an inbox that nobody watches
    notes = [f"{shown(path)}: {why}" for path, why in listing.refused.items()]
    rows: list[Mapping[str, Any]] = []
    with progress(listing) as tell:
        handed = []
        for file in listing.files:
            try:
                handed.append((file, hand_over(file, places.inbox.resolve())))
            except OSError as error:
                notes.append(f"{shown(file.path)}: cannot be read: {error.strerror}")
        done = 0
        for file, path in handed:
            row, left = wait_until_read(path, ask)
            rows.append(row)
            notes += left
            tell(done := done + file.size)
    return rows, notes


@cli.command()
@_command
def status(places: Places, *, as_json: bool) -> int:
    """The account of every file: how far it was read and what became of its lines.

    \b
    Examples:
      python -m loaders status
      python -m loaders status --json
    """  # noqa: D301 - click reads the escape as "keep these lines"
    report = _ask(places, "/api/v1/status", {}, lambda store: status_report(store, "stopped", None))
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        show_account(report, console())
    return _finding(report)


@cli.command()
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000), help="Lines shown at most.")
@_command
def quarantine(places: Places, *, limit: int, as_json: bool) -> int:
    """The lines that were refused, newest first: where they stand, why, and how they begin.

    \b
    Examples:
      python -m loaders quarantine
      python -m loaders quarantine --limit 20 --json
    """  # noqa: D301 - click reads the escape as "keep these lines"
    params = {"limit": str(limit)}
    report = _ask(places, "/api/v1/quarantine", params, lambda store: quarantine_report(store, limit))
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        show_quarantine(report, console())
    return FINDING if report["counts"] else 0


def _ask(
    places: Places, path: str, params: Mapping[str, str], here: Callable[[Store], dict[str, Any]]
) -> dict[str, Any]:
    """The answer of the store, or of the dashboard that holds it."""
    if not places.store.exists():
        raise UsageError(
            f"there is no store at {places.store}; start the dashboard, read files with `python -m loaders ingest "
            "PATH`, or say where the store is with --store"
        )
    try:
        opened = Store.open(places.store, clock=utc_now)
    except StoreLocked as locked:
        return ask_dashboard(places.store, path, params, locked)
    with opened as store:
        return here(store)


def _finding(report: Mapping[str, Any]) -> int:
    failed = any(row["state"] == "failed" for row in report["files"])
    return FINDING if failed or report["totals"]["quarantined"] else 0


if __name__ == "__main__":
    cli(prog_name="python -m loaders")
