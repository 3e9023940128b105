"""`python -m sample_logs`: write the sample, or keep writing to it."""

from __future__ import annotations

import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from core.errors import UsageError
from sample_logs.generate import generate
from sample_logs.trickle import run as run_trickle

EXAMPLES = """\b
Examples:
  python -m sample_logs --out /tmp/sample
  python -m sample_logs --days 2 --seed 7 --requests 5000 --out /tmp/sample
  python -m sample_logs --end 2026-03-01T12:00:00+00:00 --out /tmp/sample
  python -m sample_logs trickle --directory /tmp/sample/logs
"""


@click.group(invoke_without_command=True, epilog=EXAMPLES)
@click.option("--days", default=7, show_default=True, help="How many days before the end.")
@click.option("--seed", default=1, show_default=True, help="The same seed and end give the same bytes.")
@click.option("--requests", default=60_000, show_default=True, help="How many requests.")
@click.option("--end", help="When it ends, ISO 8601 with offset; now when left out.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Gets logs/ and truth.json.")
@click.pass_context
def main(context: click.Context, *, days: int, seed: int, requests: int, end: str | None, out: Path | None) -> None:
    """Write realistic logs with planted incidents to OUT/logs, and what was planted to OUT/truth.json."""
    if context.invoked_subcommand:
        return
    if out is None:
        raise click.UsageError("Missing option '--out'.", context)
    truth = generate(out, days=days, seed=seed, end=_moment(end), requests=requests)
    counts = truth.counts
    print(
        f"{counts.requests:,} requests in {len(truth.files)} files under {out / 'logs'}: {counts.success:,} success, "
        f"{counts.timeout:,} timeout, {counts.failed:,} failed, {counts.excluded:,} cancelled or rejected.\n"
        f"{len(truth.incidents)} planted incidents are described in {out / 'truth.json'}."
    )


@main.command()
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), required=True, help="The logs folder.")
@click.option("--seed", default=1, show_default=True, help="The same seed tells the same story.")
@click.option("--rate", default=1.0, show_default=True, help="Requests a second, on average.")
@click.option("--requests", type=int, help="Stop after so many; without it, go on until Ctrl-C.")
@click.option("--until-eof", is_flag=True, help="Also stop when standard input ends.")
def trickle(*, directory: Path, seed: int, rate: float, requests: int | None, until_eof: bool) -> None:
    """Go on with the story, live: write requests to DIRECTORY as they end, through the helper."""
    if rate <= 0 or (requests is not None and requests < 1):
        raise UsageError(f"rate {rate:g}, requests {requests}: both must be above 0")
    with contextlib.suppress(KeyboardInterrupt):
        run_trickle(directory, seed=seed, rate=rate, requests=requests, until=sys.stdin if until_eof else None)


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f'--end "{text}" is not a time; write 2026-03-01T12:00:00+00:00') from None


def run() -> None:
    """The command; a wrong use ends with exit code 2 and a sentence."""
    try:
        main(prog_name="python -m sample_logs")
    except UsageError as error:
        print(f"Error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    run()
