"""Where things are: flags win over `BURNLINE_*` variables, which win over the defaults."""

from __future__ import annotations

import os
import socket
import sys
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
            raise UsageError(f'"{number}" is not a port; write a number from 1 to 65535')
        return cls(
            Path(pick(config, "BURNLINE_CONFIG", standard.config)),
            Path(pick(inbox, "BURNLINE_INBOX", standard.inbox)),
            Path(pick(store, "BURNLINE_STORE", standard.store)),
            Path(pick(state, "BURNLINE_STATE", standard.state)),
            int(number),
        )


def why_not_port(port: str) -> str:
    """Why the dashboard cannot listen on this port, in words for a terminal; empty when it can."""
    try:
        number = Places.find(port=port).port
    except UsageError as error:
        return str(error)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError as error:
            return f"Port {number} cannot be used: {error.strerror}. Stop what uses it, or: make run PORT=8502"
    return ""


if __name__ == "__main__":
    sys.exit(why_not_port(sys.argv[1]) or 0)
