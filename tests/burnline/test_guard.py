"""What the caller of a guarded function gets, and what the log says about it."""

from __future__ import annotations

import asyncio
import contextvars
import pickle
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import burnline
from burnline import thread
from burnline.request import Request, current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from written import Logs

LIMIT = 0.05
never = threading.Event()


@pytest.fixture(autouse=True)
def _let_hanging_threads_go() -> Iterator[None]:
    yield
    never.set()
    never.clear()


def answers(text: str) -> str:
    return f"answer to {text}"


def hangs(text: str) -> str:
    never.wait(30)
    return text


def raises(text: str) -> str:
    raise ValueError(text)


def spare(text: str) -> str:
    return f"spare for {text}"


def broken_spare(text: str) -> str:
    raise KeyError(text)


def as_async(function: Callable[[str], str]) -> Callable[..., Any]:
    async def inner(text: str) -> str:
        if function is hangs:
            await asyncio.Event().wait()
        return function(text)

    return inner


# function, guard's arguments -> what the caller gets, what the record says
CASES: dict[str, tuple[Callable[[str], str], dict[str, Any], object, dict[str, Any]]] = {
    "an answer in time is a success": (answers, {}, "answer to q", {"status": "success"}),
    "a fallback is not asked when the answer is in time": (
        answers,
        {"fallback": spare},
        "answer to q",
        {"status": "success", "fallback_used": None},
    ),
    "a cut call answers with its fallback and is a timeout": (
        hangs,
        {"fallback": spare},
        "spare for q",
        {
            "status": "timeout",
            "error_code": "API_TIMEOUT",
            "timeout_type": "api",
            "timeout_ms": LIMIT * 1000,
            "fallback_used": True,
            "fallback_ok": True,
        },
    ),
    "a cut call without fallback raises": (
        hangs,
        {"error_code": "GRAPH_TIMEOUT"},
        burnline.DeadlineExceeded,
        {"status": "timeout", "error_code": "GRAPH_TIMEOUT", "timeout_type": "graph", "fallback_used": None},
    ),
    "a fallback that raises is what the caller feels": (
        hangs,
        {"fallback": broken_spare},
        KeyError,
        {"status": "timeout", "error_code": "API_TIMEOUT", "fallback_used": True, "fallback_ok": False},
    ),
    "an exception goes to the caller although there is a fallback": (
        raises,
        {"fallback": spare},
        ValueError,
        {"status": "failed", "error_code": "ValueError", "error_message": "q", "fallback_used": None},
    ),
    "an exception named in fallback_on leads to the fallback": (
        raises,
        {"fallback": spare, "fallback_on": ValueError},
        "spare for q",
        {"status": "failed", "error_code": "ValueError", "fallback_used": True, "fallback_ok": True},
    ),
    "fallback_on may name several": (
        raises,
        {"fallback": spare, "fallback_on": (KeyError, ValueError)},
        "spare for q",
        {"status": "failed", "fallback_ok": True},
    ),
    "an exception not named in fallback_on goes to the caller": (
        raises,
        {"fallback": spare, "fallback_on": KeyError},
        ValueError,
        {"status": "failed", "fallback_used": None},
    ),
}


def outcome_of(call: Callable[[], object]) -> object:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - the outcome under test
        return type(error)


@pytest.mark.parametrize("kind", ["sync", "async", "async with an async fallback"])
@pytest.mark.parametrize(("function", "arguments", "gets", "says"), CASES.values(), ids=CASES.keys())
def test_a_guarded_call(  # noqa: PLR0917 - a table's columns
    logs: Logs, kind: str, function: Any, arguments: dict[str, Any], gets: object, says: dict[str, Any]
) -> None:
    arguments = {"timeout": LIMIT if function is hangs else 30, "operation": "ask", "agent_id": "me", **arguments}
    if kind == "sync":
        guarded = burnline.guard(**arguments)(function)
        found = outcome_of(lambda: guarded("q"))
    else:
        if "fallback" in arguments and kind != "async":
            arguments["fallback"] = as_async(arguments["fallback"])
        guarded = burnline.guard(**arguments)(as_async(function))
        found = outcome_of(lambda: asyncio.run(guarded(text="q")))
    assert found == gets
    (line,) = logs.lines()
    expected = {"kind": "request", "operation": "ask", "agent_id": "me", **says}
    assert {name: line.get(name) for name in expected} == expected
    assert line["execution_time_ms"] >= (LIMIT * 1000 if says["status"] == "timeout" else 0)
    assert ("fallback_ms" in line) == bool(line.get("fallback_used"))


