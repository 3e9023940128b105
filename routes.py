"""The HTTP side of the dashboard: health, Prometheus text, and the numbers as JSON. Plain functions run in threads."""

from __future__ import annotations

from datetime import date, timedelta
from functools import wraps
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, Response

from alerting.report import alerts_report, digest_report
from alerting.reports.answer import report_answer
from alerting.trial import trial
from core.errors import BurnlineError, UsageError
from core.selection import Selection
from core.services import services
from core.timespan import TimeSpan, utc_now
from guard import needs_token
from loaders.report import quarantine_report, status_report
from metrics.answer import answer
from metrics.exposition import EDGES_MS, prometheus_text
from metrics.freshness import data_age
from metrics.questions import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from engine import Engine
    from metrics.questions import Question

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
MOST_QUARANTINED = 1000


def with_engine(endpoint: Callable[[Engine, Request], Response]) -> Callable[[Request], Response]:
    """Give the endpoint the running engine; errors become JSON: 400 for the asker's, 503 for ours."""

    @wraps(endpoint)
    def route(request: Request) -> Response:
        engine: Engine | None = services()  # type: ignore[assignment] # the engine is the one that publishes
        if engine is None:
            return JSONResponse({"error": "starting or stopping; ask again"}, 503)
        try:
            return endpoint(engine, request)
        except UsageError as error:
            return JSONResponse({"error": str(error)}, 400)
        except BurnlineError as error:
            return JSONResponse({"error": str(error)}, 503)

    return route


@with_engine
def healthz(engine: Engine, _: Request) -> Response:
    """200 when every worker keeps pace and the data is fresh (or none was ever read), else 503; always with reasons."""
    now, running = utc_now(), engine.running
    age = data_age(running.store.freshness(), now)
    workers = {
        worker.name: {
            "alive": worker.alive,
            "late": worker.late(now),
            "beat": worker.beat.isoformat(),
            "detail": worker.detail,
        }
        for worker in engine.health()
    }
    behind = running.watcher.lag(now)
    waiting = age.state == "stale" and not behind  # while older lines are still being read, their age says nothing
    ok = not waiting and not any(worker["late"] for worker in workers.values())
    return JSONResponse(
        {
            "ok": ok,
            "data": {
                "state": age.state,
                "newest": age.newest.isoformat() if age.newest else None,
                "age_s": age.age_s,
                "behind_s": behind.total_seconds(),
                "sample": running.demo,
            },
            "workers": workers,
            "notes": list(engine.notes()),
        },
        200 if ok else 503,
    )


@with_engine
def metrics(engine: Engine, _: Request) -> Response:
    """Prometheus text: totals of everything stored, rates of the last hour."""
    now, limit_ms = utc_now(), engine.settings.limit_values.limit_ms
    hour = Selection(TimeSpan.last(timedelta(hours=1), now))
    store = engine.running.store
    text = prometheus_text(
        store.cube(limit_ms, EDGES_MS),
        answer(store, hour, engine.settings, now, store.freshness()),
        quarantined=store.quarantine_counts(),
        limit_ms=limit_ms,
    )
    return PlainTextResponse(text, media_type=PROMETHEUS)


def asking(question: Question) -> Callable[[Request], Response]:
    """The route of one question, with the parameters of its command."""

    @with_engine
    def route(engine: Engine, request: Request) -> Response:
        running = engine.running
        found = question.ask(running.store, request.query_params, engine.settings, utc_now())
        return JSONResponse(found | {"sample": running.demo})

    return route


@with_engine
def status(engine: Engine, _: Request) -> Response:
    """The account of every file."""
    running = engine.running
    return JSONResponse(status_report(running.store, running.watcher.mode, running.watcher.lag(utc_now())))


@with_engine
def quarantine(engine: Engine, request: Request) -> Response:
    """The newest refused lines, with reasons."""
    limit = request.query_params.get("limit", "100")
    if not (limit.isascii() and limit.isdigit() and 0 < int(limit) <= MOST_QUARANTINED):
        raise UsageError(f'limit: "{limit}" is not a number from 1 to {MOST_QUARANTINED}')
    return JSONResponse(quarantine_report(engine.running.store, int(limit)))


@with_engine
def alerts(engine: Engine, _: Request) -> Response:
    """Rules with their states, open and recent incidents, deliveries."""
    return JSONResponse(alerts_report(engine.running.state))


@with_engine
def digest(engine: Engine, request: Request) -> Response:
    """The digest of a local day, yesterday when no `date` is given."""
    text = request.query_params.get("date")
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f'date: "{text}" is not a date; write 2026-11-23') from None
    store, state = engine.running.store, engine.running.state
    return JSONResponse(digest_report(store, engine.settings, state, utc_now(), store.freshness(), day=day))


@with_engine
def backtest(engine: Engine, request: Request) -> Response:
    """What a rule would have done over the stored past, with the parameters of the command."""
    store, state = engine.running.store, engine.running.state
    return JSONResponse(trial(store, state, engine.settings, dict(request.query_params), utc_now()))


@with_engine
def report(engine: Engine, request: Request) -> Response:
    """The report of a `week` or a `month`: its numbers, its words in both languages, and its table."""
    running = engine.running
    return JSONResponse(report_answer(running.store, engine.settings, running.state, request.query_params, utc_now()))


def nothing(request: Request) -> Response:
    """What is not served here, in JSON: a program must not take the page's HTML for an answer."""
    return JSONResponse({"error": f"no {request.url.path}; there is {', '.join(list(ROUTES)[:-1])}"}, 404)


_CLOSED = {
    "/metrics": metrics,
    **{f"/api/v1/{name}": asking(question) for name, question in QUESTIONS.items()},
    "/api/v1/status": status,
    "/api/v1/quarantine": quarantine,
    "/api/v1/alerts": alerts,
    "/api/v1/digest": digest,
    "/api/v1/report": report,
    "/api/v1/backtest": backtest,
    "/api/{path:path}": nothing,
}
ROUTES = {"/healthz": healthz, **{path: needs_token(endpoint) for path, endpoint in _CLOSED.items()}}
"""By path. Whether all is well is open to machines that look after us; all else needs the token when there is one."""
