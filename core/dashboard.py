"""How a command asks the dashboard that holds the store: over HTTP, found through the note beside the store."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import httpx

from core.errors import BurnlineError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECONDS = 30
"""Longer than any answer takes; a dashboard that needs more is in trouble, and that is said."""


def owner_file(store: Path) -> Path:
    """Where the running dashboard says who holds this store: {"pid", "url", "token_env"}."""
    return store.with_name(f"{store.name}.owner.json")


def ask_dashboard(store: Path, path: str, params: Mapping[str, str], otherwise: BurnlineError) -> dict[str, Any]:
    """The JSON object at `path` of the dashboard that holds `store`; it is shown our token when there is one.

    Raises:
        BurnlineError: `otherwise` itself, when no dashboard left a note or none listens there any more.
        UsageError: the dashboard refused the question (400).
        BurnlineError: it did not answer in time, or not with a result.
    """
    try:
        note = json.loads(owner_file(store).read_text("utf-8"))
        url, token_env = note["url"], note.get("token_env", "BURNLINE_TOKEN")
        token = os.environ.get(token_env, "").strip()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise otherwise from None
    shown = {b"Authorization": f"Bearer {token}".encode()} if token else {}
    try:
        found = httpx.get(f"{url}{path}", params=dict(params), headers=shown, timeout=SECONDS, trust_env=False)
        answer = found.json()
    except httpx.ConnectError:
        raise otherwise from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise BurnlineError(
            f"the store is held by the dashboard at {url}, which did not answer ({type(error).__name__}: {error}); "
            "look at its terminal, or stop it and ask again"
        ) from None
    if found.status_code == httpx.codes.OK and isinstance(answer, dict):
        return answer
    said = answer.get("error") if isinstance(answer, dict) else None
    if found.status_code == httpx.codes.UNAUTHORIZED:
        wrong = f"{token_env} holds another token than the dashboard's" if token else f"{token_env} is not set here"
        raise BurnlineError(
            f"the dashboard at {url} wants its token, and {wrong}; give it the dashboard's and ask again"
        )
    if found.status_code == httpx.codes.BAD_REQUEST:
        raise UsageError(said or f"the dashboard at {url} refused the question")
    raise BurnlineError(f"the dashboard at {url} answered {found.status_code}: {said or found.reason_phrase}")
