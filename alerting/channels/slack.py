"""Slack through slack-sdk, one call per attempt and no waiting inside: the outbox waits."""

from __future__ import annotations

import logging
import re
import time
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from alerting.channels.channel import DeliveryError, Receipt
from alerting.channels.deadline import ATTEMPT_SECONDS, SOCKET_SECONDS, within
from alerting.channels.http import retry_after
from alerting.channels.secret import redacted
from alerting.channels.slack_blocks import payload
from alerting.message import visible
from core.timespan import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from slack_sdk.web import SlackResponse

    from alerting.message import Message
    from core.channels import SlackSettings
    from core.timespan import Clock

SPACING = 1.1
"""Slack takes about one message per second and channel."""

_AGAIN = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
_FIXABLE = frozenset(
    {
        "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission",
        "missing_scope", "not_allowed_token_type", "org_login_required", "access_denied", "team_access_not_granted",
        "channel_not_found", "not_in_channel", "is_archived", "restricted_action",
    }
)  # fmt: skip
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})

log = logging.getLogger("burnline.alerting")
_quiet = logging.getLogger("burnline.slack")
_quiet.setLevel(logging.CRITICAL)  # the client logs bodies; what matters is raised


class SlackChannel:
    """Posts to one Slack channel with a bot token (scope chat:write)."""

    def __init__(
        self,
        channel: str,
        token: str,
        *,
        base_url: str = "",
        token_env: str = "SLACK_BOT_TOKEN",  # noqa: S107 - a name
        deadline: float = ATTEMPT_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        self._channel, self._token, self._token_env = channel, token, token_env
        self._deadline, self._clock = deadline, clock
        self._client = WebClient(
            token=token,
            base_url=base_url or WebClient.BASE_URL,
            timeout=int(SOCKET_SECONDS),
            retry_handlers=[],
            logger=_quiet,
        )

    @classmethod
    def from_settings(cls, settings: SlackSettings, secret: Callable[[str], str]) -> SlackChannel:
        """The channel these settings describe."""
        token = secret(settings.token_env)
        return cls(settings.channel, token, base_url=settings.base_url, token_env=settings.token_env)

    def send(self, message: Message) -> Receipt:
        """One call: chat.postMessage, in the thread of the first message for a reply, or chat.update for an edit.

        An escalation or a reminder in a thread is shown in the channel as well: edits and plain replies notify nobody
        there. An edit of a deleted message is done. Files are shared in the thread, as far as time and scopes allow.
        """
        if not self._token:
            raise DeliveryError(f"the environment has no {self._token_env}", retry=False, fixable=True)
        if not self._channel:
            raise DeliveryError('no "channel" is set: write its ID, such as C0123456789', retry=False, fixable=True)
        place, _, stamp = message.previous.partition(":")
        if message.delivery == "edit":
            if not stamp:
                return Receipt()
            return self._edit(message, place, stamp)
        return self._post(message, stamp if message.delivery == "reply" else "")

    def _post(self, message: Message, thread: str) -> Receipt:
        words, began = payload(message), time.monotonic()
        answer = self._call(
            lambda: self._client.chat_postMessage(
                channel=self._channel,
                thread_ts=thread or None,
                reply_broadcast=True if thread and message.event in ("escalated", "reminder") else None,
                unfurl_links=False,
                unfurl_media=False,
                **words,
            )
        )
        stamp, place = answer.get("ts"), answer.get("channel")
        if stamp and place and message.files:
            self._share(message, str(place), thread or str(stamp), self._deadline - (time.monotonic() - began))
        return Receipt(f"{place}:{stamp}" if stamp and place else "", SPACING)

    def _share(self, message: Message, place: str, thread: str, seconds: float) -> None:
        """Put the files into the thread within what is left of the attempt; the message counts without them."""
        files = [
            {
                "file": file.content,
                "filename": file.name,
                "title": visible(file.text) or file.name,
                "alt_txt": visible(file.text),
            }
            for file in message.files
        ]
        try:
            self._call(
                lambda: self._client.files_upload_v2(channel=place, thread_ts=thread, file_uploads=files),
                max(seconds, 0.1),
            )
        except DeliveryError as error:
            log.warning("The files of a message were not shared in Slack: %s", error)

    def _edit(self, message: Message, place: str, stamp: str) -> Receipt:
        words = payload(message)
        with suppress(_GoneError):
            self._call(lambda: self._client.chat_update(channel=place, ts=stamp, **words))
        return Receipt("", SPACING)

    def _call(self, attempt: Any, seconds: float | None = None) -> SlackResponse:
        try:
            answer: SlackResponse = within(seconds or self._deadline, attempt, "Slack")
        except SlackApiError as error:
            raise self._refused(error) from None
        except URLError as error:
            raise self._failed(f"Slack cannot be reached: {error.reason}", unsure=False) from None
        except (OSError, HTTPException, SlackClientError, ValueError) as error:
            raise self._failed(f"Slack's answer was lost: {type(error).__name__} {error}", unsure=True) from None
        return answer

    def _failed(self, text: str, *, unsure: bool) -> DeliveryError:
        return DeliveryError(self._redacted(text), retry=True, unsure=unsure)

    def _refused(self, error: SlackApiError) -> DeliveryError:
        """What Slack's answer means for another attempt."""
        response: Any = error.response
        status = int(getattr(response, "status_code", 0) or 0)
        data = getattr(response, "data", response)
        code = str(data.get("error") or "") if isinstance(data, dict) else ""
        if code in _GONE:
            return _GoneError(self._redacted(f"Slack: {code}"), retry=False)
        named = re.fullmatch(r"[a-z_]+", code) is not None
        text = self._redacted(f"Slack: {code if named else f'HTTP {status}, not an answer of Slack'}")
        if status == 429 or code in _AGAIN or status >= 500 or status == 408 or (status == 200 and not named):
            after = retry_after(dict(getattr(response, "headers", {}) or {}), self._clock)
            return DeliveryError(text, retry=True, after=after, status=status)
        fixable = code in _FIXABLE or (not named and status in (301, 302, 307, 308, 401, 403, 404, 410))
        return DeliveryError(text, retry=False, fixable=fixable, status=status)

    def _redacted(self, text: str) -> str:
        return redacted(text, (self._token,))


class _GoneError(DeliveryError):
    """The message to be edited is no longer there."""
