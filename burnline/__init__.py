"""Write one JSON line per request, so that timeouts can be counted, explained and budgeted.

A FastAPI or Starlette service needs two lines:

    burnline.configure(directory="logs", service="api")
    app.add_middleware(burnline.asgi.RequestLog)

A call that must not take longer than it may:

    @burnline.guard(timeout=8.0, fallback=shorter_answer)
    async def analyze_document(text: str) -> Answer: ...

Anything else worth a line, and more about the request being served:

    burnline.record(kind="llm", model="gpt-4o-mini", execution_time_ms=2340, status="success", cost_usd=0.045)
    burnline.annotate(model="gpt-4o-mini", tokens_used={"input": 1500, "output": 800})

Lines are written by a background thread, one file per process; nothing here raises into the service or waits for the
disk. When the disk cannot take them, up to 10,000 records wait in memory, the newest after that are left out, and a
record of kind `drops` says how many. A process that is killed loses what it recorded in its last 200 ms at most, unless
it records faster than its disk writes. The format is docs/log-format.md.
"""

from __future__ import annotations

from burnline import asgi
from burnline.deadline import DeadlineExceeded
from burnline.guard import guard
from burnline.request import annotate, configure, flush, record

__all__ = ["DeadlineExceeded", "annotate", "asgi", "configure", "flush", "guard", "record"]
