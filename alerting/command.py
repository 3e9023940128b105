"""What every command of `python -m alerting` shares: where things are, and what its exit status says."""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from core.errors import BurnlineError, SettingsError, UsageError
from core.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable

FINDING, WRONG_USE = 1, 2


def command(work: Callable[..., int]) -> Callable[..., None]:
    """Options every command has, and exit statuses: what `work` returns, 1 for a failure, 2 for wrong use."""

    @click.option("--config", metavar="FILE", help="Settings (BURNLINE_CONFIG; default burnline.yaml).")
    @click.option("--store", metavar="FILE", help="The store (BURNLINE_STORE; default data/burnline.duckdb).")
    @click.option("--state", metavar="FILE", help="Alert states (BURNLINE_STATE; default data/burnline.state.sqlite).")
    @wraps(work)
    def wrapped(config: str | None, store: str | None, state: str | None, **options: Any) -> None:
        try:
            status = work(Places.find(config=config, store=store, state=state), **options)
        except BurnlineError as error:
            print(f"Error: {error}", file=sys.stderr)
            sys.exit(WRONG_USE if isinstance(error, UsageError | SettingsError) else FINDING)
        sys.exit(status)

    return wrapped
