"""Files, refused lines and progress in a terminal. What comes from a log is shown, never obeyed."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from loaders.report import LINES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from loaders.scan import Listing

_SHOWN = 120
"""Characters of a refused line that are shown."""


def console() -> Console:
    """Standard output: as wide as the terminal, and wide enough for most paths when it is none."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def visible(text: str) -> Text:
    """The text with control and direction characters written out, so that it cannot steer a terminal."""
    return Text(
        "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
    )


def near(path: str) -> str:
    """The path as seen from the current folder."""
    return path.removeprefix(f"{Path.cwd()}/")


@contextmanager
def progress(listing: Listing) -> Iterator[Callable[[int], None]]:
    """A bar with the time left while a terminal looks on; yields what to call with the bytes read so far."""
    bar = Progress(
        TextColumn("reading"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("", total=sum(file.size for file in listing.files))
        yield lambda done: bar.update(task, completed=done)


def show_account(report: Mapping[str, Any], to: Console) -> None:
    """The ledger as a table, then what was not read and why."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("file", "format", "state"):
        table.add_column(name, overflow="fold")
    for name in LINES:
        table.add_column(name, justify="right")
    for row in report["files"]:
        table.add_row(visible(near(row["path"])), row["format"], row["state"], *(f"{row[name]:,}" for name in LINES))
    totals = report["totals"]
    if len(report["files"]) != 1:
        table.add_row(f"{len(report['files']):,} files", "", "", *(f"{totals[name]:,}" for name in LINES), style="bold")
    to.print(table)
    for note in report["notes"]:
        to.print(visible(near(note)))
    if totals["quarantined"]:
        to.print(f"{totals['quarantined']:,} in quarantine; to see them: python -m loaders quarantine")


def show_quarantine(report: Mapping[str, Any], to: Console) -> None:
    """Counts by reason, then the refused lines."""
    if not report["counts"]:
        to.print("No line was refused.")
        return
    for reason, lines in report["counts"].items():
        to.print(f"{lines:>10,}  {reason}")
    for line in report["lines"]:
        to.print()
        to.print(visible(f"{near(line['file'])}, line {line['line']:,} (byte {line['offset']:,}): {line['detail']}"))
        raw = line["raw"]
        to.print(Text("  ").append(visible(raw[:_SHOWN] + ("..." if len(raw) > _SHOWN else ""))))