def test_the_exception_tells_limit_elapsed_time_operation_and_where_the_call_stood() -> None:
    for guarded in (
        burnline.guard(LIMIT, operation="slow")(hangs),
        lambda text: asyncio.run(burnline.guard(LIMIT, operation="slow")(as_async(hangs))(text)),
    ):
        with pytest.raises(TimeoutError, match=r"slow was cut after 0\.\d+ s, its limit is 0\.05 s") as caught:
            guarded("q")
        error = caught.value
        assert isinstance(error, burnline.DeadlineExceeded)
        assert (error.operation, error.limit) == ("slow", LIMIT)
        assert error.elapsed >= LIMIT
        assert "wait" in error.stack
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("loops", ["asyncio", "uvloop"])
def test_no_event_loop_cuts_before_the_limit(loops: str, logs: Logs) -> None:
    """Whoever is cut took at least the limit, or the cut would count as good. uvloop counts whole milliseconds."""
    took = []

    async def cut(limit: float) -> None:
        began = time.monotonic()

        async def hangs_on() -> None:
            try:
                await asyncio.sleep(30)
            finally:
                took.append(time.monotonic() - began)

        with pytest.raises(burnline.DeadlineExceeded):
            await burnline.guard(limit)(hangs_on)()

    with asyncio.Runner(loop_factory=pytest.importorskip(loops).new_event_loop) as runner:
        for _ in range(100):
            runner.run(cut(0.003))
    assert min(took) >= 0.003
    assert [line["status"] for line in logs.lines()] == ["timeout"] * 100


def test_a_failing_fallback_keeps_the_first_error_as_its_context() -> None:
    with pytest.raises(KeyError) as caught:
        burnline.guard(LIMIT, broken_spare)(hangs)("q")
    assert isinstance(caught.value.__context__, burnline.DeadlineExceeded)


def test_a_call_that_ignores_its_cancellation_cannot_hold_the_caller(logs: Logs) -> None:
    async def main() -> str:
        done = asyncio.Event()

        @burnline.guard(timeout=LIMIT, fallback=lambda: "spare")
        async def stubborn() -> str:
            while not done.is_set():
                try:
                    await done.wait()
                except asyncio.CancelledError:
                    continue
            return "late"

        answer = await stubborn()
        done.set()
        return answer

    assert asyncio.run(main()) == "spare"
    assert [line["status"] for line in logs.lines()] == ["timeout"]


def test_a_cancellation_from_outside_is_cancelled_and_passed_on(logs: Logs) -> None:
    cleaned = []

    async def main() -> None:
        started = asyncio.Event()

        @burnline.guard(timeout=30, fallback=lambda: "spare")
        async def patient() -> None:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.append(True)

        task = asyncio.create_task(patient())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert cleaned == [True]
    assert [line["status"] for line in logs.lines()] == ["cancelled"]


def test_an_inner_guard_speaks_in_the_outer_record(logs: Logs) -> None:
    inner = burnline.guard(LIMIT, error_code="GRAPH_TIMEOUT", operation="graph")(hangs)
    rescued = burnline.guard(LIMIT, spare, error_code="GRAPH_TIMEOUT", operation="graph")(hangs)
    assert burnline.guard(30, spare, operation="outer")(inner)("q") == "spare for q"
    assert burnline.guard(30, operation="outer")(rescued)("q") == "spare for q"
    with pytest.raises(burnline.DeadlineExceeded):
        burnline.guard(30, operation="outer")(lambda text: inner(rescued(text)))("q")
    with pytest.raises(ValueError, match="spare for q"):
        burnline.guard(30, operation="outer")(lambda text: raises(rescued(text)))("q")
    lines = logs.lines()
    keys = ("operation", "status", "error_code", "timeout_ms", "fallback_used", "fallback_ok")
    assert [tuple(line.get(key) for key in keys) for line in lines] == [
        ("outer", "timeout", "GRAPH_TIMEOUT", LIMIT * 1000, True, True),
        ("outer", "timeout", "GRAPH_TIMEOUT", LIMIT * 1000, True, True),
        ("outer", "timeout", "GRAPH_TIMEOUT", LIMIT * 1000, None, None),
        ("outer", "failed", "ValueError", None, None, None),
    ]


