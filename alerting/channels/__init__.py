"""Where messages go: one small file per kind of channel, one shape (`channels.channel.Channel`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from alerting.channels.console import ConsoleChannel
from alerting.channels.slack import SlackChannel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alerting.channels.channel import Channel
    from core.sections import ChannelSettings
    from core.settings import Settings

CHANNELS: Mapping[str, Callable[[ChannelSettings, str], Channel]] = {
    "console": lambda _settings, _secret: ConsoleChannel(),
    "slack": SlackChannel.from_settings,
}
"""How a channel of each type is made from its settings and its secret ("" when the environment has none)."""

_WITH_SECRET = frozenset({"slack"})


def make_channel(settings: ChannelSettings) -> Channel:
    """The channel these settings describe, its secret read from the environment."""
    return CHANNELS[settings.type](settings, secret_of(settings))


def secret_of(settings: ChannelSettings) -> str:
    """The channel's secret, "" when the environment has none or the type needs none."""
    return os.environ.get(settings.token_env, "").strip() if settings.type in _WITH_SECRET else ""


def missing_secrets(settings: Settings) -> list[str]:
    """One sentence per channel whose secret the environment does not have."""
    return [
        f'Channel "{name}" has no secret: the environment has no {channel.token_env}. Messages wait for 24 h; '
        f"set it and start again."
        for name, channel in settings.channels.items()
        if channel.type in _WITH_SECRET and not secret_of(channel)
    ]
