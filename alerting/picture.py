"""A drawing as PNG, for channels that show pictures. Needs the extra `reports`; without it there is no picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerting.chart import draw
from alerting.message import File

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from alerting.chart import Line
    from core.text import Language

_PAGE = (
    b'#set page(width: 640pt, height: auto, margin: 0pt)\n#image(bytes(sys.inputs.drawing), format: "svg", width: 100%)'
)
DOTS_PER_INCH = 144
MOST_BYTES = 300_000


def picture(line: Line, zone: ZoneInfo, language: Language) -> File | None:
    """The line as a picture of 1280 by 400; None when nothing can draw it here, or nothing is known of it."""
    if all(value is None for value in line.values):
        return None
    try:
        import typst  # noqa: PLC0415 - an extra: without it messages have no picture
    except ImportError:
        return None
    inputs = {"drawing": draw(line, zone, language)}
    content = typst.compile(_PAGE, format="png", ppi=DOTS_PER_INCH, sys_inputs=inputs, ignore_system_fonts=True)
    if not isinstance(content, bytes) or len(content) > MOST_BYTES:
        return None
    return File("trend.png", "image/png", content, line.title)
