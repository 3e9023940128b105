"""Where things are: flags win over `BURNLINE_*` variables, which win over the defaults."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Places:
    """The paths and the port of one installation."""

    config: Path = Path("burnline.yaml")
    inbox: Path = Path("logs")
    store: Path = Path("data/burnline.duckdb")
    state: Path = Path("data/burnline.state.sqlite")
    port: int = 8501

    @classmethod
    def find(
        cls,
        *,
        config: str | None = None,
        inbox: str | None = None,
        store: str | None = None,
        state: str | None = None,
        port: str | int | None = None,
    ) -> Places:
        """The places these flags, the environment and the defaults name; UsageError for a port that is none."""
        standard = cls()

        def pick(flag: object, variable: str, default: object) -> str:
            return str(flag or os.environ.get(variable) or default)

        number = pick(port, "BURNLINE_PORT", standard.port)
        if not (number.isdigit() and 0 < int(number) < 65536):
            raise UsageError(f'BURNLINE_PORT: "{number}" is not a port; write a number from 1 to 65535')
        return cls(
            Path(pick(config, "BURNLINE_CONFIG", standard.config)),
            Path(pick(inbox, "BURNLINE_INBOX", standard.inbox)),
            Path(pick(store, "BURNLINE_STORE", standard.store)),
            Path(pick(state, "BURNLINE_STATE", standard.state)),
            int(number),
        )
