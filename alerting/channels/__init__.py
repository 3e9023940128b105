"""Where messages go: one small file per kind of channel, one shape (`channels.channel.Channel`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from alerting.channels.address import url_fault
from alerting.channels.apprise import AppriseChannel
from alerting.channels.console import ConsoleChannel
from alerting.channels.email import EmailChannel
from alerting.channels.file import FileChannel
from alerting.channels.google_chat import GoogleChatChannel
from alerting.channels.pagerduty import PagerDutyChannel
from alerting.channels.slack import SlackChannel
from alerting.channels.slack_webhook import SlackWebhookChannel
from alerting.channels.teams import TeamsChannel
from alerting.channels.webhook import WebhookChannel, signing_key
from core.channels import PostingChannel, WebhookSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from alerting.channels.channel import Channel
    from core.channels import AnyChannel
    from core.settings import Settings

CHANNELS: Mapping[str, Callable[[Any, Callable[[str], str]], Channel]] = {
    "slack": SlackChannel.from_settings,
    "slack_webhook": SlackWebhookChannel,
    "pagerduty": PagerDutyChannel,
    "google_chat": GoogleChatChannel,
    "teams": TeamsChannel,
    "email": EmailChannel,
    "webhook": WebhookChannel,
    "apprise": AppriseChannel,
    "file": FileChannel,
    "console": lambda _settings, _secret: ConsoleChannel(),
}
"""How a channel of each kind is made from its settings and what reads a secret ("" when there is none)."""


def make_channel(settings: Any) -> Channel:
    """The channel these settings describe, its secrets read from the environment."""
    return CHANNELS[settings.type](settings, _secret)


def secret_of(settings: AnyChannel) -> str:
    """All its secrets as one text: another text when any of them changed."""
    return "\0".join(map(_secret, settings.variables))


def missing_secrets(settings: Settings) -> list[str]:
    """One sentence per secret that the environment does not have, or has in a form that cannot work."""
    return [
        f'Channel "{name}" {fault}. Messages wait for 24 h; set it and start again.'
        for name, channel in settings.channels.items()
        for fault in _faults(channel)
    ]


def _faults(channel: AnyChannel) -> Iterator[str]:
    for variable in channel.variables:
        if not (found := _secret(variable)):
            yield f"has no secret: the environment has no {variable}"
        elif isinstance(channel, PostingChannel) and variable == getattr(channel, "url_env", None):
            if fault := url_fault(found, allow_http=channel.allow_http):
                yield f"has no usable address: the URL in {variable} {fault}"
        elif isinstance(channel, WebhookSettings):
            try:
                signing_key(found)
            except ValueError as error:
                yield f"has no usable secret: the one in {variable} {error}"


def _secret(variable: str) -> str:
    return os.environ.get(variable, "").strip()
