"""One POST: guarded, within the deadline, no redirect followed, nothing secret in any error."""

from __future__ import annotations

import json
import logging
import math
import socket
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

from alerting.channels.address import address_fault, url_fault
from alerting.channels.channel import DeliveryError
from alerting.channels.deadline import ATTEMPT_SECONDS, SOCKET_SECONDS, within
from alerting.channels.secret import redacted
from core.timespan import utc_now

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from core.channels import PostingChannel
    from core.sections import HeartbeatSettings
    from core.timespan import Clock

MOST_READ = 16_384
"""Bytes of an answer that are looked at."""

logging.getLogger("httpx").addFilter(lambda record: record.levelno > logging.INFO)  # it logs whole URLs


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `text` is the beginning of the body."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON, None when it is none."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


class Endpoint:
    """Where a channel posts. `name` is the vendor's, `url` is secret, `source` says where the URL is set."""

    def __init__(
        self,
        name: str,
        url: str,
        settings: PostingChannel | HeartbeatSettings,
        *,
        source: str,
        secrets: tuple[str, ...] = (),
        deadline: float = ATTEMPT_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        self._name, self._url, self._settings, self._source = name, url, settings, source
        self._secrets, self._deadline, self._clock = (*secrets, url), deadline, clock

    def post(self, content: bytes, headers: Mapping[str, str] = {}, query: Mapping[str, str] = {}) -> Answer:
        """The answer, whatever its status; DeliveryError when there was none."""
        if not self._url:
            raise DeliveryError(f"the environment has no {self._source}", retry=False, fixable=True)
        if fault := url_fault(self._url, allow_http=self._settings.allow_http):
            raise DeliveryError(f"the URL in {self._source} {fault}", retry=False, fixable=True)
        line = _Line(self._settings, plain=self._url.startswith("http://"))
        try:
            return within(
                self._deadline, lambda: self._exchange(line, content, headers, query), self._name, cut=line.cut
            )
        except _ForbiddenError as error:
            text = redacted(f"{self._name} is at {error}", self._secrets)
            raise DeliveryError(text, retry=False, fixable=True) from None
        except DeliveryError as error:
            raise DeliveryError(str(error), retry=True, unsure=error.unsure and line.sending) from None
        except Exception as error:  # noqa: BLE001 - whatever a library makes of a hostile answer; its text may hold the URL
            raise self._no_answer(error, sent=line.sending) from None

    def refused(self, answer: Answer, why: str = "") -> DeliveryError:
        """What an answer that is no success means for another attempt; `why` are the vendor's words for it."""
        status = answer.status
        text = redacted(f"{self._name}: HTTP {status}" + (f", {why}" if why else ""), self._secrets)
        if status in (408, 429) or status >= 500 or 200 <= status < 300:
            return DeliveryError(text, retry=True, after=retry_after(answer.headers, self._clock), status=status)
        fixable = status in (401, 403, 404, 410) or 300 <= status < 400
        return DeliveryError(text, retry=False, fixable=fixable, status=status)

    def _exchange(self, line: _Line, content: bytes, headers: Mapping[str, str], query: Mapping[str, str]) -> Answer:
        url = httpx.URL(self._url)
        url = url.copy_merge_params(query) if query else url
        said = {"Content-Type": "application/json", "User-Agent": "Burnline", "Accept-Encoding": "identity", **headers}
        timeout = httpx.Timeout(self._deadline, connect=SOCKET_SECONDS)
        with (
            httpx.Client(
                verify=self._tls if url.scheme == "https" else False, timeout=timeout, trust_env=False
            ) as client,
            client.stream("POST", url, content=content, headers=said, extensions={"trace": line.watch}) as response,
        ):
            body = b""
            with suppress(httpx.HTTPError):  # the status decides; a body cut short only says less
                for piece in response.iter_raw():
                    body += piece
                    if len(body) >= MOST_READ:
                        break
            return Answer(response.status_code, dict(response.headers), body[:MOST_READ].decode("utf-8", "replace"))

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()  # costs some 40 ms

    def _no_answer(self, error: Exception, *, sent: bool) -> DeliveryError:
        what = f"{self._name}'s answer was lost" if sent else f"{self._name} cannot be reached"
        text = redacted(f"{what}: {type(error).__name__} {error}", self._secrets)
        fixable = isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol)
        return DeliveryError(text, retry=not fixable, unsure=sent, fixable=fixable)


class _ForbiddenError(Exception):
    """The address that was connected to may not be talked to."""


class _Line:
    """The connection of one attempt, watched as it is made: nothing is sent before its address was looked at."""

    def __init__(self, settings: PostingChannel | HeartbeatSettings, *, plain: bool) -> None:
        self._allow_private, self._plain = settings.allow_private, plain
        self._socket: Any = None
        self._checked = False
        self.sending = False

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """What httpx does, step by step (its `trace` extension)."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            stream = info["return_value"]
            self._socket = stream.get_extra_info("socket")
            if not self._checked:
                address = stream.get_extra_info("server_addr")[0]
                if fault := address_fault(address, allow_private=self._allow_private, plain=self._plain):
                    stream.close()
                    raise _ForbiddenError(f"{address}, which {fault}")
                self._checked = True
        elif event.endswith("send_request_headers.started"):
            if not self._checked:
                raise _ForbiddenError("an address nobody looked at")
            self.sending = True

    def cut(self) -> None:
        """Break the connection under whoever waits on it."""
        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def retry_after(headers: Mapping[str, str], clock: Callable[[], Any]) -> float | None:
    """Seconds the other side asked to wait, from seconds or a date; None when it did not, or nothing sensible."""
    written = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    try:
        seconds = float(written)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(written) - clock()).total_seconds()
        except (ValueError, TypeError):
            return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None
