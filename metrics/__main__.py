"""`python -m metrics summary`: the numbers of the first page in a terminal, or as JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from core.dashboard import ask_dashboard
from core.errors import BurnlineError, SettingsError, StoreLocked, UsageError
from core.places import Places
from core.settings import load
from core.timespan import utc_now
from loaders.store import Store
from metrics.answer import answer
from metrics.query import selection_from
from metrics.received import from_json
from metrics.summary import to_json
from metrics.terminal import show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.settings import Settings

PIPED_WIDTH = 120
"""Columns of the answer in a file or a pipe, which have no width of their own."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Numbers from the logs Burnline has read.

    Exit status: 0 answered, 1 could not be answered, 2 wrong use.
    """


@cli.command()
@click.option("--last-requests", metavar="N", help="The newest N requests (default 1000).")
@click.option("--since", metavar="DURATION", help="The requests of the last 15m, 24h, 7d, ...")
@click.option("--day", metavar="DATE", help="The requests of a local day, as the digest counts them: 2026-11-23.")
@click.option("--agent", metavar="NAME", help="Only requests of this agent.")
@click.option("--operation", metavar="NAME", help="Only requests of this operation.")
@click.option("--model", metavar="NAME", help="Only requests answered by this model.")
@click.option("--environment", metavar="NAME", help="Only requests of this environment.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON, for machines.")
@click.option("--config", metavar="FILE", help="Settings (BURNLINE_CONFIG; default burnline.yaml).")
@click.option("--store", metavar="FILE", help="The store (BURNLINE_STORE; default data/burnline.duckdb).")
def summary(*, as_json: bool, config: str | None, store: str | None, **asked: str | None) -> None:
    """How many requests timed out, how sure that is, and when the error budget ends.

    While the dashboard runs it holds the store, and answers instead.

    \b
    Examples:
      python -m metrics summary
      python -m metrics summary --last-requests 200 --agent planner
      python -m metrics summary --since 24h --environment production --json
    """  # noqa: D301 - click reads the escape as "keep these lines"
    try:
        places = Places.find(config=config, store=store)
        settings = load(places.config)
        shown = _answer(places, settings, {name: value for name, value in asked.items() if value is not None})
    except BurnlineError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError | SettingsError) else 1)
    if shown.get("sample"):
        print("Sample data: the dashboard has no logs of yours yet.", file=sys.stderr)
    if as_json:
        print(json.dumps(shown, indent=2))
    else:
        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = max(console.width, PIPED_WIDTH)
        show(from_json(shown), settings.language, settings.zone, console)


def _answer(places: Places, settings: Settings, params: Mapping[str, str]) -> dict[str, Any]:
    """The answer as JSON, from the store or from the dashboard that holds it."""
    now = utc_now()
    selection = selection_from(params, now, settings.zone)
    if not places.store.exists():
        nothing = UsageError(
            f"there is no store at {places.store}; start the dashboard, read files with `python -m loaders ingest "
            "PATH`, or say where the store is with --store"
        )
        return ask_dashboard(places.store, "/api/v1/summary", params, nothing)
    try:
        opened = Store.open(places.store, clock=utc_now)
    except StoreLocked as locked:
        return ask_dashboard(places.store, "/api/v1/summary", params, locked)
    with opened as store:
        return to_json(answer(store, selection, settings, now, store.freshness()))


if __name__ == "__main__":
    cli(prog_name="python -m metrics")
