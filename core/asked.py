"""Questions people write themselves, in SQL: what can be asked about, what comes back, and why some are refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from core.errors import UsageError
from core.record import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

MOST_CHARACTERS = 4000
"""Of a question: it has to fit into an address."""
MOST_ROWS = 10_000
"""Of an answer, as long as they are not too large."""

_TYPES = {column.name: str(column.type) for column in COLUMNS}

_REQUESTS = """
    timestamp quarter request_id agent_id operation status class near latency_ms cut execution_time_ms
    timeout_ms timeout_type error_code error_message model model_version prompt_version service feature
    environment user_id session_id trace_id tokens_input tokens_output cost_usd billed fallback_used fallback_ok
    fallback_ms confidence feedback hallucination weight extra
"""
_SPANS = """
    timestamp quarter kind operation request_id trace_id span_id parent_span_id agent_id status
    execution_time_ms error_code error_message model service environment tokens_input tokens_output cost_usd
    billed weight extra
"""
_EVALS = """timestamp request_id agent_id environment model prompt_version name score confidence hallucination"""
_FEEDBACK = "timestamp request_id user_id agent_id environment feedback"
_HOSTS = "timestamp host service environment cpu_percent gpu_percent memory_percent memory_mb extra"
_DEPLOYS = "timestamp service environment agent_id model model_version prompt_version extra"

_MADE = {
    "quarter": "TIMESTAMPTZ", "class": "VARCHAR", "near": "BOOLEAN", "latency_ms": "DOUBLE", "cut": "BOOLEAN",
    "weight": "DOUBLE", "name": "VARCHAR", "score": "DOUBLE", "host": "VARCHAR",
    "cpu_percent": "DOUBLE", "gpu_percent": "DOUBLE", "memory_percent": "DOUBLE", "memory_mb": "DOUBLE",
}  # fmt: skip
"""Columns that no log line has as they are."""

VIEWS: Mapping[str, Mapping[str, str]] = {
    view: {name: _MADE.get(name) or _TYPES[name] for name in names.split()}
    for view, names in {
        "requests": _REQUESTS,
        "spans": _SPANS,
        "evals": _EVALS,
        "feedback": _FEEDBACK,
        "hosts": _HOSTS,
        "deploys": _DEPLOYS,
    }.items()
}
"""The tables a question can be about, each column with its type. What was asked and answered (prompt, response) and
error stacks are in none of them."""

Refusal = Literal["empty", "long", "one", "read", "table", "function", "large", "wrong", "time", "memory", "busy"]
REFUSALS: tuple[Refusal, ...] = get_args(Refusal)

_SAID: Mapping[Refusal, str] = {
    "empty": "there is no question",
    "long": "the question is longer than {what} characters",
    "one": "there is more than one statement; ask one question at a time",
    "read": "this is not a SELECT; a question can only read",
    "table": "there is no table {what} to ask; there are " + ", ".join(VIEWS),
    "function": "the function {what} cannot be used here",
    "large": "the question is too nested: at most {what}",
    "wrong": "{what}",
    "time": "there was no answer within {what} s; ask about a shorter time, or for fewer groups",
    "memory": "the answer needs too much memory; ask about a shorter time, or for fewer groups",
    "busy": "another question is being answered; ask again in a few seconds",
}


class QuestionRefused(UsageError):  # noqa: N818 - a state, told as a sentence
    """A question that was not answered: `reason` says why, `what` names the part of it (text of the asker's)."""

    def __init__(self, reason: Refusal, what: str = "") -> None:
        super().__init__(_SAID[reason].format(what=what))
        self.reason, self.what = reason, what


@dataclass(frozen=True, slots=True)
class Answered:
    """The first rows of an answer; `cut` when there were more. It took `seconds`.

    Times are Datetime in the zone asked for; what is no text, number, time or truth is text.
    """

    frame: pl.DataFrame
    cut: bool
    seconds: float

    @property
    def milliseconds(self) -> float:
        """How long it took, as durations are shown."""
        return self.seconds * 1000
