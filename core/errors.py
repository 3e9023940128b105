"""The few errors a person meets. Each says what happened, what was found and what to do."""

from __future__ import annotations

from dataclasses import dataclass


class BurnlineError(Exception):
    """Root of everything Burnline raises on purpose; its text is shown to people as it is."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a settings file: where it is and what to do about it."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class SettingsError(BurnlineError):
    """A settings file was refused; `problems` lists every fault found, not just the first."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.source, self.problems = source, problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{source}: {count}\n" + "\n".join(f"  {problem}" for problem in problems))


class StoreLocked(BurnlineError):  # noqa: N818 - a state, told as a sentence
    """Another process holds the store; DuckDB allows one."""


class StoreUnusable(BurnlineError):  # noqa: N818 - a state, told as a sentence
    """The store cannot be opened: corrupt, unreadable, or written by a newer Burnline."""


class StoreCorrupt(StoreUnusable):
    """DuckDB refuses the file's content; what can be rebuilt lies in the log files."""


class UsageError(BurnlineError):
    """A command or a URL asked for something that does not exist; names what does."""
