"""Keeps secrets out of what is said: the addresses of webhooks, tokens, passwords."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from alerting.message import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TOKEN_LIKE = re.compile(r"xox[a-z]-[\w-]+|xapp-[\w-]+|(?i:bearer\s+)\S+|[A-Za-z0-9_+/=%-]{24,}")
LONGEST = 300
SHORTEST_PART = 5
"""A shorter part of a webhook's path ("v1") says nothing, and stands in too many words."""


def redacted(text: str, secrets: Iterable[str]) -> str:
    """`text` on one line, without the secrets, any part of a secret URL, or anything else that looks like a token."""
    parts = {part for secret in secrets if secret for part in _parts(secret)}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***")
    return " ".join(visible(_TOKEN_LIKE.sub("***", text)).split())[:LONGEST]


def _parts(secret: str) -> Iterator[str]:
    yield from (secret, unquote(secret))
    if "://" not in secret:
        return
    try:
        parts = urlsplit(secret)
    except ValueError:
        return
    values = [pair.partition("=")[2] for pair in parts.query.split("&")]
    pieces = [parts.path, parts.path.strip("/"), parts.query, *parts.path.split("/"), *values]
    for piece in pieces:
        if len(piece) >= SHORTEST_PART:
            yield from (piece, unquote(piece))
