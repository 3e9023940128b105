"""`python -m alerting report`: a week or a month as a page, a PDF and a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alerting.message import visible
from alerting.reports.answer import report_answer
from alerting.reports.page import html
from alerting.reports.pdf import pdf
from alerting.reports.table import csv
from core.dashboard import ask_dashboard
from core.errors import StoreLocked, UsageError
from core.settings import load
from core.timespan import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from core.places import Places
    from core.selection import Reader
    from core.text import Language


def run_report(
    places: Places,
    store: Callable[[Places], AbstractContextManager[Reader]],
    asked: Mapping[str, str],
    files: Mapping[str, str],
    *,
    language: Language | None,
    as_json: bool,
) -> int:
    """Write the files asked for (html, pdf, csv by path); without any, print the first page. 0, whatever it says."""
    settings = load(places.config)
    try:
        with store(places) as reader:
            found = report_answer(reader, settings, places.state, asked, utc_now())
    except StoreLocked as locked:
        found = ask_dashboard(places.store, "/api/v1/report", dict(asked), locked)
    first = language or settings.language
    for kind, path in files.items():
        _write(Path(path), made(kind, found, first))
    if as_json:
        print(json.dumps(found["report"], indent=2, ensure_ascii=False))
    elif not files:
        print(told(found["documents"][first]))
    return 0


def made(kind: str, found: Mapping[str, Any], first: Language) -> bytes:
    """The file of this kind (html, pdf, csv) of `report_answer`'s answer."""
    if kind == "html":
        return html(found["documents"], first).encode()
    return pdf(found["documents"][first]) if kind == "pdf" else csv(found["rows"])


def told(document: Mapping[str, Any]) -> str:
    """The first page for a terminal."""
    lines = [f"{document['title']}, {document['subtitle']}", document["note"], document["headline"], document["reason"]]
    lines += [f"  {one['label']}: {one['value']} ({one['change']})" for one in document["numbers"]]
    lines += [f"{document['labels']['budget']}: {document['budget']} {document['budget_end']}", *document["moved"]]
    lines += [document["labels"]["todo"], *(_task(n, task) for n, task in enumerate(document["tasks"], 1))]
    return "\n".join(visible(line) for line in lines if line)


def _task(number: int, task: Mapping[str, str]) -> str:
    return f"  {number}. {task['text']}" + (f" ({task['owner']})" if task["owner"] else "")


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    print(f"Wrote {path} ({len(content):,} bytes).")
