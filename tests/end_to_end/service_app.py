"""A small real service: FastAPI with the middleware and the guard, handlers that go well and badly in every way."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import burnline

LIMIT = 0.3


class Stopwatch:
    """Says in the answer how long it took. A busy client's own clock would count its own work, too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-seconds", b"%.6f" % (time.monotonic() - began))]
            await send(message)

        try:
            await self.app(scope, receive, stamped)
        finally:
            scope["seconds"] = b"%.6f" % (time.monotonic() - began)


app = FastAPI()
app.add_middleware(Stopwatch)


@app.exception_handler(Exception)
async def broken(request: Request, _: Exception) -> JSONResponse:
    """The answer to an exception is made outside of every middleware."""
    return JSONResponse({"detail": "broken"}, 500, {"x-seconds": request.scope["seconds"].decode()})


burnline.configure(directory=os.environ["SERVICE_LOGS"], service="reports")
app.add_middleware(burnline.asgi.RequestLog, agent_header="x-agent")


@app.get("/quick")
async def quick() -> dict[str, str]:
    return {"answer": "whole"}


@app.post("/sync")
def sync(text: dict[str, str]) -> dict[str, str]:
    time.sleep(0.01)
    return {"answer": "whole", "text": text["text"]}


async def short_answer() -> dict[str, str]:
    return {"answer": "short"}


@app.get("/slow-but-ok")
@burnline.guard(timeout=LIMIT, fallback=short_answer)
async def slow_but_ok() -> dict[str, str]:
    await asyncio.sleep(0.05)
    return {"answer": "whole"}


@app.get("/cut-and-saved")
@burnline.guard(timeout=LIMIT, fallback=short_answer)
async def cut_and_saved() -> dict[str, str]:
    await asyncio.sleep(30)
    return {"answer": "whole"}


@app.get("/cut-on-a-thread")
@burnline.guard(timeout=LIMIT, fallback=lambda: {"answer": "short"})
def cut_on_a_thread() -> dict[str, str]:
    time.sleep(0.6)
    return {"answer": "whole"}


@app.get("/cut")
@burnline.guard(timeout=LIMIT)
async def cut() -> dict[str, str]:
    await asyncio.sleep(30)
    return {"answer": "whole"}


@app.get("/late")
async def late() -> dict[str, str]:
    """Nobody cuts it, and it takes longer than the objective allows."""
    await asyncio.sleep(0.6)
    return {"answer": "whole"}


@app.get("/breaks")
@burnline.guard(timeout=LIMIT)
async def breaks() -> dict[str, str]:
    raise ValueError("the model answered with no JSON")


@app.get("/upstream-down")
async def upstream_down() -> dict[str, str]:
    raise HTTPException(503, "the model's provider does not answer")


@app.get("/numbers/{number}")
async def numbers(number: int) -> dict[str, int]:
    return {"number": number}


@app.get("/limited")
async def limited() -> dict[str, str]:
    raise HTTPException(429, "come back later")


@app.get("/stream")
async def stream() -> StreamingResponse:
    """Goes on until the client has heard enough."""

    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b"and so on\n"
            await asyncio.sleep(0.02)

    return StreamingResponse(parts())


@app.get("/waits-for-you")
async def waits_for_you(request: Request) -> dict[str, str]:
    """Looks whether anybody still wants the answer."""
    while not await request.is_disconnected():  # noqa: ASYNC110 - the framework has no event for it
        await asyncio.sleep(0.02)
    return {"answer": "to nobody"}
