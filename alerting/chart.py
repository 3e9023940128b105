"""A line over time as SVG: one drawing for the picture of a message, the page of a report and its PDF."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from core.colours import INK_ON_LIGHT, OVER, PAPER, QUIET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from core.text import Language

WIDTH, HEIGHT = 640, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 626, 30, 172
MOST_TICKS = 7
_DAYS_SHOWN = 2 * 86_400


@dataclass(frozen=True, slots=True)
class Line:
    """What is drawn: `values` at `times`, None where nothing is known, beside a dashed `limit` when there is one.

    `shown` writes a value with its unit; `title` says what the line is.
    """

    title: str
    times: Sequence[datetime]
    values: Sequence[float | None]
    shown: Callable[[float], str]
    limit: float | None = None
    limit_title: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Colours as CSS, and the font. On a page they are variables, which follow light and dark."""

    ink: str = INK_ON_LIGHT
    grid: str = PAPER["light"]["line"]
    paper: str = PAPER["light"]["paper"]
    font: str = "Libertinus Serif"


PRINTED = Look()
ON_A_PAGE = Look("var(--quiet)", "var(--line)", "var(--paper)", "system-ui, sans-serif")


def draw(line: Line, zone: ZoneInfo, language: Language, look: Look = PRINTED) -> str:
    """The chart as SVG text, 640 by 200; every text in it is escaped."""
    top = _round_up(max((v for v in (*line.values, line.limit) if v is not None), default=0.0))
    parts = (
        _grid(line, top, look),
        _clock(line, zone, language, look),
        _limit(line, top, look),
        _line(line, top, look),
    )
    body = "".join(piece for part in parts for piece in part)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(line.title)}" font-family="{look.font}" font-size="12">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{look.paper}"/>'
        f"{_text(_LEFT, 16, line.title, look, size=13)}{body}</svg>"
    )


def _grid(line: Line, top: float, look: Look) -> Iterator[str]:
    for part in (0.0, 0.5, 1.0):
        y = _y(part * top, top)
        yield f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{y}" y2="{y}" stroke="{look.grid}"/>'
        yield _text(_LEFT - 6, y + 4, line.shown(part * top), look, anchor="end")


def _clock(line: Line, zone: ZoneInfo, language: Language, look: Look) -> Iterator[str]:
    """Times below, at most MOST_TICKS of them: the clock for up to two days, else the date."""
    count = len(line.times)
    if not count:
        return
    long = (line.times[-1] - line.times[0]).total_seconds() > _DAYS_SHOWN
    step = -(-count // MOST_TICKS)
    for place in range((count - 1) % step, count, step):
        at = line.times[place].astimezone(zone)
        said = f"{at:%H:%M}" if not long else f"{at:%d/%m}" if language == "vi" else f"{at.day} {at:%b}"
        last = place == count - 1 and count > 1
        yield _text(_x(place, count), _BOTTOM + 18, said, look, anchor="end" if last else "middle")


def _limit(line: Line, top: float, look: Look) -> Iterator[str]:
    if line.limit is None:
        return
    y = _y(line.limit, top)
    yield f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{y}" y2="{y}" stroke="{QUIET}" stroke-dasharray="5 4"/>'
    yield _text(_LEFT + 4, y - 5, line.limit_title, look)


def _line(line: Line, top: float, look: Look) -> Iterator[str]:
    """One stroke for each stretch without a gap, and a dot where it ends."""
    count = len(line.values)
    run: list[str] = []
    known = [place for place, value in enumerate(line.values) if value is not None]
    for place, value in enumerate((*line.values, None)):
        if value is not None:
            run.append(f"{_x(place, count)},{_y(value, top)}")
        elif run:
            points = " ".join(run if len(run) > 1 else [*run, *run])
            yield f'<polyline points="{points}" fill="none" stroke="{OVER}" stroke-width="2" stroke-linecap="round"/>'
            run = []
    if known:
        last = line.values[known[-1]] or 0.0
        x, y = _x(known[-1], count), _y(last, top)
        yield f'<circle cx="{x}" cy="{y}" r="3.5" fill="{OVER}"/>'
        yield _text(x, y - 9, line.shown(last), look, anchor="end" if count > 1 else "middle", size=13)


def _text(x: float, y: float, said: str, look: Look, *, anchor: str = "start", size: int = 12) -> str:
    """A text that stays readable where a line runs behind it."""
    halo = f'stroke="{look.paper}" stroke-width="3" paint-order="stroke"'
    where = f'x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {where} fill="{look.ink}" {halo}>{escape(said)}</text>'


def _x(place: int, count: int) -> float:
    return round(_LEFT + (_RIGHT - _LEFT) * (place / (count - 1) if count > 1 else 0.5), 1)


def _y(value: float, top: float) -> float:
    share = min(1.0, max(0.0, value / top)) if top else 0.0
    return round(_BOTTOM - (_BOTTOM - _TOP) * share, 1)


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, ... times a power of ten, so that the axis has round numbers; 1 for nothing."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 2.0, 4.0, 5.0, 10.0) if step * power >= value * (1 - 1e-9))
