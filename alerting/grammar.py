"""The condition of a rule, read once: `timeout_rate > 5% and request_count >= 50`.

condition := cmp ("and" cmp)* | cmp ("or" cmp)*      no mixing, no nesting, no SQL
cmp       := metric op limit
op        := > | >= | < | <= | == | !=
limit     := number unit? | "baseline" ("*" number)?
"""

from __future__ import annotations

import difflib
import operator
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from alerting.catalogue import ALIASES, METRICS, SCORE, UNITS, WRITE_AS, Metric

if TYPE_CHECKING:
    from collections.abc import Callable

Joiner = Literal["and", "or"]

_TOKEN = re.compile(
    r"\s*(?:(?P<op>>=|<=|==|!=|>|<)|(?P<times>\*)|(?P<number>-?\d+(?:\.\d+)?)\s*(?P<unit>%|/s|/min|ms|s|USD|x)?(?![\w.%/])"
    r"|(?P<word>[A-Za-z_][\w.]*))",
    re.IGNORECASE,
)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


class ConditionError(ValueError):
    """A condition that cannot be read; its text names the column and the nearest right way."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`metric op limit`. `limit` is in the metric's own unit; with `baseline` it is a multiple of the baseline."""

    metric: Metric
    op: str
    limit: float
    baseline: bool
    text: str

    def holds(self, value: float, baseline: float = 1.0) -> bool:
        """Strict as written: at equality `>` is false."""
        return _COMPARE[self.op](value, self.limit * baseline)

    @property
    def upward(self) -> bool:
        """Whether more is worse."""
        return self.op in (">", ">=")


@dataclass(frozen=True, slots=True)
class Condition:
    """Comparisons joined by one word; a single comparison has the joiner `and`."""

    comparisons: tuple[Comparison, ...]
    joiner: Joiner

    def holds(self, truths: tuple[bool, ...]) -> bool:
        """The condition's truth from its comparisons' truths."""
        return all(truths) if self.joiner == "and" else any(truths)

    def __str__(self) -> str:
        return f" {self.joiner} ".join(part.text for part in self.comparisons)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int
    unit: str = ""


def parse_condition(text: str) -> Condition:
    """Read a condition; ConditionError says where it went wrong and what would have been right."""
    tokens = _tokens(text)
    parts: list[Comparison] = []
    joiner: Joiner | None = None
    while True:
        parts.append(_comparison(tokens))
        if not tokens:
            return Condition(tuple(parts), joiner or "and")
        word = tokens.pop(0)
        found: Joiner
        if word.text.lower() == "and":
            found = "and"
        elif word.text.lower() == "or":
            found = "or"
        else:
            raise ConditionError(f'expected "and" or "or" at column {word.column}, found "{word.text}"')
        if joiner not in (None, found):
            raise ConditionError(f'"and" and "or" cannot be mixed (column {word.column}); write two rules')
        joiner = found


def _tokens(text: str) -> list[_Token]:
    found, position = [], 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position:].lstrip()
            column = len(text) - len(rest) + 1
            raise ConditionError(f'cannot read "{rest[:12].rstrip()}" at column {column}')
        kind = match.lastgroup if match.lastgroup != "unit" else "number"
        column = match.start(kind or 0) + 1
        found.append(_Token(kind or "", match[kind or 0], column, match["unit"] or ""))
        position = match.end()
    return found


def _comparison(tokens: list[_Token]) -> Comparison:
    name = _next(tokens, "word", "a metric")
    metric = _metric(name)
    sign = _next(tokens, "op", "one of > >= < <= == !=")
    if tokens and tokens[0].text.lower() == "baseline":
        tokens.pop(0)
        limit, written = 1.0, "baseline"
        if tokens and tokens[0].kind == "times":
            tokens.pop(0)
            factor = _next(tokens, "number", "a number")
            limit, written = float(Decimal(factor.text)), f"baseline * {factor.text}"
        return Comparison(metric, sign.text, limit, baseline=True, text=f"{metric.name} {sign.text} {written}")
    number = _next(tokens, "number", 'a number (or "baseline")')
    written = number.text + number.unit
    return Comparison(
        metric,
        sign.text,
        _limit(metric, number, name.text, sign.text),
        baseline=False,
        text=f"{metric.name} {sign.text} {written}",
    )


def _next(tokens: list[_Token], kind: str, wanted: str) -> _Token:
    if not tokens:
        raise ConditionError(f"expected {wanted} but the condition ends")
    token = tokens.pop(0)
    if token.kind != kind:
        raise ConditionError(f'expected {wanted} at column {token.column}, found "{token.text}{token.unit}"')
    return token


def _metric(token: _Token) -> Metric:
    name = token.text.lower()
    if name.startswith(SCORE) and len(name) > len(SCORE):
        return Metric(SCORE + token.text[len(SCORE) :], "ratio", "said")
    name = ALIASES.get(name, name)
    if name in METRICS:
        return METRICS[name]
    near = difflib.get_close_matches(name, [*METRICS, *ALIASES], 1, 0.6)
    hint = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(METRICS)}"
    raise ConditionError(f'unknown metric "{token.text}" at column {token.column}; {hint}')


def _limit(metric: Metric, number: _Token, name: str, sign: str) -> float:
    """The limit in the metric's own unit, exact: "0.1%" is the double nearest to 0.001."""
    units = {unit.lower(): size for unit, size in UNITS[metric.dimension].items()}
    what, how = WRITE_AS[metric.dimension]
    written = number.text + number.unit
    size = units.get(number.unit.lower())
    if size is None:
        raise ConditionError(
            f'"{name}" is {what}: write the limit as {how.format(n=number.text)}, not "{written}" '
            f"(column {number.column})"
        )
    if metric.dimension == "per_second" and number.unit.lower() == "/min":
        return float(Decimal(number.text) / 60)
    limit = Decimal(number.text) * size
    if metric.dimension == "ratio" and (limit > 1 or (limit == 1 and sign == ">")):
        hint = "" if number.unit else f'; did you mean "{number.text}%"?'
        raise ConditionError(f'"{name}" is {what}: "{written}" can never be reached{hint}')
    return float(limit)