def test_spans_and_notes_inside_belong_to_the_request(logs: Logs) -> None:
    @burnline.guard(timeout=30)
    def work() -> None:
        burnline.record(kind="llm", operation="chat", execution_time_ms=5, status="success")
        burnline.record(kind="feedback", feedback=1)
        burnline.record(kind="deploy", model_version="2")
        burnline.annotate(model="gpt-4o-mini", user_id="u")

    @burnline.guard(timeout=30)
    def named() -> None:
        burnline.annotate(request_id="yours")
        burnline.record(kind="tool", operation="search")

    work()
    named()
    llm, feedback, deploy, request, tool, yours = logs.lines()
    assert tool["request_id"] == yours["request_id"] == "yours"
    assert llm["request_id"] == feedback["request_id"] == request["request_id"]
    assert llm["parent_span_id"] == request["span_id"]
    assert llm["trace_id"] == request["trace_id"]
    assert (request["model"], request["user_id"]) == ("gpt-4o-mini", "u")
    assert "request_id" not in deploy


def test_a_note_outside_or_after_a_request_changes_nothing(logs: Logs) -> None:
    burnline.annotate(model="x")
    request = Request()
    token = current.set(request)
    request.close({"status": "success"})
    burnline.annotate(model="x")
    request.close({"status": "failed"})
    current.reset(token)
    (line,) = logs.lines()
    assert (line["status"], line.get("model")) == ("success", None)


def test_a_sync_call_sees_the_callers_context_variables() -> None:
    tenant = contextvars.ContextVar("tenant", default="none")
    tenant.set("acme")
    assert burnline.guard(timeout=30)(tenant.get)() == "acme"


def test_methods_partials_and_signatures_stay_what_they_were() -> None:
    class Service:
        @burnline.guard(timeout=30)
        def ask(self, text: str) -> str:
            """Asks."""
            return f"{self.__class__.__name__} {text}"

        @staticmethod
        @burnline.guard(timeout=30)
        def helps() -> str:
            return "helped"

    assert Service().ask("q") == "Service q"
    assert Service.helps() == "helped"
    assert Service.ask.__doc__ == "Asks."
    assert burnline.guard(timeout=30)(partial(answers, "q"))() == "answer to q"


def test_abandoned_threads_are_bounded_and_the_next_call_still_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread, "_slots", threading.BoundedSemaphore(2))
    guarded = burnline.guard(LIMIT)(hangs)
    for _ in range(2):
        with pytest.raises(burnline.DeadlineExceeded):
            guarded("q")
    with pytest.raises(burnline.DeadlineExceeded) as caught:
        burnline.guard(LIMIT)(answers)("q")
    assert "no thread was free" in caught.value.stack


def test_the_limit_comes_from_the_environment_when_none_is_given(
    logs: Logs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(burnline.complaint.complaint, "_next", 0.0)
    monkeypatch.setenv("API_TIMEOUT", str(LIMIT))
    guarded = burnline.guard(fallback=spare)(hangs)
    assert guarded("q") == "spare for q"
    monkeypatch.setenv("API_TIMEOUT", "soon")
    assert burnline.guard()(answers)("q") == "answer to q"
    assert logs.lines()[0]["timeout_ms"] == LIMIT * 1000
    assert 'API_TIMEOUT is "soon"' in capsys.readouterr().err


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> Any:
    yield 1


REFUSED: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "without parentheses": (lambda: burnline.guard(answers), TypeError, "parentheses"),
    "timeout 0": (lambda: burnline.guard(timeout=0), ValueError, "above 0"),
    "a negative timeout": (lambda: burnline.guard(timeout=-1), ValueError, "above 0"),
    "a timeout that is not a number": (lambda: burnline.guard(timeout=float("nan")), ValueError, "above 0"),
    "an endless timeout": (lambda: burnline.guard(timeout=float("inf")), ValueError, "above 0"),
    "a value as fallback": (lambda: burnline.guard(fallback="sorry"), TypeError, "give a function"),
    "a generator": (lambda: burnline.guard()(generator), TypeError, "generator"),
    "an async generator": (lambda: burnline.guard()(async_generator), TypeError, "generator"),
    "an async fallback for a sync function": (
        lambda: burnline.guard(fallback=as_async(spare))(answers),
        TypeError,
        "must not be",
    ),
    "around a static method": (lambda: burnline.guard()(staticmethod(answers)), TypeError, "above"),
}


@pytest.mark.parametrize(("use", "error", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_wrong_use_is_refused_where_it_is_written(use: Callable[[], object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        use()
