"""A message as mail: text and HTML with the same words, its pictures inside, other files attached.

No header can be forged by a log: every one is on one line before the mail library sees it, and that refuses the rest.
"""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING

from alerting.channels.body import message_id
from alerting.channels.parts import (
    SENTENCE,
    TITLE,
    VALUE,
    buttons,
    counted,
    first_step,
    icon,
    one_line,
    plain,
    remarks,
    usable,
)
from alerting.message import visible
from core.colours import NEAR, OVER, QUICK, QUIET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from alerting.message import Message

MOST_LINES, LINE = 100, 1_000
_PAGE = "font-family:sans-serif;font-size:14px;overflow-wrap:anywhere"
_CELL = "padding:2px 12px 2px 0;vertical-align:top"


def mail(message: Message, sender: str, to: tuple[str, ...], now: datetime) -> EmailMessage:
    """The mail. All mails about one incident refer to one root, so that readers show them as one thread."""
    message = counted(message, MOST_LINES)
    domain = sender.rpartition("@")[2]
    found = EmailMessage(policy=SMTP)
    found["From"], found["To"] = f"Burnline <{sender}>", ", ".join(to)
    found["Subject"] = one_line(f"{icon(message)} {message.title}", TITLE) or "Burnline"
    found["Date"] = format_datetime(now)
    found["Message-ID"] = f"<{message_id(message)}@{domain}>"
    root = f"<{hashlib.sha256(message.subject.encode('utf-8', 'backslashreplace')).hexdigest()[:32]}@{domain}>"
    first = message.previous if message.delivery == "reply" else ""
    if first:
        found["In-Reply-To"] = first
    found["References"] = f"{root} {first}".strip()
    found["List-Id"] = f"Burnline <burnline.{domain}>"
    found["Auto-Submitted"] = "auto-generated"
    found["X-Auto-Response-Suppress"] = "All"
    if message.severity == "critical" and message.event in ("firing", "escalated"):
        found["Importance"] = "high"
    found.set_content(_text(message), cte="base64")
    found.add_alternative(_html(message), subtype="html", cte="base64")
    _add_files(found, message)
    return found


def _add_files(found: EmailMessage, message: Message) -> None:
    page = found.get_payload()[1]  # type: ignore[index] # the HTML of the two alternatives
    for place, file in enumerate(message.files):
        kind, _, subtype = file.media.partition("/")
        if kind == "image":
            page.add_related(  # type: ignore[union-attr]
                file.content, kind, subtype, cid=f"<{_content_id(place)}>", filename=one_line(file.name, 100)
            )
    for file in message.files:
        kind, _, subtype = file.media.partition("/")
        if kind != "image":
            found.add_attachment(file.content, kind, subtype, filename=one_line(file.name, 100))


def _text(message: Message) -> str:
    lines = [plain(message.title, TITLE), "", plain(message.sentence, SENTENCE), ""]
    lines += [first_step(message), ""] if message.action else []
    lines += [f"{plain(fact.name, VALUE)}: {plain(fact.value, VALUE)}" for fact in message.facts]
    for part in message.sections:
        lines += ["", plain(part.title, TITLE)]
        for place, line in enumerate(part.lines):
            url = part.links.get(place, "")
            lines.append(f"  {plain(line, LINE)}" + (f" {url}" if usable(url) else ""))
    lines += ["", *remarks(message)]
    lines += [f"{said}: {url}" for said, url in buttons(message)]
    lines += ["", "-- ", f"Burnline · {one_line(message.subject, TITLE)}"]
    return "\n".join(lines) + "\n"


def _html(message: Message) -> str:
    return (
        f'<!doctype html><html lang="{message.language}"><body style="{_PAGE}">'
        + "".join(_parts(message))
        + f'<p style="color:#777;font-size:12px">Burnline · {_shown(message.subject, TITLE)}</p></body></html>\n'
    )


def _parts(message: Message) -> Iterator[str]:
    bar = f"border-left:6px solid {_colour(message)};padding-left:10px"
    yield f'<h2 style="font-size:18px;{bar}">{_shown(message.title, TITLE)}</h2>'
    yield f"<p>{_shown(message.sentence, SENTENCE)}</p>"
    if message.action:
        yield f"<p><b>{escape(first_step(message))}</b></p>"
    if message.facts:
        rows = (
            f'<tr><td style="{_CELL};color:#555">{_shown(fact.name, VALUE)}</td>'
            f'<td style="{_CELL}">{_shown(fact.value, VALUE)}</td></tr>'
            for fact in message.facts
        )
        yield f'<table style="border-collapse:collapse">{"".join(rows)}</table>'
    yield from _pictures(message)
    for part in message.sections:
        yield f'<h3 style="font-size:15px">{_shown(part.title, TITLE)}</h3><ul>'
        for place, line in enumerate(part.lines):
            shown, url = _shown(line, LINE), part.links.get(place, "")
            yield f'<li><a href="{escape(url)}">{shown}</a></li>' if usable(url) else f"<li>{shown}</li>"
        yield "</ul>"
    yield "".join(f"<p>{escape(line)}</p>" for line in remarks(message))
    yield "<p>" + " · ".join(f'<a href="{escape(url)}">{escape(said)}</a>' for said, url in buttons(message)) + "</p>"


def _colour(message: Message) -> str:
    if message.event in ("resolved", "closed"):
        return QUICK if message.event == "resolved" else QUIET
    return {"critical": OVER, "warning": NEAR}.get(message.severity or "", QUIET)


def _pictures(message: Message) -> Iterator[str]:
    for place, file in enumerate(message.files):
        if file.media.startswith("image/"):
            said = escape(visible(file.text))
            yield f'<p><img src="cid:{_content_id(place)}" alt="{said}" style="max-width:100%"></p>'


def _content_id(place: int) -> str:
    """Names a picture inside the mail."""
    return f"picture{place}@burnline"


def _shown(text: str, limit: int) -> str:
    return escape(plain(text, limit)).replace("\n", "<br>")
