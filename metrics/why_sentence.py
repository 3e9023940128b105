"""What moved, and why, in words a product manager reads. Names from logs stay apart as quoted pieces."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.text import NARROW, age, percent, say
from metrics.sentence import TEXTS, Part, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.text import Language
    from metrics.causes import Cause, Where
    from metrics.why_answer import Moved, Why

_HERE = "\0"
NEARLY_ALL = 0.995


def why_sentence(why: Why, language: Language) -> tuple[Part, ...]:
    """The change of the measure to speak of, its first cause, and what it was compared with."""
    moved = why.answer
    return tuple(
        part for piece in (change(why, moved, language), reason(moved, language)) for part in piece if part.text
    )


def plain_text(parts: tuple[Part, ...]) -> str:
    """On one line, for a terminal; what is quoted stands between backquotes, without control characters."""
    text = "".join(f"`{printable(part.text)}`" if part.quoted else part.text.replace(NARROW, " ") for part in parts)
    return text.strip()


def change(why: Why, moved: Moved, language: Language) -> tuple[Part, ...]:
    """Whether it rose or fell, from what to what, against what."""
    name = say(TEXTS, f"measure_{moved.measure}", language)
    judged = moved.verdict
    if why.baseline is None:
        key = "why_no_past" if why.span else "why_nothing"
        return (Part(say(TEXTS, key, language) + " "),)
    key = {"worse": "why_rose", "better": "why_fell", "no_evidence": "why_same", "too_few": "why_few"}[judged.outcome]
    said = say(
        TEXTS,
        key,
        language,
        measure=name,
        before=percent(judged.before, language),
        now=percent(judged.now, language),
        past=past(why, language),
    )
    return (Part(said + " "),)


def past(why: Why, language: Language) -> str:
    """What the span was compared with."""
    baseline, span = why.baseline, why.span
    if baseline is None or span is None:
        return ""
    if baseline.kind == "before":
        return say(TEXTS, "past_before", language, age=age(baseline.spans[0].length, language))
    n = len(baseline.spans)
    longest = timedelta(days=1 if baseline.kind == "days" else 7)
    kind = baseline.kind if span.length <= longest else "periods"
    return say(TEXTS, f"past_{kind}_one" if n == 1 else f"past_{kind}", language, n=n)


def reason(moved: Moved, language: Language) -> tuple[Part, ...]:
    """The first cause; that there is none when the measure moved; nothing when it did not."""
    if not moved.causes:
        return (Part(say(TEXTS, "why_no_cause", language)),) if moved.verdict.outcome in {"worse", "better"} else ()
    first = moved.causes[0]
    rose = first.points > 0
    follows = moved.verdict.outcome == ("worse" if rose else "better") and first.explained is not None
    direction = say(TEXTS, "why_rise" if rose else "why_fall", language)
    if follows:
        part = min(first.explained or 0.0, 1.0)
        key = "why_all_of" if part >= NEARLY_ALL else "why_part_of"
        start = say(TEXTS, key, language, part=percent(part, language, 0), direction=direction)
    else:
        start = ""
    said = _filled(("why_" if follows else "only_") + _key(first), first, language, start=start)
    for rival in first.rivals[:1]:
        ahead, behind = say(TEXTS, "why_rival", language, where=_HERE).split(_HERE)
        said = (*said, Part(" " + ahead), *_where(rival, language), Part(behind))
    return said


def listed(cause: Cause, language: Language) -> tuple[Part, ...]:
    """One cause of a list: where, and what became of its rate."""
    return _filled(f"item_{_key(cause)}", cause, language, start="")


def _key(cause: Cause) -> str:
    if cause.how == "rate":
        return "cause_rose" if cause.points > 0 else "cause_fell"
    return f"cause_{cause.how}"


def _filled(key: str, cause: Cause, language: Language, *, start: str) -> tuple[Part, ...]:
    text = say(
        TEXTS,
        key,
        language,
        start=start,
        where=_HERE,
        before=percent(cause.rate_before, language),
        now=percent(cause.rate_now, language),
        share_before=percent(cause.share_before, language),
        share_now=percent(cause.share_now, language),
    )
    ahead, behind = text.split(_HERE)
    return (Part(ahead), *_where(cause.where, language), Part(behind))


def _where(where: Where, language: Language) -> Iterator[Part]:
    for place, (dimension, value) in enumerate(where):
        if place:
            yield Part(say(TEXTS, "where_and", language))
        ahead, behind = say(TEXTS, f"where_{dimension}", language, value=_HERE).split(_HERE)
        yield from (part for part in (Part(ahead), Part(value, quoted=True), Part(behind)) if part.text)
