"""A FastAPI service under uvicorn: what its clients got is what the log says, also when it is told to stop."""

from __future__ import annotations

import asyncio
import collections
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from written import read

ROOT = Path(__file__).resolve().parents[2]
SERVICE = """
import asyncio, sys, threading
import burnline, uvicorn
from fastapi import FastAPI, HTTPException

burnline.configure(directory=sys.argv[1], service="api")
app = FastAPI()
app.add_middleware(burnline.asgi.RequestLog)
LIMIT = 0.1

@app.get("/answers/{item}")
async def answers(item: int) -> dict[str, int]:
    await asyncio.sleep(0)
    burnline.record(kind="llm", operation="chat", execution_time_ms=1, status="success", item=item)
    burnline.annotate(session_id=str(item))
    return {"item": item}

@app.get("/rescued/{item}")
@burnline.guard(timeout=LIMIT, fallback=lambda item: {"spare": item})
async def rescued(item: int) -> dict[str, int]:
    burnline.annotate(session_id=str(item))
    await asyncio.Event().wait()
    return {}

@app.get("/threaded/{item}")
@burnline.guard(timeout=LIMIT)
def threaded(item: int) -> dict[str, int]:
    burnline.annotate(session_id=str(item))
    threading.Event().wait(1.0)
    return {}

@app.get("/broken/{item}")
async def broken(item: int) -> None:
    burnline.annotate(session_id=str(item))
    raise HTTPException(500 if item % 2 else 503)

@app.get("/refused/{item}")
async def refused(item: int) -> None:
    burnline.annotate(session_id=str(item))
    raise HTTPException(429)

uvicorn.run(app, port=0, log_level="info", access_log=False)
"""
CLASS = {"answers": "success", "rescued": "timeout", "threaded": "timeout", "broken": "failed", "refused": "rejected"}
ANSWER = {"answers": {200}, "rescued": {200}, "threaded": {504}, "broken": {500, 503}, "refused": {429}}
COUNTS = {"answers": 250, "rescued": 40, "threaded": 30, "broken": 40, "refused": 40}


async def ask_all(base: str) -> None:
    paths = [(name, item) for name, count in COUNTS.items() for item in range(count)]
    random.Random(1).shuffle(paths)
    queue = collections.deque(paths)
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=base, timeout=30, limits=limits) as client:

        async def ask() -> None:
            while queue:
                name, item = queue.popleft()
                response = await client.get(f"/{name}/{item}")
                assert response.status_code in ANSWER[name]

        await asyncio.gather(*(ask() for _ in range(50)))


@pytest.fixture
def service(tmp_path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(tmp_path / "logs")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_every_request_of_fifty_connections_is_one_record_with_the_clients_outcome(
    service: subprocess.Popen[str], tmp_path: Path
) -> None:
    try:
        assert service.stderr is not None
        found = next(match for line in service.stderr if (match := re.search(r"(http://127\.0\.0\.1:\d+)", line)))
        asyncio.run(ask_all(found[1]))
        service.send_signal(signal.SIGTERM)  # at once: what was recorded a moment ago must still be on disk
        service.communicate(timeout=60)
    finally:
        service.kill()
        service.communicate()
    lines = read(tmp_path / "logs")
    requests = [line for line in lines if line["kind"] == "request"]
    seen = collections.Counter(
        (line["operation"].split("/")[1], line["status"], line["session_id"]) for line in requests
    )
    assert seen == {(name, CLASS[name], str(item)): 1 for name, count in COUNTS.items() for item in range(count)}
    assert len({line["request_id"] for line in requests}) == sum(COUNTS.values())
    by_id = {line["request_id"]: line for line in requests}
    spans = [line for line in lines if line["kind"] == "llm"]
    assert len(spans) == COUNTS["answers"]
    assert all(str(span["extra"]["item"]) == by_id[span["request_id"]]["session_id"] for span in spans)
    assert all(line["fallback_ok"] for line in requests if "rescued" in line["operation"])
