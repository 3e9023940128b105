"""`python -m metrics summary` and the other questions: the same answers as the pages, in a terminal or as JSON."""

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
from metrics.questions import QUESTIONS
from metrics.received import from_json
from metrics.terminal import show, show_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.settings import Settings
    from metrics.questions import Question

PIPED_WIDTH = 120
"""Columns of the answer in a file or a pipe, which have no width of their own."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Numbers from the logs Burnline has read.

    Exit status: 0 answered, 1 could not be answered, 2 wrong use.
    """


_WHICH = (
    ("last_requests", "N", "The newest N requests (default 1000)."),
    ("since", "DURATION", "The requests of the last 15m, 24h, 7d, ..."),
    ("day", "DATE", "The requests of a local day, as the digest counts them: 2026-11-23."),
    ("start", "TIME", "The requests from this time on: 2026-11-24T09:00:00+00:00."),
    ("end", "TIME", "The requests before this time."),
    ("at", "TIME", "As it stood at this time; now when left out."),
    ("agent", "NAME", "Only requests of this agent."),
    ("operation", "NAME", "Only requests of this operation."),
    ("model", "NAME", "Only requests answered by this model."),
    ("environment", "NAME", "Only requests of this environment."),
)


def _command(name: str, question: Question) -> click.Command:
    """The command of one question: its options are the parameters of its URL."""
    options: list[click.Parameter] = [
        click.Option([f"--{key.replace('_', '-')}"], metavar=metavar, help=help_) for key, metavar, help_ in _WHICH
    ]
    options += [
        click.Option([f"--{key.replace('_', '-')}"], metavar=found.metavar, help=found.help)
        for key, found in question.extra.items()
    ]
    options += [
        click.Option(["--json", "as_json"], is_flag=True, help="The answer as JSON, for machines."),
        click.Option(["--config"], metavar="FILE", help="Settings (BURNLINE_CONFIG; default burnline.yaml)."),
        click.Option(["--store"], metavar="FILE", help="The store (BURNLINE_STORE; default data/burnline.duckdb)."),
    ]
    examples = "\n".join(f"  python -m metrics {name} {words}".rstrip() for words in ("", *question.examples))
    return click.Command(
        name,
        callback=lambda **given: _run(name, question, **given),
        params=options,
        help=f"{question.help}\n\nWhile the dashboard runs it holds the store, and answers instead.\n\n"
        f"\b\nExamples:\n{examples}",
        short_help=question.help,
    )


def _run(
    name: str, question: Question, /, *, as_json: bool, config: str | None, store: str | None, **asked: str | None
) -> None:
    try:
        places = Places.find(config=config, store=store)
        settings = load(places.config)
        params = {key: value for key, value in asked.items() if value is not None}
        shown = _answer(name, question, places, settings, params)
    except BurnlineError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError | SettingsError) else 1)
    if shown.get("sample"):
        print("Sample data: the dashboard has no logs of yours yet.", file=sys.stderr)
    if as_json:
        print(json.dumps(shown, indent=2))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, PIPED_WIDTH)
    if name == "summary":
        show(from_json(shown), settings.language, settings.zone, console)
    else:
        show_answer(shown, console)


def _answer(
    name: str, question: Question, places: Places, settings: Settings, params: Mapping[str, str]
) -> dict[str, Any]:
    """The answer as JSON, from the store or from the dashboard that holds it."""
    now, path = utc_now(), f"/api/v1/{name}"
    question.read(params, settings, now)  # a wrong use is told before a store is looked for
    if not places.store.exists():
        nothing = UsageError(
            f"there is no store at {places.store}; start the dashboard, read files with `python -m loaders ingest "
            "PATH`, or say where the store is with --store"
        )
        return ask_dashboard(places.store, path, params, nothing)
    try:
        opened = Store.open(places.store, clock=utc_now)
    except StoreLocked as locked:
        return ask_dashboard(places.store, path, params, locked)
    with opened as store:
        return question.ask(store, params, settings, now)


for _name, _question in QUESTIONS.items():
    cli.add_command(_command(_name, _question))

if __name__ == "__main__":
    cli(prog_name="python -m metrics")
