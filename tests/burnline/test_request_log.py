"""One HTTP request is one record, whatever the application does with it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from written import read

import burnline
from burnline.asgi import RequestLog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from written import Logs

LIMIT = 0.05


async def forever(*_: object) -> None:
    await asyncio.Event().wait()


def service(**options: Any) -> FastAPI:
    app = FastAPI()
    app.add_middleware(RequestLog, **options)

    @app.get("/fine/{item}")
    async def fine(item: int) -> int:
        burnline.annotate(model="m", tokens_used={"input": item})
        return item

    @app.get("/status/{code}")
    async def status(code: int) -> None:
        raise HTTPException(code)

    @app.get("/raises")
    async def raises() -> None:
        raise ValueError("no")

    @app.get("/rescued")
    @burnline.guard(timeout=LIMIT, fallback=lambda: "spare")
    async def rescued() -> str:
        await forever()
        return "late"

    @app.get("/cut")
    @burnline.guard(timeout=LIMIT, error_code="GRAPH_TIMEOUT")
    async def cut() -> None:
        await forever()

    @app.get("/handled")
    async def handled() -> str:
        try:
            await burnline.guard(timeout=LIMIT)(forever)()
        except burnline.DeadlineExceeded:
            return "something else"
        return "late"

    @app.get("/rescued-then-broken")
    async def rescued_then_broken() -> None:
        await burnline.guard(timeout=LIMIT, fallback=lambda: "spare")(forever)()
        raise ValueError("after all")

    @app.get("/explained")
    async def explained() -> None:
        try:
            burnline.guard(timeout=30)(int)("x")
        except ValueError as error:
            raise HTTPException(500) from error

    @app.get("/caught")
    async def caught() -> str:
        try:
            burnline.guard(timeout=30)(int)("x")
        except ValueError:
            return "default"
        return "parsed"

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            yield "a"
            await asyncio.sleep(0)
            yield "b"

        return StreamingResponse(parts())

    @app.get("/breaks-off")
    async def breaks_off() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            yield "a"
            raise ValueError("midway")

        return StreamingResponse(parts())

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> str:
        tasks.add_task(burnline.annotate, model="too late")
        return "done"

    @app.get("/hangs")
    async def hangs() -> None:
        await forever()

    return app


async def get(app: Any, *paths: str, **options: Any) -> list[httpx.Response]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return [await client.get(path, **options) for path in paths]


CASES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "an answer is a success under its route's template": (
        "/fine/7",
        200,
        {"status": "success", "operation": "/fine/{item}", "model": "m", "tokens_used": {"input": 7}},
    ),
    "a refused request is rejected": ("/fine/seven", 422, {"status": "rejected", "error_code": "HTTP_422"}),
    "an unknown path is rejected": ("/nowhere", 404, {"status": "rejected", "operation": "/nowhere"}),
    "408 is a timeout": ("/status/408", 408, {"status": "timeout", "error_code": "HTTP_408"}),
    "504 is a timeout": ("/status/504", 504, {"status": "timeout", "operation": "/status/{code}"}),
    "503 is a failure": ("/status/503", 503, {"status": "failed", "error_code": "HTTP_503"}),
    "an exception is a failure with its stack": (
        "/raises",
        500,
        {"status": "failed", "error_code": "ValueError", "error_message": "no"},
    ),
    "a cut handler with a fallback is a timeout although it answered 200": (
        "/rescued",
        200,
        {"status": "timeout", "error_code": "API_TIMEOUT", "fallback_used": True, "fallback_ok": True},
    ),
    "a cut handler without fallback is a timeout and answers 504": (
        "/cut",
        504,
        {"status": "timeout", "error_code": "GRAPH_TIMEOUT", "timeout_ms": LIMIT * 1000, "timeout_type": "graph"},
    ),
    "a cut call that the handler made good is still a timeout": (
        "/handled",
        200,
        {"status": "timeout", "fallback_used": None},
    ),
    "a rescued call before a failure is a failure": (
        "/rescued-then-broken",
        500,
        {"status": "failed", "error_code": "ValueError", "fallback_used": None, "timeout_ms": None},
    ),
    "a failed guarded call explains the 500 it led to": (
        "/explained",
        500,
        {"status": "failed", "error_code": "ValueError"},
    ),
    "a failed guarded call that the handler made good is a success": (
        "/caught",
        200,
        {"status": "success", "error_code": None},
    ),
    "a stream is over with its last part": ("/stream", 200, {"status": "success", "operation": "/stream"}),
    "a stream that breaks off is a failure": ("/breaks-off", 200, {"status": "failed", "error_code": "ValueError"}),
    "work after the answer does not change the record": ("/background", 200, {"status": "success", "model": None}),
}


@pytest.mark.parametrize(("path", "answer", "says"), CASES.values(), ids=CASES.keys())
def test_a_request_to_fastapi(logs: Logs, path: str, answer: int, says: dict[str, Any]) -> None:
    (response,) = asyncio.run(get(service(), path))
    assert response.status_code == answer
    (line,) = logs.lines()
    expected = {"kind": "request", "agent_id": "api", **says}
    assert {name: line.get(name) for name in expected} == expected
    assert line["extra"]["method"] == "GET"
    if str(line.get("error_code")).startswith(("ValueError", "API_", "GRAPH_")):
        assert "Traceback" in line["error_stack"]


def test_templates_carry_the_prefix_of_their_router_and_of_their_mount(logs: Logs) -> None:
    app, inner = service(), FastAPI()
    router = APIRouter(prefix="/items")

    @router.get("/{item}")
    async def echo(item: str) -> str:
        return item

    @inner.get("/users/{user}")
    async def greet(user: str) -> str:
        return user

    app.include_router(router, prefix="/v1")
    app.mount("/admin", inner)
    asyncio.run(get(app, "/v1/items/3", "/admin/users/4"))
    assert [line["operation"] for line in logs.lines()] == ["/v1/items/{item}", "/admin/users/{user}"]


def test_starlette_and_a_bare_application_are_recorded_too(logs: Logs) -> None:
    async def home(_: Any) -> PlainTextResponse:
        return PlainTextResponse("x")

    async def bare(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    starlette = Starlette(routes=[Mount("/app", routes=[Route("/home/{x}", home)])])
    asyncio.run(get(RequestLog(starlette), "/app/home/1"))
    asyncio.run(get(RequestLog(bare), "/anything"))
    assert [line["operation"] for line in logs.lines()] == ["/app/home/{x}", "/anything"]


def test_the_middleware_added_twice_records_once(logs: Logs) -> None:
    asyncio.run(get(RequestLog(service()), "/fine/1"))
    assert len(logs.lines()) == 1


def test_health_and_metrics_leave_no_record_and_the_list_is_yours(logs: Logs) -> None:
    asyncio.run(get(service(), "/healthz", "/metrics"))
    asyncio.run(get(service(skip=("/fine/1",)), "/healthz", "/fine/1"))
    assert [line["operation"] for line in logs.lines()] == ["/healthz"]


AGENTS: dict[str, tuple[dict[str, Any], str]] = {
    "the service by default": ({}, "api"),
    "a name": ({"agent_id": "researcher"}, "researcher"),
    "a function of the scope": ({"agent_id": lambda scope: scope["path"].strip("/")}, "fine/1"),
    "a function that raises": ({"agent_id": lambda scope: scope["nothing"]}, "api"),
    "a header": ({"agent_header": "X-Agent", "agent_id": "researcher"}, "from-header"),
    "a header that is not there": ({"agent_header": "X-Other", "agent_id": "researcher"}, "researcher"),
}


@pytest.mark.parametrize(("options", "agent"), AGENTS.values(), ids=AGENTS.keys())
def test_the_agent_is_named_by(logs: Logs, options: dict[str, Any], agent: str) -> None:
    asyncio.run(get(service(**options), "/fine/1", headers={"x-agent": "from-header"}))
    assert logs.lines()[0]["agent_id"] == agent


TRACES = {
    "joins the caller's trace": ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True),
    "reads a later version": ("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", True),
    "does not join a trace of zeros": ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", False),
    "does not join nonsense": ("4bf92f3577b34da6a3ce929d0e0e4736", False),
}


@pytest.mark.parametrize(("header", "joins"), TRACES.values(), ids=TRACES.keys())
def test_a_request_with_traceparent(logs: Logs, header: str, *, joins: bool) -> None:
    asyncio.run(get(service(), "/fine/1", headers={"traceparent": header}))
    (line,) = logs.lines()
    assert (line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736") == joins
    assert (line.get("parent_span_id") == "00f067aa0ba902b7") == joins
    assert len(line["trace_id"]) == 32
    assert len(line["span_id"]) == 16


@pytest.mark.parametrize("status", [504, 408])
def test_the_middlewares_own_limit_answers_for_the_application(logs: Logs, status: int) -> None:
    fine, cut = asyncio.run(get(service(timeout=LIMIT, timeout_status=status), "/fine/1", "/hangs"))
    assert (fine.status_code, cut.status_code) == (200, status)
    assert cut.json() == {"detail": "The request was cut after 0.05 s."}
    success, timeout = logs.lines()
    assert success["status"] == "success"
    assert (timeout["status"], timeout["error_code"], timeout["timeout_ms"]) == ("timeout", "API_TIMEOUT", LIMIT * 1000)
    assert (timeout["operation"], timeout["extra"]["http_status"]) == ("/hangs", status)


def test_an_answer_that_has_begun_is_not_cut(logs: Logs) -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(LIMIT * 2)
        await send({"type": "http.response.body", "body": b"whole"})

    (response,) = asyncio.run(get(RequestLog(slow, timeout=LIMIT), "/"))
    assert response.text == "whole"
    assert [line["status"] for line in logs.lines()] == ["success"]


def test_what_a_cut_application_still_sends_is_dropped(logs: Logs) -> None:
    async def stubborn(scope: Any, receive: Any, send: Any) -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            await asyncio.sleep(LIMIT * 3)
            await send({"type": "http.response.start", "status": 200, "headers": []})

    async def main() -> list[httpx.Response]:
        responses = await get(RequestLog(stubborn, timeout=LIMIT), "/")
        await asyncio.gather(*burnline.deadline._abandoned)
        return responses

    (response,) = asyncio.run(main())
    assert response.status_code == 504
    assert [line["status"] for line in logs.lines()] == ["timeout"]


async def drive(app: Any, incoming: list[dict[str, Any]], send: Callable[[Any], Any] | None = None) -> list[Any]:
    """Serve one request whose client says `incoming` and then nothing."""
    sent: list[Any] = []
    messages = iter(incoming)

    async def receive() -> dict[str, Any]:
        return next(messages, None) or await forever()  # type: ignore[func-returns-value,return-value]

    async def collect(message: Any) -> None:
        sent.append(message)
        if send is not None:
            send(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    await RequestLog(app)(scope, receive, collect)
    return sent


def test_a_client_that_goes_away_is_cancelled(logs: Logs) -> None:
    async def waits(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    def broken(message: Any) -> None:
        raise OSError("connection lost")

    async def answers(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    asyncio.run(drive(waits, [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]))
    with pytest.raises(OSError, match="connection lost"):
        asyncio.run(drive(answers, [], broken))
    assert [line["status"] for line in logs.lines()] == ["cancelled", "cancelled"]


def test_a_cancelled_server_task_is_cancelled_and_raised_on(logs: Logs) -> None:
    async def main() -> None:
        task = asyncio.create_task(drive(forever, []))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert [line["status"] for line in logs.lines()] == ["cancelled"]


def test_an_application_that_returns_without_an_answer_has_failed(logs: Logs) -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        return

    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    asyncio.run(drive(silent, []))
    asyncio.run(drive(half, []))
    assert [line["error_code"] for line in logs.lines()] == ["NO_RESPONSE", "INCOMPLETE_RESPONSE"]


def test_websockets_and_lifespan_pass_through_and_shutdown_flushes(logs: Logs) -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])
        burnline.record(request_id="r", execution_time_ms=1)
        await send({"type": "websocket.close" if scope["type"] == "websocket" else "lifespan.shutdown.complete"})

    async def send(message: Any) -> None:
        if message["type"] == "lifespan.shutdown.complete":
            assert len(read(logs.directory)) == 2

    for kind in ("websocket", "lifespan"):
        asyncio.run(RequestLog(app)({"type": kind, "path": "/"}, forever, send))  # type: ignore[arg-type]
    assert seen == ["websocket", "lifespan"]
    assert len(logs.lines()) == 2


def test_many_requests_at_once_keep_their_own_fields(logs: Logs) -> None:
    app = service()

    async def main() -> None:
        await asyncio.gather(*(get(app, f"/fine/{number}") for number in range(200)))

    asyncio.run(main())
    lines = logs.lines()
    assert sorted(line["tokens_used"]["input"] for line in lines) == list(range(200))
    assert len({line["request_id"] for line in lines}) == 200


def test_a_limit_that_is_no_number_of_seconds_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        RequestLog(forever, timeout=0)  # type: ignore[arg-type]
