"""A limit around a call: `@guard(timeout=8.0, fallback=...)` cuts it, answers with the fallback and records it."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar, cast

from burnline.complaint import complaint
from burnline.deadline import DeadlineExceeded, outcome, within
from burnline.request import Request, current, serving
from burnline.thread import on_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_TIMEOUT = 8.0


def guard(
    timeout: float | None = None,
    fallback: Callable[..., Any] | None = None,
    *,
    fallback_on: type[Exception] | tuple[type[Exception], ...] = (),
    operation: str | None = None,
    agent_id: str | None = None,
    error_code: str = "API_TIMEOUT",
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Limit a function, async or not, to `timeout` seconds (default: the environment's API_TIMEOUT, else 8).

    At the limit an async function is cancelled, a sync one is left behind on its thread, and the caller gets what
    `fallback` returns for the same arguments (sync or async), or DeadlineExceeded when there is none. Exceptions of
    the function go to the caller, except those of `fallback_on`, which lead to the fallback too. An exception of the
    fallback goes to the caller, with the first as its context.

    Every call is one request in the log: `success`, `timeout`, `failed` or `cancelled`. Inside a request that is
    already being recorded (`asgi.RequestLog`, an outer guard) there is no second record: what was cut and what answered
    is said in that request's record. A sync function runs on a thread of its own, with the caller's context variables.

    Raises TypeError for a generator function and for a `fallback` that cannot be called (or is async where the
    function is not), ValueError for a `timeout` that is not a finite number above 0.
    """
    if callable(timeout):
        raise TypeError("@guard needs its parentheses: write @burnline.guard() above the function")
    if timeout is not None and not (math.isfinite(timeout) and timeout > 0):
        raise ValueError(f"timeout is {timeout}; write a number of seconds above 0")
    if fallback is not None and not callable(fallback):
        raise TypeError(f"fallback is a {type(fallback).__name__}; give a function that takes the same arguments")

    kinds = fallback_on if isinstance(fallback_on, tuple) else (fallback_on,)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        name = operation or str(getattr(function, "__qualname__", type(function).__name__))
        if _is_generator(function):
            raise TypeError(f"{name} is a generator; guard the function that consumes it")
        if isinstance(function, staticmethod | classmethod):
            raise TypeError(f"{name}: put @{type(function).__name__} above @burnline.guard(), not below it")
        rule = _Rule(timeout, fallback, kinds, name, agent_id, error_code)
        if _is_async(function):

            @functools.wraps(function)
            async def guarded_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                return await _call_async(rule, function, args, kwargs)

            return cast("Callable[P, R]", guarded_async)
        if fallback is not None and _is_async(fallback):
            raise TypeError(f"{name} is not async, so its fallback must not be either")

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            return cast("R", _call(rule, function, args, kwargs))

        return guarded

    return decorate


class _Rule(NamedTuple):
    """What one decorated function is held to."""

    timeout: float | None
    fallback: Callable[..., Any] | None
    fallback_on: tuple[type[Exception], ...]
    operation: str
    agent_id: str | None
    error_code: str

    def limit(self) -> float:
        """Seconds."""
        if self.timeout is not None:
            return self.timeout
        found = os.environ.get("API_TIMEOUT", "")
        try:
            limit = float(found or DEFAULT_TIMEOUT)
        except ValueError:
            limit = math.nan
        if math.isfinite(limit) and limit > 0:
            return limit
        complaint.say(f'the environment\'s API_TIMEOUT is "{found}", not seconds above 0; {DEFAULT_TIMEOUT:g} s hold')
        return DEFAULT_TIMEOUT

    def rescue(self, error: BaseException) -> Callable[..., Any] | None:
        """The fallback, when it is to answer for this exception."""
        return self.fallback if isinstance(error, (DeadlineExceeded, *self.fallback_on)) else None


class _Call:
    """One guarded call and its traces in the log; the request is its own, or the one it happens in."""

    def __init__(self, rule: _Rule) -> None:
        self._rule, outer = rule, serving()
        self._own = Request() if outer is None else None
        self._request = outer or self._own
        self._token = current.set(self._own) if self._own else None
        self._outcome: dict[str, object] = {"status": "success"}

    def exceeded(self, limit: float) -> Callable[[str], DeadlineExceeded]:
        """What to raise at the limit, once the stack is known."""
        began, rule = time.monotonic(), self._rule
        return lambda stack: DeadlineExceeded(rule.operation, limit, time.monotonic() - began, rule.error_code, stack)

    def ended(self, error: BaseException) -> None:
        """The function did not answer."""
        self._outcome = outcome(error)

    @contextlib.contextmanager
    def falling_back(self) -> Iterator[None]:
        """Around the fallback: whether it answered, and how long it took."""
        began = time.monotonic()
        self._outcome |= {"fallback_used": True, "fallback_ok": False}
        try:
            yield
            self._outcome["fallback_ok"] = True
        finally:
            self._outcome["fallback_ms"] = round((time.monotonic() - began) * 1000, 3)

    def close(self) -> None:
        """Say what happened: in a record of its own, or to the request around it."""
        if self._own is not None and self._token is not None:
            current.reset(self._token)
            rule = self._rule
            self._own.close({"operation": rule.operation, "agent_id": rule.agent_id, **self._outcome})
        elif self._request is not None:
            self._request.happened(self._outcome)


def _is_generator(function: Callable[..., Any]) -> bool:
    import inspect  # noqa: PLC0415 - `import burnline` stays cheap

    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def _is_async(function: Callable[..., Any]) -> bool:
    import inspect  # noqa: PLC0415 - see above

    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


async def _call_async(rule: _Rule, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    call, limit = _Call(rule), rule.limit()
    try:
        try:
            return await within(limit, function(*args, **kwargs), call.exceeded(limit))
        except BaseException as error:
            call.ended(error)
            if (rescue := rule.rescue(error)) is None:
                raise
            with call.falling_back():
                answer = rescue(*args, **kwargs)
                return await answer if hasattr(answer, "__await__") else answer
    finally:
        call.close()


def _call(rule: _Rule, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    call, limit = _Call(rule), rule.limit()
    try:
        try:
            return on_thread(limit, functools.partial(function, *args, **kwargs), call.exceeded(limit))
        except BaseException as error:
            call.ended(error)
            if (rescue := rule.rescue(error)) is None:
                raise
            with call.falling_back():
                return rescue(*args, **kwargs)
    finally:
        call.close()
