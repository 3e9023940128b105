"""Where lines go and what a record says when the caller does not."""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

MAX_BYTES = 100_000_000


class Settings(NamedTuple):
    """What `burnline.configure` sets. `directory` is absolute; a new file is begun after `max_bytes`.

    A named tuple, as everywhere in this package: `dataclasses` would be a third of what importing it costs.
    """

    directory: str
    service: str = ""
    environment: str = ""
    agent_id: str = ""
    max_bytes: int = MAX_BYTES

    @property
    def defaults(self) -> dict[str, str]:
        """The fields a line gets when the record leaves them out."""
        found = {"service": self.service, "environment": self.environment, "agent_id": self.agent_id}
        return {name: value for name, value in found.items() if value}


def settings(
    directory: str | os.PathLike[str] | None = None,
    service: str | None = None,
    environment: str | None = None,
    agent_id: str | None = None,
    max_bytes: int | None = None,
) -> Settings:
    """Arguments win over `BURNLINE_INBOX`, `BURNLINE_SERVICE` and `BURNLINE_ENVIRONMENT`; the last resort is `logs`."""
    if max_bytes is not None and max_bytes <= 0:
        raise ValueError(f"max_bytes is {max_bytes}; write a number of bytes above 0")
    place = os.fspath(directory or os.environ.get("BURNLINE_INBOX") or "logs")
    with contextlib.suppress(OSError):  # the working directory may be gone
        place = os.path.abspath(place)  # noqa: PTH100
    return Settings(
        place,
        str(service or os.environ.get("BURNLINE_SERVICE") or ""),
        str(environment or os.environ.get("BURNLINE_ENVIRONMENT") or ""),
        str(agent_id or ""),
        max_bytes or MAX_BYTES,
    )
