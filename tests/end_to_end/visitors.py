"""Clients of the service, who count what they got, by the class they would call it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import httpx

Class = Literal["success", "timeout", "failed", "excluded"]
Counts = Counter[Class]

LIMIT = 0.3
AGENTS = ("planner", "search", "pricing")

MIX: tuple[tuple[str, str, int], ...] = (
    ("GET", "/quick", 36),
    ("POST", "/sync", 14),
    ("GET", "/slow-but-ok", 14),
    ("GET", "/cut-and-saved", 5),
    ("GET", "/cut-on-a-thread", 3),
    ("GET", "/cut", 5),
    ("GET", "/late", 4),
    ("GET", "/breaks", 4),
    ("GET", "/upstream-down", 3),
    ("GET", "/numbers/seven", 3),
    ("GET", "/limited", 2),
    ("GET", "/nobody-lives-here", 3),
    ("GET", "/stream", 2),
    ("GET", "/waits-for-you", 2),
)
"""Method, path, share in percent."""


@dataclass(frozen=True)
class Visit:
    """One request as its client saw it; `seconds` by the service's own stopwatch, 0 where it does not matter."""

    agent: str
    path: str
    found: Class
    seconds: float

    @property
    def doubtful(self) -> bool:
        """So close to the limit that the stopwatch, which stops a moment earlier, cannot tell the side."""
        return LIMIT - 0.005 < self.seconds <= LIMIT


async def visit(base: str, number: int, connections: int, seed: int = 1) -> list[Visit]:
    """Send `number` requests over `connections` connections at a time, each used again and again."""
    dice = random.Random(seed)
    paths = dice.choices(MIX, weights=[share for *_, share in MIX], k=number)
    waiting = iter([(method, path, dice.choice(AGENTS)) for method, path, _ in paths])

    async def visitor() -> list[Visit]:
        one = httpx.Limits(max_connections=1)
        async with httpx.AsyncClient(base_url=base, limits=one, timeout=60, verify=False) as client:
            return [await _ask(client, *what) for what in waiting]

    return [visit for visits in await asyncio.gather(*(visitor() for _ in range(connections))) for visit in visits]


async def _ask(client: httpx.AsyncClient, method: str, path: str, agent: str) -> Visit:
    headers = {"x-agent": agent}
    if path == "/breaks":
        headers["connection"] = "close"  # the server hangs up after an exception; without asking, it may do so too late
    if path == "/stream":
        async with client.stream(method, path, headers=headers) as response:
            await anext(response.aiter_bytes())
        return Visit(agent, path, "excluded", 0.0)
    if path == "/waits-for-you":
        try:
            await client.request(method, path, headers=headers, timeout=httpx.Timeout(60, read=0.1))
        except httpx.ReadTimeout:
            return Visit(agent, path, "excluded", 0.0)
        raise AssertionError("answered although nobody left")
    response = await client.request(method, path, headers=headers, json={"text": "hello"} if method == "POST" else None)
    if response.status_code == 504:
        return Visit(agent, path, "timeout", 0.0)
    if 400 <= response.status_code < 500:
        return Visit(agent, path, "excluded", 0.0)
    seconds = float(response.headers["x-seconds"])
    if seconds > LIMIT:
        return Visit(agent, path, "timeout", seconds)
    if response.status_code >= 500:
        return Visit(agent, path, "failed", seconds)
    whole = response.json()["answer"] == "whole"
    return Visit(agent, path, "success" if whole else "timeout", seconds)


def counts(visits: list[Visit], agent: str | None = None) -> Counts:
    """How many of each class, all or one agent's."""
    return Counter(visit.found for visit in visits if agent in (None, visit.agent))
